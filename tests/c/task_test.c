/* How a task that C has started ends: its TaskDone is called once, with what it gave, or
 * with the reason why it gave nothing. */
#include "vm/task.h"

#include "core/clock.h"
#include "said_env.h"
#include "vm/task_wait.h"
#include "script/exit.h"
#include "vm/watchdog.h"

typedef struct End {
  int calls, results;
  TaskOutcome outcome;
  bool has_stack;
  lua_Integer value;
  char error[64];
} End;

static End end;

static void on_done(void *ctx, lua_State *co, int results, TaskOutcome outcome) {
  End *e = ctx;
  e->calls++;
  e->results = results;
  e->outcome = outcome;
  e->has_stack = co != NULL;
  if (co && outcome == TASK_OK && results > 0) e->value = lua_tointeger(co, -1);
  if (outcome == TASK_FAILED && lua_isstring(co, -1))
    strncpy(e->error, lua_tostring(co, -1), 63);
}

/* Pushes the function of this name, and one argument. */
static int push_named(lua_State *L, void *name) {
  lua_getglobal(L, name);
  lua_pushinteger(L, 41);
  return 1;
}

static int push_none(lua_State *L, void *ctx) {
  (void)L, (void)ctx;
  return -1;
}

static int push_failing(lua_State *L, void *ctx) {
  (void)ctx;
  lua_pushliteral(L, "no arguments");
  return lua_error(L);
}

static Vm *open_vm(void) {
  end = (End){0};
  run_script("function add(n) return 'first', n + 1 end\n"
             "function fail() error('broken', 0) end\n"
             "function wait() task.sleep(60) end\n"
             "function long() task.sleep(0) while true do end end\n",
             "", "");
  return said_vm();
}

static void start(Vm *vm, const char *name) {
  task_start(vm, TASK_NAME("the test", name), push_named, (void *)name, on_done, &end);
}

static void await_end(void) {
  static int count;
  for (int i = 0; i < 200 && !end.calls; i++) {
    char *line = xasprintf("NEXT %d.", ++count);
    char *code = xasprintf("timer.after(0.01, function() log.info('%s') end)\n", line);
    env_save(&env, "clock", code);
    env_await(&env, line);
    free(code);
    free(line);
  }
}

static void assert_ended(TaskOutcome outcome) {
  assert_int_equal(end.calls, 1);
  assert_int_equal(end.outcome, outcome);
  assert_int_equal(end.has_stack, outcome == TASK_OK || outcome == TASK_FAILED);
}

/* --- it ran ------------------------------------------------------------------------- */

static void its_results_are_handed_over(void **state) {
  (void)state;
  start(open_vm(), "add");
  assert_ended(TASK_OK);
  assert_int_equal(end.results, 2);
  assert_int_equal(end.value, 42);
}

static void nothing_to_call_is_well_too(void **state) {
  (void)state;
  task_start(open_vm(), TASK_NAME("the test", NULL), push_none, NULL, on_done, &end);
  assert_ended(TASK_OK);
  assert_int_equal(end.results, 0);
}

static void its_error_is_handed_over_and_reported(void **state) {
  (void)state;
  start(open_vm(), "fail");
  assert_ended(TASK_FAILED);
  assert_string_equal(end.error, "broken");
  assert_true(env_has(&env, "ERROR bot: error in the test fail: broken"));
}

static void an_error_of_its_arguments_is_its_own(void **state) {
  (void)state;
  task_start(open_vm(), TASK_NAME("the test", NULL), push_failing, NULL, on_done, &end);
  assert_ended(TASK_FAILED);
  assert_string_equal(end.error, "no arguments");
}

static void what_is_prepared_runs_later(void **state) {
  (void)state;
  Task *task = task_prepare(open_vm(), TASK_NAME("the test", NULL), push_named, "add",
                            on_done, &end);
  assert_non_null(task);
  assert_int_equal(end.calls, 0);
  task_run_prepared(task);
  assert_ended(TASK_OK);
  assert_int_equal(end.value, 42);
}

/* --- it did not --------------------------------------------------------------------- */

static void without_memory_it_does_not_begin(void **state) {
  (void)state;
  Vm *vm = open_vm();
  vm->pooled = 0;
  size_t limit = vm->memory_limit;
  vm->memory_limit = 1;
  start(vm, "add");
  vm->memory_limit = limit;
  assert_ended(TASK_NOT_BEGUN);
  assert_true(env_has(&env, "no memory for a task"));
}

static void one_that_waits_is_killed_with_its_generation(void **state) {
  (void)state;
  Vm *vm = open_vm();
  start(vm, "wait");
  assert_int_equal(end.calls, 0);
  task_kill(vm->tasks);
  assert_ended(TASK_KILLED);
  assert_null(vm->tasks);
}

static void one_that_is_cancelled_has_failed(void **state) {
  (void)state;
  Vm *vm = open_vm();
  start(vm, "wait");
  task_cancel(vm->tasks);
  await_end();
  assert_ended(TASK_FAILED);
  assert_string_equal(end.error, ""); /* the error is a table */
  assert_false(env_has(&env, "ERROR"));
}

/* Its event comes when the time for scripts is over: it is not run again. */
static void when_the_time_is_over_it_is_abandoned(void **state) {
  (void)state;
  Vm *vm = open_vm();
  start(vm, "long");
  assert_int_equal(end.calls, 0);
  runtime_exit(env.rt, 0);
  watchdog_end_at(env.rt->host.watchdog, clock_monotonic());
  runtime_run(env.rt);
  assert_ended(TASK_ABANDONED);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      said_test(its_results_are_handed_over),
      said_test(nothing_to_call_is_well_too),
      said_test(its_error_is_handed_over_and_reported),
      said_test(an_error_of_its_arguments_is_its_own),
      said_test(what_is_prepared_runs_later),
      said_test(without_memory_it_does_not_begin),
      said_test(one_that_waits_is_killed_with_its_generation),
      said_test(one_that_is_cancelled_has_failed),
      said_test(when_the_time_is_over_it_is_abandoned),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
