/* script.version: when keep is migrated, from what, and which loads are given up. */
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

/* A load that has `code` at its top level, and logs keep.n and the generation at its
 * start. */
static void save_code(const char *code) {
  char *text = xasprintf("timer.every('hold', 60, print)\n%s\n"
                         "script.on_start(function() log.info(('N %%s OF %%d'):format(\n"
                         "  script.keep.n, script.generation)) end)\n",
                         code);
  env_save(&env, "bot", text);
  free(text);
}

static void begin(void) {
  save_code("script.keep.n = 1");
  env_await(&env, "N 1 OF 1");
}

static void a_version_that_rose_is_migrated(void **state) {
  (void)state;
  begin();
  save_code("script.version(3, function(keep, from) keep.n = keep.n + 10 * from end)");
  env_await(&env, "N 11 OF 2");
  assert_true(env_has(&env, "migrated"));
  save_code("script.version(4, function(keep, from) keep.n = keep.n + 10 * from end)");
  env_await(&env, "N 41 OF 3");
}

static void from_nought_too(void **state) {
  (void)state;
  save_code("script.version(0) script.keep.n = 1");
  env_await(&env, "N 1 OF 1");
  save_code("script.version(1, function(keep, from) keep.n = keep.n + from + 1 end)");
  env_await(&env, "N 2 OF 2");
}

static void the_same_version_is_not(void **state) {
  (void)state;
  begin();
  save_code("script.version(2, function(keep) keep.n = keep.n + 1 end)");
  env_await(&env, "N 2 OF 2");
  save_code("script.version(2, function(keep) keep.n = keep.n + 1 end) -- again");
  env_await(&env, "N 2 OF 3");
}

static void assert_given_up(const char *code, const char *why) {
  begin();
  save_code(code);
  env_await(&env, why);
  save_code("-- goes on");
  env_await(&env, "N 1 OF");
  assert_false(env_has(&env, "migrated"));
}

static void one_that_fell_is_refused(void **state) {
  (void)state;
  assert_given_up("script.version(0)",
                  "script.keep has version 1 and cannot go back to 0");
}

static void one_without_a_function_is_refused(void **state) {
  (void)state;
  assert_given_up("script.version(2)", "script.version(2, migrate) needs a function");
}

static void what_migrate_raises_is_said(void **state) {
  (void)state;
  assert_given_up("script.version(2, function(keep) keep.n = 9 error('broken') end)",
                  "the migrate of script.version, from 1 to 2, failed: ");
  assert_true(env_has(&env, "broken"));
}

static void a_value_that_is_returned_would_be_lost(void **state) {
  (void)state;
  assert_given_up("script.version(2, function(keep) return { n = 2 } end)",
                  "migrate returned a value, which would be lost");
}

static void keep_itself_may_be_returned(void **state) {
  (void)state;
  begin();
  save_code("script.version(2, function(keep) keep.n = 5 return keep end)");
  env_await(&env, "N 5 OF 2");
}

#define world_test(f) cmocka_unit_test_setup_teardown(f, open_world, close_world)

int main(void) {
  const struct CMUnitTest tests[] = {
      world_test(a_version_that_rose_is_migrated),
      world_test(from_nought_too),
      world_test(the_same_version_is_not),
      world_test(one_that_fell_is_refused),
      world_test(one_without_a_function_is_refused),
      world_test(what_migrate_raises_is_said),
      world_test(a_value_that_is_returned_would_be_lost),
      world_test(keep_itself_may_be_returned),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
