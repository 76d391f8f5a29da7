/* How much time is left once the end was asked for: for scripts, and for all but the
 * disk. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/clock.h"
#include "script/ending.h"

static int asked;
static void on_asked(void *ctx) {
  (void)ctx;
  asked++;
}

/* As if it had been asked for so many seconds ago. */
static void begin(Ending *e, double timeout, double ago) {
  *e = (Ending){.timeout = timeout};
  atomic_store(&e->asked, clock_monotonic() - ago);
}

static void assert_near(double value, double expected) {
  if (value < expected - 0.1 || value > expected + 0.1)
    fail_msg("%g is not %g", value, expected);
}

static void only_the_first_time_counts(void **state) {
  (void)state;
  Ending e = {.asked_now = on_asked};
  asked = 0;
  assert_false(ending_asked(&e));
  assert_false(ending_scripts_over(&e));
  ending_ask(&e);
  double due = ending_due(&e);
  ending_ask(&e);
  assert_true(ending_asked(&e));
  assert_int_equal(asked, 1);
  assert_true(ending_due(&e) == due);
}

static void without_a_timeout_there_are_three_seconds(void **state) {
  (void)state;
  Ending e;
  begin(&e, 0, 0);
  assert_near(ending_due(&e) - clock_monotonic(), 3);
  assert_near(ending_left(&e), 3);
}

static void the_last_second_is_not_scripts(void **state) {
  (void)state;
  Ending e;
  begin(&e, 0, 0);
  assert_near(ending_due(&e) - ending_scripts_due(&e), 1);
  begin(&e, 10, 0);
  assert_near(ending_due(&e) - ending_scripts_due(&e), 1);
  begin(&e, 2, 0);
  assert_near(ending_due(&e) - ending_scripts_due(&e), 1);
}

static void nor_is_the_half_of_less_than_two(void **state) {
  (void)state;
  Ending e;
  begin(&e, 1, 0);
  assert_near(ending_due(&e) - ending_scripts_due(&e), 0.5);
  begin(&e, 0.4, 0);
  assert_near(ending_due(&e) - ending_scripts_due(&e), 0.2);
}

static void it_passes(void **state) {
  (void)state;
  Ending e;
  begin(&e, 3, 1);
  assert_false(ending_scripts_over(&e));
  assert_near(ending_left(&e), 2);
  begin(&e, 3, 2.5);
  assert_true(ending_scripts_over(&e));
  assert_near(ending_left(&e), 0.5);
  begin(&e, 3, 7);
  assert_true(ending_left(&e) == 0);
}

static void one_alone_ends_the_process(void **state) {
  (void)state;
  Ending e = {0};
  assert_true(ending_take(&e));
  assert_false(ending_take(&e));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(only_the_first_time_counts),
      cmocka_unit_test(without_a_timeout_there_are_three_seconds),
      cmocka_unit_test(the_last_second_is_not_scripts),
      cmocka_unit_test(nor_is_the_half_of_less_than_two),
      cmocka_unit_test(it_passes),
      cmocka_unit_test(one_alone_ends_the_process),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
