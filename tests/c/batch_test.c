/* Which scripts of a save are one load: those that share a changed file, directly or by
 * way of others. And what of a save is none. */
#include "script/batch.h"

#include <sys/stat.h>

#include "script_env.h"

static Env env;

#define MODULES                                                                          \
  "local script, timer, log = require 'tidelock.script', "                               \
  "require 'tidelock.timer', require 'tidelock.log' timer.every('hold', 60, print)\n"

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

static Script *script_of_name(const char *name) {
  return script_find(env.rt, name, strlen(name));
}

static void stop_loop(Timer *timer) {
  (void)timer;
  loop_stop(env.rt->host.loop);
}

static bool all_loaded(void) {
  for (Script *s = script_first(env.rt); s; s = script_after(s))
    if (s->load) return false;
  return true;
}

static void finish_loads(void) {
  Timer look = {.fire = stop_loop};
  for (int i = 0; i < 2000 && !all_loaded(); i++) {
    timer_start(env.rt->host.loop, &look, 0.002);
    loop_run(env.rt->host.loop, NULL, NULL);
  }
  timer_stop(env.rt->host.loop, &look);
  assert_true(all_loaded());
}

/* The script requires these modules. */
static void open_script(const char *name, const char *modules) {
  char *text = xasprintf("for m in ('%s'):gmatch '%%w+' do require(m) end\n", modules);
  env_save(&env, name, text);
  free(text);
  finish_loads();
}

static void write_module(const char *name, const char *text) {
  env_write(&env, name, "", text);
}

/* a uses x; b uses x and y; c uses y; d uses z. */
static void open_four(void) {
  write_module("x", "return 1");
  write_module("y", "return 1");
  write_module("z", "return 1");
  open_script("a", "x");
  open_script("b", "x y");
  open_script("c", "y");
  open_script("d", "z");
}

static void load_all(void) {
  Script *all[] = {script_of_name("d"), script_of_name("c"), script_of_name("b"),
                   script_of_name("a")};
  scripts_load(env.rt, all, 4);
}

static LoadTransaction *load_of(const char *name) {
  return script_of_name(name)->load;
}

static unsigned generation_of_name(const char *name) {
  return script_of_name(name)->owner.current->number;
}

static void those_with_one_file_are_one_load(void **state) {
  (void)state;
  open_four();
  write_module("x", "return 2");
  load_all();
  assert_non_null(load_of("a"));
  assert_ptr_equal(load_of("a"), load_of("b"));
  assert_int_equal(load_of("a")->count, 2);
  assert_ptr_equal(load_of("a")->reports[0].script, script_of_name("a")); /* as added */
  assert_null(load_of("c"));
  assert_null(load_of("d"));
  finish_loads();
  assert_int_equal(generation_of_name("a"), 2);
  assert_int_equal(generation_of_name("c"), 1);
}

static void also_by_way_of_another(void **state) {
  (void)state;
  open_four();
  write_module("x", "return 2");
  write_module("y", "return 2");
  write_module("z", "return 2");
  load_all();
  assert_ptr_equal(load_of("a"), load_of("b"));
  assert_ptr_equal(load_of("b"), load_of("c"));
  assert_int_equal(load_of("a")->count, 3);
  assert_non_null(load_of("d"));
  assert_ptr_not_equal(load_of("d"), load_of("a"));
  finish_loads();
}

/* Both use it, but each has a change of its own. */
static void a_file_that_has_not_changed_joins_nobody(void **state) {
  (void)state;
  open_four();
  env_write(&env, "a", MODULES, "require 'x' -- a");
  env_write(&env, "b", MODULES, "require 'x' require 'y' -- b");
  load_all();
  assert_non_null(load_of("a"));
  assert_non_null(load_of("b"));
  assert_ptr_not_equal(load_of("a"), load_of("b"));
  finish_loads();
}

static void nothing_changed_is_no_load(void **state) {
  (void)state;
  open_four();
  load_all();
  assert_true(all_loaded());
  write_module("w", "return 1"); /* which nobody requires */
  load_all();
  assert_true(all_loaded());
}

static void a_file_of_that_name_elsewhere_is_another(void **state) {
  (void)state;
  char *folder = xasprintf("%s/sub", env.folder);
  assert_int_equal(mkdir(folder, 0700), 0);
  free(folder);
  env_write(&env, "sub/x", "", "return 1");
  write_module("x", "return 1");
  open_script("a", "x");
  Error err;
  env_write(&env, "sub/e", "",
            "require 'x' require('tidelock.timer').every('h', 60, print)");
  char *path = env_path(&env, "sub/e");
  assert_non_null(script_add(env.rt, "e", path, NULL, &err));
  free(path);
  finish_loads();
  write_module("x", "return 2");
  env_write(&env, "sub/x", "", "return 2");
  Script *both[] = {script_of_name("a"), script_of_name("e")};
  scripts_load(env.rt, both, 2);
  assert_non_null(load_of("a"));
  assert_non_null(load_of("e"));
  assert_ptr_not_equal(load_of("a"), load_of("e"));
  finish_loads();
}

/* a is the first: its failure holds b back, which comes along when a is mended. */
static void one_that_was_held_back_comes_along(void **state) {
  (void)state;
  open_four();
  write_module("x", "return 2");
  env_write(&env, "a", MODULES, "require 'x' error 'broken'");
  load_all();
  finish_loads();
  assert_int_equal(generation_of_name("b"), 1);
  assert_true(script_of_name("b")->comes_along);
  env_write(&env, "a", MODULES, "require 'x'");
  script_load(script_of_name("a"));
  assert_ptr_equal(load_of("a"), load_of("b"));
  finish_loads();
  assert_true(generation_of_name("b") > 1);
  assert_false(script_of_name("b")->comes_along);
}

static void a_requested_reload_needs_no_change(void **state) {
  (void)state;
  open_four();
  for (Script *s = script_first(env.rt); s; s = script_after(s)) s->reload_asked = true;
  scripts_load_requested(&env.rt->reload_request);
  assert_non_null(load_of("a"));
  assert_ptr_not_equal(load_of("a"), load_of("b")); /* no file ties them */
  finish_loads();
  assert_int_equal(generation_of_name("a"), 2);
  assert_int_equal(generation_of_name("d"), 2);
}

static void what_cannot_be_read_is_reported_once(void **state) {
  (void)state;
  open_four();
  char *path = env_path(&env, "a");
  unlink(path);
  free(path);
  for (int i = 0; i < 3; i++) script_load(script_of_name("a"));
  const char *first = strstr(env_log(&env), "no script at");
  assert_non_null(first);
  assert_null(strstr(first + 1, "no script at"));
  env_write(&env, "a", MODULES, "require 'x' -- back");
  script_load(script_of_name("a"));
  finish_loads();
  assert_int_equal(generation_of_name("a"), 2);
}

int main(void) {
  const struct CMUnitTest tests[] = {
#define test(f) cmocka_unit_test_setup_teardown(f, open_world, close_world)
      test(those_with_one_file_are_one_load),
      test(also_by_way_of_another),
      test(a_file_that_has_not_changed_joins_nobody),
      test(nothing_changed_is_no_load),
      test(a_file_of_that_name_elsewhere_is_another),
      test(one_that_was_held_back_comes_along),
      test(a_requested_reload_needs_no_change),
      test(what_cannot_be_read_is_reported_once),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
