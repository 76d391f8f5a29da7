/* The handles of drafts: what is one, what it holds, and when its change is over. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "bridge/draft.h"
#include "bridge/draft_handle.h"

#include "lua_env.h" /* before the name `account` is taken */

#include "value_env.h"

static int open_both(void **state) {
  return open_account(state) || new_state(state);
}

static int close_both(void **state) {
  return close_state(state) || close_account(state);
}

/* Leaves the draft at index 1. */
static void begin_change(lua_State *L, const char *json) {
  Value root = value_of(json);
  draft_push(L, account, root);
  lua_pushvalue(L, -1);
  lua_setglobal(L, "draft");
  value_release(root);
}

static void end_change(lua_State *L, const char *json) {
  Error err;
  Value result;
  assert_int_equal(draft_end(L, 1, &result, &err), 0);
  assert_value(result, json);
  value_release(result);
}

static void only_drafts_have_a_node(void **state) {
  lua_State *L = *state;
  begin_change(L, "{\"a\":[1]}");
  DraftNode *node = draft_node_at(L, 1), *same = NULL;
  assert_non_null(node);
  assert_true(draft_is(L, 1, &same));
  assert_ptr_equal(node, same);
  lua_newtable(L);
  lua_newuserdatauv(L, sizeof(void *), 0);
  luaL_newmetatable(L, "other");
  lua_setmetatable(L, -2);
  lua_pushnil(L);
  for (int i = 2; i <= 5; i++) { /* 5: no value at all */
    assert_null(draft_node_at(L, i));
    assert_false(draft_is(L, i, &same));
    assert_int_equal(draft_value(L, i).type, VALUE_ABSENT);
  }
  assert_int_equal(lua_gettop(L), 4);
  end_change(L, "{\"a\":[1]}");
  lua_settop(L, 0);
}

static void it_holds_what_was_written(void **state) {
  lua_State *L = *state;
  begin_change(L, "{\"a\":[1],\"b\":2}");
  if (luaL_dostring(L, "draft.a[2] = {x = true} draft.b = nil"))
    fail_msg("%s", lua_tostring(L, -1));
  Value now = draft_value(L, 1);
  assert_value(now, "{\"a\":[1,{\"x\":true}]}");
  if (luaL_dostring(L, "draft.a = nil")) fail_msg("%s", lua_tostring(L, -1));
  assert_value(now, "{\"a\":[1,{\"x\":true}]}"); /* what one holds does not change */
  value_release(now);
  end_change(L, "{}");
  lua_settop(L, 0);
}

static int f_is(lua_State *L) {
  DraftNode *node;
  lua_pushboolean(L, draft_is(L, 1, &node));
  return 1;
}

static void after_its_change_it_is_none(void **state) {
  lua_State *L = *state;
  begin_change(L, "[]");
  end_change(L, "[]");
  assert_null(draft_node_at(L, 1));
  assert_int_equal(draft_value(L, 1).type, VALUE_ABSENT);
  lua_pushcfunction(L, f_is);
  lua_pushvalue(L, 1);
  assert_int_equal(lua_pcall(L, 1, 1, 0), LUA_ERRRUN);
  assert_non_null(strstr(lua_tostring(L, -1), "of a change that has ended"));
  lua_settop(L, 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, open_both, close_both)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(only_drafts_have_a_node),
      TEST(it_holds_what_was_written),
      TEST(after_its_change_it_is_none),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
