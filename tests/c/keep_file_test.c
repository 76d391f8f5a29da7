/* script.keep on the disk: one process after the other finds what the last one kept, a
 * load that is given up writes nothing, and what is stored can be shown. */
#include "script_env.h"

#include "script/keep_file.h"

static Env env;
static char data[64];

static void open_run(void) {
  env_open(&env, (RuntimeOptions){.grace = 0.1, .data = data});
}

static int open_data(void **state) {
  (void)state;
  strcpy(data, "/tmp/tidelock-data-XXXXXX");
  CHECK(mkdtemp(data) != NULL);
  open_run();
  return 0;
}

static int close_data(void **state) {
  (void)state;
  char command[96];
  env_close(&env);
  snprintf(command, sizeof command, "rm -rf %s", data);
  return system(command);
}

static void run_again(void) {
  env_close(&env);
  open_run();
}

/* Counts its starts in keep, and logs STARTS n. */
#define COUNTS                                                                           \
  "script.keep_options { persist = true }\n"                                             \
  "timer.every('hold', 60, print)\n"                                                     \
  "script.on_start(function() local k = script.keep k.n = (k.n or 0) + 1\n"              \
  "  log.info('STARTS ' .. k.n .. ' ' .. tostring(k.more)) end)\n"

static void the_next_process_finds_it(void **state) {
  (void)state;
  env_save(&env, "bot",
           COUNTS "script.keep.more = script.keep.more or { deep = { 1, true } }");
  env_await(&env, "STARTS 1");
  run_again();
  env_save(&env, "bot", COUNTS "log.info('DEEP ' .. script.keep.more.deep[1])");
  env_await(&env, "DEEP 1");
  env_await(&env, "STARTS 2");
}

static void another_script_has_its_own(void **state) {
  (void)state;
  env_save(&env, "bot", COUNTS);
  env_await(&env, "STARTS 1");
  run_again();
  env_save(&env, "other", COUNTS);
  env_await(&env, "STARTS 1");
}

static void one_that_does_not_ask_keeps_nothing(void **state) {
  (void)state;
  env_save(&env, "bot",
           "timer.every('hold', 60, print) script.keep.n = 5\n"
           "script.on_start(function() log.info('UP') end)");
  env_await(&env, "UP");
  run_again();
  env_save(&env, "bot", COUNTS);
  env_await(&env, "STARTS 1");
}

static void a_load_that_is_given_up_writes_nothing(void **state) {
  (void)state;
  env_save(&env, "bot", COUNTS);
  env_await(&env, "STARTS 1");
  env_save(&env, "bot", COUNTS "script.keep.n = 50 error 'broken'");
  env_await(&env, "broken");
  run_again();
  env_save(&env, "bot", COUNTS);
  env_await(&env, "STARTS 2");
}

static void its_version_is_kept_too(void **state) {
  (void)state;
  env_save(&env, "bot", "script.version(3)\n" COUNTS);
  env_await(&env, "STARTS 1");
  run_again();
  env_save(&env, "bot",
           "script.version(4, function(keep, from) keep.n = keep.n + 100 * from "
           "end)\n" COUNTS);
  env_await(&env, "STARTS 302");
}

static void what_is_none_cannot_be_shown(void **state) {
  (void)state;
  Buffer out = {0};
  assert_false(keep_file_show("", 0, &out));
  assert_false(keep_file_show("\0\0\0\0", 4, &out));
  assert_false(keep_file_show("nonsense and more", 17, &out));
  assert_int_equal(out.len, 0);
  buffer_free(&out);
}

#define data_test(f) cmocka_unit_test_setup_teardown(f, open_data, close_data)

int main(void) {
  const struct CMUnitTest tests[] = {
      data_test(the_next_process_finds_it),
      data_test(another_script_has_its_own),
      data_test(one_that_does_not_ask_keeps_nothing),
      data_test(a_load_that_is_given_up_writes_nothing),
      data_test(its_version_is_kept_too),
      cmocka_unit_test(what_is_none_cannot_be_shown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
