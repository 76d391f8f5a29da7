/* Text for a terminal: nothing in it that a terminal obeys, however it is cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "core/clean.h"

/* In one piece, and in two, cut at every place. */
static void assert_clean(const char *text, size_t len, const char *expected) {
  for (size_t cut = 0; cut <= len; cut++) {
    Cleaner c = {0};
    Buffer out = {0};
    clean_text(&c, text, cut, &out);
    clean_text(&c, text + cut, len - cut, &out);
    if (strcmp(buffer_text(&out), expected) != 0)
      fail_msg("cut at %zu: \"%s\", not \"%s\"", cut, buffer_text(&out), expected);
    buffer_free(&out);
  }
}
#define CLEAN(text, expected) assert_clean(text, sizeof(text) - 1, expected)

static void plain_text_stays(void **state) {
  (void)state;
  CLEAN("", "");
  CLEAN("a b~\tc\nd\r\ne", "a b~\tc\nd\r\ne");
  CLEAN("\xC3\xA4 \xE2\x82\xAC \xF0\x9F\x98\x80",
        "\xC3\xA4 \xE2\x82\xAC \xF0\x9F\x98\x80");
}

static void control_characters_go(void **state) {
  (void)state;
  CLEAN("\x1b[31mred", "?[31mred");
  CLEAN("\a\b\v\f\x7f", "?????");
  CLEAN("a\0b", "a?b");
}

static void carriage_returns_go_but_before_line_feeds(void **state) {
  (void)state;
  CLEAN("over\rwritten\n", "over?written\n");
  CLEAN("\r\r\n", "?\r\n");
  CLEAN("\r\x1b\n", "??\n");
}

static void an_undecided_return_waits(void **state) {
  (void)state;
  Cleaner c = {0};
  Buffer out = {0};
  clean_text(&c, "a\r", 2, &out);
  assert_string_equal(buffer_text(&out), "a");
  clean_text(&c, "\n", 1, &out);
  assert_string_equal(buffer_text(&out), "a\r\n");
  buffer_free(&out);
}

/* The lead byte goes out before it is known what follows; only then is there a "?". */
static void c1_controls_go_in_every_form(void **state) {
  (void)state;
  CLEAN("\x9b"
        "31m",
        "?31m");
  CLEAN("\xC2\x9B"
        "31m",
        "\xC2?31m");
  CLEAN("\xC2\xA0", "\xC2\xA0");
  CLEAN("\x80\xBF", "??");
}

static void what_is_no_utf8_is_marked(void **state) {
  (void)state;
  CLEAN("\xC0\xAF", "??");
  CLEAN("\xE0\x9F\xBF", "\xE0??");
  CLEAN("\xED\xA0\x80", "\xED??");
  CLEAN("\xF0\x8F\xBF\xBF", "\xF0???");
  CLEAN("\xF4\x90\x80\x80", "\xF4???");
  CLEAN("\xF5\xFF", "??");
  CLEAN("\xE2\x82z", "\xE2\x82z");
}

/* No byte that a terminal obeys comes out of any two. */
static void no_pair_of_bytes_gets_through(void **state) {
  (void)state;
  for (int a = 0; a < 256; a++)
    for (int b = 0; b < 256; b++) {
      char text[] = {(char)a, (char)b, 'x'};
      Cleaner c = {0};
      Buffer out = {0};
      clean_text(&c, text, 3, &out);
      assert_int_equal(out.len, 3);
      for (size_t i = 0; i < out.len; i++) {
        unsigned char byte = (unsigned char)out.data[i];
        bool plain = byte >= 0x20 || byte == '\n' || byte == '\t' || byte == '\r';
        bool c1 = byte >= 0x80 && byte < 0xA0 &&
                  (i == 0 || (unsigned char)out.data[i - 1] < 0xC3);
        if (!plain || byte == 0x7f || c1)
          fail_msg("%02x %02x: %02x at %zu", a, b, byte, i);
      }
      buffer_free(&out);
    }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(plain_text_stays),
      cmocka_unit_test(control_characters_go),
      cmocka_unit_test(carriage_returns_go_but_before_line_feeds),
      cmocka_unit_test(an_undecided_return_waits),
      cmocka_unit_test(c1_controls_go_in_every_form),
      cmocka_unit_test(what_is_no_utf8_is_marked),
      cmocka_unit_test(no_pair_of_bytes_gets_through),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
