/* What is said of reloads: in the log, and to the scripts that asked for it. */
#include "script_env.h"

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

/* Logs each notice: HEARD event script generation pause? text. */
static void open_listener(void) {
  env_save(
      &env, "listener",
      "timer.every('hold', 60, print)\n"
      "script.on_notice(function(n) log.info(('HEARD %s %s %d %s %s'):format(n.event, "
      "n.script, n.generation, tostring(n.pause ~= nil), n.text)) end)\n"
      "script.on_start(function() log.info('LISTENS') end)\n");
  env_await(&env, "LISTENS");
}

static void save_bot(const char *code, const char *awaited) {
  env_save(&env, "bot", code);
  env_await(&env, awaited);
}

#define UP "script.on_start(function() log.info('UP ' .. script.generation) end)\n"
#define HOLD "timer.every('hold', 60, print)\n"

static void a_reload_says_what_became_of_what(void **state) {
  (void)state;
  open_listener();
  save_bot(HOLD "timer.every('a', 60, print)\n" UP, "UP 1");
  save_bot(HOLD "timer.every('a', 30, print) timer.every('b', 60, print)\n" UP, "UP 2");
  assert_true(env_has(&env, "1 kept; 1 changed: timer \"a\""));
  assert_true(env_has(&env, "1 opened: timer \"b\""));
  save_bot(HOLD UP, "UP 3");
  assert_true(env_has(&env, "closed in 0.1 s unless claimed: "));
  env_await(&env, "HEARD reloaded bot 3 true reloaded (");
}

static void a_first_load_is_none(void **state) {
  (void)state;
  open_listener();
  save_bot(HOLD UP, "UP 1");
  assert_false(env_has(&env, "HEARD"));
}

static void a_failure_shows_its_lines(void **state) {
  (void)state;
  open_listener();
  save_bot(HOLD UP, "UP 1");
  save_bot("local x = 1\n\nerror 'broken'\nlocal y\n", "HEARD failed bot 1 false");
  assert_true(
      env_has(&env, "bot.lua:4: broken")); /* behind the line that env_save adds */
  assert_true(env_has(&env, ">    4 | error 'broken'\n"));
  assert_true(env_has(&env, "     5 | local y\n"));
  assert_true(env_has(&env, "the reload is given up"));
  assert_false(env_has(&env, "could not be loaded"));
}

static void one_that_never_ran_has_no_generation(void **state) {
  (void)state;
  open_listener();
  save_bot("error 'broken'", "HEARD failed bot 0 false");
  assert_true(env_has(&env, "the script could not be loaded"));
}

/* The first line is what fits. */
static void the_text_is_one_line(void **state) {
  (void)state;
  open_listener();
  save_bot(HOLD UP, "UP 1");
  save_bot("error('first line\\nsecond line')", "HEARD failed bot 1 false");
  assert_true(env_has(&env, "second line")); /* in the log of the failure */
  const char *heard = strstr(env_log(&env), "HEARD failed");
  assert_null(strstr(heard, "second line"));
}

#define world_test(f) cmocka_unit_test_setup_teardown(f, open_world, close_world)

int main(void) {
  const struct CMUnitTest tests[] = {
      world_test(a_reload_says_what_became_of_what),
      world_test(a_first_load_is_none),
      world_test(a_failure_shows_its_lines),
      world_test(one_that_never_ran_has_no_generation),
      world_test(the_text_is_one_line),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
