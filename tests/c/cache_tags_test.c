/* Tags: found by name, gone with the last thing that has them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "data/cache_tags.h"

static size_t count_of(const CacheTags *tags, const char *name, size_t len) {
  Buffer found = {0};
  cache_tags_find(tags, (TagName){name, len}, &found);
  size_t count = found.len / sizeof(void *);
  buffer_free(&found);
  return count;
}

static void things_are_found_by_their_tags(void **state) {
  (void)state;
  CacheTags tags = {0};
  int a, b;
  const TagName first[] = {{"x", 1}, {"y", 1}, {"x", 1}}, second[] = {{"x", 1}, {"", 0}};
  TagList *of_a = cache_tags_tie(&tags, &a, first, 3);
  TagList *of_b = cache_tags_tie(&tags, &b, second, 2);
  assert_null(cache_tags_tie(&tags, &b, second, 0));
  assert_int_equal(cache_tags_count(of_a), 2);
  assert_int_equal(count_of(&tags, "x", 1), 2);
  assert_int_equal(count_of(&tags, "", 0), 1);
  assert_int_equal(count_of(&tags, "z", 1), 0);
  cache_tags_untie(&tags, of_a);
  assert_int_equal(count_of(&tags, "x", 1), 1);
  assert_int_equal(count_of(&tags, "y", 1), 0);
  cache_tags_untie(&tags, of_b);
  cache_tags_untie(&tags, NULL);
  cache_tags_free(&tags);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(things_are_found_by_their_tags)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
