/* The pace of attempts: how many at once, how many a second, in which order, and who
 * leaves. */
#include "net/pace.h"

#include "net_env.h"

enum { MANY = 1000 };

typedef struct Attempt {
  PaceTurn turn;
  struct Test *t;
  int number;
} Attempt;

typedef struct Test {
  Env env;
  Pace *pace;
  Attempt attempts[MANY];
  int begun, last; /* last: the number of the one that began last */
  int wanted;
  bool ends_at_once;
} Test;

static void on_go(PaceTurn *turn) {
  Attempt *attempt = CONTAINER_OF(turn, Attempt, turn);
  Test *t = attempt->t;
  assert_true(attempt->number > t->last); /* in order */
  t->last = attempt->number;
  t->begun++;
  if (t->ends_at_once) pace_done(t->pace, turn);
}

static int setup(void **state) {
  Test *t = *state = xcalloc(1, sizeof *t);
  env_open(&t->env);
  t->pace = pace_new(t->env.loop);
  t->last = -1;
  for (int i = 0; i < MANY; i++)
    t->attempts[i] = (Attempt){.turn.go = on_go, .t = t, .number = i};
  return 0;
}

static int teardown(void **state) {
  Test *t = *state;
  for (int i = 0; i < MANY; i++) pace_done(t->pace, &t->attempts[i].turn);
  pace_free(t->pace);
  env_close(&t->env);
  free(t);
  return 0;
}

static void ask(Test *t, int from, int count) {
  for (int i = from; i < from + count; i++) pace_ask(t->pace, &t->attempts[i].turn);
}

static bool enough(void *ctx) {
  Test *t = ctx;
  return t->begun >= t->wanted;
}

static void wait_begun(Test *t, int wanted) {
  t->wanted = wanted;
  assert_true(env_wait(&t->env, enough, t));
}

static void test_one_alone_never_waits(void **state) {
  Test *t = *state;
  ask(t, 0, 1);
  assert_int_equal(t->begun, 1);
  assert_false(pace_waits(t->pace, &t->attempts[0].turn));
  ask(t, 0, 1); /* asked twice: begun once */
  assert_int_equal(t->begun, 1);
}

static void test_so_many_at_once(void **state) {
  Test *t = *state;
  ask(t, 0, MANY);
  assert_int_equal(t->begun, PACE_UNDER_WAY);
  assert_true(pace_waits(t->pace, &t->attempts[PACE_UNDER_WAY].turn));
  pace_done(t->pace, &t->attempts[3].turn);
  pace_done(t->pace, &t->attempts[5].turn);
  assert_int_equal(t->begun, PACE_UNDER_WAY); /* not from within pace_done */
  wait_begun(t, PACE_UNDER_WAY + 2);
  assert_int_equal(t->begun, PACE_UNDER_WAY + 2);
}

static void test_so_many_a_second(void **state) {
  Test *t = *state;
  t->ends_at_once = true;
  double from = loop_now(t->env.loop);
  ask(t, 0, MANY);
  assert_true(t->begun < MANY);
  wait_begun(t, MANY);
  double took = loop_now(t->env.loop) - from;
  print_message("# %d attempts that end at once: %.3f s\n", MANY, took);
  assert_true(took * PACE_PER_SECOND >= MANY - PACE_UNDER_WAY - 1);
}

static void test_slow_ones_hold_nobody_up_for_ever(void **state) {
  Test *t = *state;
  double from = loop_now(t->env.loop);
  ask(t, 0, PACE_UNDER_WAY + 1);
  wait_begun(t, PACE_UNDER_WAY + 1);
  assert_true(loop_now(t->env.loop) - from >= PACE_COUNTS);
}

static void test_who_leaves_is_left_out(void **state) {
  Test *t = *state;
  ask(t, 0, PACE_UNDER_WAY + 4);
  pace_done(t->pace, &t->attempts[PACE_UNDER_WAY].turn);     /* the first that waits */
  pace_done(t->pace, &t->attempts[PACE_UNDER_WAY + 3].turn); /* the last */
  pace_done(t->pace, &t->attempts[PACE_UNDER_WAY + 3].turn); /* again */
  for (int i = 0; i < 3; i++) pace_done(t->pace, &t->attempts[i].turn);
  wait_begun(t, PACE_UNDER_WAY + 2);
  assert_int_equal(t->last, PACE_UNDER_WAY + 2);
  t->last = -1;
  ask(t, PACE_UNDER_WAY, 1); /* who left may ask again: the third place is free */
  wait_begun(t, PACE_UNDER_WAY + 3);
}

/* One that asks again at once stands behind those that wait already. */
static void test_no_overtaking(void **state) {
  Test *t = *state;
  ask(t, 0, PACE_UNDER_WAY + 1);
  pace_done(t->pace, &t->attempts[0].turn);
  t->attempts[0].number = PACE_UNDER_WAY + 1;
  ask(t, 0, 1);
  assert_true(pace_waits(t->pace, &t->attempts[0].turn));
  wait_begun(t, PACE_UNDER_WAY + 1);
  assert_true(pace_waits(t->pace, &t->attempts[0].turn));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_one_alone_never_waits, setup, teardown),
      cmocka_unit_test_setup_teardown(test_so_many_at_once, setup, teardown),
      cmocka_unit_test_setup_teardown(test_so_many_a_second, setup, teardown),
      cmocka_unit_test_setup_teardown(test_slow_ones_hold_nobody_up_for_ever, setup,
                                      teardown),
      cmocka_unit_test_setup_teardown(test_who_leaves_is_left_out, setup, teardown),
      cmocka_unit_test_setup_teardown(test_no_overtaking, setup, teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
