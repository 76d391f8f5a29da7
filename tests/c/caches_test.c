/* Caches of scripts over reloads: their entries stay, other options are in force from the
 * swap on, and a load that fails changes nothing. */
#include "script_env.h"

#define OPEN "local cache = require 'tidelock.cache' local c = cache.open('c', {%s}) "
#define SHOW                                                                             \
  "local keys = {} for i, e in ipairs(c:entries()) do keys[i] = tostring(e.key) end "    \
  "log.info('%s: ' .. table.concat(keys, ' '))"

static void save(Env *env, const char *options, const char *start, const char *word) {
  char *text =
      xasprintf(OPEN "script.on_start(function() %s " SHOW " end)", options, start, word);
  env_save(env, "bot", text);
  char *line = xasprintf("%s: ", word);
  env_await(env, line);
  free(line);
  free(text);
}

static void open_quick(Env *env) {
  env_open(env, (RuntimeOptions){.grace = 0.05});
}

static void entries_stay_over_a_reload(void **state) {
  (void)state;
  Env env;
  open_quick(&env);
  save(&env, "max_entries = 10", "for i = 1, 10 do c:set(i, i) end", "one");
  save(&env, "max_entries = 10", "assert(c:get(1) == 1)", "two");
  env_await(&env, "two: 1 10 9 8 7 6 5 4 3 2");
  env_close(&env);
}

static void other_options_are_in_force_at_once(void **state) {
  (void)state;
  Env env;
  open_quick(&env);
  save(&env, "max_entries = 10", "for i = 1, 10 do c:set(i, i) end", "one");
  save(&env, "max_entries = 3", "", "two");
  env_await(&env, "two: 10 9 8");
  save(&env, "max_bytes = 1, ttl = 7", "assert(c:set('x', 1) == false)", "three");
  env_await(&env, "three: ");
  assert_false(env_has(&env, "three: 1"));
  save(&env, "ttl = 7", "c:set('x', 1) assert(c:entries()[1].ttl == 7)", "four");
  env_await(&env, "four: x");
  env_close(&env);
}

static void a_load_that_fails_changes_nothing(void **state) {
  (void)state;
  Env env;
  open_quick(&env);
  save(&env, "",
       "for i = 1, 4 do c:set(i, i) end timer.every('t', 0.01, function() if "
       "c:get(1) and c:get(2) then log.info('all there') end end)",
       "one");
  env_save(&env, "bot",
           "require('tidelock.cache').open('c', {max_entries = 1}) error 'no'");
  env_await(&env, "no");
  env.seen = env.log_len;
  env_await(&env, "all there");
  env_close(&env);
}

static void no_longer_opened_it_is_closed(void **state) {
  (void)state;
  Env env;
  open_quick(&env);
  save(&env, "", "c:set('x', 1)", "one");
  env_save(&env, "bot", "script.on_start(function() log.info 'without' end)");
  env_await(&env, "cache c is closed: the script no longer declares it");
  save(&env, "", "", "again");
  assert_false(env_has(&env, "again: x"));
  env_close(&env);
}

static void scripts_have_their_own(void **state) {
  (void)state;
  Env env;
  open_quick(&env);
  save(&env, "", "c:set('x', 1)", "one");
  env_save(&env, "other",
           "local c = require('tidelock.cache').open('c', {ttl = 1}) "
           "script.on_start(function() log.info('size ' .. "
           "c:stats().size) end)");
  env_await(&env, "size 0");
  env_close(&env);
}

static void at_the_top_level_it_is_opened_only(void **state) {
  (void)state;
  Env env;
  open_quick(&env);
  env_save(&env, "bot",
           "local c = require('tidelock.cache').open('c') "
           "local ok, err = pcall(c.get, c, 1) log.info('early: ' .. err)");
  env_await(&env, "early: ");
  env_await(&env, "cache:get");
  env_close(&env);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(entries_stay_over_a_reload),
      cmocka_unit_test(other_options_are_in_force_at_once),
      cmocka_unit_test(a_load_that_fails_changes_nothing),
      cmocka_unit_test(no_longer_opened_it_is_closed),
      cmocka_unit_test(scripts_have_their_own),
      cmocka_unit_test(at_the_top_level_it_is_opened_only)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
