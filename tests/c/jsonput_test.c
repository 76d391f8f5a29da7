/* JSON text out: strings with no escape that is not needed, and numbers that come back as
 * they were, in as few digits as it takes. */
#include <setjmp.h>
#include <stdarg.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/json.h"

static void assert_string(const char *text, size_t len, const char *expected) {
  Buffer out = {0};
  assert_int_equal(json_put_string(&out, text, len), 0);
  assert_string_equal(buffer_text(&out), expected);
  buffer_free(&out);
}
#define STRING(text, expected) assert_string(text, sizeof(text) - 1, expected)

static void strings_are_escaped(void **state) {
  (void)state;
  STRING("", "\"\"");
  STRING("plain /text~", "\"plain /text~\"");
  STRING("\"\\\b\f\n\r\t", "\"\\\"\\\\\\b\\f\\n\\r\\t\"");
  STRING("\0\x1f\x7f", "\"\\u0000\\u001f\x7f\"");
  STRING("\xC3\xA4\xE2\x82\xAC", "\"\xC3\xA4\xE2\x82\xAC\"");
  STRING("long enough for words \" and more of it",
         "\"long enough for words \\\" and more of it\"");
}

/* At each place of a run, which is looked at eight bytes at a time. */
static void wherever_the_escape_is(void **state) {
  (void)state;
  char text[24], expected[32];
  for (size_t at = 0; at < sizeof text; at++) {
    memset(text, 'x', sizeof text);
    text[at] = '\n';
    size_t n = 0;
    expected[n++] = '"';
    for (size_t i = 0; i < sizeof text; i++) {
      if (i == at) expected[n++] = '\\';
      expected[n++] = i == at ? 'n' : 'x';
    }
    expected[n++] = '"', expected[n] = '\0';
    assert_string(text, sizeof text, expected);
  }
}

static void what_is_no_utf8_leaves_nothing(void **state) {
  (void)state;
  static const char *const cases[] = {"\xff", "ab\xC3", "\n\xE2\x82", "x\xED\xA0\x80",
                                      "\xC0\xAF"};
  for (size_t i = 0; i < COUNT_OF(cases); i++) {
    Buffer out = {0};
    buffer_puts(&out, "before");
    assert_int_equal(json_put_string(&out, cases[i], strlen(cases[i])), ERR_DECODE);
    assert_string_equal(buffer_text(&out), "before");
    buffer_free(&out);
  }
}

static void assert_number(double value, const char *expected) {
  Buffer out = {0};
  assert_int_equal(json_put_number(&out, value), 0);
  assert_string_equal(buffer_text(&out), expected);
  buffer_free(&out);
}

static void numbers_are_short(void **state) {
  (void)state;
  assert_number(0, "0");
  assert_number(-0.0, "-0");
  assert_number(1, "1");
  assert_number(-17, "-17");
  assert_number(0.1, "0.1");
  assert_number(-1.05, "-1.05");
  assert_number(1.0 / 3, "0.3333333333333333");
  assert_number(9007199254740992.0, "9007199254740992");
  assert_number(1e300, "1e+300");
  assert_number(5e-324, "4.94065645841247e-324");
  assert_number(0.0001, "0.0001");
}

static void others_are_refused(void **state) {
  (void)state;
  Buffer out = {0};
  assert_int_equal(json_put_number(&out, NAN), ERR_DECODE);
  assert_int_equal(json_put_number(&out, INFINITY), ERR_DECODE);
  assert_int_equal(json_put_number(&out, -INFINITY), ERR_DECODE);
  assert_int_equal(out.len, 0);
  buffer_free(&out);
}

static void integers_are_whole(void **state) {
  (void)state;
  static const struct {
    int64_t value;
    const char *text;
  } cases[] = {{0, "0"},
               {-1, "-1"},
               {INT64_MAX, "9223372036854775807"},
               {INT64_MIN, "-9223372036854775808"}};
  for (size_t i = 0; i < COUNT_OF(cases); i++) {
    Buffer out = {0};
    json_put_integer(&out, cases[i].value);
    assert_string_equal(buffer_text(&out), cases[i].text);
    buffer_free(&out);
  }
}

/* Any bits, and numbers as people write them; no text of the same value is shorter by one
 * digit less of printf's. */
static void random_numbers_come_back(void **state) {
  (void)state;
  srand(3);
  for (int i = 0; i < 50000; i++) {
    uint64_t bits = (uint64_t)rand() << 42 ^ (uint64_t)rand() << 21 ^ (uint64_t)rand();
    double value;
    memcpy(&value, &bits, sizeof value);
    if (i % 2) value = (rand() % 2000000 - 1000000) / pow(10, rand() % 8);
    if (!isfinite(value)) continue;
    Buffer out = {0};
    assert_int_equal(json_put_number(&out, value), 0);
    if (strtod(buffer_text(&out), NULL) != value)
      fail_msg("%.17g: %s", value, buffer_text(&out));
    buffer_free(&out);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(strings_are_escaped),
      cmocka_unit_test(wherever_the_escape_is),
      cmocka_unit_test(what_is_no_utf8_leaves_nothing),
      cmocka_unit_test(numbers_are_short),
      cmocka_unit_test(others_are_refused),
      cmocka_unit_test(integers_are_whole),
      cmocka_unit_test(random_numbers_come_back),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
