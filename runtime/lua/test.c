/* tidelock.test.core: where the counts of a test file go; and values without a store. */
#include <lauxlib.h>

#include "lua/modules.h"
#include "script/draft.h"
#include "script/generation.h"
#include "script/luaerror.h"
#include "script/luavalue.h"
#include "script/view.h"

static int f_count(lua_State *L) {
  Runtime *rt = generation_of(L)->rt;
  if (lua_toboolean(L, 1)) rt->tests_passed++;
  else rt->tests_failed++;
  return 0;
}

/* A script asks for tests. */
static int f_begin(lua_State *L) {
  generation_of(L)->rt->has_tests = true;
  return 0;
}

/* How many tests there will be: fewer is a failure. */
static int f_plan(lua_State *L) {
  generation_of(L)->rt->tests_planned = (int)luaL_checkinteger(L, 1);
  return 0;
}

/* What is pushed in a call of its own, so that what is to own it is not lost when that
 * raises. */
typedef struct Pushed {
  Value value;
  ValueAccount *account; /* of a draft; NULL: a view */
} Pushed;

static int f_push(lua_State *L) {
  const Pushed *p = lua_touserdata(L, 1);
  if (p->account) draft_push(L, p->account, p->value);
  else view_push(L, p->value);
  return 1;
}

static int protected_push(lua_State *L, Pushed *p) {
  lua_pushcfunction(L, f_push);
  lua_pushlightuserdata(L, p);
  return lua_pcall(L, 1, 1, 0);
}

/* Takes the value, and the account of it. */
static int return_view(lua_State *L, Value v, ValueAccount *account) {
  int status = protected_push(L, &(Pushed){.value = v});
  value_release(v);
  value_account_close(account);
  return status == LUA_OK ? 1 : lua_error(L);
}

/* value(x) → a view of it, or x */
static int f_value(lua_State *L) {
  luaL_checkany(L, 1);
  ValueAccount *account = value_account_new(0);
  Value v;
  Error err;
  if (luavalue_read(L, 1, account, &v, &err) == 0) return return_view(L, v, account);
  value_account_close(account);
  return luaerror_return(L, &err);
}

/* copy(view) → a plain table */
static int f_copy(lua_State *L) {
  view_push_copy(L, view_value(L, 1));
  return 1;
}

/* change(view, fn) → a view of what fn(draft) made of it | raises what fn raised */
static int f_change(lua_State *L) {
  luaL_argexpected(L, view_value(L, 1).type != VALUE_ABSENT, 1, "view");
  luaL_checktype(L, 2, LUA_TFUNCTION);
  lua_settop(L, 2);
  Pushed root = {view_value(L, 1), value_account_new(0)};
  Value v = {0};
  Error err;
  int code = 0, status = protected_push(L, &root);
  if (status == LUA_OK) {
    lua_pushvalue(L, 2);
    lua_pushvalue(L, 3);
    status = lua_pcall(L, 1, 0, 0);
    code = draft_end(L, 3, status == LUA_OK ? &v : NULL, &err);
  }
  if (status == LUA_OK && !code) return return_view(L, v, root.account);
  value_account_close(root.account);
  return status == LUA_OK ? luaerror_raise(L, &err) : lua_error(L);
}

int luaopen_tidelock_test_core(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"begin", f_begin}, {"count", f_count},   {"plan", f_plan}, {"value", f_value},
      {"copy", f_copy},   {"change", f_change}, {NULL, NULL}};
  luaL_newlib(L, functions);
  return 1;
}
