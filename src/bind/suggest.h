/* Wrong use, told so that it can be mended: at the script's own line, with the nearest
 * right name. */
#ifndef LF_BIND_SUGGEST_H
#define LF_BIND_SUGGEST_H

#include <lua.h>
#include <stddef.h>

/* The nearest of `n` names (Levenshtein), NULL when none is near enough to be meant. */
const char *lf_nearest(const char *name, const char *const *names, size_t n);

/* [-0, +0, v] Raise "fetch: unknown option 'timout' (did you mean 'timeout'?)". */
int lf_option_unknown(lua_State *L, const char *who, const char *name,
                      const char *const *names, size_t n);

/* [-0, +0, v] luaL_error, but at the innermost line outside of luafetch's own Lua files,
 * which say so by lf_source_hide. */
int lf_misuse(lua_State *L, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* [-0, +0, m] "script.lua:12" of that line, "" if there is none. */
void lf_script_where(lua_State *L, char *where, size_t size);

/* [-0, +0, m] Lua: the calling chunk belongs to luafetch; errors are not its own. */
int lf_source_hide(lua_State *L);

/* [-0, +0, v] A function, or a value that can be called like one (`fetch`). */
void lf_check_callable(lua_State *L, int arg);

#endif
