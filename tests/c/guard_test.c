/* Breakers and retry budgets: when one opens, who probes, what is forgotten, what a retry
 * costs. The clock is the one that counts sleep. */
#include "net/guard.h"

#include "net_env.h"

typedef struct Test {
  Env env;
  Guards *guards;
} Test;

static const GuardPlace here = {"a script", "http://h:80"};
static const GuardPlace there = {"a script", "http://other:80"};
static const GuardPlace other_script = {"another", "http://h:80"};

static int setup(void **state) {
  Test *t = *state = xcalloc(1, sizeof *t);
  env_open(&t->env);
  t->guards = guards_of(t->env.net);
  return 0;
}

static int teardown(void **state) {
  Test *t = *state;
  env_close(&t->env);
  free(t);
  return 0;
}

static void sleep_for(Test *t, double seconds) {
  wakes_slept(net_wakes(t->env.net), seconds);
}

static void leave(Test *t, int count, bool failed) {
  for (int i = 0; i < count; i++) guard_leave(t->guards, &here, failed);
}

static GuardEntry enter(Test *t, const GuardPlace *place) {
  double wait;
  return guard_enter(t->guards, place, &wait);
}

static void open_it(Test *t) {
  leave(t, GUARD_CALLS, true);
  assert_int_equal(enter(t, &here), GUARD_REFUSED);
}

static void test_fewer_than_ten_calls_open_nothing(void **state) {
  Test *t = *state;
  leave(t, GUARD_CALLS - 1, true);
  assert_int_equal(enter(t, &here), GUARD_PASSES);
  leave(t, 1, true);
  assert_int_equal(enter(t, &here), GUARD_REFUSED);
}

static void test_half_of_the_calls_open_it(void **state) {
  Test *t = *state;
  leave(t, 20, false);
  leave(t, 19, true);
  assert_int_equal(enter(t, &here), GUARD_PASSES);
  leave(t, 1, true);
  assert_int_equal(enter(t, &here), GUARD_REFUSED);
}

static void test_calls_are_forgotten_after_30_s(void **state) {
  Test *t = *state;
  leave(t, 9, true);
  sleep_for(t, 31);
  leave(t, 9, true);
  assert_int_equal(enter(t, &here), GUARD_PASSES);
  sleep_for(t, 20);
  leave(t, 1, true);
  assert_int_equal(enter(t, &here), GUARD_REFUSED);
}

static void test_it_is_of_one_script_and_one_origin(void **state) {
  Test *t = *state;
  open_it(t);
  assert_int_equal(enter(t, &there), GUARD_PASSES);
  assert_int_equal(enter(t, &other_script), GUARD_PASSES);
}

static void test_who_is_refused_hears_how_long(void **state) {
  Test *t = *state;
  double wait = 0;
  open_it(t);
  sleep_for(t, 2);
  assert_int_equal(guard_enter(t->guards, &here, &wait), GUARD_REFUSED);
  assert_true(wait > GUARD_OPEN - 2.5 && wait <= GUARD_OPEN - 2);
}

static void test_one_call_probes(void **state) {
  Test *t = *state;
  double wait = 0;
  open_it(t);
  sleep_for(t, GUARD_OPEN);
  assert_int_equal(enter(t, &here), GUARD_PROBES);
  assert_int_equal(guard_enter(t->guards, &here, &wait), GUARD_REFUSED);
  assert_true(wait > 0);
  guard_end_probe(t->guards, &here, GUARD_WORKED);
  assert_int_equal(enter(t, &here), GUARD_PASSES);
  leave(t, GUARD_CALLS - 1, true); /* it begins to count anew */
  assert_int_equal(enter(t, &here), GUARD_PASSES);
}

static void test_a_probe_that_fails_opens_it_again(void **state) {
  Test *t = *state;
  open_it(t);
  sleep_for(t, GUARD_OPEN);
  assert_int_equal(enter(t, &here), GUARD_PROBES);
  guard_end_probe(t->guards, &here, GUARD_FAILED);
  assert_int_equal(enter(t, &here), GUARD_REFUSED);
  sleep_for(t, GUARD_OPEN);
  assert_int_equal(enter(t, &here), GUARD_PROBES);
}

static void test_a_probe_that_is_cancelled_leaves_its_place(void **state) {
  Test *t = *state;
  open_it(t);
  sleep_for(t, GUARD_OPEN);
  assert_int_equal(enter(t, &here), GUARD_PROBES);
  guard_end_probe(t->guards, &here, GUARD_ABANDONED);
  assert_int_equal(enter(t, &here), GUARD_PROBES);
}

static void test_a_late_call_does_not_close_it(void **state) {
  Test *t = *state;
  open_it(t);
  leave(t, 50, false);
  assert_int_equal(enter(t, &here), GUARD_REFUSED);
}

static void test_it_is_told_once(void **state) {
  Test *t = *state;
  open_it(t);
  leave(t, 50, true);
  fflush(t->env.log_file);
  const char *first = strstr(t->env.log_text, "are refused");
  assert_non_null(first);
  assert_null(strstr(first + 1, "are refused"));
  assert_non_null(strstr(t->env.log_text, "http://h:80 are refused for 5 s: 10 of 10"));
}

static void test_a_budget_runs_out(void **state) {
  Test *t = *state;
  for (int i = 0; i < GUARD_TOKENS / GUARD_RETRY; i++)
    assert_int_equal(guard_take(t->guards, &here, false), GUARD_RETRY);
  assert_int_equal(guard_take(t->guards, &here, false), 0);
  assert_int_equal(guard_take(t->guards, &there, true), GUARD_TIMEOUT);
  for (int i = 0; i < GUARD_RETRY; i++) guard_give(t->guards, &here, 0);
  assert_int_equal(guard_take(t->guards, &here, false), GUARD_RETRY);
}

static void test_what_worked_is_refunded(void **state) {
  Test *t = *state;
  int taken = 0, cost;
  while ((cost = guard_take(t->guards, &here, true))) taken += cost;
  assert_int_equal(taken, GUARD_TOKENS);
  guard_give(t->guards, &here, taken);
  guard_give(t->guards, &here, 0); /* never more than at first */
  for (int i = 0; i < GUARD_TOKENS / GUARD_TIMEOUT; i++)
    assert_int_equal(guard_take(t->guards, &here, true), GUARD_TIMEOUT);
  assert_int_equal(guard_take(t->guards, &here, true), 0);
}

static void test_a_script_that_asks_ever_more_origins_forgets(void **state) {
  Test *t = *state;
  char origin[32];
  open_it(t);
  for (int i = 0; i < 5000; i++) {
    snprintf(origin, sizeof origin, "http://h%d:80", i);
    GuardPlace place = {"a script", origin};
    assert_int_equal(enter(t, &place), GUARD_PASSES);
  }
  assert_int_equal(enter(t, &here), GUARD_PASSES);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      T(test_fewer_than_ten_calls_open_nothing),
      T(test_half_of_the_calls_open_it),
      T(test_calls_are_forgotten_after_30_s),
      T(test_it_is_of_one_script_and_one_origin),
      T(test_who_is_refused_hears_how_long),
      T(test_one_call_probes),
      T(test_a_probe_that_fails_opens_it_again),
      T(test_a_probe_that_is_cancelled_leaves_its_place),
      T(test_a_late_call_does_not_close_it),
      T(test_it_is_told_once),
      T(test_a_budget_runs_out),
      T(test_what_worked_is_refunded),
      T(test_a_script_that_asks_ever_more_origins_forgets),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
