/* Did you mean …? (core/suggest). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "core/base.h"
#include "core/suggest.h"

static void test_distance(void **state) {
  (void)state;
  assert_int_equal(suggest_distance("", ""), 0);
  assert_int_equal(suggest_distance("run", "run"), 0);
  assert_int_equal(suggest_distance("Run", "run"), 0);
  assert_int_equal(suggest_distance("", "run"), 3);
  assert_int_equal(suggest_distance("rnu", "run"), 1);
  assert_int_equal(suggest_distance("chekc", "check"), 1);
  assert_int_equal(suggest_distance("kitten", "sitting"), 3);
  assert_int_equal(suggest_distance("timeuot", "timeout"), 1);
}

static void test_long_words(void **state) {
  (void)state;
  char a[200], b[200];
  memset(a, 'a', sizeof a);
  memset(b, 'b', sizeof b);
  a[199] = b[199] = '\0';
  assert_int_equal(suggest_distance(a, b), SUGGEST_LONGEST);
  Suggestion s;
  suggest_begin(&s, a);
  suggest_offer(&s, a); /* too long to be told */
  assert_null(suggest_name(&s));
}

static const char *nearest(const char *word, Suggestion *s) {
  static const char *const names[] = {"run", "check", "test", "new", "demo", "data"};
  suggest_begin(s, word);
  for (size_t i = 0; i < COUNT_OF(names); i++) suggest_offer(s, names[i]);
  return suggest_name(s);
}

static void test_nearest(void **state) {
  (void)state;
  Suggestion s;
  assert_string_equal(nearest("rnu", &s), "run");
  assert_string_equal(nearest("tset", &s), "test");
  assert_string_equal(nearest("tests", &s), "test");
  assert_string_equal(nearest("chec", &s), "check");
  assert_string_equal(nearest("DEMO", &s), "demo");
  assert_null(nearest("frobnicate", &s));
  assert_null(nearest("", &s));
  assert_null(nearest("x", &s));
}

static void test_text(void **state) {
  (void)state;
  Suggestion s;
  nearest("dmeo", &s);
  assert_string_equal(suggest_text(&s), " (did you mean \"demo\"?)");
  nearest("zzz", &s);
  assert_string_equal(suggest_text(&s), "");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_distance),
      cmocka_unit_test(test_long_words),
      cmocka_unit_test(test_nearest),
      cmocka_unit_test(test_text),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
