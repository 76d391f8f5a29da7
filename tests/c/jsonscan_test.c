/* The grammar of JSON, piece by piece: where a thing ends, what it is, and which byte is
 * wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/json.h"
#include "core/jsonscan.h"

/* A copy without anything behind it, so that the sanitizer sees who reads on. */
typedef struct Text {
  char *bytes;
  size_t len;
  JsonScan scan;
  const char *at;
} Text;

static Text begin(const char *text) {
  Text t = {.len = strlen(text)};
  t.bytes = malloc(t.len + !t.len);
  memcpy(t.bytes, text, t.len);
  t.at = json_scan_start(&t.scan, t.bytes, t.len);
  return t;
}

static void assert_wrong(Text *t, const char *end, size_t at, const char *what) {
  assert_null(end);
  assert_int_equal(t->scan.at - t->bytes, at);
  if (!strstr(t->scan.what, what)) fail_msg("%s, not %s", t->scan.what, what);
  free(t->bytes);
}

static void a_text_starts_behind_its_mark_and_blanks(void **state) {
  (void)state;
  static const char *const cases[] = {"7", " \n\r\t7",
                                      "\xEF\xBB\xBF"
                                      "7",
                                      "\xEF\xBB\xBF 7"};
  for (size_t i = 0; i < COUNT_OF(cases); i++) {
    Text t = begin(cases[i]);
    assert_int_equal(*t.at, '7');
    free(t.bytes);
  }
}

static void assert_string(const char *text, const char *expected, size_t len) {
  Text t = begin(text);
  JsonSlice slice;
  const char *end = json_scan_string(&t.scan, t.at, &slice);
  if (!end) fail_msg("%s: %s", text, t.scan.what);
  assert_ptr_equal(end, t.bytes + t.len);
  char *out = malloc(slice.len + 1);
  size_t n = slice.escaped ? json_unescape(out, &slice) : slice.len;
  if (!slice.escaped) memcpy(out, slice.text, n);
  assert_int_equal(n, len);
  assert_memory_equal(out, expected, len);
  free(out);
  free(t.bytes);
}

static void strings_mean_what_they_say(void **state) {
  (void)state;
  assert_string("\"\"", "", 0);
  assert_string("\"plain\"", "plain", 5);
  assert_string("\"longer than eight bytes\"", "longer than eight bytes", 23);
  assert_string("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t", 8);
  assert_string("\"\\u0041\\u00e4\\u20AC\"", "A\xC3\xA4\xE2\x82\xAC", 6);
  assert_string("\"\\ud83d\\ude00\"", "\xF0\x9F\x98\x80", 4);
  assert_string("\"\\u0000\"", "\0", 1);
  assert_string("\"\\ud83d\"", "\xEF\xBF\xBD", 3); /* half a pair */
  assert_string("\"\\ude00\\ud83dA\"",
                "\xEF\xBF\xBD\xEF\xBF\xBD"
                "A",
                7);
  assert_string("\"\xE2\x82\xAC behind it\"", "\xE2\x82\xAC behind it", 13);
}

static void wrong_strings_say_where(void **state) {
  (void)state;
  static const struct {
    const char *text, *what;
  } cases[] = {{"\"open", ""},    {"\"", ""},
               {"\"a\nb\"", ""},  {"\"\\x\"", ""},
               {"\"\\u12\"", ""}, {"\"\\u12g4\"", "hexadecimal"},

               {"\"\xff\"", ""},  {"\"\xC3\"", ""},
               {"\"\\", ""},      {"\"long enough \x01\"", ""}};
  for (size_t i = 0; i < COUNT_OF(cases); i++) {
    Text t = begin(cases[i].text);
    JsonSlice slice;
    if (json_scan_string(&t.scan, t.at, &slice)) fail_msg("taken: %s", cases[i].text);
    assert_true(t.scan.at >= t.bytes && t.scan.at <= t.bytes + t.len);
    if (!strstr(t.scan.what, cases[i].what))
      fail_msg("%s: %s", cases[i].text, t.scan.what);
    free(t.bytes);
  }
}

static void numbers_are_read(void **state) {
  (void)state;
  static const struct {
    const char *text;
    double value;
  } cases[] = {{"0", 0},
               {"-1", -1},
               {"1.5", 1.5},
               {"1e3", 1000},
               {"-2.5E-1", -0.25},
               {"1e400", 1.0 / 0.0},
               {"9007199254740993", 9007199254740992.0}};
  for (size_t i = 0; i < COUNT_OF(cases); i++) {
    Text t = begin(cases[i].text);
    JsonNumber number;
    const char *end = json_scan_number(&t.scan, t.at, false, &number);
    if (i == 5) { /* no double holds it */
      assert_true(end == NULL || number.value == cases[i].value);
    } else {
      assert_ptr_equal(end, t.bytes + t.len);
      assert_true(number.value == cases[i].value && !number.is_long);
    }
    free(t.bytes);
  }
}

static void long_integers_stay_exact_where_asked(void **state) {
  (void)state;
  Text t = begin("9007199254740993");
  JsonNumber number;
  assert_non_null(json_scan_number(&t.scan, t.at, true, &number));
  assert_true(number.is_long && number.integer == 9007199254740993);
  free(t.bytes);
  t = begin("-9223372036854775808");
  assert_non_null(json_scan_number(&t.scan, t.at, true, &number));
  assert_true(number.is_long && number.integer == INT64_MIN);
  free(t.bytes);
  t = begin("9223372036854775808"); /* none of 64 bits */
  assert_non_null(json_scan_number(&t.scan, t.at, true, &number));
  assert_true(!number.is_long && number.value == 9223372036854775808.0);
  free(t.bytes);
}

static void wrong_numbers_are_refused(void **state) {
  (void)state;
  static const char *const cases[] = {"-",  "-x",  "01",  "1.", "1.x",
                                      "1e", "1e+", "-.5", "00"};
  for (size_t i = 0; i < COUNT_OF(cases); i++) {
    Text t = begin(cases[i]);
    JsonNumber number;
    const char *end = json_scan_number(&t.scan, t.at, false, &number);
    if (end && json_scan_end(&t.scan, end)) fail_msg("taken: %s", cases[i]);
    free(t.bytes);
  }
}

static void integers_are_exact_up_to_53_bits(void **state) {
  (void)state;
  int64_t value;
  assert_true(json_exact_integer(-9007199254740992.0, &value) &&
              value == -9007199254740992);
  assert_false(json_exact_integer(9007199254740994.0, &value));
  assert_false(json_exact_integer(0.5, &value));
  assert_false(json_exact_integer(-0.0, &value));
  assert_false(json_exact_integer(NAN, &value));
}

static void brackets_open_and_close(void **state) {
  (void)state;
  bool more;
  Text t = begin("[ ]");
  const char *p = json_open(&t.scan, t.at, ']', &more);
  assert_false(more);
  assert_ptr_equal(json_close(&t.scan, p, ']'), t.bytes + t.len);
  free(t.bytes);
  t = begin("[1 , 2 }");
  p = json_open(&t.scan, t.at, ']', &more);
  assert_true(more && *p == '1');
  p = json_more(&t.scan, p + 1, &more);
  assert_true(more && *p == '2');
  p = json_more(&t.scan, p + 1, &more);
  assert_true(!more && *p == '}');
  assert_wrong(&t, json_close(&t.scan, p, ']'), 7, "closing bracket");
}

static void names_have_quotes_and_a_colon(void **state) {
  (void)state;
  JsonSlice name;
  Text t = begin("\"a\" : 7");
  const char *p = json_scan_name(&t.scan, t.at, &name);
  assert_true(*p == '7' && name.len == 1 && *name.text == 'a');
  free(t.bytes);
  t = begin("a: 7");
  assert_wrong(&t, json_scan_name(&t.scan, t.at, &name), 0, "not a name in quotes");
  t = begin("\"a\" 7");
  assert_wrong(&t, json_scan_name(&t.scan, t.at, &name), 4, "not a `:`");
}

static void levels_are_bounded(void **state) {
  (void)state;
  bool more;
  Text t = begin("[");
  for (int i = 0; i < JSON_MAX_DEPTH; i++)
    assert_non_null(json_open(&t.scan, t.at, ']', &more));
  assert_wrong(&t, json_open(&t.scan, t.at, ']', &more), 0, "nested too deeply");
}

static void an_error_names_the_byte(void **state) {
  (void)state;
  Text t = begin("7 x");
  Error err;
  assert_false(json_scan_end(&t.scan, t.at + 1));
  json_scan_error(&t.scan, t.bytes, t.len, &err);
  assert_int_equal(err.code, ERR_DECODE);
  assert_non_null(
      strstr(err.message, "not JSON at byte 2: text after the value, near `"));
  free(t.bytes);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_text_starts_behind_its_mark_and_blanks),
      cmocka_unit_test(strings_mean_what_they_say),
      cmocka_unit_test(wrong_strings_say_where),
      cmocka_unit_test(numbers_are_read),
      cmocka_unit_test(long_integers_stay_exact_where_asked),
      cmocka_unit_test(wrong_numbers_are_refused),
      cmocka_unit_test(integers_are_exact_up_to_53_bits),
      cmocka_unit_test(brackets_open_and_close),
      cmocka_unit_test(names_have_quotes_and_a_colon),
      cmocka_unit_test(levels_are_bounded),
      cmocka_unit_test(an_error_names_the_byte),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
