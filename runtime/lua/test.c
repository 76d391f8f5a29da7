/* tidelock.test.core: counts the tests of a file; views and drafts without a store. */
#include <lauxlib.h>
#include <stdlib.h>

#include "bridge/draft.h"
#include "bridge/luaerror.h"
#include "bridge/luavalue.h"
#include "bridge/view.h"
#include "core/suggest.h"
#include "lua/modules.h"
#include "script/runtime.h"
#include "vm/vm.h"

static TestRun *tests_of(lua_State *L) {
  return runtime_tests(runtime_of(L));
}

/* begins(name): a test does */
static int f_begins(lua_State *L) {
  TestRun *run = tests_of(L);
  const char *name = luaL_checkstring(L, 1);
  free(run->name);
  run->name = xstrdup(name);
  return 0;
}

/* ends(passed): the test that ran did */
static int f_ends(lua_State *L) {
  TestRun *run = tests_of(L);
  if (lua_toboolean(L, 1)) run->passed++;
  else run->failed++;
  free(run->name);
  run->name = NULL;
  return 0;
}

/* A script asks for tests. */
static int f_begin(lua_State *L) {
  tests_of(L)->asked = true;
  return 0;
}

/* How many tests there will be: fewer is a failure. */
static int f_plan(lua_State *L) {
  tests_of(L)->planned = (int)luaL_checkinteger(L, 1); /* by stdlib/test.lua alone */
  return 0;
}

/* end_line(): our own lines stand alone, whatever a test has printed */
static int f_end_line(lua_State *L) {
  Vm *vm = vm_of(L);
  output_end_line(vm->host->output, &vm->owner->unread);
  return 0;
}

/* only() → the pattern of --only, or nil */
static int f_only(lua_State *L) {
  lua_pushstring(L, runtime_options(runtime_of(L))->only);
  return 1;
}

/* offer(name): of a test that `only` does not fit */
static int f_offer(lua_State *L) {
  suggest_offer(runtime_options(runtime_of(L))->meant, luaL_checkstring(L, 1));
  return 0;
}

/* uncaught() → the error that nobody caught since the last call, or nil */
static int f_uncaught(lua_State *L) {
  TestRun *run = tests_of(L);
  lua_pushstring(L, run->uncaught);
  free(run->uncaught);
  run->uncaught = NULL;
  return 1;
}

/* A view or draft to be pushed by a protected call: where that raises the value is still
 * released. */
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
      {"begin", f_begin},   {"begins", f_begins},     {"ends", f_ends},
      {"plan", f_plan},     {"only", f_only},         {"uncaught", f_uncaught},
      {"offer", f_offer},   {"value", f_value},       {"copy", f_copy},
      {"change", f_change}, {"end_line", f_end_line}, {NULL, NULL}};
  luaL_newlib(L, functions);
  return 1;
}
