/* UTF-8: every boundary of RFC 3629, whole and cut at every place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/utf8.h"

/* Checks one text whole, byte by byte, and behind ASCII runs that exercise each of the
 * fast loops. */
static bool check(const char *text, size_t len) {
  char padded[128];
  bool whole = utf8_valid(text, len);
  for (size_t pad = 0; pad <= 70; pad++) {
    memset(padded, 'a', sizeof padded);
    memcpy(padded + pad, text, len);
    assert_int_equal(utf8_valid(padded, pad + len), whole);
    if (whole) assert_true(utf8_valid(padded, pad + len + 40));
  }
  Utf8 u = {0};
  bool fed = true;
  for (size_t i = 0; i < len && fed; i++) fed = utf8_feed(&u, text + i, 1);
  assert_int_equal(fed && utf8_complete(&u), whole);
  return whole;
}

#define VALID(text) assert_true(check(text, sizeof(text) - 1))
#define INVALID(text) assert_false(check(text, sizeof(text) - 1))

static void takes_every_length(void **state) {
  (void)state;
  VALID("");
  VALID("plain");
  VALID("a\0b");
  VALID("\x7f");
  VALID("\xc2\x80");         /* U+0080, the first of two bytes */
  VALID("\xdf\xbf");         /* U+07FF, the last */
  VALID("\xe0\xa0\x80");     /* U+0800, the first of three */
  VALID("\xed\x9f\xbf");     /* U+D7FF, before the surrogates */
  VALID("\xee\x80\x80");     /* U+E000, after them */
  VALID("\xef\xbf\xbf");     /* U+FFFF, the last of three */
  VALID("\xf0\x90\x80\x80"); /* U+10000, the first of four */
  VALID("\xf4\x8f\xbf\xbf"); /* U+10FFFF, the last of all */
  VALID("\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5");
}

static void refuses_what_is_not_utf8(void **state) {
  (void)state;
  INVALID("\x80");             /* a continuation alone */
  INVALID("\xbf");             /* likewise */
  INVALID("\xc0\x80");         /* overlong NUL */
  INVALID("\xc1\xbf");         /* overlong U+007F */
  INVALID("\xe0\x9f\xbf");     /* overlong U+07FF */
  INVALID("\xf0\x8f\xbf\xbf"); /* overlong U+FFFF */
  INVALID("\xed\xa0\x80");     /* a surrogate */
  INVALID("\xed\xbf\xbf");     /* likewise */
  INVALID("\xf4\x90\x80\x80"); /* U+110000 */
  INVALID("\xf5\x80\x80\x80"); /* beyond */
  INVALID("\xf8\x88\x80\x80\x80");
  INVALID("\xfe");
  INVALID("\xff");
  INVALID("\xc2"); /* cut short */
  INVALID("\xe1\x80");
  INVALID("\xf1\x80\x80");
  INVALID("\xc2"
          "a"); /* interrupted */
  INVALID("\xe1\x80"
          "a");
  INVALID("\xe1\xc2\x80");
  INVALID("\xf1\x80\x80\xff");
}

/* Decodes by the definition, slowly. */
static bool by_definition(uint32_t bytes, int count) {
  uint8_t b[4] = {(uint8_t)(bytes >> 24), (uint8_t)(bytes >> 16), (uint8_t)(bytes >> 8),
                  (uint8_t)bytes};
  int want = b[0] < 0x80             ? 1
             : (b[0] & 0xE0) == 0xC0 ? 2
             : (b[0] & 0xF0) == 0xE0 ? 3
             : (b[0] & 0xF8) == 0xF0 ? 4
                                     : 0;
  if (want != count) return false;
  uint32_t c = count == 1 ? b[0] : b[0] & (0x7Fu >> count);
  for (int i = 1; i < count; i++) {
    if ((b[i] & 0xC0) != 0x80) return false;
    c = c << 6 | (b[i] & 0x3F);
  }
  static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
  return c >= least[count] && c <= 0x10FFFF && (c < 0xD800 || c > 0xDFFF);
}

/* All pairs and triples of bytes that start with a lead byte. */
static void agrees_with_the_definition(void **state) {
  (void)state;
  for (uint32_t n = 0x8000; n <= 0xFFFF; n++) {
    char two[] = {(char)(n >> 8), (char)n};
    if ((n & 0xFF) < 0x80) continue; /* would start a new character */
    assert_int_equal(utf8_valid(two, 2), by_definition(n << 16, 2));
  }
  for (uint32_t n = 0xE00000; n <= 0xFFFFFF; n++) {
    if ((n & 0xFF) < 0x80 || (n >> 8 & 0xFF) < 0x80) continue;
    char three[] = {(char)(n >> 16), (char)(n >> 8), (char)n};
    if (utf8_valid(three, 3) != by_definition(n << 8, 3)) fail_msg("%06x", n);
  }
}

static void fails_at_the_first_wrong_byte(void **state) {
  (void)state;
  Utf8 u = {0};
  assert_true(utf8_feed(&u, "\xf4", 1));
  assert_false(utf8_complete(&u));
  assert_false(utf8_feed(&u, "\x90", 1));
}

static void keeps_a_cut_character(void **state) {
  (void)state;
  Utf8 u = {0};
  assert_true(utf8_feed(&u, "abcdefgh\xf0\x90", 10));
  assert_true(utf8_feed(&u, "", 0));
  assert_false(utf8_complete(&u));
  assert_true(utf8_feed(&u, "\x80\x80xyz", 5));
  assert_true(utf8_complete(&u));
}

static void becomes(const char *text, size_t len, const char *expected) {
  Buffer out = {0};
  utf8_mend(text, len, &out);
  assert_string_equal(buffer_text(&out), expected);
  assert_true(utf8_valid(out.data, out.len));
  buffer_free(&out);
}

#define FFFD "\xEF\xBF\xBD"
#define MENDED(text, expected) becomes(text, sizeof(text) - 1, expected)

/* The table of the Unicode Standard, 3.9 ("U+FFFD Substitution of Maximal Subparts"). */
static void mends_a_maximal_subpart_as_one(void **state) {
  (void)state;
  MENDED("", "");
  MENDED("plain \xc3\xa9 \xf0\x9f\x98\x80", "plain \xc3\xa9 \xf0\x9f\x98\x80");
  MENDED("\xc0\xaf\xe0\x80\xbf\xf0\x81\x82"
         "A",
         FFFD FFFD FFFD FFFD FFFD FFFD FFFD FFFD "A");
  MENDED("\xed\xa0\x80\xed\xbf\xbf\xed\xaf"
         "A",
         FFFD FFFD FFFD FFFD FFFD FFFD FFFD FFFD "A");
  MENDED("\xf4\x91\x92\x93\xff"
         "A\x80\xbf"
         "B",
         FFFD FFFD FFFD FFFD FFFD "A" FFFD FFFD "B");
  MENDED("\xe1\x80\xe2\xf0\x91\x92\xf1\xbf"
         "A",
         FFFD FFFD FFFD FFFD "A");
  MENDED("a\xf0\x9f\x98", "a" FFFD);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(takes_every_length),
      cmocka_unit_test(refuses_what_is_not_utf8),
      cmocka_unit_test(agrees_with_the_definition),
      cmocka_unit_test(fails_at_the_first_wrong_byte),
      cmocka_unit_test(keeps_a_cut_character),
      cmocka_unit_test(mends_a_maximal_subpart_as_one),
  };
  return cmocka_run_group_tests_name("utf8", tests, NULL, NULL);
}
