/* Two bare Lua states, one with Lua's own functions and one with the bounded ones: what a
 * script may see of both is the same. */
#ifndef TIDELOCK_TESTS_TWO_STATES_H
#define TIDELOCK_TESTS_TWO_STATES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <lauxlib.h>
#include <lualib.h>

#include "vm/bounded.h"

typedef struct TwoStates {
  lua_State *own, *bounded;
} TwoStates;

static TwoStates two;

/* show(...): every value, as text */
static const char show_code[] =
    "function show(...) local t = table.pack(...) for i = 1, t.n do\n"
    "  t[i] = math.type(t[i]) == 'float' and ('%.17g'):format(t[i]) or tostring(t[i]) "
    "end\n"
    "  return table.concat(t, '|') end\n"
    "function call(f, ...) return show(pcall(f, ...)) end\n";

static int open_two(void **state) {
  (void)state;
  two = (TwoStates){luaL_newstate(), luaL_newstate()};
  luaL_openlibs(two.own);
  luaL_openlibs(two.bounded);
  bounded_open(two.bounded);
  lua_settop(two.bounded, 0);
  return luaL_dostring(two.own, show_code) || luaL_dostring(two.bounded, show_code);
}

static int close_two(void **state) {
  (void)state;
  lua_close(two.own);
  lua_close(two.bounded);
  return 0;
}

/* Leaves the chunk's result, one text, on the stack. */
static inline const char *result_of(lua_State *L, const char *code) {
  lua_settop(L, 0);
  if (luaL_dostring(L, code) != LUA_OK) fail_msg("%s: %s", code, lua_tostring(L, -1));
  return lua_tostring(L, -1);
}

/* The chunk returns what show or call gave. */
static inline void assert_same(const char *code) {
  const char *own = result_of(two.own, code), *bounded = result_of(two.bounded, code);
  if (strcmp(own, bounded) != 0)
    fail_msg("%s\nLua:     %s\nbounded: %s", code, own, bounded);
}

static inline void assert_all_same(const char *const *calls, size_t count) {
  for (size_t i = 0; i < count; i++) {
    lua_pushfstring(two.own, "return call(%s)", calls[i]);
    char code[512];
    strncpy(code, lua_tostring(two.own, -1), sizeof code - 1);
    code[sizeof code - 1] = '\0';
    assert_same(code);
  }
}

#define two_states_test(f) cmocka_unit_test_setup_teardown(f, open_two, close_two)

#endif
