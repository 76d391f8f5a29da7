/* Waiting: where it is refused, what a cancelled task meets, and awaiting another. */
#include "said_env.h"

static void it_is_refused_where_nothing_can_yield(void **state) {
  (void)state;
  run_script("",
             "local function try() task.sleep(0) return false end\n"
             "local ok, err = pcall(table.sort, {1, 2}, try)\n"
             "say(err:find('waits, which is not possible here', 1, true) ~= nil)\n"
             "ok, err = pcall(string.gsub, 'a', 'a', try)\n"
             "say(err:find('use task.spawn', 1, true) ~= nil)",
             "true true");
}

static void it_is_refused_while_the_script_loads(void **state) {
  (void)state;
  run_script("local _, loading = pcall(task.sleep, 0)",
             "say(loading:find('cannot do while it loads', 1, true) ~= nil)", "true");
}

static void a_cancelled_wait_raises(void **state) {
  (void)state;
  run_script("",
             "local t = task.spawn(function()\n"
             "  local ok, err = pcall(task.sleep, 60)\n"
             "  say(ok) say(err.code)\n"
             "  ok, err = pcall(task.sleep, 60)\n"
             "  say(err.code)\n"
             "end)\n"
             "task.sleep(0) t:cancel() t:await()",
             "false CANCELLED CANCELLED");
}

static void one_that_goes_on_waiting_is_stopped(void **state) {
  (void)state;
  run_script("",
             "local n = 0\n"
             "local t = task.spawn(function()\n"
             "  while true do pcall(task.sleep, 60) n = n + 1 end\n"
             "end)\n"
             "task.sleep(0) t:cancel()\n"
             "local ok, err = pcall(t.await, t)\n"
             "say(n <= 9) say(ok) say(err.code)",
             "true false CANCELLED");
  assert_true(env_has(&env, "was cancelled and went on waiting: it is stopped"));
}

static void an_awaiter_gets_results_or_the_error(void **state) {
  (void)state;
  run_script("",
             "say(select('#', task.spawn(function() return 1, nil, nil end):await()))\n"
             "local t = task.spawn(function() error({}) end)\n"
             "local ok, err = pcall(t.await, t)\n"
             "say(ok) say(type(err))\n"
             "local own\n"
             "own = task.spawn(function() return pcall(own.await, own) end)\n"
             "ok, err = own:await()\n"
             "say(err:find('a task cannot await itself', 1, true) ~= nil)",
             "3 false table true");
  assert_false(env_has(&env, "error in"));
}

static void an_awaiter_may_be_cancelled(void **state) {
  (void)state;
  run_script("",
             "local slow = task.spawn(function() task.sleep(0.01) return 'done' end)\n"
             "local t = task.spawn(function()\n"
             "  local ok, err = pcall(slow.await, slow)\n"
             "  say(err.code)\n"
             "end)\n"
             "task.sleep(0) t:cancel() t:await()\n"
             "say(slow:await())",
             "CANCELLED done");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      said_test(it_is_refused_where_nothing_can_yield),
      said_test(it_is_refused_while_the_script_loads),
      said_test(a_cancelled_wait_raises),
      said_test(one_that_goes_on_waiting_is_stopped),
      said_test(an_awaiter_gets_results_or_the_error),
      said_test(an_awaiter_may_be_cancelled),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
