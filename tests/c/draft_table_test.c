/* table.insert, remove, move and sort on drafts, beside Lua's own on tables. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "bridge/draft.h"
#include "bridge/draft_table.h"

#include "lua_env.h" /* before the name `account` is taken */

#include "value_env.h"

static int f_insert(lua_State *L) {
  return draft_insert(L);
}
static int f_remove(lua_State *L) {
  return draft_remove(L);
}
static int f_move(lua_State *L) {
  return draft_move(L);
}

static int f_sort(lua_State *L) {
  return draft_sort(L, lua_upvalueindex(1));
}

static int open_both(void **state) {
  if (open_account(state) || new_state(state)) return -1;
  lua_State *L = *state;
  const luaL_Reg functions[] = {
      {"insert", f_insert}, {"remove", f_remove}, {"move", f_move}, {NULL, NULL}};
  luaL_newlib(L, functions);
  lua_getglobal(L, "table");
  lua_getfield(L, -1, "sort");
  lua_pushcclosure(L, f_sort, 1);
  lua_setfield(L, -3, "sort");
  lua_pop(L, 1);
  lua_setglobal(L, "drafts");
  return 0;
}

static int close_both(void **state) {
  return close_state(state) || close_account(state);
}

/* Runs the code on a draft with the draft's functions as `t`, and says what it became. */
static void assert_becomes(lua_State *L, const char *json, const char *code,
                           const char *expected) {
  Error err;
  Value root = value_of(json), result;
  draft_push(L, account, root);
  lua_pushvalue(L, 1);
  lua_setglobal(L, "d");
  lua_getglobal(L, "drafts");
  lua_setglobal(L, "t");
  if (luaL_dostring(L, code)) fail_msg("%s: %s", code, lua_tostring(L, -1));
  assert_int_equal(draft_end(L, 1, &result, &err), 0);
  assert_value(result, expected);
  assert_value(root, json); /* what it was made from stays */
  value_release(root);
  value_release(result);
  lua_settop(L, 0);
}

static void items_are_inserted(void **state) {
  assert_becomes(*state, "[1,2]", "t.insert(d, 3)", "[1,2,3]");
  assert_becomes(*state, "[1,2]", "t.insert(d, 1, {a = 1})", "[{\"a\":1},1,2]");
  assert_becomes(*state, "[1,2]", "t.insert(d, 3, 'x')", "[1,2,\"x\"]");
  assert_becomes(
      *state, "[1,2]",
      "assert(not pcall(t.insert, d, 4, 0)) assert(not pcall(t.insert, d, 0, 0))",
      "[1,2]");
}

static void items_are_removed(void **state) {
  assert_becomes(*state, "[1,2,3]", "assert(t.remove(d) == 3)", "[1,2]");
  assert_becomes(*state, "[1,2,3]", "assert(t.remove(d, 1) == 1)", "[2,3]");
  assert_becomes(*state, "[]", "assert(t.remove(d) == nil)", "[]");
  assert_becomes(*state, "[1]", "assert(not pcall(t.remove, d, 5))", "[1]");
  assert_becomes(*state, "[{\"a\":1},2]",
                 "local x = t.remove(d, 1) x.a = 5 t.insert(d, x)", "[2,{\"a\":5}]");
}

static void items_are_moved(void **state) {
  assert_becomes(*state, "[1,2,3]", "t.move(d, 1, 3, 2)", "[1,1,2,3]");
  assert_becomes(*state, "[1,2,3]", "t.move(d, 2, 3, 1)", "[2,3,3]");
  assert_becomes(*state, "[1]", "t.move({7, 8}, 1, 2, 2, d)", "[1,7,8]");
}

static void items_are_sorted(void **state) {
  assert_becomes(*state, "[3,1,2]", "t.sort(d)", "[1,2,3]");
  assert_becomes(*state, "[3,1,2]", "t.sort(d, function(a, b) return a > b end)",
                 "[3,2,1]");
  assert_becomes(*state, "[{\"n\":2},{\"n\":1}]",
                 "t.sort(d, function(a, b) return a.n < b.n end)",
                 "[{\"n\":1},{\"n\":2}]");
}

static int f_all(lua_State *L) {
  lua_newtable(L);
  lua_insert(L, 1);
  lua_settop(L, 1);
  lua_pushinteger(L, draft_insert(L));
  lua_pushinteger(L, draft_remove(L));
  lua_pushinteger(L, draft_move(L));
  return 3;
}

static void tables_are_left_to_lua(void **state) {
  lua_State *L = *state;
  lua_pushcfunction(L, f_all);
  assert_int_equal(lua_pcall(L, 0, 3, 0), LUA_OK);
  for (int i = 1; i <= 3; i++) assert_int_equal(lua_tointeger(L, i), -1);
  lua_settop(L, 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, open_both, close_both)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(items_are_inserted), TEST(items_are_removed),      TEST(items_are_moved),
      TEST(items_are_sorted),   TEST(tables_are_left_to_lua),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
