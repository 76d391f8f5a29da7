/* Stores in a runtime: who waits for the disk when what he waits for, or he himself,
 * goes.
 */
#include "script_env.h"

#include "resource/stores.h"

static void begin(Env *env) {
  env_open(env, (RuntimeOptions){.data = "."});
  env->rt->resources.data = env->folder;
}

#define HEAD "local store = require 'tidelock.store'\n"
#define KEPT                                                                             \
  HEAD "local s = store.define('s', {initial = {n = 0, m = 0}, persist = {'n'}, "        \
       "persist_delay = 3000, share = 'write'})\n"                                       \
       "local function flush() s:set{n = s:get 'n' + 1} log.info 'waits' "               \
       "local ok, err = s:flush() log.info('flushed ' .. tostring(ok or err)) end\n"
#define FLUSHING KEPT "script.on_start(flush) timer.every('hold', 60, function() end)\n"

static void a_task_that_waits_may_be_killed(void **state) {
  (void)state;
  Env env;
  begin(&env);
  env_save(&env, "a", FLUSHING);
  env_await(&env, "waits");
  assert_false(env_has(&env, "flushed"));
  generation_kill(script_current(script_first(env.rt)));
  env_save(&env, "b", HEAD "local s = store.define('s') log.info 'loaded'");
  env_await(&env, "loaded");
  assert_false(env_has(&env, "flushed"));
  env_close(&env);
}

static void a_runtime_that_ends_ends_who_waits(void **state) {
  (void)state;
  Env env;
  begin(&env);
  env_save(&env, "a", FLUSHING);
  env_await(&env, "waits");
  env_close(&env);
}

/* The resource of the only store. */
static Resource *the_store(Env *env) {
  Resource *r = env->rt->resources.first;
  while (r->kind != &store_kind) r = r->next;
  return r;
}

static void a_store_that_is_closed_answers(void **state) {
  (void)state;
  Env env;
  begin(&env);
  env_save(&env, "a", FLUSHING);
  env_await(&env, "waits");
  resource_close(the_store(&env));
  env_await(&env, "flushed CANCELLED: the store was closed");
  env_close(&env);
}

static void a_store_that_is_closed_wakes_nobody_dead(void **state) {
  (void)state;
  Env env;
  begin(&env);
  env_save(&env, "a", FLUSHING);
  env_await(&env, "waits");
  resource_close(the_store(&env));
  generation_kill(script_current(script_first(env.rt)));
  env_close(&env);
}

/* Other keys are kept, while he waits or just after, as the disk pleases. */
static void a_reload_answers_those_that_wait(void **state) {
  (void)state;
  Env env;
  begin(&env);
  env_save(&env, "a", FLUSHING);
  env_await(&env, "waits");
  env_save(&env, "a",
           HEAD "local s = store.define('s', {initial = {n = 0}, persist = {'n', 'm'}}) "
                "script.on_start(function() log.info 'reloaded' end) "
                "timer.every('hold', 60, function() end)");
  env_await(&env, "flushed true");
  env_await(&env, "reloaded");
  env_close(&env);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_task_that_waits_may_be_killed),
      cmocka_unit_test(a_runtime_that_ends_ends_who_waits),
      cmocka_unit_test(a_store_that_is_closed_answers),
      cmocka_unit_test(a_store_that_is_closed_wakes_nobody_dead),
      cmocka_unit_test(a_reload_answers_those_that_wait),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
