/* Errors name the innermost line of the script's own, not one of stdlib's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "bridge/source_line.h"
#include "lua_env.h"

static int f_raise(lua_State *L) {
  return source_line_raise(L, "wrong %d", 7);
}

/* where(f, ...) → "file:line" of the function that counts */
static int f_where(lua_State *L) {
  lua_Debug where;
  source_line_of_function(L, lua_gettop(L) - 1, &where);
  lua_pushfstring(L, "%s:%d", where.short_src, where.linedefined);
  return 1;
}

static void run_as(lua_State *L, const char *name, const char *code) {
  if (luaL_loadbuffer(L, code, strlen(code), name) != LUA_OK ||
      lua_pcall(L, 0, 0, 0) != LUA_OK)
    fail_msg("%s", lua_tostring(L, -1));
}

static int open_lines(void **state) {
  new_state(state);
  lua_State *L = *state;
  lua_register(L, "raise", f_raise);
  lua_register(L, "where", f_where);
  run_as(L, "@stdlib/wrap.lua",
         "function wrap(f, ...) return (f(...)) end\n"
         "function outer() return wrap(raise) end\n"
         "own = function() end");
  return 0;
}

static void an_error_names_the_caller_of_stdlib(void **state) {
  run_as(*state, "@bot.lua",
         "local ok, err = pcall(function()\n"
         "  outer()\n"
         "end)\n"
         "assert(err == 'bot.lua:2: wrong 7', err)\n"
         "ok, err = pcall(function() raise() end)\n"
         "assert(err == 'bot.lua:5: wrong 7', err)");
}

static void without_a_line_of_its_own_it_names_none(void **state) {
  lua_State *L = *state;
  lua_getglobal(L, "outer");
  assert_int_equal(lua_pcall(L, 0, 0, 0), LUA_ERRRUN);
  assert_string_equal(lua_tostring(L, -1), "wrong 7");
  lua_settop(L, 0);
}

static void a_function_of_stdlib_stands_for_its_argument(void **state) {
  run_as(*state, "@bot.lua",
         "local function mine() end\n"
         "assert(where(mine, 1) == 'bot.lua:1')\n"
         "assert(where(wrap, 1, mine) == 'bot.lua:1')\n"
         "assert(where(own, 1) == 'stdlib/wrap.lua:3', where(own, 1))");
}

#define line_test(f) cmocka_unit_test_setup_teardown(f, open_lines, close_state)

int main(void) {
  const struct CMUnitTest tests[] = {
      line_test(an_error_names_the_caller_of_stdlib),
      line_test(without_a_line_of_its_own_it_names_none),
      line_test(a_function_of_stdlib_stands_for_its_argument),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
