/* Files of time zones, made here byte by byte: what is read of them, what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/buffer.h"
#include "proto/zone.h"

static void put_32(Buffer *b, uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) buffer_putc(b, (char)(value >> shift));
}

static void put_64(Buffer *b, int64_t value) {
  put_32(b, (uint32_t)((uint64_t)value >> 32));
  put_32(b, (uint32_t)value);
}

static void put_header(Buffer *b, char version, uint32_t leap, uint32_t time,
                       uint32_t type, uint32_t chars) {
  buffer_puts(b, "TZif");
  buffer_putc(b, version);
  for (int i = 0; i < 15; i++) buffer_putc(b, '\0');
  put_32(b, 0), put_32(b, 0), put_32(b, leap), put_32(b, time), put_32(b, type),
      put_32(b, chars);
}

static void put_type(Buffer *b, int32_t offset, char dst, char name) {
  put_32(b, (uint32_t)offset);
  buffer_putc(b, dst);
  buffer_putc(b, name);
}

/* LMT until 1000, then +1 h until 2000, then +2 h, then by the footer. */
static Buffer make_file(const char *footer) {
  Buffer b = {0};
  put_header(&b, '2', 0, 0, 1, 4); /* the old block, with nothing to say */
  put_type(&b, 0, 0, 0);
  buffer_put(&b, "OLD", 4);
  put_header(&b, '2', 0, 2, 3, 12);
  put_64(&b, 1000), put_64(&b, 2000);
  buffer_put(&b, "\1\2", 2);
  put_type(&b, 3208, 0, 0), put_type(&b, 3600, 0, 4), put_type(&b, 7200, 1, 8);
  buffer_put(&b, "LMT\0ONE\0TWO", 12);
  buffer_puts(&b, footer);
  return b;
}

static Zone *read_file(Buffer *b) {
  Error err;
  Zone *zone = zone_parse(b->data, b->len, &err);
  if (!zone) fail_msg("refused: %s", err.message);
  buffer_free(b);
  return zone;
}

static void assert_span(const Zone *zone, int64_t at, int64_t from, int64_t to,
                        int offset, const char *name) {
  ZoneSpan span = zone_span(zone, at);
  assert_int_equal(span.from, from);
  assert_int_equal(span.to, to);
  assert_int_equal(span.offset, offset);
  assert_string_equal(span.name, name);
}

static void the_later_block_counts(void **state) {
  (void)state;
  Buffer b = make_file("\n\n");
  Zone *zone = read_file(&b);
  assert_span(zone, INT64_MIN, INT64_MIN, 1000, 3208, "LMT");
  assert_span(zone, 999, INT64_MIN, 1000, 3208, "LMT");
  assert_span(zone, 1000, 1000, 2000, 3600, "ONE");
  assert_span(zone, 2000, 2000, INT64_MAX, 7200, "TWO");
  assert_span(zone, INT64_MAX, 2000, INT64_MAX, 7200, "TWO");
  assert_true(zone_span(zone, 2000).dst);
  assert_true(zone_size(zone) > 0);
  zone_free(zone);
}

static void the_rule_counts_behind_the_list(void **state) {
  (void)state;
  Buffer b = make_file("\nABC-5DEF,M3.5.0,M10.5.0\n");
  Zone *zone = read_file(&b);
  assert_span(zone, 1999, 1000, 2000, 3600, "ONE");
  assert_int_equal(zone_span(zone, 2000).from, 2000);
  assert_string_equal(zone_span(zone, 2000).name, "ABC");
  assert_string_equal(zone_span(zone, 1751328000).name, "DEF"); /* July 2025 */
  zone_free(zone);
}

static void a_file_of_version_1(void **state) {
  (void)state;
  Buffer b = {0};
  put_header(&b, '\0', 0, 1, 2, 8);
  put_32(&b, (uint32_t)-1000);
  buffer_putc(&b, '\1');
  put_type(&b, 60, 0, 0), put_type(&b, 120, 0, 4);
  buffer_put(&b, "AAA\0BBB", 8);
  Zone *zone = read_file(&b);
  assert_span(zone, -1001, INT64_MIN, -1000, 60, "AAA");
  assert_span(zone, -1000, -1000, INT64_MAX, 120, "BBB");
  zone_free(zone);
}

static void local_times(void **state) {
  (void)state;
  Error err;
  const char *rule = "CET-1CEST,M3.5.0,M10.5.0/3";
  Zone *zone = zone_parse_rule(rule, strlen(rule), &err);
  const int64_t spring = 1774746000, autumn = 1792890000; /* 2026, the changes */
  ZoneInstants plain = zone_instants(zone, 1768000000);
  assert_int_equal(plain.first, 1768000000 - 3600);
  assert_int_equal(plain.last, plain.first);
  assert_false(plain.gap);
  ZoneInstants gap = zone_instants(zone, spring + 3600 + 1800);
  assert_true(gap.gap);
  assert_int_equal(gap.skipped, spring);
  assert_int_equal(gap.first, spring + 1800);
  ZoneInstants twice = zone_instants(zone, autumn + 3600 + 1800);
  assert_int_equal(twice.first, autumn - 1800);
  assert_int_equal(twice.last, autumn + 1800);
  for (int64_t odd = 0; odd < 3; odd++) { /* far away it ends, with something */
    zone_instants(zone, INT64_MIN + odd);
    zone_instants(zone, INT64_MAX - odd);
  }
  zone_free(zone);
}

static void assert_refused(const Buffer *b, size_t len, ErrorCode code) {
  Error err;
  Zone *zone = zone_parse(b->data, len, &err);
  assert_null(zone);
  assert_int_equal(err.code, code);
}

static void whatever_is_cut_is_refused(void **state) {
  (void)state;
  Buffer b = make_file("\nABC-5DEF,M3.5.0,M10.5.0\n");
  for (size_t len = 0; len < b.len; len++) assert_refused(&b, len, ERR_DECODE);
  buffer_free(&b);
}

/* One byte of the good file is another; places from the end of the later block. */
static void what_does_not_fit_is_refused(void **state) {
  (void)state;
  enum {
    OLD = 44 + 6 + 4,
    HEAD = OLD + 44,
    TIMES = HEAD,
    WHICH = TIMES + 16,
    TYPES = WHICH + 2,
    NAMES = TYPES + 18,
    END = NAMES + 12
  };
  static const struct {
    size_t at;
    uint8_t byte;
  } cases[] = {{0, 'X'},        {4, '1'},         {OLD, 'X'},        {OLD + 32, 1},
               {OLD + 36, 1},   {OLD + 39, 0},    {OLD + 43, 0},     {TIMES + 8, 0x80},
               {TIMES + 14, 0}, {WHICH, 3},       {TYPES, 1},        {TYPES, 0x80},
               {TYPES + 4, 2},  {TYPES + 5, 12},  {NAMES + 11, 'X'}, {END, 'X'},
               {END + 1, 'X'},  {OLD + 20, 0xff}, {OLD + 40, 0xff},  {44 - 12, 0xff}};
  for (size_t i = 0; i < COUNT_OF(cases); i++) {
    Buffer b = make_file("\n\n");
    b.data[cases[i].at] = (char)cases[i].byte;
    Error err;
    Zone *zone = zone_parse(b.data, b.len, &err);
    if (zone) fail_msg("case %zu was taken", i);
    assert_int_equal(err.code, ERR_DECODE);
    buffer_free(&b);
  }
}

static void leap_seconds_are_told(void **state) {
  (void)state;
  Buffer b = {0};
  put_header(&b, '\0', 1, 0, 1, 4);
  put_type(&b, 0, 0, 0);
  buffer_put(&b, "UTC\0\0\0\0\0\0\0\0\0", 12);
  assert_refused(&b, b.len, ERR_UNSUPPORTED);
  buffer_free(&b);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_later_block_counts),
      cmocka_unit_test(the_rule_counts_behind_the_list),
      cmocka_unit_test(a_file_of_version_1),
      cmocka_unit_test(local_times),
      cmocka_unit_test(whatever_is_cut_is_refused),
      cmocka_unit_test(what_does_not_fit_is_refused),
      cmocka_unit_test(leap_seconds_are_told),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
