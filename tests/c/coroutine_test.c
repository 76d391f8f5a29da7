/* Coroutines of a script's own: a wait inside passes through to the task, and meanwhile
 * nobody else touches the coroutine. */
#include "said_env.h"

static void a_wait_passes_through(void **state) {
  (void)state;
  run_script("",
             "local co = coroutine.wrap(function(a)\n"
             "  say(a) task.sleep(0) local b = coroutine.yield('y') say(b)\n"
             "  task.sleep(0) return 'r'\n"
             "end)\n"
             "say(co 'a') say(co 'b')",
             "a y b r");
}

static void it_passes_through_several(void **state) {
  (void)state;
  run_script("",
             "local function nest(n)\n"
             "  if n == 0 then task.sleep(0) return 'in' end\n"
             "  return (coroutine.wrap(function() return nest(n - 1) end))()\n"
             "end\n"
             "say(nest(20))",
             "in");
}

static void one_that_waits_belongs_to_its_task(void **state) {
  (void)state;
  run_script(
      "",
      "local co = coroutine.create(function() task.sleep(0.01) return 'done' end)\n"
      "local t = task.spawn(function() return coroutine.resume(co) end)\n"
      "task.sleep(0)\n"
      "say(coroutine.status(co))\n"
      "local ok, err = coroutine.resume(co)\n"
      "say(err == 'cannot resume non-suspended coroutine')\n"
      "say((pcall(coroutine.close, co)))\n"
      "say(select(2, t:await())) say(coroutine.status(co))",
      "normal true false done dead");
}

static void a_task_is_no_coroutine_to_yield(void **state) {
  (void)state;
  run_script("",
             "local ok, err = pcall(coroutine.yield)\n"
             "say(err:find('outside a coroutine', 1, true) ~= nil)\n"
             "local own = coroutine.running()\n"
             "say((task.spawn(function() return coroutine.resume(own) end):await()))",
             "true false");
}

static void errors_are_those_of_lua(void **state) {
  (void)state;
  run_script(
      "",
      "local co = coroutine.create(function() error('bad', 0) end)\n"
      "say(select(2, coroutine.resume(co))) say(coroutine.status(co))\n"
      "say(select(2, coroutine.resume(co)))\n"
      "say(select(2, pcall(coroutine.wrap(function() error('w', 0) end))))\n"
      "local closed = coroutine.create(function()\n"
      "  local x <close> = setmetatable({}, {__close = function() say 'close' end})\n"
      "  coroutine.yield() end)\n"
      "coroutine.resume(closed) say(coroutine.close(closed))",
      "bad dead cannot resume dead coroutine w close true");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      said_test(a_wait_passes_through),
      said_test(it_passes_through_several),
      said_test(one_that_waits_belongs_to_its_task),
      said_test(a_task_is_no_coroutine_to_yield),
      said_test(errors_are_those_of_lua),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
