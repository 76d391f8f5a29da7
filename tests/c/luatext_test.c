/* Texts with zero bytes: found, refused, compared whole, shown. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "bridge/luatext.h"
#include "lua_env.h"

#define push_bytes(L, text) lua_pushlstring((L), (text), sizeof(text) - 1)

static const char *const words[] = {"one", "two", NULL};

static void a_text_is_whole_without_a_zero(void **state) {
  lua_State *L = *state;
  lua_pushliteral(L, "one");
  push_bytes(L, "one\0two");
  lua_pushinteger(L, 0);
  assert_true(luatext_whole(L, 1));
  assert_false(luatext_whole(L, 2));
  assert_true(luatext_whole(L, 3));
  lua_settop(L, 0);
}

static void words_are_compared_to_their_ends(void **state) {
  lua_State *L = *state;
  lua_pushliteral(L, "two");
  push_bytes(L, "two\0");
  lua_pushliteral(L, "tw");
  lua_pushinteger(L, 2);
  assert_int_equal(luatext_among(L, 1, words), 1);
  for (int i = 2; i <= 4; i++) assert_int_equal(luatext_among(L, i, words), 2);
  assert_int_equal(lua_type(L, 4), LUA_TNUMBER); /* it is not converted */
  lua_settop(L, 0);
}

static void assert_shown(lua_State *L, const char *text) {
  char out[LUATEXT_SHOWN];
  assert_string_equal(luatext_show(L, -1, out), text);
  lua_settop(L, 0);
}

static void zeros_are_shown(void **state) {
  lua_State *L = *state;
  push_bytes(L, "a\0b");
  assert_shown(L, "a\\x00b");
  lua_pushinteger(L, -7);
  assert_shown(L, "-7");
  lua_pushnumber(L, 0.5);
  assert_shown(L, "0.5");
  lua_newtable(L);
  assert_shown(L, "?");
}

static void a_long_text_is_cut(void **state) {
  lua_State *L = *state;
  char out[LUATEXT_SHOWN], zeros[4 * LUATEXT_SHOWN] = {0};
  lua_pushlstring(L, zeros, sizeof zeros);
  luatext_show(L, -1, out);
  size_t len = strlen(out);
  assert_true(len < sizeof out);
  assert_string_equal(out + len - strlen("x00..."), "x00..."); /* no half of one */
  lua_settop(L, 0);
}

static int f_need(lua_State *L) {
  luatext_need_whole(L, 1, 1, "do", "name");
  return 0;
}

static void a_zero_raises_with_the_key(void **state) {
  lua_register((lua_State *)*state, "need", f_need);
  run(state, "need('name'); need(3)\n"
             "local ok, err = pcall(function() need('a\\0b') end)\n"
             "assert(err:find(':2: do: name holds a zero byte', 1, true), err)");
}

#define text_test(f) cmocka_unit_test_setup_teardown(f, new_state, close_state)

int main(void) {
  const struct CMUnitTest tests[] = {
      text_test(a_text_is_whole_without_a_zero),
      text_test(words_are_compared_to_their_ends),
      text_test(zeros_are_shown),
      text_test(a_long_text_is_cut),
      text_test(a_zero_raises_with_the_key),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
