/* Patterns with `*`, beside a plain search that tries every way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "data/cache_match.h"

static bool tries(const char *pattern, const char *text) {
  if (!*pattern) return !*text;
  if (*pattern == '*')
    return tries(pattern + 1, text) || (*text && tries(pattern, text + 1));
  return *pattern == *text && tries(pattern + 1, text + 1);
}

static void is_as_trying_every_way(void **state) {
  (void)state;
  char pattern[8], text[10];
  int matches = 0;
  srand(7);
  for (int i = 0; i < 200000; i++) {
    int n = rand() % 7, m = rand() % 9;
    for (int k = 0; k < n; k++) pattern[k] = "ab*"[rand() % 3];
    for (int k = 0; k < m; k++) text[k] = "ab"[rand() % 2];
    pattern[n] = text[m] = '\0';
    bool found = cache_match(pattern, (size_t)n, text, (size_t)m);
    if (found != tries(pattern, text)) fail_msg("%s and %s", pattern, text);
    matches += found;
  }
  assert_true(matches > 1000);
}

static void the_literal_part_ends_at_a_star(void **state) {
  (void)state;
  assert_int_equal(cache_match_literal("user:*", 6), 5);
  assert_int_equal(cache_match_literal("user", 4), 4);
  assert_int_equal(cache_match_literal("", 0), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(is_as_trying_every_way),
                                     cmocka_unit_test(the_literal_part_ends_at_a_star)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
