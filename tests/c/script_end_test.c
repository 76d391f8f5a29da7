/* A script that ends itself, beside others: its tasks are cancelled, on_stop runs and may
 * wait for a time, what it declared is closed; the others notice nothing. */
#include "script/exit.h"
#include "script_env.h"

static Env env;

static int open_world(void **state) {
  (void)state;
  env_open(&env, (RuntimeOptions){.grace = 0.1});
  env_save(&env, "first",
           "timer.every('hold', 60, print)\n"
           "script.on_start(function() log.info('FIRST up') end)\n");
  env_await(&env, "FIRST up");
  return 0;
}

static int close_world(void **state) {
  (void)state;
  env_close(&env);
  return 0;
}

static Script *the_bot(void) {
  return script_find(env.rt, "bot", 3);
}

static size_t count_own(void) {
  size_t count = 0;
  for (Resource *r = env.rt->resources.first; r; r = r->next)
    count += r->owner == &the_bot()->owner;
  return count;
}

static void stop_loop(Timer *timer) {
  (void)timer;
  loop_stop(env.rt->host.loop);
}

/* Until it has ended; fails after 5 seconds. */
static void await_end(void) {
  Timer look = {.fire = stop_loop};
  for (int i = 0; i < 1000 && !the_bot()->ended; i++) {
    timer_start(env.rt->host.loop, &look, 0.005);
    loop_run(env.rt->host.loop, NULL, NULL);
  }
  timer_stop(env.rt->host.loop, &look);
  assert_true(the_bot()->ended);
  assert_false(env.rt->host.stopping);
}

static void all_that_it_declared_is_closed(void **state) {
  (void)state;
  env_save(&env, "bot",
           "timer.every('tick', 60, print) server.listen('web', {port = 0})\n"
           "require('tidelock.store').define('s', {initial = {n = 1}})\n"
           "script.on_start(function() log.info 'UP' script.exit(3) end)\n");
  env_await(&env, "ends itself (script.exit(3)); the others go on");
  await_end();
  assert_int_equal(count_own(), 0);
  assert_null(the_bot()->owner.current);
  assert_null(the_bot()->retiring);
}

static void its_tasks_are_cancelled_and_on_stop_runs_once(void **state) {
  (void)state;
  env_save(&env, "bot",
           "script.on_stop(function(reason) log.info('STOP ' .. reason) task.sleep(0.01) "
           "log.info 'SLEPT' end)\n"
           "script.on_start(function()\n"
           "  task.spawn(function() local ok, err = pcall(task.sleep, 60)\n"
           "    log.info('TASK ' .. tostring(ok) .. ' ' .. err.code) end)\n"
           "  task.sleep(0.01) script.exit() script.exit(2) log.info 'ASKED'\n"
           "end)\n");
  await_end();
  assert_true(env_has(&env, "ASKED"));
  assert_true(env_has(&env, "TASK false CANCELLED"));
  assert_true(env_has(&env, "SLEPT"));
  const char *stop = strstr(env_log(&env), "STOP stop");
  assert_non_null(stop);
  assert_null(strstr(stop + 1, "STOP stop"));
}

static void an_on_stop_that_waits_is_not_waited_for(void **state) {
  (void)state;
  env_save(&env, "bot",
           "script.grace(0.05)\n"
           "script.on_stop(function() task.sleep(60) log.info 'LATE' end)\n"
           "script.on_start(function() script.exit() end)\n");
  await_end();
  assert_true(env_has(&env, "on_stop did not end in time"));
  assert_false(env_has(&env, "LATE"));
}

/* There is no memory for the task: that is not waited for. */
static void without_memory_for_on_stop_it_ends_at_once(void **state) {
  (void)state;
  env_save(&env, "bot",
           "script.grace(60)\n"
           "script.on_stop(function() log.info 'RAN' end)\n"
           "script.on_start(function() log.info 'UP' end)\n"
           "timer.every('hold', 60, print)\n");
  env_await(&env, "UP");
  Vm *vm = the_bot()->owner.current;
  script_end(the_bot(), 0);
  vm->pooled = 0;
  vm->memory_limit = 1;
  await_end();
  assert_false(env_has(&env, "RAN"));
}

static void a_save_begins_it_anew(void **state) {
  (void)state;
  env_save(&env, "bot", "script.on_start(function() script.exit() end)\n");
  await_end();
  env_save(&env, "bot",
           "timer.every('hold', 60, print)\n"
           "script.on_start(function(r) log.info('BACK ' .. r) end)\n");
  env_await(&env, "BACK start");
  assert_false(the_bot()->ended);
}

/* Saved while its on_stop runs. */
static void a_save_meanwhile_is_not_lost(void **state) {
  (void)state;
  env_save(&env, "bot",
           "script.on_stop(function() log.info 'STOP' task.sleep(0.05) end)\n"
           "script.on_start(function() script.exit() end)\n");
  env_await(&env, "STOP");
  env_save(&env, "bot",
           "timer.every('hold', 60, print)\n"
           "script.on_start(function() log.info('BACK') end)\n");
  assert_null(the_bot()->load);
  env_await(&env, "BACK");
}

/* Its load is left, and so is another's that shared a file with it. */
static void a_load_under_way_goes_on_without_it(void **state) {
  (void)state;
  env_write(&env, "shared", "", "return 1");
  env_save(&env, "bot",
           "require 'shared' timer.every('hold', 60, print)\n"
           "script.on_start(function() log.info 'UP' end)\n");
  env_save(&env, "other",
           "require 'shared' timer.every('hold', 60, print)\n"
           "script.on_start(function() log.info('OTHER ' .. script.generation) end)\n");
  env_await(&env, "UP");
  env_await(&env, "OTHER 1");
  env_write(&env, "shared", "", "for i = 1, 3e6 do local x = i end return 2");
  Script *both[] = {the_bot(), script_find(env.rt, "other", 5)};
  scripts_load(env.rt, both, 2);
  script_end(the_bot(), 0);
  await_end();
  assert_null(the_bot()->load);
  env_await(&env, "OTHER 3"); /* 2 was given up */
}

int main(void) {
  const struct CMUnitTest tests[] = {
#define test(f) cmocka_unit_test_setup_teardown(f, open_world, close_world)
      test(all_that_it_declared_is_closed),
      test(its_tasks_are_cancelled_and_on_stop_runs_once),
      test(an_on_stop_that_waits_is_not_waited_for),
      test(without_memory_for_on_stop_it_ends_at_once),
      test(a_save_begins_it_anew),
      test(a_save_meanwhile_is_not_lost),
      test(a_load_under_way_goes_on_without_it),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
