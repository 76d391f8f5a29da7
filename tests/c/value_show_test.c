/* Values for people: like JSON, cut off where it gets long, valid UTF-8 whatever is in
 * them. */
#include "value_env.h"

#include <math.h>

#include "core/utf8.h"

static void assert_shown(Value v, size_t limit, const char *expected) {
  Buffer out = {0};
  value_show(&out, v, limit);
  assert_string_equal(buffer_text(&out), expected);
  buffer_free(&out);
  value_release(v);
}

static void short_ones_are_json(void **state) {
  (void)state;
  static const char *const cases[] = {"null",
                                      "true",
                                      "7",
                                      "1.5",
                                      "\"x\\n\\\"\"",
                                      "[]",
                                      "{}",
                                      "[1,[2],{\"a\":null}]",
                                      "{\"a\":1,\"b\":[]}"};
  for (size_t i = 0; i + 2 < COUNT_OF(cases); i++)
    assert_shown(value_of(cases[i]), 100, cases[i]);
  assert_shown(value_of("{\"a\":1,\"b\":[]}"), 100, "{\"a\":1,\"b\":[]}");
}

static void what_json_has_not_is_shown_too(void **state) {
  (void)state;
  assert_shown(value_double(NAN), 100, "nan");
  assert_shown(value_double(INFINITY), 100, "inf");
  assert_shown(value_double(-INFINITY), 100, "-inf");
  assert_shown(value_text(account, "\xff\xfe", 2), 100, "(2 bytes)");
}

static void long_ones_are_cut(void **state) {
  (void)state;
  assert_shown(value_of("[1,2,3,4,5,6,7,8,9]"), 6, "[1,2,3…]");
  assert_shown(value_of("\"abcdefgh\""), 4, "\"abcd\"…");
  assert_shown(value_of("{\"a\":1,\"b\":2,\"c\":3}"), 6, "{\"a\":1…}");
}

static void a_character_is_not_cut(void **state) {
  (void)state;
  assert_shown(value_of("\"a\xE2\x82\xAC\xE2\x82\xAC\""), 5, "\"a\xE2\x82\xAC\"…");
  assert_shown(value_of("\"a\xE2\x82\xAC\xE2\x82\xAC\""), 3, "\"a\"…");
}

/* Any limit: valid, on one line, and not much longer. */
static void whatever_the_limit(void **state) {
  (void)state;
  Value v = value_of("{\"\xC3\xA4\":[\"line\\n\xE2\x82\xAC\",{\"b\":[1,2,"
                     "\"\xF0\x9F\x98\x80\"]}],\"z\":1.5}");
  for (size_t limit = 0; limit < 80; limit++) {
    Buffer out = {0};
    value_show(&out, v, limit);
    assert_true(utf8_valid(out.data, out.len));
    assert_null(memchr(out.data, '\n', out.len));
    assert_true(out.len < limit + 60);
    buffer_free(&out);
  }
  value_release(v);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      value_test(short_ones_are_json), value_test(what_json_has_not_is_shown_too),
      value_test(long_ones_are_cut),   value_test(a_character_is_not_cut),
      value_test(whatever_the_limit),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
