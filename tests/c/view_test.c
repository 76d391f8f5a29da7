/* Views and drafts in plain states: with a lack of memory at the n-th allocation nothing
 * leaks (the account comes back to nothing, the sanitizer looks) and nothing is half
 * done; a state may be closed on another thread once its views are severed. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <lauxlib.h>
#include <lualib.h>

#include "bridge/bridge.h"
#include "lua/modules.h"
#include "vm/bounded.h"
#include "bridge/draft.h"
#include "bridge/luavalue.h"
#include "bridge/view.h"

typedef struct Failing {
  long left; /* allocations until all fail; 0: never */
} Failing;

static void *failing_alloc(void *ud, void *p, size_t old, size_t size) {
  Failing *failing = ud;
  if (size == 0) return free(p), NULL;
  bool grows = !p || size > old;
  if (grows && failing->left > 0 && (failing->left == 1 || --failing->left == 0)) {
    failing->left = 1;
    return NULL;
  }
  return realloc(p, size);
}

static const char setup[] =
    "core, json = require 'core', require 'json'\n"
    "plain = {list = {{n = 2}, {n = 1}, {n = 3}}, o = {a = {b = {}}}, s = 'x', e = {}}\n"
    "text = json.encode(core.value(plain))\n"
    "core.change(core.value(plain), function(d) tostring(d) end)\n"
    "function edit(d)\n"
    "  for i, item in ipairs(d.list) do item.i = i end\n"
    "  for k, v in pairs(d.o) do d.o[k .. k] = v end\n"
    "  table.sort(d.list, function(a, b) return a.n < b.n end)\n"
    "  local first = table.remove(d.list, 1)\n"
    "  first.again = {1, 2, {x = 'y'}}\n"
    "  table.insert(d.list, first)\n"
    "  table.insert(d.e, 1)\n"
    "  table.move(d.list, 1, 1, 3)\n"
    "  d.o.a.b.c = tostring(d.list) .. json.encode(d)\n"
    "end\n"
    "function act()\n"
    "  local v = core.value(plain)\n"
    "  local w = core.change(v, edit)\n"
    "  local copy = core.copy(w)\n"
    "  for k, x in pairs(w) do local t = tostring(x) end\n"
    "  return json.encode(v), json.encode(w), table.concat(core.value{1, 2, 'x'}, ',')\n"
    "end\n";

static void open_modules(lua_State *L) {
  luaL_openlibs(L);
  bounded_open(L);
  luaL_requiref(L, "core", luaopen_tidelock_test_core, 0);
  luaL_requiref(L, "json", luaopen_tidelock_json, 0);
  lua_settop(L, 0);
}

static void run(lua_State *L, const char *code) {
  if (luaL_dostring(L, code) != LUA_OK) fail_msg("%s", lua_tostring(L, -1));
  lua_settop(L, 0);
}

static void lack_of_memory_breaks_nothing(void **state) {
  (void)state;
  int refused = 0;
  for (long n = 1; n < 2000; n++) {
    Failing failing = {0};
    lua_State *L = lua_newstate(failing_alloc, &failing);
    Bridge bridge;
    if (L) bridge_open(&bridge, L);
    open_modules(L);
    run(L, setup);
    lua_getglobal(L, "act");
    failing.left = n;
    int status = lua_pcall(L, 0, 0, 0);
    bool spared = failing.left > 1;
    failing.left = 0;
    lua_settop(L, 0);
    refused += status != LUA_OK;
    run(L, "local before, after = act() assert(before == text) assert(after ~= text)");
    lua_close(L);
    if (spared) break;
    if (n == 1999) fail_msg("there is no end");
  }
  assert_true(refused > 50);
}

static Value nested(ValueAccount *a) {
  ValueField inner[] = {{"x", 1, value_int(1)}};
  ValueField fields[] = {{"o", 1, value_object_of(a, inner, 1)}};
  return value_object_of(a, fields, 1);
}

static void *close_there(void *L) {
  lua_close(L);
  return NULL;
}

static void severed_views_may_be_closed_elsewhere(void **state) {
  (void)state;
  ValueAccount *a = value_account_new(0);
  Value v = nested(a);
  Bridge bridge;
  lua_State *L = luaL_newstate();
  bridge_open(&bridge, L);
  for (int i = 0; i < 100; i++) {
    view_push(L, v);
    lua_getfield(L, -1, "o");
    lua_pop(L, 2);
  }
  view_push(L, v);
  assert_true(value_same(view_value(L, -1), v));
  value_release(v);
  assert_true(value_account_nodes(a) > 0);
  views_sever(L);
  views_sever(L);
  assert_int_equal(view_value(L, -1).type, VALUE_ABSENT);
  value_account_limit(a, 1);
  size_t shapes = value_account_nodes(a);
  pthread_t thread;
  pthread_create(&thread, NULL, close_there, L);
  pthread_join(thread, NULL);
  assert_int_equal(value_account_nodes(a), shapes);
  value_account_close(a);
}

static void a_change_in_a_full_store_leaves_it(void **state) {
  (void)state;
  ValueAccount *a = value_account_new(64 << 10);
  Value root = nested(a), result = {0};
  Bridge bridge;
  lua_State *L = luaL_newstate();
  bridge_open(&bridge, L);
  open_modules(L);
  luaL_loadstring(L, "local d = ... for i = 1, 100000 do d['k' .. i] = 'text' end");
  draft_push(L, a, root);
  lua_pushvalue(L, 1);
  lua_pushvalue(L, 2);
  Error err = {0};
  assert_int_equal(lua_pcall(L, 1, 0, 0), LUA_ERRRUN);
  assert_non_null(strstr(luaL_tolstring(L, -1, NULL), "holds more than it may"));
  assert_int_equal(draft_end(L, 2, NULL, &err), 0);
  lua_pop(L, 2);
  lua_remove(L, 2);
  draft_push(L, a, root);
  run(L, "");
  draft_push(L, a, root);
  lua_pushboolean(L, 1);
  lua_setfield(L, -2, "b");
  assert_int_equal(draft_end(L, -1, &result, &err), 0);
  assert_int_equal(value_count(result), 2);
  assert_int_equal(value_count(root), 1);
  value_release(result), value_release(root);
  lua_close(L); /* with a change that was never ended */
  value_account_close(a);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(lack_of_memory_breaks_nothing),
      cmocka_unit_test(severed_views_may_be_closed_elsewhere),
      cmocka_unit_test(a_change_in_a_full_store_leaves_it),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
