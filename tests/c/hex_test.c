/* Hexadecimal digits: every byte both ways, and what is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/hex.h"

static void every_byte_comes_back(void **state) {
  (void)state;
  uint8_t bytes[256];
  char text[512], back[256];
  for (int i = 0; i < 256; i++) bytes[i] = (uint8_t)i;
  hex_write(bytes, sizeof bytes, text);
  assert_memory_equal(text, "000102", 6);
  assert_memory_equal(text + 506, "fdfeff", 6);
  assert_int_equal(hex_read(text, sizeof text, back), 256);
  assert_memory_equal(back, bytes, 256);
  assert_int_equal(hex_read(text, sizeof text, text), 256); /* in its own place */
  assert_memory_equal(text, bytes, 256);
}

static void other_characters_are_refused(void **state) {
  (void)state;
  static const char *const cases[] = {"0",  "0g", "g0", "0x00", "00 ", " 00", "00\n",
                                      "/0", ":0", "@0", "G0",   "`0",  "000"};
  char out[8];
  for (size_t i = 0; i < COUNT_OF(cases); i++)
    if (hex_read(cases[i], strlen(cases[i]), out) != -1) fail_msg("took %s", cases[i]);
  assert_int_equal(hex_read("", 0, out), 0);
  assert_int_equal(hex_read("aBcD", 4, out), 2);
  assert_memory_equal(out, "\xab\xcd", 2);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(every_byte_comes_back),
                                     cmocka_unit_test(other_characters_are_refused)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
