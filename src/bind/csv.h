/* luafetch.csv.core: records from bytes and back, for luafetch/csv.lua. */
#ifndef LF_BIND_CSV_H
#define LF_BIND_CSV_H

#include <lua.h>

int luaopen_luafetch_csv_core(lua_State *L);

#endif
