/* The names of HTTP statuses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "proto/http1_reason.h"

static void statuses_have_their_names(void **state) {
  (void)state;
  assert_string_equal(http1_reason(100), "Continue");
  assert_string_equal(http1_reason(200), "OK");
  assert_string_equal(http1_reason(404), "Not Found");
  assert_string_equal(http1_reason(421), "Misdirected Request");
  assert_string_equal(http1_reason(511), "Network Authentication Required");
}

static void others_have_one_all_the_same(void **state) {
  (void)state;
  const int unknown[] = {-1, 0, 99, 299, 418, 599, 1000};
  for (size_t i = 0; i < COUNT_OF(unknown); i++)
    assert_string_equal(http1_reason(unknown[i]), "Unknown");
}

/* What is written after a status: no line end, nothing that a parser refuses. */
static void names_are_words(void **state) {
  (void)state;
  size_t known = 0;
  for (int status = 100; status < 600; status++) {
    const char *name = http1_reason(status);
    known += strcmp(name, "Unknown") != 0;
    assert_true(*name >= 'A' && *name <= 'Z');
    assert_int_equal(
        strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz -"),
        strlen(name));
  }
  assert_int_equal(known, 50);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(statuses_have_their_names),
      cmocka_unit_test(others_have_one_all_the_same),
      cmocka_unit_test(names_are_words),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
