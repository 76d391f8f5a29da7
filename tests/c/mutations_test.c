/* Pending changes in a runtime: over reloads and migrations, on other scripts' stores, on
 * disk, in slices, and what goes while they are pending. */
#include "script_env.h"

#include "resource/stores.h"

#define HEAD                                                                             \
  "local core = require 'tidelock.store.core' "                                          \
  "local store = require 'tidelock.store' "
#define STAY " timer.every('hold', 60, function() end)\n"

static Resource *the_store(Env *env) {
  Resource *r = env->rt->resources.first;
  while (r->kind != &store_kind) r = r->next;
  return r;
}

static int count_in_log(Env *env, const char *text) {
  int count = 0;
  for (const char *at = env_log(env); (at = strstr(at, text)); at++) count++;
  return count;
}

/* The mutation's factor, the schema version of the store. */
static void save_version(Env *env, int factor, int version) {
  char *text =
      xasprintf(HEAD "local s = store.define('s', {initial = {n = 1}, version = %d, "
                     "migrate = function(d) log.info('migrates ' .. d.n) d.n = 100 end}) "
                     "s:subscribe('n', function(new, old) log.info('told ' .. old .. ' "
                     "to ' .. new) end) "
                     "core.mutation('times', function(_, d) d.n = d.n * %d end) "
                     "script.on_start(function(why) "
                     "if why == 'start' then core.pend(s, 'one', 'times') core.pend(s, "
                     "'two', 'times') end "
                     "log.info('shows ' .. s:get 'n') end)" STAY,
                version, factor);
  env_save(env, "a", text);
  free(text);
}

static void a_reload_applies_them_anew(void **state) {
  (void)state;
  Env env;
  env_open(&env, (RuntimeOptions){0});
  save_version(&env, 2, 1);
  env_await(&env, "shows 4");
  env_await(&env, "told 1 to 4");
  save_version(&env, 3, 1);
  env_await(&env, "shows 9");
  save_version(&env, 2, 2);
  env_await(&env, "migrates 1");
  env_await(&env, "shows 400");
  assert_false(env_has(&env, "told 4") ||
               env_has(&env, "told 9")); /* it begins with what is shown at the swap */
  env_close(&env);
}

static void without_its_mutation_an_entry_waits(void **state) {
  (void)state;
  Env env;
  env_open(&env, (RuntimeOptions){0});
  save_version(&env, 2, 1);
  env_await(&env, "shows 4");
  env_save(&env, "a",
           HEAD "local s = store.define('s', {initial = {n = 1}}) "
                "script.on_start(function() log.info('shows ' .. s:get 'n' .. ' of ' .. "
                "core.pending(s)) end)" STAY);
  env_await(&env, "shows 1 of 2");
  save_version(&env, 5, 1);
  env_await(&env, "shows 25");
  env_close(&env);
}

static void save_raising(Env *env, const char *word) {
  char *text = xasprintf(
      HEAD
      "local s = store.define('s', {initial = {n = 1}}) "
      "core.mutation('bad', function(_, d) d.n = 50 error 'broken' end) "
      "script.on_start(function() core.pend(s, 'x', 'bad') core.pend(s, 'y', 'bad') "
      "for i = 2, 5 do s:set {n = i} assert(s:get 'n' == i) end log.info '%s' end)" STAY,
      word);
  env_save(env, "a", text);
  free(text);
}

static void what_raises_is_told_once_a_generation(void **state) {
  (void)state;
  Env env;
  env_open(&env, (RuntimeOptions){0});
  save_raising(&env, "first");
  env_await(&env, "first");
  assert_int_equal(count_in_log(&env, "error in apply of bad: "), 1);
  save_raising(&env, "second");
  env_await(&env, "second");
  assert_int_equal(count_in_log(&env, "error in apply of bad: "), 2);
  env_close(&env);
}

#define OWNER                                                                            \
  HEAD "local s = store.define('s', {initial = {n = 1}, share = 'write'}) "              \
       "s:subscribe('n', function(new) log.info('owner hears ' .. new) end) "            \
       "script.on_start(function() log.info('owner shows ' .. s:get 'n') end)" STAY
#define GUEST                                                                            \
  HEAD "local s = store.attach 'a:s' "                                                   \
       "core.mutation('plus', function(n, d) d.n = d.n + n end) "                        \
       "script.on_start(function(why) if why == 'start' then core.pend(s, 'g', 'plus', " \
       "10) end log.info('guest shows ' .. s:get 'n') end)" STAY

static void they_may_be_another_scripts(void **state) {
  (void)state;
  Env env;
  env_open(&env, (RuntimeOptions){0});
  env_save(&env, "a", OWNER);
  env_await(&env, "owner shows 1");
  env_save(&env, "b", GUEST);
  env_await(&env, "guest shows 11");
  env_await(&env, "owner hears 11");
  env_save(&env, "a", OWNER "-- another");
  env_await(&env, "owner shows 11");
  assert_int_equal(count_in_log(&env, "owner hears"), 1);
  generation_kill(script_current(script_after(script_first(env.rt))));
  env_await(&env, "owner hears 1\n");
  env_close(&env);
}

static void a_store_goes_while_changes_are_pending(void **state) {
  (void)state;
  Env env;
  env_open(&env, (RuntimeOptions){0});
  env_save(&env, "a", OWNER);
  env_await(&env, "owner shows 1");
  env_save(&env, "b", GUEST);
  env_await(&env, "guest shows 11");
  resource_close(the_store(&env));
  env_save(&env, "a",
           HEAD "local s = store.define('s', {initial = {n = 1}, share = 'write'}) "
                "script.on_start(function() log.info('anew ' .. s:get 'n') end)" STAY);
  env_await(&env, "anew 1");
  env_close(&env);
}

#define KEPT                                                                             \
  HEAD "local s = store.define('s', {initial = {n = 1}, persist = {'n'}, "               \
       "persist_delay = 0.001}) "                                                        \
       "core.mutation('plus', function(n, d) d.n = d.n + n end) "

static void on_disk_is_the_base_alone(void **state) {
  (void)state;
  Env env;
  env_open(&env, (RuntimeOptions){.data = "."});
  env.rt->resources.data = env.folder;
  env_save(&env, "a",
           KEPT "script.on_start(function() core.pend(s, 'x', 'plus', 10) "
                "core.pend(s, 'y', 'plus', 100) s:set {n = 2} core.settle('y') "
                "s:flush() log.info('shows ' .. s:get 'n') end)" STAY);
  env_await(&env, "shows 112");
  resource_close(the_store(&env));
  env_save(&env, "a",
           KEPT "script.on_start(function() "
                "log.info('again ' .. s:get 'n') end)" STAY);
  env_await(&env, "again 102");
  env_close(&env);
}

#define SLOW                                                                             \
  HEAD                                                                                   \
      "local s = store.define('s', {initial = {n = 0, other = 0}}) "                     \
      "core.mutation('slow', function(_, d) local x = 0 for i = 1, 30000 do "            \
      "x = x + i end d.n = d.n + 1 end) "                                                \
      "s:subscribe('n', function(n) log.info('told ' .. n) end) "                        \
      "script.on_start(function() for i = 1, 200 do core.pend(s, 'e' .. i, 'slow') end " \
      "local _, behind = s:get 'n', select(2, core.pending(s)) "                         \
      "log.info((behind > 0 and s:get 'n' == 0) and 'behind' or 'at once') "

static void many_go_on_in_slices(void **state) {
  (void)state;
  Env env;
  env_open(&env, (RuntimeOptions){0});
  env_save(&env, "a", SLOW "s:set {other = 1} end)" STAY);
  env_await(&env, "behind");
  env_await(&env, "told 200");
  env_close(&env);
}

static void between_slices_all_may_go(void **state) {
  (void)state;
  for (int what = 0; what < 3; what++) {
    Env env;
    env_open(&env, (RuntimeOptions){0});
    env_save(&env, "a", SLOW "end)" STAY);
    env_await(&env, "behind");
    if (what == 1) resource_close(the_store(&env));
    if (what == 2) generation_kill(script_current(script_first(env.rt)));
    if (what) {
      env_save(&env, "b", "log.info 'loaded'");
      env_await(&env, "loaded");
    }
    env_close(&env);
  }
}

/* It is stopped at the limit once; then the generation has no more of it. */
static void one_that_never_ends_is_stopped_once(void **state) {
  (void)state;
  Env env;
  env_open(&env, (RuntimeOptions){.cpu_limit = 0.2});
  env_save(&env, "a",
           HEAD "local s = store.define('s', {initial = {n = 0}}) "
                "core.mutation('loops', function(_, d) while true do end end) "
                "script.on_start(function() core.pend(s, 'x', 'loops') "
                "for i = 1, 50 do s:set {n = i} assert(s:get 'n' == i) task.sleep(0) end "
                "log.info 'still here' end)" STAY);
  env_await(&env, "still here");
  assert_int_equal(count_in_log(&env, "error in apply of loops: "), 1);
  env_close(&env);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_reload_applies_them_anew),
      cmocka_unit_test(without_its_mutation_an_entry_waits),
      cmocka_unit_test(what_raises_is_told_once_a_generation),
      cmocka_unit_test(they_may_be_another_scripts),
      cmocka_unit_test(a_store_goes_while_changes_are_pending),
      cmocka_unit_test(on_disk_is_the_base_alone),
      cmocka_unit_test(many_go_on_in_slices),
      cmocka_unit_test(between_slices_all_may_go),
      cmocka_unit_test(one_that_never_ends_is_stopped_once),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
