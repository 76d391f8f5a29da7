/* Handlers: what a script may do to the list while an event is handed round, the order of
 * handlers, and serial ones. Scripts reach the list through a module of the test's own.
 */
#include "script_env.h"

#include <lauxlib.h>

#include "vm/handler.h"

static Env env;
static HandlerList list;

static bool option(lua_State *L, const char *name) {
  bool set = lua_istable(L, 3) && lua_getfield(L, 3, name) != LUA_TNIL;
  lua_settop(L, 3);
  return set;
}

/* on(event | nil, fn, {once, serial, first}) → handle */
static int f_on(lua_State *L) {
  HandlerOptions options = {.once = option(L, "once"),
                            .serial = option(L, "serial"),
                            .first = option(L, "first")};
  options.event = luaL_optlstring(L, 1, NULL, &options.len);
  handler_add(L, &list, 2, options);
  return 1;
}

/* off(event | nil, fn?) → how many */
static int f_off(lua_State *L) {
  size_t len = 0;
  const char *event = luaL_optlstring(L, 1, NULL, &len);
  lua_pushinteger(L, handler_remove(L, &list, event, len, lua_isnoneornil(L, 2) ? 0 : 2));
  return 1;
}

static int push_argument(lua_State *L, void *ctx) {
  lua_pushinteger(L, *(lua_Integer *)ctx);
  return 1;
}

/* fire(event, n) → how many ran */
static int f_fire(lua_State *L) {
  lua_Integer n = luaL_optinteger(L, 2, 0);
  Firing firing = {.source = "test", .push = push_argument, .ctx = &n};
  firing.event = luaL_checklstring(L, 1, &firing.len);
  lua_pushinteger(L, handlers_fire(vm_of(L), &list, &firing));
  return 1;
}

static int open_events(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"on", f_on}, {"off", f_off}, {"fire", f_fire}, {NULL, NULL}};
  luaL_newlib(L, functions);
  return 1;
}

static LuaModule modules[64];

static int open_world(void **state) {
  (void)state;
  int n = 0;
  for (; lua_modules[n].name; n++) modules[n] = lua_modules[n];
  modules[n++] = (LuaModule){"tidelock.events", open_events};
  modules[n] = (LuaModule){NULL, NULL};
  handlers_init(&list);
  env_open(&env, (RuntimeOptions){.modules = modules});
  return 0;
}

static int close_world(void **state) {
  (void)state;
  handlers_free(&list, script_find(env.rt, "bot", 3)->owner.current->L);
  env_close(&env);
  return 0;
}

/* Runs the code as on_start, in which `said` collects words; the log then has them. */
static void run_script(const char *code, const char *words) {
  char *text = xasprintf("local events, said = require 'tidelock.events', {}\n"
                         "local on, off, fire = events.on, events.off, events.fire\n"
                         "local function say(w) said[#said + 1] = tostring(w) end\n"
                         "timer.every('hold', 60, print)\n"
                         "script.on_start(function()\n%s\n"
                         "log.info('SAID ' .. table.concat(said, ' ') .. '.') end)\n",
                         code);
  char *line = xasprintf("SAID %s.", words);
  env_save(&env, "bot", text);
  env_await(&env, "SAID");
  if (!env_has(&env, line)) fail_msg("%s is not in:\n%s", line, env_log(&env));
  free(text);
  free(line);
}

static void they_run_in_order(void **state) {
  (void)state;
  run_script("on('e', function() say 'one' end)\n"
             "on('e', function(n) say(n) end)\n"
             "on('e', function() say 'zero' end, {first = true})\n"
             "on('other', function() say 'other' end)\n"
             "say(fire('e', 5)) say(fire('nobody'))",
             "zero one 5 3 0");
}

static void one_may_remove_others_and_itself(void **state) {
  (void)state;
  run_script("local last, own\n"
             "own = on('e', function() say 'first' last:off() own:off() end)\n"
             "last = on('e', function() say 'last' end)\n"
             "say(fire 'e') say(fire 'e')",
             "first 1 0");
}

static void one_that_is_added_meanwhile_waits_for_the_next(void **state) {
  (void)state;
  run_script("on('e', function() on('e', function() say 'new' end) end)\n"
             "say(fire 'e') say(fire 'e')",
             "1 new 2");
}

static void once_is_once(void **state) {
  (void)state;
  run_script("on('e', function() say 'once' say(fire 'e') end, {once = true})\n"
             "say(fire 'e') say(fire 'e')",
             "once 0 1 0");
}

static void off_counts_what_it_removed(void **state) {
  (void)state;
  run_script("local function f() say 'f' end\n"
             "on('e', f) on('e', f) on('e', function() say 'g' end) on(nil, f)\n"
             "say(off('e', f)) say(fire 'e') say(off 'e') say(off 'e') say(off())",
             "2 g 1 1 0 1");
}

static void a_serial_one_takes_one_event_at_a_time(void **state) {
  (void)state;
  run_script("on('e', function(n) say('b' .. n) task.sleep(0) say('e' .. n) end,\n"
             "   {serial = true})\n"
             "for i = 1, 3 do fire('e', i) end\n"
             "for i = 1, 20 do task.sleep(0) end",
             "b1 e1 b2 e2 b3 e3");
}

static void an_error_of_one_is_its_own(void **state) {
  (void)state;
  run_script("on('e', function() error 'mine' end)\n"
             "on('e', function() say 'next' end)\n"
             "say(fire 'e')",
             "next 2");
  assert_true(env_has(&env, "error in the handler of test: e: "));
  assert_true(env_has(&env, "mine"));
}

#define handler_test(f) cmocka_unit_test_setup_teardown(f, open_world, close_world)

int main(void) {
  const struct CMUnitTest tests[] = {
      handler_test(they_run_in_order),
      handler_test(one_may_remove_others_and_itself),
      handler_test(one_that_is_added_meanwhile_waits_for_the_next),
      handler_test(once_is_once),
      handler_test(off_counts_what_it_removed),
      handler_test(a_serial_one_takes_one_event_at_a_time),
      handler_test(an_error_of_one_is_its_own),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
