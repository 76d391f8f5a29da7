/* Packed values as JSON: what people read of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "bridge/pack.h"
#include "bridge/pack_json.h"
#include "lua_env.h"

static void assert_shown(lua_State *L, const char *chunk, const char *json) {
  Buffer bytes = {0}, out = {0};
  Error err;
  if (luaL_dostring(L, chunk) != LUA_OK) fail_msg("%s", lua_tostring(L, -1));
  if (pack_value(L, -1, &bytes, &err) != 0) fail_msg("%s", err.message);
  assert_true(pack_to_json(bytes.data, bytes.len, &out));
  assert_string_equal(buffer_text(&out), json);
  lua_settop(L, 0);
  buffer_free(&bytes);
  buffer_free(&out);
}

static void values_are_json(void **state) {
  lua_State *L = *state;
  assert_shown(L, "return nil", "null");
  assert_shown(L, "return true", "true");
  assert_shown(L, "return -3", "-3");
  assert_shown(L, "return 0.5", "0.5");
  assert_shown(L, "return 'a\"b'", "\"a\\\"b\"");
  assert_shown(L, "return json.null", "null");
}

static void tables_are_arrays_or_objects(void **state) {
  lua_State *L = *state;
  assert_shown(L, "return {1, {2, 3}}", "[1,[2,3]]");
  assert_shown(L, "return {a = {b = false}}", "{\"a\":{\"b\":false}}");
  assert_shown(L, "return {}", "{}");
  assert_shown(L, "return json.array{}", "[]");
}

static void other_keys_are_strings(void **state) {
  lua_State *L = *state;
  assert_shown(L, "return {[true] = 1}", "{\"true\":1}");
  assert_shown(L, "return {[3] = 'x'}", "{\"3\":\"x\"}");
}

static void what_json_cannot_express_is_null(void **state) {
  lua_State *L = *state;
  assert_shown(L, "return 1 / 0", "null");
  assert_shown(L, "return '\\xff'", "null");
}

static void other_bytes_are_refused(void **state) {
  (void)state;
  Buffer out = {0};
  assert_false(pack_to_json("", 0, &out));
  assert_false(pack_to_json("nn", 2, &out));
  assert_false(pack_to_json("tT", 2, &out));
  assert_int_equal(out.len, 0);
  buffer_free(&out);
}

#define json_test(f) cmocka_unit_test_setup_teardown(f, new_state, close_state)

int main(void) {
  const struct CMUnitTest tests[] = {
      json_test(values_are_json),         json_test(tables_are_arrays_or_objects),
      json_test(other_keys_are_strings),  json_test(what_json_cannot_express_is_null),
      json_test(other_bytes_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
