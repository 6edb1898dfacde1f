/* Sessions: defaults, an address to start from and an admission domain of their own. */
#ifndef LF_BIND_SESSION_H
#define LF_BIND_SESSION_H

#include <lua.h>
#include <stdbool.h>
#include "bind/config.h"

struct lf_session {
    struct lf_config config;
    struct lf_url base;       /* owned: base_url; empty when there is none */
    struct lf_domain *domain; /* owned; NULL: closed */
    struct lf_jar *jar;       /* held; NULL: cookies = false */
};

/* [-0, +0, v] The session at `idx`; raises when it is none, or closed. */
struct lf_session *lf_session_check(lua_State *L, int idx);

/* [-0, +1, m] Push the function lf.session. */
void lf_session_push_new(lua_State *L);
/* [-0, +1, m] Push the table of methods, for those that are written in Lua. */
void lf_session_push_methods(lua_State *L);

/* [-0, +1, -] Push the function that says the proxy, or nil. */
void lf_session_push_proxy(lua_State *L, int idx);
/* The same for retry.on_retry. */
void lf_session_push_observer(lua_State *L, int idx);

#endif
