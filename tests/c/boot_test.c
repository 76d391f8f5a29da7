/* The boot clock: it goes on, and its id is the same each time. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "core/boot.h"
#include "core/clock.h"

static void it_goes_on(void **state) {
  (void)state;
  double one = boot_now(), monotonic = clock_monotonic(), two = boot_now();
  assert_true(one > 0);
  assert_true(two >= one);
  assert_true(two + 1e-6 >= monotonic); /* it counts sleep, too */
}

static void its_id_stays(void **state) {
  (void)state;
  char one[BOOT_ID], two[BOOT_ID];
  boot_id(one);
  boot_id(two);
  assert_string_equal(one, two);
  assert_true(strlen(one) == 0 || strlen(one) == 36);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(it_goes_on),
      cmocka_unit_test(its_id_stays),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
