/* The end of a task: its listeners are called once, in any order of coming and going; its
 * results are kept as they were, nil among them, and given back when nobody wants them.
 */
#include "said_env.h"

static void results_are_kept_as_they_were(void **state) {
  (void)state;
  run_script("",
             "local t = task.spawn(function() return nil, 2, nil end)\n"
             "task.sleep(0)\n"
             "for i = 1, 2 do\n" /* they can be had more than once */
             "  local r = table.pack(t:await()) say(r.n) say(r[2]) say(r[3])\n"
             "end",
             "3 2 nil 3 2 nil");
}

static void all_awaiters_get_them(void **state) {
  (void)state;
  run_script("",
             "local t = task.spawn(function() task.sleep(0.01) return 'r' end)\n"
             "local all = {}\n"
             "for i = 1, 3 do all[i] = task.spawn(function() return t:await() end) end\n"
             "for i = 1, 3 do say(all[i]:await()) end",
             "r r r");
}

static void a_listener_may_leave(void **state) {
  (void)state;
  run_script("",
             "local slow = task.spawn(function() task.sleep(0.02) end)\n"
             "local ok, err = task.with_timeout(0.001, function() slow:await() end)\n"
             "say(ok) say(err and err.code)\n"
             "slow:await() say(slow:status())",
             "nil TIMEOUT done");
}

static void an_error_with_a_listener_is_his(void **state) {
  (void)state;
  run_script("",
             "local t = task.spawn(function() task.sleep(0) error('heard', 0) end)\n"
             "say(select(2, pcall(t.await, t)))\n"
             "task.spawn(function() error('unheard', 0) end) task.sleep(0)",
             "heard");
  assert_false(env_has(&env, ": heard"));
  assert_true(env_has(&env, ": unheard"));
}

static void no_result_is_left_in_the_registry(void **state) {
  (void)state;
  run_script("",
             "local function length() collectgarbage() collectgarbage()\n"
             "  return collectgarbage('count') end\n"
             "local function round() for i = 1, 200 do\n"
             "  task.spawn(function() return ('x'):rep(1e5) .. i end):await()\n"
             "end end\n"
             "round() local before = length() round()\n"
             "say(length() - before < 1000)",
             "true");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      said_test(results_are_kept_as_they_were),
      said_test(all_awaiters_get_them),
      said_test(a_listener_may_leave),
      said_test(an_error_with_a_listener_is_his),
      said_test(no_result_is_left_in_the_registry),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
