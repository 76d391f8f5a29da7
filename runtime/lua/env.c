/* tidelock.env: the process environment, read-only. */
#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

#include "lua/modules.h"

/* get(name, default?) → the variable's text, or the default */
static int f_get(lua_State *L) {
  size_t len;
  const char *name = luaL_checklstring(L, 1, &len);
  const char *value = strlen(name) == len ? getenv(name) : NULL; /* no name has a zero */
  lua_settop(L, 2);
  if (value) lua_pushstring(L, value);
  return 1;
}

static const luaL_Reg functions[] = {{"get", f_get}, {NULL, NULL}};

int luaopen_tidelock_env(lua_State *L) {
  luaL_newlib(L, functions);
  return 1;
}
