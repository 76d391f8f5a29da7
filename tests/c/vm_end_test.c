/* The end of a Vm: after it nothing of its state points at the core, whatever its tasks
 * waited for, and what was charged is given back. */
#include "vm/vm_end.h"

#include <lauxlib.h>

#include "said_env.h"
#include "script/generation.h"

static void end_bot(const char *code) {
  run_script("local store = require 'tidelock.store'\n"
             "local s = store.define('s', {initial = {list = {1, 2, 3}}})\n"
             "local chat = socket.connect('chat', {url = 'http://127.0.0.1:9',\n"
             "  auto_connect = false})\n",
             code, "");
  Script *bot = script_find(env.rt, "bot", 3);
  generation_kill(script_current(bot));
  assert_null(bot->owner.current);
}

static void stop_loop(Timer *timer) {
  (void)timer;
  loop_stop(env.rt->host.loop);
}

static void await_closed(void) {
  Timer look = {.fire = stop_loop};
  for (int i = 0; i < 2000 && env.rt->closing; i++) {
    timer_start(env.rt->host.loop, &look, 0.005);
    loop_run(env.rt->host.loop, NULL, NULL);
  }
  timer_stop(env.rt->host.loop, &look);
}

static void tasks_that_wait_are_killed(void **state) {
  (void)state;
  end_bot("for i = 1, 50 do task.spawn(function() task.sleep(60) end) end\n"
          "for i = 1, 50 do task.spawn(function()\n"
          "  task.spawn(function() task.sleep(60) end):await() end) end\n"
          "timer.every(60, print) timer.after(60, print)\n"
          "task.sleep(0.01)");
}

/* The `__close` methods of tasks that are killed run in a state that retires. */
static void what_closes_may_declare_nothing(void **state) {
  (void)state;
  end_bot("task.spawn(function()\n"
          "  local guard <close> = setmetatable({}, {__close = function()\n"
          "    local ok, err = pcall(timer.after, 1, print)\n"
          "    log.info('CLOSED ' .. tostring(ok) .. ' ' .. tostring(err)) end})\n"
          "  task.sleep(60)\nend) task.sleep(0.01)");
  assert_true(env_has(&env, "CLOSED false"));
  assert_true(env_has(&env, "declare nothing new"));
}

static void its_state_is_severed(void **state) {
  (void)state;
  run_script("local store = require 'tidelock.store'\n"
             "local s = store.define('s', {initial = {list = {1}}})\n"
             "function look() return s:get() end\n",
             "VIEW = s:get() TASK = task.spawn(function() task.sleep(60) end)", "");
  Vm *vm = said_vm();
  assert_non_null(vm->bridge.boxes);
  lua_State *L = vm->L;
  Script *bot = script_find(env.rt, "bot", 3);
  Generation *gen = script_current(bot);
  gen->ended_queued = true; /* so that the state stays open to be looked at */
  generation_kill(gen);
  assert_int_equal(vm->state, VM_DEAD);
  assert_null(vm->tasks);
  assert_null(vm->timers);
  assert_null(vm->decls);
  assert_null(vm->bridge.boxes);
  assert_false(luaL_dostring(L, "return VIEW.list == nil")); /* of nothing */
  assert_true(lua_toboolean(L, -1));
  lua_settop(L, 0);
  assert_true(luaL_dostring(L, "return look()")); /* it raises */
  lua_settop(L, 0);
  gen->ended_queued = false;
  inbox_push(env.rt->host.loop, &gen->ended);
}

static void its_timers_are_charged_no_more(void **state) {
  (void)state;
  run_script("", "for i = 1, 100 do timer.after(60, print) end", "");
  Script *bot = script_find(env.rt, "bot", 3);
  size_t bytes = said_vm()->timer_bytes, before = charge_used(bot->owner.charge);
  assert_true(bytes > 0);
  generation_kill(script_current(bot));
  await_closed();
  assert_int_equal(env.rt->closing, 0);
  assert_true(charge_used(bot->owner.charge) <= before - bytes);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      said_test(tasks_that_wait_are_killed),
      said_test(what_closes_may_declare_nothing),
      said_test(its_state_is_severed),
      said_test(its_timers_are_charged_no_more),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
