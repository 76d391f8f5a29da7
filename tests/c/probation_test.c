/* Probation and its time: what fails later than that stays, and a version that has run
 * for longer is one to go back to, however often it failed. */
#include "script_env.h"

static Env env;

static int open_world(void **state) {
  (void)state;
  env_open(&env, (RuntimeOptions){.grace = 0.3, .probation = 0.5});
  return 0;
}

static int close_world(void **state) {
  (void)state;
  env_close(&env);
  return 0;
}

/* Fails for ever, `after` seconds from its start on. */
static void save_failing(const char *name, double after) {
  char *text = xasprintf("timer.every('hold', 60, print)\n"
                         "script.on_start(function()\n"
                         "  log.info('UP %s ' .. script.generation)\n"
                         "  local n = 0\n"
                         "  timer.after(%g, function() timer.every(0.01, function()\n"
                         "    n = n + 1 if n == 5 then log.info('FIVE %s') end\n"
                         "    error('%s')\n"
                         "  end) end)\n"
                         "end)\n",
                         name, after, name, name);
  env_save(&env, "bot", text);
  free(text);
}

static void what_fails_later_stays(void **state) {
  (void)state;
  env_save(&env, "bot",
           "script.on_start(function() log.info('UP good') end)\n"
           "timer.every('hold', 60, print)\n");
  env_await(&env, "UP good");
  save_failing("late", 0.6);
  env_await(&env, "FIVE late");
  assert_false(env_has(&env, "failed (generation"));
  save_failing("soon", 0);
  env_await(&env, "failed (generation 3; bot.lua): 3 times in its first 0.5 s");
  env_await(&env, "UP late 4");
}

static void the_first_version_has_nothing_behind_it(void **state) {
  (void)state;
  save_failing("first", 0);
  env_await(&env, "FIVE first");
  assert_false(env_has(&env, "failed (generation"));
}

/* The process ends while the event that would go back is on its way. */
static void an_end_meanwhile_is_an_end(void **state) {
  (void)state;
  env_save(&env, "bot",
           "script.on_start(function() log.info('UP good') end)\n"
           "timer.every('hold', 60, print)\n");
  env_await(&env, "UP good");
  env_save(
      &env, "bot",
      "timer.every('hold', 60, print)\n"
      "script.on_start(function() script.exit() log.info('BAD') error('bad') end)\n");
  env_await(&env, "BAD");
  assert_int_equal(runtime_run(env.rt), 0);
  assert_false(env_has(&env, "is loaded again"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(what_fails_later_stays, open_world, close_world),
      cmocka_unit_test_setup_teardown(the_first_version_has_nothing_behind_it, open_world,
                                      close_world),
      cmocka_unit_test_setup_teardown(an_end_meanwhile_is_an_end, open_world,
                                      close_world),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
