/* A plain Lua state with tidelock.json as `json`, for tests of what goes in and out of
 * it. */
#ifndef TIDELOCK_TESTS_LUA_ENV_H
#define TIDELOCK_TESTS_LUA_ENV_H

#include <lauxlib.h>
#include <lualib.h>

#include "bridge/bridge.h"
#include "lua/modules.h"

static int new_state(void **state) {
  static Bridge bridge;
  lua_State *L = luaL_newstate();
  bridge_open(&bridge, L);
  luaL_openlibs(L);
  luaL_requiref(L, "tidelock.json", luaopen_tidelock_json, 0);
  lua_setglobal(L, "json");
  lua_settop(L, 0);
  return *state = L, 0;
}

static int close_state(void **state) {
  assert_int_equal(lua_gettop(*state), 0);
  lua_close(*state);
  return 0;
}

/* Runs a chunk in which assertions are Lua's own. */
static inline void run(void **state, const char *code) {
  lua_State *L = *state;
  if (luaL_dostring(L, code) != LUA_OK) fail_msg("%s", lua_tostring(L, -1));
  lua_settop(L, 0);
}

#endif
