/* The calendar: every day of many years both ways, beside the C library's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "core/days.h"

static void every_day_comes_back(void **state) {
  (void)state;
  for (int64_t day = -800000; day < 3000000; day += 1) {
    Date date = days_to_date(day);
    if (days_from_date(date.year, date.month, date.day) != day)
      fail_msg("%ld", (long)day);
  }
}

static void agrees_with_the_system(void **state) {
  (void)state;
  for (int64_t day = -750000; day < 3000000; day += 211) {
    time_t seconds = day * 86400 + 86399;
    struct tm tm;
    gmtime_r(&seconds, &tm);
    Date date = days_to_date(days_of(seconds));
    assert_int_equal(date.year, tm.tm_year + 1900);
    assert_int_equal(date.month, tm.tm_mon + 1);
    assert_int_equal(date.day, tm.tm_mday);
    assert_int_equal(days_weekday(day), tm.tm_wday);
  }
}

static void known_days(void **state) {
  (void)state;
  assert_int_equal(days_from_date(1970, 1, 1), 0);
  assert_int_equal(days_from_date(0, 1, 1), -719528);
  assert_int_equal(days_from_date(0, 2, 29), -719469);
  assert_int_equal(days_of(-1), -1);
  assert_int_equal(days_of(0), 0);
  assert_true(days_is_leap(2000) && days_is_leap(2024) && days_is_leap(0));
  assert_false(days_is_leap(1900) || days_is_leap(2023));
}

/* Years that are too far are held for the last that can be counted. */
static void what_is_too_far_is_held(void **state) {
  (void)state;
  const int64_t far = 1000000000000000, days = far * 366;
  assert_int_equal(days_from_date(INT64_MAX, 12, 31), days_from_date(far, 12, 31));
  assert_int_equal(days_from_date(INT64_MIN, 1, 1), days_from_date(-far, 1, 1));
  assert_true(days_from_date(INT64_MAX, 1, 1) > days_from_date(9999, 1, 1));
  assert_true(days_from_date(INT64_MIN, 1, 1) < days_from_date(-9999, 1, 1));
  assert_int_equal(days_to_date(INT64_MAX).year, days_to_date(days).year);
  assert_int_equal(days_to_date(INT64_MIN).year, days_to_date(-days).year);
  assert_int_equal(days_weekday(INT64_MAX), (INT64_MAX % 7 + 4) % 7);
  assert_int_equal(days_weekday(INT64_MIN), (INT64_MIN % 7 + 4 + 7) % 7);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_day_comes_back), cmocka_unit_test(agrees_with_the_system),
      cmocka_unit_test(known_days), cmocka_unit_test(what_is_too_far_is_held)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
