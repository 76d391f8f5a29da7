/* What was tried last: a save is loaded once, and one that failed again only when
 * something changes that it came to. */
#include "script/tried.h"

#include "script_env.h"

static Runtime rt;
static Generation running;
static Script script;

static int open_script(void **state) {
  (void)state;
  rt = (Runtime){0};
  running = (Generation){0};
  script = (Script){.rt = &rt, .owner = {.host = &rt.host}};
  return 0;
}

static int close_script(void **state) {
  (void)state;
  tried_forget_failure(&script);
  if (running.sources) {
    uses_free(&running.sources->uses);
    running.sources = NULL;
  }
  return 0;
}

/* The script itself with the module "lib", and what it used. */
typedef struct Given {
  SourceFile files[3];
  Sources sources;
} Given;

static Given old, bad, fresh;

static Sources *give(Given *g, const char *own, const char *lib, const char *other) {
  *g = (Given){.files = {{.module = "", .path = "bot.lua"},
                         {.module = "lib", .path = "lib.lua"},
                         {.module = "other", .path = "other.lua"}}};
  const char *texts[] = {own, lib, other};
  g->sources = (Sources){.files = g->files, .count = 3, .hash = 1};
  for (size_t i = 0; i < 3; i++) {
    g->files[i].text = (char *)texts[i];
    g->files[i].len = strlen(texts[i]);
    for (const char *c = texts[i]; *c; c++)
      g->sources.hash = g->sources.hash * 31 + (unsigned char)*c;
  }
  return &g->sources;
}

static void use(Sources *sources, const char *module) {
  uses_add(&sources->uses, module);
}

/* It runs, having required lib. */
static void run(Given *g) {
  running.sources = give(g, "require 'lib'", "return 1", "return 1");
  use(running.sources, "");
  use(running.sources, "lib");
  script.owner.current = &running.vm;
  script.seen = running.sources->hash;
}

static void what_runs_is_not_loaded_again(void **state) {
  (void)state;
  run(&old);
  assert_true(
      tried_already(&script, give(&fresh, "require 'lib'", "return 1", "return 1")));
  assert_true(tried_is_running(&script, &fresh.sources));
}

static void a_file_that_it_did_not_require_is_none(void **state) {
  (void)state;
  run(&old);
  assert_true(
      tried_already(&script, give(&fresh, "require 'lib'", "return 1", "return 2")));
}

static void what_it_required_counts(void **state) {
  (void)state;
  run(&old);
  assert_false(
      tried_already(&script, give(&fresh, "require 'lib'", "return 2", "return 1")));
  assert_false(tried_is_running(&script, &fresh.sources));
  assert_false(
      tried_already(&script, give(&fresh, "require 'lib' ", "return 1", "return 1")));
}

static void before_the_first_load_nothing_was_tried(void **state) {
  (void)state;
  give(&fresh, "x = 1", "", "");
  assert_false(tried_already(&script, &fresh.sources));
  assert_false(tried_is_running(&script, &fresh.sources));
}

static void what_was_asked_for_is_loaded_as_it_is(void **state) {
  (void)state;
  run(&old);
  script.seen = 0;
  assert_false(
      tried_already(&script, give(&fresh, "require 'lib'", "return 1", "return 1")));
}

/* --- a load that failed --------------------------------------------------------------
 */

/* It required other and raised, before it came to lib. */
static void fail_load(Given *g) {
  give(g, "require 'other'", "return 1", "error()");
  use(&g->sources, "");
  use(&g->sources, "other");
  script.seen = g->sources.hash;
  tried_failed(&script, &g->sources);
  uses_free(&g->sources.uses);
}

static void the_same_failure_is_not_tried_again(void **state) {
  (void)state;
  run(&old);
  fail_load(&bad);
  assert_true(
      tried_already(&script, give(&fresh, "require 'other'", "return 1", "error()")));
}

static void what_the_failed_one_required_counts(void **state) {
  (void)state;
  run(&old);
  fail_load(&bad);
  assert_false(
      tried_already(&script, give(&fresh, "require 'other'", "return 1", "return 1")));
}

static void and_what_the_running_one_requires(void **state) {
  (void)state;
  run(&old);
  fail_load(&bad);
  assert_false(
      tried_already(&script, give(&fresh, "require 'other'", "return 2", "error()")));
}

static void what_runs_is_tried_after_a_failure(void **state) {
  (void)state;
  run(&old);
  fail_load(&bad);
  give(&fresh, "require 'lib'", "return 1", "return 1");
  assert_false(tried_already(&script, &fresh.sources));
  tried_forget_failure(&script);
  assert_true(tried_already(&script, &fresh.sources));
}

/* While a load is under way any other text counts, whatever it uses. */
static void a_load_under_way_is_compared_as_a_whole(void **state) {
  (void)state;
  LoadTransaction load;
  run(&old);
  script.load = &load;
  give(&fresh, "require 'lib'", "return 1", "return 1");
  assert_true(tried_already(&script, &fresh.sources));
  give(&fresh, "require 'lib'", "return 1", "return 2");
  assert_false(tried_already(&script, &fresh.sources));
}

int main(void) {
  const struct CMUnitTest tests[] = {
#define test(f) cmocka_unit_test_setup_teardown(f, open_script, close_script)
      test(what_runs_is_not_loaded_again),
      test(a_file_that_it_did_not_require_is_none),
      test(what_it_required_counts),
      test(before_the_first_load_nothing_was_tried),
      test(what_was_asked_for_is_loaded_as_it_is),
      test(the_same_failure_is_not_tried_again),
      test(what_the_failed_one_required_counts),
      test(and_what_the_running_one_requires),
      test(what_runs_is_tried_after_a_failure),
      test(a_load_under_way_is_compared_as_a_whole),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
