/* tidelock.env: the process environment, read-only. */
#include <lauxlib.h>
#include <stdlib.h>

#include "lua/modules.h"

/* get(name, default?) → the variable's text, or the default */
static int f_get(lua_State *L) {
  const char *value = getenv(luaL_checkstring(L, 1));
  lua_settop(L, 2);
  if (value) lua_pushstring(L, value);
  return 1;
}

static const luaL_Reg functions[] = {{"get", f_get}, {NULL, NULL}};

int luaopen_tidelock_env(lua_State *L) {
  luaL_newlib(L, functions);
  return 1;
}
