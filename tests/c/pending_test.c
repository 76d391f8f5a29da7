/* What a script attached to and does not get is logged, once for each name, with the
 * names that there are. */
#include "resource/pending.h"

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

#define STORE "local store = require 'tidelock.store'\ntimer.every('hold', 60, print)\n"

static void open_script(const char *name, const char *code) {
  static int loads;
  char *line = xasprintf("UP %d.", ++loads);
  char *text =
      xasprintf(STORE "%s\nscript.on_start(function() log.info('%s') end)\n", code, line);
  env_save(&env, name, text);
  env_await(&env, line);
  free(text);
  free(line);
}

static size_t count_warnings(void) {
  size_t count = 0;
  for (const char *at = env_log(&env); (at = strstr(at, "WARN ")); at++) count++;
  return count;
}

static void assert_logged(const char *text) {
  pending_look_now(&env.rt->host);
  if (!env_has(&env, text)) fail_msg("not logged: %s\n%s", text, env_log(&env));
}

static void the_nearest_name_is_meant(void **state) {
  (void)state;
  open_script("bot", "store.define('chat', {initial = {}, share = 'read'})\n"
                     "store.define('other', {initial = {}})");
  open_script("hook", "store.attach('bot:caht')");
  assert_logged("attached to the store bot:caht, which no script has declared; it is "
                "pending: did you mean bot:chat? There are: ");
  assert_true(env_has(&env, "bot:other"));
}

static void where_there_is_none_it_says_so(void **state) {
  (void)state;
  open_script("hook", "store.define('own', {initial = {}}) store.attach('bot:chat')");
  assert_logged("it is pending. No other script has declared one");
}

static void what_is_not_shared_is_there(void **state) {
  (void)state;
  open_script("bot", "store.define('chat', {initial = {}})");
  open_script("hook", "store.attach('bot:chat')");
  assert_logged(
      "attached to the store bot:chat, which is there, but not shared: its owner "
      "says so with share = \"read\" or \"write\"");
}

static void each_is_logged_once(void **state) {
  (void)state;
  open_script("hook", "store.attach('bot:chat') store.attach('bot:other')");
  pending_look_now(&env.rt->host);
  assert_int_equal(count_warnings(), 2);
  pending_look_soon(&env.rt->host);
  pending_look_now(&env.rt->host);
  assert_int_equal(count_warnings(), 2);
}

static void of_many_a_few_are_named(void **state) {
  (void)state;
  open_script("hook", "for i = 1, 8 do store.attach('bot:s' .. i) end");
  assert_logged("attached to 3 more that no script has declared, or shares");
  assert_int_equal(count_warnings(), 6);
}

static void what_came_meanwhile_is_not_missing(void **state) {
  (void)state;
  open_script("hook", "store.attach('bot:chat')");
  open_script("bot", "store.define('chat', {initial = {}, share = 'read'})");
  pending_look_now(&env.rt->host);
  assert_int_equal(count_warnings(), 0);
}

/* One that goes is missed again. */
static void what_goes_is_missed_again(void **state) {
  (void)state;
  open_script("bot", "store.define('chat', {initial = {}, share = 'read'})");
  open_script("hook", "store.attach('bot:chat')");
  open_script("bot", "");
  env_await(&env, "is closed: the script no longer declares it");
  assert_logged("attached to the store bot:chat, which no script has declared");
}

/* Without being asked: after a second. */
static void it_is_logged_in_time(void **state) {
  (void)state;
  open_script("hook", "store.attach('bot:chat')");
  assert_int_equal(count_warnings(), 0);
  env_await(&env, "attached to the store bot:chat");
}

int main(void) {
  const struct CMUnitTest tests[] = {
#define test(f) cmocka_unit_test_setup_teardown(f, open_world, close_world)
      test(the_nearest_name_is_meant),   test(where_there_is_none_it_says_so),
      test(what_is_not_shared_is_there), test(each_is_logged_once),
      test(of_many_a_few_are_named),     test(what_came_meanwhile_is_not_missing),
      test(what_goes_is_missed_again),   test(it_is_logged_in_time),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
