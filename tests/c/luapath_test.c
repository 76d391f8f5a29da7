/* Where in a Lua value an encoder is: the words of its errors, and how it reads tables.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bridge/luapath.h"
#include "core/json.h"
#include "lua_env.h"

static void assert_refused(const LuaPath *at, const char *expected) {
  Error err;
  assert_int_equal(luapath_refuse(at, "what", &err), ERR_DECODE);
  assert_int_equal(err.code, ERR_DECODE);
  assert_string_equal(err.message, expected);
}

static LuaPath at_key(const LuaPath *up, const char *key) {
  return (LuaPath){.up = up, .key = key, .key_len = strlen(key)};
}

static void the_path_is_spelled_as_lua_would(void **state) {
  (void)state;
  assert_refused(NULL, "the value: what");
  LuaPath payload = at_key(NULL, "payload"), items = at_key(&payload, "items");
  LuaPath third = {.up = &items, .index = 3}, name = at_key(&third, "name");
  assert_refused(&name, "payload.items[3].name: what");
  LuaPath odd = at_key(&payload, "a b"), digit = at_key(&payload, "9th");
  assert_refused(&odd, "payload[\"a b\"]: what");
  assert_refused(&digit, "payload[\"9th\"]: what");
  LuaPath hostile = at_key(NULL, "\x1b[31m\"\n");
  assert_refused(&hostile, "[\"?[31m\"?\"]: what");
  LuaPath zero = {.key = "a\0b", .key_len = 3};
  assert_refused(&zero, "[\"a?b\"]: what");
}

static void of_a_long_path_the_end_is_shown(void **state) {
  (void)state;
  LuaPath chain[100];
  for (size_t i = 0; i < COUNT_OF(chain); i++)
    chain[i] = at_key(i ? &chain[i - 1] : NULL, "level");
  chain[99] = at_key(&chain[98], "last");
  Error err;
  luapath_refuse(&chain[99], "what", &err);
  assert_memory_equal(err.message, "...", 3);
  assert_non_null(strstr(err.message, ".level.last: what"));
  assert_true(strlen(err.message) < 220);
}

/* Evaluates the expression; leaves its value on the stack. */
static void push(lua_State *L, const char *expression) {
  lua_settop(L, 0);
  lua_pushfstring(L, "return %s", expression);
  if (luaL_dostring(L, lua_tostring(L, 1)) != LUA_OK) fail_msg("%s", lua_tostring(L, -1));
  lua_remove(L, 1);
}

static void no_value_of_json(void **state) {
  lua_State *L = *state;
  static const char *const cases[][2] = {
      {"nil", "the value: nil is no JSON value; json.null is"},
      {"print", "the value: a function is no JSON value"},
      {"coroutine.create(print)", "the value: a coroutine is no JSON value"},
      {"io.stdout", "the value: userdata is no JSON value"}};
  for (size_t i = 0; i < COUNT_OF(cases); i++) {
    Error err;
    push(L, cases[i][0]);
    assert_int_equal(luapath_refuse_type(L, 1, NULL, &err), ERR_DECODE);
    assert_string_equal(err.message, cases[i][1]);
  }
  lua_settop(L, 0);
}

static void tables_are_arrays_or_objects(void **state) {
  lua_State *L = *state;
  static const struct {
    const char *table;
    TableKind kind;
  } cases[] = {{"{}", TABLE_EMPTY_OBJECT},        {"json.array {}", TABLE_EMPTY_ARRAY},
               {"{ 1, 2 }", TABLE_ARRAY},         {"{ a = 1 }", TABLE_OBJECT},
               {"json.array { 1 }", TABLE_ARRAY}, {"{ [7] = 1 }", TABLE_ARRAY}};
  for (size_t i = 0; i < COUNT_OF(cases); i++) {
    push(L, cases[i].table);
    if (luapath_kind(L, 1) != cases[i].kind) fail_msg("%s", cases[i].table);
    assert_int_equal(lua_gettop(L), 1);
  }
  lua_settop(L, 0);
}

static void items_are_counted(void **state) {
  lua_State *L = *state;
  LuaPath up = at_key(NULL, "list"), at = {.up = &up};
  Error err;
  push(L, "{ 1, 2, [9] = 3 }");
  assert_int_equal(luapath_count_items(L, 1, &at, &err), 3);
  at.index = 3;
  assert_int_equal(luapath_push_item(L, 1, &at, &err), ERR_DECODE);
  assert_string_equal(err.message, "list[3]: a hole in an array; json.null can fill it");
  lua_settop(L, 1);
  at.index = 2;
  assert_int_equal(luapath_push_item(L, 1, &at, &err), 0);
  assert_int_equal(lua_tointeger(L, -1), 2);
  at.index = 0;
  push(L, "{ x = 1 }");
  assert_int_equal(luapath_count_items(L, 1, &at, &err), -1);
  assert_string_equal(err.message, "list.x: a string key in an array");
  push(L, "{ [1.5] = 1 }");
  assert_int_equal(luapath_count_items(L, 1, &at, &err), -1);
  assert_string_equal(err.message,
                      "list: a key that is neither a string nor an array's index");
  lua_settop(L, 0);
}

static void keys_of_objects_are_strings(void **state) {
  lua_State *L = *state;
  LuaPath at = {0};
  Error err;
  push(L, "{ name = 1 }");
  lua_pushnil(L);
  lua_next(L, 1);
  assert_int_equal(luapath_key(L, &at, &err), 0);
  assert_string_equal(at.key, "name");
  assert_int_equal(at.key_len, 4);
  at.key = NULL;
  push(L, "{ [2] = 1 }");
  lua_pushnil(L);
  lua_next(L, 1);
  assert_int_equal(luapath_key(L, &at, &err), ERR_DECODE);
  assert_string_equal(err.message, "[2]: an array item in an object");
  lua_settop(L, 0);
}

static void circles_and_depth_end(void **state) {
  lua_State *L = *state;
  Error err;
  LuaPath outer, inner, paths[JSON_MAX_DEPTH + 1];
  push(L, "{}");
  assert_int_equal(luapath_enter(L, 1, NULL, &outer, &err), 0);
  assert_int_equal(outer.depth, 1);
  assert_int_equal(luapath_enter(L, 1, &outer, &inner, &err), ERR_DECODE);
  assert_string_equal(err.message, "the value: a table that contains itself");
  lua_settop(L, 0);
  luaL_checkstack(L, JSON_MAX_DEPTH + 8, NULL);
  for (int i = 0; i <= JSON_MAX_DEPTH; i++) {
    lua_newtable(L);
    int rc = luapath_enter(L, i + 1, i ? &paths[i - 1] : NULL, &paths[i], &err);
    assert_int_equal(rc, i < JSON_MAX_DEPTH ? 0 : ERR_DECODE);
  }
  assert_non_null(strstr(err.message, "nested too deeply"));
  lua_settop(L, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_path_is_spelled_as_lua_would),
      cmocka_unit_test(of_a_long_path_the_end_is_shown),
      cmocka_unit_test_setup_teardown(no_value_of_json, new_state, close_state),
      cmocka_unit_test_setup_teardown(tables_are_arrays_or_objects, new_state,
                                      close_state),
      cmocka_unit_test_setup_teardown(items_are_counted, new_state, close_state),
      cmocka_unit_test_setup_teardown(keys_of_objects_are_strings, new_state,
                                      close_state),
      cmocka_unit_test_setup_teardown(circles_and_depth_end, new_state, close_state),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
