/* Functions on text that are bounded: what they give is what Lua's own give, up to their
 * bounds; beyond, they say so. */
#include <stdio.h>

#include "two_states.h"
#include "vm/bounded_text.h"

#include "core/base.h"

static void they_do_the_same(void **state) {
  (void)state;
  static const char *const calls[] = {
      "string.format, '%d %s %5.2f %%', 7, 'x', 1.5",
      "string.format, '%q', 'a\\n\\0\"b'",
      "string.format, '%-5s|%+d', 'ab', 3",
      "string.format, '%d', 'x'",
      "string.format, '%y', 1",
      "string.format, '%s'",
      "string.format, '%'",
      "string.format",
      "string.pack, '<i4z', 7, 'x'",
      "string.packsize, '<i4i8'",
      "string.unpack, '<i4', '\\1\\0\\0\\0'",
      "string.unpack, '<i4', '\\1'",
      "utf8.len, 'a\\u{E4}\\u{20AC}'",
      "utf8.len, 'a\\xff'",
      "utf8.len, 'abc', 2",
      "utf8.len, 'abc', -1",
      "utf8.len, 'abc', 4",
      "utf8.len, 'abc', 5",
      "utf8.len, 'abc', 1, 9",
      "os.date, '!%Y-%m-%d', 0",
  };
  assert_all_same(calls, COUNT_OF(calls));
}

/* Longer than a piece (256 KiB), so that it is counted in several. */
static void long_text_is_counted_the_same(void **state) {
  (void)state;
  static const char *const calls[] = {
      "utf8.len, ('x'):rep(600000)",
      "utf8.len, ('\\u{20AC}'):rep(200000)",
      "utf8.len, 'a' .. ('\\u{20AC}'):rep(200000)",
      "utf8.len, ('\\u{20AC}'):rep(200000), 4, -7",
      "utf8.len, ('x'):rep(300000) .. '\\xff' .. ('x'):rep(300000)",
      "utf8.len, ('x'):rep(600000) .. '\\xe2\\x82'",
      "utf8.len, ('\\u{20AC}'):rep(200000), 2",
      "utf8.len, ('\\u{7FFFFFFF}'):rep(100000), 1, -1, true",
      "utf8.len, ('\\u{7FFFFFFF}'):rep(100000)"};
  assert_all_same(calls, COUNT_OF(calls));
}

static void assert_bounded(const char *call, int most, const char *function) {
  char code[256], expected[128];
  snprintf(code, sizeof code, call, most);
  assert_non_null(strstr(result_of(two.bounded, code), "true"));
  snprintf(code, sizeof code, call, most + 1);
  snprintf(expected, sizeof expected, "to '%s' (longer than %d bytes)", function, most);
  const char *seen = result_of(two.bounded, code);
  if (!strstr(seen, expected)) fail_msg("%s: %s", function, seen);
}

static void there_are_bounds(void **state) {
  (void)state;
  assert_bounded("return show(pcall(string.format, '%%q', ('x'):rep(%d)))", 4 << 20,
                 "string.format");
  assert_bounded("return show(pcall(string.packsize, ('x'):rep(%d)))", 1 << 20,
                 "string.packsize");
  assert_bounded("return show(pcall(string.unpack, ('x'):rep(%d), ('y'):rep(1 << 21)))",
                 1 << 20, "string.unpack");
  assert_bounded("return show(pcall(os.date, ('x'):rep(%d)))", 64 << 10, "os.date");
  assert_same("return show(#string.format('%s', ('x'):rep(5 << 20)))"); /* %q alone */
}

static void text_is_read_in_pieces(void **state) {
  (void)state;
  enum { LEN = 600000, PIECE = 256 << 10 };
  static char text[LEN];
  for (size_t i = 0; i < LEN; i++) text[i] = (char)(i % 251);
  BoundedText reader = {text, LEN};
  size_t size, sum = 0;
  const char *piece;
  while ((piece = bounded_read(two.bounded, &reader, &size)) != NULL) {
    assert_true(size > 0 && size <= PIECE);
    assert_ptr_equal(piece, text + sum);
    sum += size;
  }
  assert_int_equal(size, 0);
  assert_int_equal(sum, LEN);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      two_states_test(they_do_the_same),
      two_states_test(long_text_is_counted_the_same),
      two_states_test(there_are_bounds),
      two_states_test(text_is_read_in_pieces),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
