/* The arguments of an event as a JSON array: each value, or which of them cannot go. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lua_env.h"
#include "bridge/binary.h"
#include "bridge/luaencode.h"

static void push_values(lua_State *L, const char *values) {
  lua_pushfstring(L, "return %s", values);
  if (luaL_dostring(L, lua_tostring(L, -1)) != LUA_OK)
    fail_msg("%s", lua_tostring(L, -1));
  lua_remove(L, 1);
}

static void assert_list(lua_State *L, const char *values, const char *expected) {
  push_values(L, values);
  Buffer out = {0};
  LuaBinaries binaries = {0};
  Error err;
  int wrong = -1;
  buffer_puts(&out, "2");
  if (luajson_encode_list(L, 1, lua_gettop(L), &out, &binaries, &wrong, &err) != 0)
    fail_msg("%s: %s", values, err.message);
  assert_string_equal(buffer_text(&out), expected);
  buffer_free(&out);
  lua_settop(L, 0);
}

static void values_become_an_array(void **state) {
  assert_list(*state, "'say', 1, 0.5, true, nil, {a={}}",
              "2[\"say\",1,0.5,true,null,{\"a\":{}}]");
  assert_list(*state, "nil", "2[null]");
  assert_list(*state, "json.array {}, json.null", "2[[],null]");
}

static void no_value_is_an_empty_array(void **state) {
  Buffer out = {0};
  LuaBinaries binaries = {0};
  Error err;
  int wrong;
  assert_int_equal(luajson_encode_list(*state, 1, 0, &out, &binaries, &wrong, &err), 0);
  assert_string_equal(buffer_text(&out), "[]");
  buffer_free(&out);
}

static void the_value_that_cannot_go_is_named(void **state) {
  static const struct {
    const char *values, *words;
    int wrong;
  } cases[] = {{"1, print", "function", 2},
               {"{a={b={print}}}, 2", "a.b[1]", 1},
               {"'x', 'y', 0/0", "", 3},
               {"'\\xff'", "", 1},
               {"{[1]=1, a=2}", "", 1}};
  for (size_t i = 0; i < COUNT_OF(cases); i++) {
    push_values(*state, cases[i].values);
    Buffer out = {0};
    LuaBinaries binaries = {0};
    Error err = {0};
    int wrong = -1, top = lua_gettop(*state);
    buffer_puts(&out, "before");
    int code = luajson_encode_list(*state, 1, top, &out, &binaries, &wrong, &err);
    assert_int_not_equal(code, 0);
    assert_int_equal(code, err.code);
    assert_int_equal(wrong, cases[i].wrong);
    if (!strstr(err.message, cases[i].words))
      fail_msg("%s: %s", cases[i].values, err.message);
    assert_int_equal(lua_gettop(*state), top);
    lua_settop(*state, 0);
    buffer_free(&out);
  }
}

static void on_an_error_the_text_is_as_it_was(void **state) {
  push_values(*state, "{1, 2, {3, print}}");
  Buffer out = {0};
  Error err;
  buffer_puts(&out, "before");
  assert_int_equal(luajson_encode(*state, 1, &out, &err), ERR_DECODE);
  assert_string_equal(buffer_text(&out), "before");
  buffer_free(&out);
  lua_settop(*state, 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, new_state, close_state)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(values_become_an_array),
      TEST(no_value_is_an_empty_array),
      TEST(the_value_that_cannot_go_is_named),
      TEST(on_an_error_the_text_is_as_it_was),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
