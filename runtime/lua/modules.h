/* The modules that scripts can require and that are written in C: each leaves its table
 * on the stack. One file and one line here for each. */
#ifndef TIDELOCK_LUA_MODULES_H
#define TIDELOCK_LUA_MODULES_H

#include <lua.h>

int luaopen_tidelock_env(lua_State *L);
int luaopen_tidelock_errors(lua_State *L);
int luaopen_tidelock_json(lua_State *L);
int luaopen_tidelock_log(lua_State *L);

#endif
