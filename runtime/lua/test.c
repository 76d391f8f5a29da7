/* tidelock.test.core: where the counts of a test file go. */
#include <lauxlib.h>

#include "lua/modules.h"
#include "script/generation.h"

static int f_count(lua_State *L) {
  Runtime *rt = generation_of(L)->rt;
  if (lua_toboolean(L, 1)) rt->tests_passed++;
  else rt->tests_failed++;
  return 0;
}

/* How many tests there will be: fewer is a failure. */
static int f_plan(lua_State *L) {
  generation_of(L)->rt->tests_planned = (int)luaL_checkinteger(L, 1);
  return 0;
}

int luaopen_tidelock_test_core(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"count", f_count}, {"plan", f_plan}, {NULL, NULL}};
  luaL_newlib(L, functions);
  return 1;
}
