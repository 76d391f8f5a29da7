/* Noticing that the machine slept: who listens is called, once, and may end meanwhile. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "loop/wake.h"

typedef struct Ear {
  WakeListener listener;
  Wakes *wakes;
  struct Ear *ends; /* another, which leaves when this one is called */
  int calls;
} Ear;

static void on_woke(WakeListener *listener) {
  Ear *ear = CONTAINER_OF(listener, Ear, listener);
  ear->calls++;
  if (ear->ends) wakes_leave(&ear->ends->listener);
}

static Loop *loop;
static Wakes *wakes;

static int open_wakes(void **state) {
  (void)state;
  loop = loop_new(NULL);
  wakes = wakes_new(loop);
  return 0;
}

static int close_wakes(void **state) {
  (void)state;
  wakes_free(wakes);
  loop_free(loop);
  return 0;
}

static Ear new_ear(void) {
  return (Ear){.listener.woke = on_woke, .wakes = wakes};
}

static void each_listener_is_called_once_a_wake(void **state) {
  (void)state;
  Ear one = new_ear(), two = new_ear();
  wakes_listen(wakes, &one.listener);
  wakes_listen(wakes, &one.listener); /* it listens already */
  wakes_listen(wakes, &two.listener);
  wakes_slept(wakes, 60);
  assert_int_equal(one.calls, 1);
  assert_int_equal(two.calls, 1);
  wakes_slept(wakes, 60);
  assert_int_equal(one.calls, 2);
  wakes_leave(&one.listener);
  wakes_leave(&one.listener);
  wakes_slept(wakes, 60);
  assert_int_equal(one.calls, 2);
  assert_int_equal(two.calls, 3);
  wakes_leave(&two.listener);
}

static void the_clock_counts_sleep(void **state) {
  (void)state;
  double before = wakes_now(wakes);
  wakes_slept(wakes, 3600);
  double slept = wakes_now(wakes) - before;
  assert_true(slept >= 3600 && slept < 3660);
}

static void one_may_end_itself(void **state) {
  (void)state;
  Ear ear = new_ear(), other = new_ear();
  ear.ends = &ear;
  wakes_listen(wakes, &ear.listener);
  wakes_listen(wakes, &other.listener);
  wakes_slept(wakes, 1);
  wakes_slept(wakes, 1);
  assert_int_equal(ear.calls, 1);
  assert_int_equal(other.calls, 2);
  wakes_leave(&other.listener);
}

static void one_may_end_another_that_was_to_be_called(void **state) {
  (void)state;
  Ear a = new_ear(), b = new_ear();
  a.ends = &b;
  b.ends = &a; /* whichever is first: the other is not called */
  wakes_listen(wakes, &a.listener);
  wakes_listen(wakes, &b.listener);
  wakes_slept(wakes, 1);
  assert_int_equal(a.calls + b.calls, 1);
  wakes_leave(&a.listener);
  wakes_leave(&b.listener);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, open_wakes, close_wakes)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(each_listener_is_called_once_a_wake),
      TEST(the_clock_counts_sleep),
      TEST(one_may_end_itself),
      TEST(one_may_end_another_that_was_to_be_called),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
