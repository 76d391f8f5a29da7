/* Linked into every C test: TEST_ONLY=name runs those tests alone whose name holds it.
 * Its spaces stand for underscores, as names are written in the other kinds of tests. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

__attribute__((constructor)) static void filter_tests(void) {
  static char pattern[256]; /* cmocka keeps the pointer */
  const char *only = getenv("TEST_ONLY");
  if (!only || !*only) return;
  snprintf(pattern, sizeof pattern, "*%s*", only);
  for (char *c = pattern; *c; c++)
    if (*c == ' ') *c = '_';
  cmocka_set_test_filter(pattern);
}
