/* Lua values into immutable ones: what is read, the path in each error, and that nothing
 * of a refused value stays. */
#include <lauxlib.h>
#include <lualib.h>

#include "bridge/bridge.h"
#include "bridge/luavalue.h"
#include "bridge/view.h"
#include "lua/modules.h"

#include "value_env.h"

static lua_State *L;

static int open_state(void **state) {
  static Bridge bridge;
  open_account(state);
  L = luaL_newstate();
  bridge_open(&bridge, L);
  luaL_openlibs(L);
  luaL_requiref(L, "json", luaopen_tidelock_json, 1);
  lua_settop(L, 0);
  return 0;
}

static int close_state(void **state) {
  lua_close(L);
  return close_account(state);
}

static void eval(const char *code) {
  if (luaL_dostring(L, code) != LUA_OK) fail_msg("%s", lua_tostring(L, -1));
}

static void assert_read(const char *code, const char *json) {
  Value v;
  Error err;
  eval(code);
  if (luavalue_read(L, -1, account, &v, &err) != 0) fail_msg("%s: %s", code, err.message);
  assert_value(v, json);
  value_release(v);
  assert_int_equal(lua_gettop(L), 1); /* the value, and nothing of the reading */
  lua_settop(L, 0);
}

static void assert_refused(const char *code, int error, const char *text) {
  Value v;
  Error err;
  eval(code);
  assert_int_equal(luavalue_read(L, -1, account, &v, &err), error);
  if (!strstr(err.message, text)) fail_msg("%s: %s", code, err.message);
  assert_int_equal(v.type, VALUE_ABSENT);
  assert_int_equal(value_account_nodes(account), 0);
  lua_settop(L, 0);
}

static void values_are_read(void **state) {
  (void)state;
  assert_read("return 'text'", "\"text\"");
  assert_read("return {1, 2.5, {true, json.null}}", "[1,2.5,[true,null]]");
  assert_read("return {a = {b = 'c'}}", "{\"a\":{\"b\":\"c\"}}");
  assert_read("return {a = json.null}", "{}"); /* null is an absent key */
  assert_read("return json.array{}", "[]");
}

static void an_error_has_its_path(void **state) {
  (void)state;
  assert_refused("return print", ERR_INVALID, "the value: a function cannot be kept");
  assert_refused("return {a = {1, {['b c'] = print}}}", ERR_INVALID,
                 "a[2][\"b c\"]: a function cannot be kept");
  assert_refused("return {1, 2, nil, 4}", ERR_INVALID, "[3]: a hole in an array");
  assert_refused("return {1, x = 2}", ERR_INVALID, "x: a string key in an array");
  assert_refused("return json.object{'a'}", ERR_INVALID,
                 "[1]: an array item in an object");
  assert_refused("return {x = {[true] = 1}}", ERR_INVALID,
                 "a key that is neither a string nor an array's index");
  assert_refused("local t = {} t.own = {t} return t", ERR_INVALID,
                 "own[1]: a table that contains itself");
  assert_refused("return {io.stdout}", ERR_INVALID, "[1]: userdata cannot be kept");
}

static void a_long_path_shows_its_end(void **state) {
  (void)state;
  assert_refused("local t = print for i = 1, 60 do t = {['key_' .. i] = t} end return t",
                 ERR_INVALID, "key_2.key_1: a function");
  assert_refused("local t = print for i = 1, 60 do t = {['key_' .. i] = t} end return t",
                 ERR_INVALID, "...");
}

static void too_deep_is_refused(void **state) {
  (void)state;
  assert_refused("local t = {} for i = 1, 1000 do t = {t} end return t", ERR_TOO_LARGE,
                 "");
}

static void a_view_is_shared(void **state) {
  (void)state;
  Value v = value_of("{\"a\":[1]}"), read;
  Error err;
  view_push(L, v);
  assert_int_equal(luavalue_read(L, -1, account, &read, &err), 0);
  assert_true(value_same(v, read));
  value_release(read);
  read = luavalue_shared(L, -1);
  assert_true(value_same(v, read));
  value_release(read);
  lua_newtable(L);
  assert_int_equal(luavalue_shared(L, -1).type, VALUE_ABSENT);
  value_release(v);
  views_sever(L);
}

static void marks_are_those_of_tables_and_views(void **state) {
  (void)state;
  static const struct {
    const char *code;
    JsonMark mark;
  } cases[] = {{"return {}", JSON_UNMARKED},
               {"return json.array{}", JSON_ARRAY},
               {"return json.object{}", JSON_OBJECT},
               {"return 'x'", JSON_UNMARKED},
               {"return json.decode '[]'", JSON_ARRAY}};
  for (size_t i = 0; i < COUNT_OF(cases); i++) {
    eval(cases[i].code);
    assert_int_equal(luavalue_mark(L, -1), cases[i].mark);
    lua_settop(L, 0);
  }
  Value v = value_of("[1]");
  view_push(L, v);
  assert_int_equal(luavalue_mark(L, -1), JSON_ARRAY);
  value_release(v);
  views_sever(L);
}

#define read_test(f) cmocka_unit_test_setup_teardown(f, open_state, close_state)

int main(void) {
  const struct CMUnitTest tests[] = {
      read_test(values_are_read),     read_test(an_error_has_its_path),
      read_test(too_deep_is_refused), read_test(a_long_path_shows_its_end),
      read_test(a_view_is_shared),    read_test(marks_are_those_of_tables_and_views),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
