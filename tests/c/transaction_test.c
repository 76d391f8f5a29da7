/* A load and its end: what fails it, what does not, and what is left when it is given
 * up. How several scripts load together: reload_test.c. */
#include "script/transaction.h"

#include <sys/stat.h>

#include "core/clock.h"
#include "script/exit.h"
#include "script_env.h"
#include "vm/watchdog.h"

static Env env;

static int open_world(void **state) {
  (void)state;
  env_open(&env, (RuntimeOptions){.grace = 0.1});
  return 0;
}

static int close_world(void **state) {
  (void)state;
  env_close(&env);
  return 0;
}

#define HOLD "timer.every('hold', 60, print)\n"
#define UP "script.on_start(function() log.info('UP ' .. script.generation .. '.') end)\n"
#define SLOW "for i = 1, 3e6 do local x = i end\n"

static Script *the_bot(void) {
  return script_find(env.rt, "bot", 3);
}

/* --- the end of the process --------------------------------------------------------- */

static void assert_no_failure(void) {
  if (env_has(&env, "could not be loaded") || env_has(&env, "is given up") ||
      env_has(&env, "memory"))
    fail_msg("a failure is logged:\n%s", env_log(&env));
}

/* Its next slice comes when the time for scripts is over. */
static void an_end_meanwhile_is_no_failure(void **state) {
  (void)state;
  env_save(&env, "bot", SLOW HOLD UP);
  assert_non_null(the_bot()->load);
  runtime_exit(env.rt, 0);
  watchdog_end_at(env.rt->host.watchdog, clock_monotonic());
  assert_int_equal(runtime_run(env.rt), 0);
  assert_no_failure();
}

/* The time is over while a slice runs. */
static void nor_within_a_slice(void **state) {
  (void)state;
  env_save(&env, "bot", SLOW HOLD UP);
  runtime_exit(env.rt, 0);
  watchdog_end_at(env.rt->host.watchdog, clock_monotonic() + 0.002);
  assert_int_equal(runtime_run(env.rt), 0);
  assert_no_failure();
}

static void nor_of_a_reload(void **state) {
  (void)state;
  env_save(&env, "bot", HOLD UP);
  env_await(&env, "UP 1.");
  env_save(&env, "bot", SLOW HOLD UP);
  runtime_exit(env.rt, 0);
  watchdog_end_at(env.rt->host.watchdog, clock_monotonic());
  assert_int_equal(runtime_run(env.rt), 0);
  assert_no_failure();
}

/* --- memory ------------------------------------------------------------------------- */

static void stop_loop(Timer *timer) {
  (void)timer;
  loop_stop(env.rt->host.loop);
}

static void finish_load(void) {
  Timer look = {.fire = stop_loop};
  while (the_bot()->load) {
    timer_start(env.rt->host.loop, &look, 0.0005);
    loop_run(env.rt->host.loop, NULL, NULL);
  }
  timer_stop(env.rt->host.loop, &look);
}

/* Each limit is a little higher: at some the state is there, and no task. */
static void without_memory_for_a_task_it_says_so(void **state) {
  (void)state;
  size_t all = env.rt->host.memory_limit;
  env_save(&env, "bot", HOLD UP);
  env_await(&env, "UP 1.");
  env_write(&env, "bot", "", "x=1");
  bool said = false;
  for (size_t limit = 8192; !said && the_bot()->owner.current->number == 1; limit += 64) {
    env.rt->host.memory_limit = limit;
    the_bot()->seen = 0;
    script_load(the_bot());
    if (the_bot()->load && the_bot()->load->culprit)
      said =
          strcmp(the_bot()->load->reports[0].failure, "no memory to run the script") == 0;
    finish_load();
    env.rt->host.memory_limit = all;
  }
  assert_true(said);
}

int main(void) {
  const struct CMUnitTest tests[] = {
#define test(f) cmocka_unit_test_setup_teardown(f, open_world, close_world)
      test(an_end_meanwhile_is_no_failure),
      test(nor_within_a_slice),
      test(nor_of_a_reload),
      test(without_memory_for_a_task_it_says_so),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
