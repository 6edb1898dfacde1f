/* Opening luafetch in a Lua state: scheduler, functions, where `require` finds the rest.
 */
#ifndef LF_BIND_LIB_H
#define LF_BIND_LIB_H

#include <lua.h>
#include <stdbool.h>
#include "engine/engine.h"

/* The defaults of the run, as the command line gives them. Everything is borrowed and
 * outlives the Lua state. */
struct lf_lib_conf {
    unsigned limit;                   /* transfers at once; 0: luafetch's default */
    unsigned per_host;                /* of these to one host; 0: luafetch's default */
    unsigned retry;                   /* times that a request is tried again */
    double timeout;                   /* seconds in all per attempt; LF_NEVER: none;
                                         negative: luafetch's default */
    const struct lf_headers *headers; /* sent with every request; NULL: none */
    const char *user_agent;           /* NULL: luafetch's own; "": none is sent */
    bool insecure;                    /* certificates are not checked */
    const char *proxy;                /* a URL; "": none; NULL: as the environment says */
    bool guard;                       /* only public addresses */
    const char *lua_dir;              /* holds luafetch/init.lua and the like */
    const char *module_dir;           /* holds luafetch/html.so and the like */
};

/* [-0, +0, e] Open everything: the scheduler over `eng` with `domain` as the run's
 * default admission domain, `require "luafetch"` and its C core, the search path for
 * modules, and the globals `fetch` and `gather`. Only what every script needs is loaded
 * here. */
void lf_lib_open(lua_State *L, struct lf_engine *eng, struct lf_domain *domain,
                 const struct lf_lib_conf *conf);

#endif
