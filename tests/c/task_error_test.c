/* The error that ends a task in the log: its text, and where it was raised. */
#include "said_env.h"

static void assert_logged(const char *code, const char *text) {
  char *spawn = xasprintf("task.spawn(function() %s end) task.sleep(0)", code);
  run_script("", spawn, "");
  if (!env_has(&env, text)) fail_msg("%s is not in:\n%s", text, env_log(&env));
  free(spawn);
}

static void a_string_has_its_traceback(void **state) {
  (void)state;
  assert_logged("error('bad')", "bot.lua:7: bad\n");
  assert_true(env_has(&env, "error in the task of "));
  assert_true(env_has(&env, ": line 7: "));
  assert_true(env_has(&env, "stack traceback:"));
  assert_false(env_has(&env, "[C]: in ?")); /* the core's own frames are cut off */
}

static void a_table_is_shown_by_its_code(void **state) {
  (void)state;
  assert_logged("error({code = 'ODD', message = 'so it is'})", "line 7: ODD: so it is");
}

static void a_tostring_that_raises_does_not_hide_the_error(void **state) {
  (void)state;
  assert_logged("error(setmetatable({}, {__tostring = function() error 'no' end}))",
                "(an error that cannot be shown)");
}

static void memory_is_named_with_its_line(void **state) {
  (void)state;
  /* Large strings, made in few steps: checkers of memory make each step slow. */
  assert_logged("local t = {} for i = 1, 1e9 do t[i] = ('x'):rep(1e3):rep(3e4) .. i end",
                "bot.lua:7: MEMORY: not enough memory: a script may use");
}

static void a_deep_stack_has_no_traceback(void **state) {
  (void)state;
  assert_logged("local function f(n) if n == 0 then error 'deep' end return 1 + f(n - 1) "
                "end f(20000)",
                "deep");
  assert_false(env_has(&env, "stack traceback:"));
}

static void the_error_of_a_cancelled_task_is_none(void **state) {
  (void)state;
  run_script("",
             "local t = task.spawn(function() task.sleep(60) end)\n"
             "task.sleep(0) t:cancel() task.sleep(0) say(t:status())",
             "failed");
  assert_false(env_has(&env, "error in"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      said_test(a_string_has_its_traceback),
      said_test(a_table_is_shown_by_its_code),
      said_test(a_tostring_that_raises_does_not_hide_the_error),
      said_test(memory_is_named_with_its_line),
      said_test(a_deep_stack_has_no_traceback),
      said_test(the_error_of_a_cancelled_task_is_none),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
