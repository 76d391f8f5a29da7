/* Which names scripts, profiles and resources may have. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/name.h"

static void letters_digits_and_three_signs(void **state) {
  (void)state;
  assert_true(name_valid("a"));
  assert_true(name_valid("Bot-2_of.9"));
  assert_true(name_valid(".."));
  assert_false(name_valid(""));
  for (int c = 1; c < 256; c++) {
    char name[2] = {(char)c, '\0'};
    bool expected = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                    (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-';
    assert_int_equal(name_valid(name), expected);
  }
}

static void a_wrong_byte_is_found_wherever_it_is(void **state) {
  (void)state;
  assert_false(name_valid("/a"));
  assert_false(name_valid("a b"));
  assert_false(name_valid("ab:"));
  assert_false(name_valid("caf\xc3\xa9"));
}

static void sixty_four_bytes_at_most(void **state) {
  (void)state;
  char name[66];
  memset(name, 'x', 65);
  name[65] = '\0';
  assert_false(name_valid(name));
  name[64] = '\0';
  assert_true(name_valid(name));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(letters_digits_and_three_signs),
      cmocka_unit_test(a_wrong_byte_is_found_wherever_it_is),
      cmocka_unit_test(sixty_four_bytes_at_most),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
