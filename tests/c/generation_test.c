/* A generation that was replaced: its tasks go on for its grace, then their waits raise,
 * and what waits all the same is killed; the state is closed when nothing of it is left.
 */
#include "script/generation.h"

#include "script_env.h"

static Env env;

static int open_world(void **state) {
  (void)state;
  env_open(&env, (RuntimeOptions){.grace = 0.08});
  return 0;
}

static int close_world(void **state) {
  (void)state;
  env_close(&env);
  return 0;
}

static Script *the_bot(void) {
  return script_find(env.rt, "bot", 3);
}

/* Runs code in a task of generation 1, and then replaces that. */
static void replace_running(const char *code) {
  char *text = xasprintf("timer.every('hold', 60, print)\n"
                         "script.on_start(function() log.info 'ONE'\n"
                         "  task.spawn(function() %s end) end)\n",
                         code);
  env_save(&env, "bot", text);
  env_await(&env, "ONE");
  free(text);
  env_save(&env, "bot",
           "timer.every('hold', 60, print)\n"
           "script.on_start(function() log.info 'TWO' end)\n");
  env_await(&env, "TWO");
}

static void stop_loop(Timer *timer) {
  (void)timer;
  loop_stop(env.rt->host.loop);
}

static void await_gone(void) {
  Timer look = {.fire = stop_loop};
  for (int i = 0; i < 1000 && (the_bot()->retiring || env.rt->closing); i++) {
    timer_start(env.rt->host.loop, &look, 0.005);
    loop_run(env.rt->host.loop, NULL, NULL);
  }
  timer_stop(env.rt->host.loop, &look);
  assert_null(the_bot()->retiring);
  assert_int_equal(env.rt->closing, 0);
}

static void one_with_no_tasks_goes_at_once(void **state) {
  (void)state;
  replace_running("");
  await_gone();
  assert_false(env_has(&env, "did not end within"));
}

static void a_task_may_end_within_the_grace(void **state) {
  (void)state;
  replace_running("task.sleep(0.02) log.info 'ENDED' task.sleep(0.01)\n"
                  "log.info('STILL ' .. script.generation)");
  assert_non_null(the_bot()->retiring);
  env_await(&env, "STILL 1");
  await_gone();
  assert_false(env_has(&env, "did not end within"));
}

static void then_its_wait_raises(void **state) {
  (void)state;
  replace_running("local ok, err = pcall(task.sleep, 60)\n"
                  "log.info('CUT ' .. tostring(ok) .. ' ' .. err.code)");
  env_await(&env, "1 task(s) of the replaced generation did not end within 0.08 s");
  env_await(&env, "CUT false RELOADED");
  await_gone();
}

static void one_that_waits_again_is_killed(void **state) {
  (void)state;
  replace_running("pcall(task.sleep, 60) log.info 'AGAIN'\n"
                  "pcall(task.sleep, 60) log.info 'NO WAIT'\n"
                  "coroutine.yield() log.info 'NEVER'");
  await_gone();
  assert_true(env_has(&env, "NO WAIT"));
  assert_false(env_has(&env, "NEVER"));
}

/* A third generation cuts the first at once. */
static void the_next_reload_cuts_it(void **state) {
  (void)state;
  replace_running("script.grace = nil local ok, err = pcall(task.sleep, 60)\n"
                  "log.info('CUT ' .. err.code)");
  Generation *first = the_bot()->retiring;
  assert_non_null(first);
  span_stop(&first->grace); /* not by its time */
  span_start(env.rt->host.loop, &first->grace, 60);
  env_save(&env, "bot",
           "timer.every('hold', 60, print)\n"
           "script.on_start(function() log.info 'THREE' end)\n");
  env_await(&env, "CUT RELOADED");
  await_gone();
}

static void it_may_not_declare_and_its_timers_stand(void **state) {
  (void)state;
  replace_running("timer.every(0.005, function() log.info('TICK') end)\n"
                  "task.sleep(0.03) log.info('TICKS end')\n"
                  "local ok, err = pcall(timer.after, 0.01, print)\n"
                  "log.info('DECLARED ' .. tostring(ok) .. ' ' .. err)");
  const char *two = strstr(env_log(&env), "TWO");
  env_await(&env, "DECLARED false");
  two = strstr(env_log(&env), "TWO");
  assert_non_null(two);
  assert_null(strstr(two, "TICK\n"));
  assert_true(env_has(&env, "declare nothing new"));
  await_gone();
}

static void its_version_is_set_once(void **state) {
  (void)state;
  env_save(&env, "bot",
           "timer.every('hold', 60, print)\n"
           "script.on_start(function() log.info 'UP' end)\n");
  env_await(&env, "UP");
  Generation *gen = script_current(the_bot());
  assert_true(generation_set_version(gen, 4));
  assert_false(generation_set_version(gen, 5));
  assert_int_equal(gen->version, 4);
}

int main(void) {
  const struct CMUnitTest tests[] = {
#define test(f) cmocka_unit_test_setup_teardown(f, open_world, close_world)
      test(one_with_no_tasks_goes_at_once), test(a_task_may_end_within_the_grace),
      test(then_its_wait_raises),           test(one_that_waits_again_is_killed),
      test(the_next_reload_cuts_it),        test(it_may_not_declare_and_its_timers_stand),
      test(its_version_is_set_once),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
