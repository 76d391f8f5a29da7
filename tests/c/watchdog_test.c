/* The limit of a turn: what runs too long is stopped, wherever it is, and only that. */
#include "script_env.h"

static Env env;

static int open_world(void **state) {
  (void)state;
  env_open(&env, (RuntimeOptions){.grace = 0.1, .cpu_limit = 0.15});
  return 0;
}

static int close_world(void **state) {
  (void)state;
  env_close(&env);
  return 0;
}

/* The code runs in a task, whose error is logged as SAID. */
static void run_code(const char *code) {
  char *text = xasprintf("timer.every('hold', 60, print)\n"
                         "script.on_start(function()\n"
                         "  local job = task.spawn(function()\n%s\nend)\n"
                         "  local ok, err = pcall(function() return job:await() end)\n"
                         "  log.info('SAID ' .. tostring(ok) .. ' ' .. tostring(err))\n"
                         "end)\n",
                         code);
  env_save(&env, "bot", text);
  free(text);
}

#define LIMIT "CPU_LIMIT: ran for 0.15 s without waiting"

static void assert_stopped(const char *code) {
  run_code(code);
  env_await(&env, "SAID ");
  if (!env_has(&env, LIMIT)) fail_msg("%s\n%s", code, env_log(&env));
}

static void a_loop_is_stopped(void **state) {
  (void)state;
  assert_stopped("while true do end");
}

static void one_that_catches_errors_too(void **state) {
  (void)state;
  assert_stopped("while true do pcall(function() while true do end end) end");
}

static void one_in_another_coroutine(void **state) {
  (void)state;
  assert_stopped("local co = coroutine.wrap(function() while true do end end) co()");
}

static void one_in_c(void **state) {
  (void)state;
  assert_stopped("return (('a'):rep(40)):find(('a*'):rep(40) .. 'b')");
}

static void one_in_a_sort(void **state) {
  (void)state;
  assert_stopped("local t = {} for i = 1, 100000 do t[i] = i end\n"
                 "while true do table.sort(t) end");
}

static void what_waits_is_not_late(void **state) {
  (void)state;
  run_code("for i = 1, 40 do local n = 0 for k = 1, 20000 do n = n + k end "
           "task.sleep(0.01) end\n"
           "return 'whole'");
  env_await(&env, "SAID true whole");
  assert_false(env_has(&env, "CPU_LIMIT"));
}

static void the_next_turn_has_its_whole_time(void **state) {
  (void)state;
  assert_stopped("while true do end");
  env_save(&env, "bot",
           "timer.every('hold', 60, print)\n"
           "script.on_start(function() local n = 0 for k = 1, 100000 do n = n + k end\n"
           "  log.info('COUNTED ' .. n) end)\n");
  env_await(&env, "COUNTED 5000050000");
}

static void another_script_goes_on(void **state) {
  (void)state;
  env_save(&env, "other",
           "local n = 0 timer.every(0.02, function() n = n + 1\n"
           "  if n == 30 then log.info('OTHER THIRTY') end end)\n");
  run_code("while true do end");
  env_await(&env, "OTHER THIRTY");
  env_await(&env, LIMIT);
}

static void a_top_level_has_words_of_its_own(void **state) {
  (void)state;
  env_save(&env, "bot", "while true do end");
  env_await(&env, "the script's top level ran for more than 0.15 s");
}

#define world_test(f) cmocka_unit_test_setup_teardown(f, open_world, close_world)

int main(void) {
  const struct CMUnitTest tests[] = {
      world_test(a_loop_is_stopped),
      world_test(one_that_catches_errors_too),
      world_test(one_in_another_coroutine),
      world_test(one_in_c),
      world_test(one_in_a_sort),
      world_test(what_waits_is_not_late),
      world_test(the_next_turn_has_its_whole_time),
      world_test(another_script_goes_on),
      world_test(a_top_level_has_words_of_its_own),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
