/* Rules for all years: what is read, and when clocks change by it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/days.h"
#include "proto/zone_rule.h"

static ZoneRule read_rule(const char *text) {
  ZoneRule rule;
  if (!zone_rule_parse(&rule, text, strlen(text))) fail_msg("refused: %s", text);
  return rule;
}

static int64_t at(int year, int month, int day, int hour) {
  return days_from_date(year, month, day) * 86400 + hour * 3600;
}

/* The offset changes to `to` at that time, and not an instant before. */
static void assert_change(const char *text, int64_t when, int from, int to) {
  ZoneRule rule = read_rule(text);
  ZoneSpan before = zone_rule_span(&rule, when - 1), after = zone_rule_span(&rule, when);
  assert_int_equal(before.offset, from);
  assert_int_equal(after.offset, to);
  assert_int_equal(before.to, when);
  assert_int_equal(after.from, when);
}

static void clocks_change_when_it_says(void **state) {
  (void)state;
  assert_change("CET-1CEST,M3.5.0,M10.5.0/3", at(2026, 3, 29, 1), 3600, 7200);
  assert_change("CET-1CEST,M3.5.0,M10.5.0/3", at(2026, 10, 25, 1), 7200, 3600);
  assert_change("EST5EDT,M3.2.0,M11.1.0", at(2026, 3, 8, 7), -18000, -14400);
  assert_change("EST5EDT,M3.2.0,M11.1.0", at(2026, 11, 1, 6), -14400, -18000);
  /* south: summer goes over the new year */
  assert_change("AEST-10AEDT,M10.1.0,M4.1.0/3", at(2026, 4, 4, 16), 39600, 36000);
  assert_change("AEST-10AEDT,M10.1.0,M4.1.0/3", at(2026, 10, 3, 16), 36000, 39600);
  /* summer half an hour ahead; winter behind the standard (Dublin) */
  assert_change("<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", at(2026, 4, 4, 15), 39600, 37800);
  assert_change("IST-1GMT0,M10.5.0,M3.5.0/1", at(2026, 3, 29, 1), 0, 3600);
  /* days of the year, and times before and after the day */
  assert_change("AAA0BBB,J60/0,J300/0", at(2024, 3, 1, 0), 0, 3600);
  assert_change("AAA0BBB,J60/0,J300/0", at(2023, 3, 1, 0), 0, 3600);
  assert_change("AAA0BBB,59/0,J300/0", at(2024, 2, 29, 0), 0, 3600);
  assert_change("AAA0BBB,J1/-1,J300/0", at(2023, 12, 31, 23), 0, 3600);
  assert_change("<-02>2<-01>,M3.5.0/-1,M10.5.0/0", at(2026, 3, 29, 1), -7200, -3600);
  assert_change("EET-2EEST,M3.4.4/50,M10.4.4/50", at(2026, 3, 28, 0), 7200, 10800);
}

static void summer_may_last_all_year(void **state) {
  (void)state;
  ZoneRule rule = read_rule("EST5EDT,0/0,J365/25");
  for (int64_t when = at(2023, 12, 25, 0); when < at(2024, 1, 8, 0); when += 1800) {
    ZoneSpan span = zone_rule_span(&rule, when);
    assert_int_equal(span.offset, -14400);
    assert_true(span.from <= when && when < span.to);
  }
}

static void names(void **state) {
  (void)state;
  ZoneRule rule = read_rule("<-0330>3:30:15<LONG-NAME+12>2:30,M3.2.0,M11.1.0");
  assert_string_equal(rule.name, "-0330");
  assert_string_equal(rule.dst_name, "LONG-NAME+12");
  assert_int_equal(rule.offset, -(3 * 3600 + 30 * 60 + 15));
  assert_int_equal(rule.dst_offset, -9000);
  assert_false(read_rule("UTC0").has_dst);
  assert_int_equal(zone_rule_span(&(ZoneRule){.offset = 5, .name = "X"}, 0).offset, 5);
}

static void others_are_refused(void **state) {
  (void)state;
  static const char *const cases[] = {"",
                                      "UTC",
                                      "UT0",
                                      "0",
                                      "UTC0 ",
                                      "UTC25",
                                      "UTC-25",
                                      "UTC0:60",
                                      "UTC0:00:60",
                                      "UTC0:",
                                      "<UTC0",
                                      "<>0",
                                      "UTC0BBB",
                                      "UTC0BBB,",
                                      "UTC0BBB,M3.2.0",
                                      "UTC0BBB,M3.2.0,",
                                      "UTC0BBB,M13.2.0,M1.1.0",
                                      "UTC0BBB,M0.2.0,M1.1.0",
                                      "UTC0BBB,M3.6.0,M1.1.0",
                                      "UTC0BBB,M3.0.0,M1.1.0",
                                      "UTC0BBB,M3.2.7,M1.1.0",
                                      "UTC0BBB,J0,J1",
                                      "UTC0BBB,J366,J1",
                                      "UTC0BBB,366,1",
                                      "UTC0BBB,J1/168,J2",
                                      "UTC0BBB,J1/-168,J2",
                                      "UTC0BBB,J1,J2,J3",
                                      "ABCDEFGHIJKLMNOP0",
                                      "UTC0BB,J1,J2",
                                      "UTC99999999999",
                                      "U+C0"};
  ZoneRule rule;
  for (size_t i = 0; i < COUNT_OF(cases); i++)
    if (zone_rule_parse(&rule, cases[i], strlen(cases[i]))) fail_msg("took %s", cases[i]);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(clocks_change_when_it_says),
                                     cmocka_unit_test(summer_may_last_all_year),
                                     cmocka_unit_test(names),
                                     cmocka_unit_test(others_are_refused)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
