/* Dates of HTTP and Retry-After (RFC 9110, 5.6.7 and 10.2.3). */
#include "proto/httpdate.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const double now = 1700000000; /* Tue, 14 Nov 2023 22:13:20 GMT */

static void is(double got, double want) {
  if (got != want) fail_msg("%f, not %f", got, want);
}

static void a_date_has_three_forms(void **state) {
  (void)state;
  is(http_date("Sun, 06 Nov 1994 08:49:37 GMT", now), 784111777);
  is(http_date("Sunday, 06-Nov-94 08:49:37 GMT", now), 784111777);
  is(http_date("Sun Nov  6 08:49:37 1994", now), 784111777);
  is(http_date("Wed Nov 16 08:49:37 1994", now), 784975777);
  is(http_date("Thu, 29 Feb 2024 00:00:00 GMT", now), 1709164800);
  is(http_date("Thursday, 29-Feb-24 00:00:00 GMT", now), 1709164800);
  is(http_date("Thu Feb 29 00:00:00 2024", now), 1709164800);
  is(http_date("Thu, 01 Jan 1970 00:00:00 GMT", now), 0);
  is(http_date("Wed, 31 Dec 1969 23:59:59 GMT", now), -1);
  is(http_date("Sat, 31 Dec 2016 23:59:60 GMT", now), 1483228800);
}

static void two_digits_are_a_year_near_by(void **state) {
  (void)state;
  is(http_date("Sunday, 01-Jan-73 00:00:00 GMT", now), 3250454400); /* 2073 */
  is(http_date("Tuesday, 01-Jan-74 00:00:00 GMT", now), 126230400); /* 1974 */
  is(http_date("Saturday, 01-Jan-00 00:00:00 GMT", now), 946684800);
}

static void the_rest_is_none(void **state) {
  (void)state;
  static const char *const texts[] = {"",
                                      "yesterday",
                                      "Sun, 06 Nov 1994 08:49:37",
                                      "Sun, 06 Nov 1994 08:49:37 GMT ",
                                      "Sun, 06 Nov 1994 08:49:37 GMT+1",
                                      "Sun, 06 Nov 1994 08:49 GMT",
                                      "Sun, 31 Nov 1994 08:49:37 GMT",
                                      "Wed, 29 Feb 2023 00:00:00 GMT",
                                      "Sun, 00 Nov 1994 08:49:37 GMT",
                                      "Sun, -1 Nov 1994 08:49:37 GMT",
                                      "Sun, 06 Nvo 1994 08:49:37 GMT",
                                      "Sun, 06 Nov 1994 24:00:00 GMT",
                                      "Sun, 06 Nov 1994 08:60:00 GMT",
                                      "Sun, 06 Nov 1994 08:49:61 GMT",
                                      "Sun Nov  6 08:49:37 1994 GMT",
                                      "1994-11-06T08:49:37Z",
                                      "784111777"};
  for (size_t i = 0; i < COUNT_OF(texts); i++)
    if (!isnan(http_date(texts[i], now))) fail_msg("%s", texts[i]);
}

static void retry_after_is_seconds_or_a_date(void **state) {
  (void)state;
  static const char *const nonsense[] = {"",     "soon", "-1",   "+1", "1e3",
                                         "0x10", ".5",   "1,5",  "5s", "5, 5",
                                         "inf",  "nan",  "1.2.3"};
  is(http_retry_after("7", NULL, now), 7);
  is(http_retry_after("0", NULL, now), 0);
  is(http_retry_after("1.5", NULL, now), 2);
  is(http_retry_after("0.001", NULL, now), 1);
  is(http_retry_after("2.0", NULL, now), 2);
  is(http_retry_after("99999999999999999999999999", NULL, now), 365 * 86400);
  is(http_retry_after("Tue, 14 Nov 2023 22:14:20 GMT", NULL, now), 60);
  is(http_retry_after("Tue, 14 Nov 2023 22:14:20 GMT", NULL, now + 0.5), 60);
  is(http_retry_after("Tuesday, 14-Nov-23 22:14:20 GMT", NULL, now), 60);
  is(http_retry_after("Tue Nov 14 22:14:20 2023", NULL, now), 60);
  is(http_retry_after("Tue Nov 14 22:13:00 2023", NULL, now), 0);
  static const char *const far[] = {"Tue Nov 14 22:13:00 2043",
                                    "Sunday, 06-Nov-73 08:49:37 GMT",
                                    "Sun, 06 Nov 2994 08:49:37 GMT",
                                    "Fri, 31 Dec 9999 23:59:59 GMT",
                                    "31536001",
                                    "31535999.5"};
  for (size_t i = 0; i < COUNT_OF(far); i++)
    is(http_retry_after(far[i], NULL, now), 365 * 86400);
  const char *date = "Tue, 14 Nov 2023 22:14:10 GMT";
  is(http_retry_after(far[0], date, now), 365 * 86400);
  is(http_retry_after("Tue Nov 14 22:14:20 2023", date, now), 10);
  is(http_retry_after("Tue Nov 14 22:14:20 2023", "never", now), 60);
  for (size_t i = 0; i < COUNT_OF(nonsense); i++)
    if (!isnan(http_retry_after(nonsense[i], NULL, now))) fail_msg("%s", nonsense[i]);
  assert_true(isnan(http_retry_after(NULL, NULL, now)));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_date_has_three_forms),
      cmocka_unit_test(two_digits_are_a_year_near_by),
      cmocka_unit_test(the_rest_is_none),
      cmocka_unit_test(retry_after_is_seconds_or_a_date),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
