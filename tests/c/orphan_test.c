/* Namespaces that were left: found by name, and in the order in which they are waited
 * for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "socket/orphan.h"

static Orphan *find(const Orphans *all, const char *nsp) {
  return orphan_find(all, nsp, strlen(nsp));
}

static void each_name_has_one(void **state) {
  (void)state;
  Orphans all = {0};
  assert_null(find(&all, "/a"));
  Orphan *a = orphan_of(&all, "/a"), *b = orphan_of(&all, "/b");
  assert_ptr_equal(orphan_of(&all, "/a"), a);
  assert_ptr_equal(find(&all, "/b"), b);
  assert_null(find(&all, "/"));
  assert_ptr_equal(orphan_find(&all, "/ab", 2), a); /* the length counts */
  assert_int_equal(a->phase, ORPHAN_ASKED);
  orphans_free(&all);
  assert_null(find(&all, "/a"));
}

static void they_wait_in_order(void **state) {
  (void)state;
  Orphans all = {0};
  Orphan *a = orphan_of(&all, "/a"), *b = orphan_of(&all, "/b"),
         *c = orphan_of(&all, "/c");
  orphan_set(&all, b, ORPHAN_TAKING, 1);
  orphan_set(&all, a, ORPHAN_TAKING, 2);
  orphan_set(&all, c, ORPHAN_ANSWERED, 0);
  assert_ptr_equal(all.fenced.first, b);
  assert_ptr_equal(all.fenced.last, a);
  assert_ptr_equal(all.answered.first, c);
  orphan_set(&all, b, ORPHAN_ENDING, 3); /* behind the others now */
  assert_ptr_equal(all.fenced.first, a);
  assert_ptr_equal(all.fenced.last, b);
  assert_int_equal(b->fence, 3);
  orphan_set(&all, c, ORPHAN_ENDING, 4);
  assert_null(all.answered.first);
  assert_null(all.answered.last);
  orphan_set(&all, b, ORPHAN_GONE, 0); /* out of the middle */
  assert_ptr_equal(a->behind, c);
  assert_ptr_equal(c->before, a);
  assert_ptr_equal(find(&all, "/b"), b); /* that it was left is known */
  orphan_set(&all, a, ORPHAN_GONE, 0);
  orphan_set(&all, c, ORPHAN_GONE, 0);
  assert_null(all.fenced.first);
  assert_null(all.fenced.last);
  orphans_free(&all);
}

static void many_are_found(void **state) {
  (void)state;
  Orphans all = {0};
  char name[32];
  for (int i = 0; i < 2000; i++) {
    snprintf(name, sizeof name, "/n%d", i);
    orphan_set(&all, orphan_of(&all, name), ORPHAN_TAKING, (uint32_t)i + 1);
  }
  for (int i = 0; i < 2000; i++) {
    snprintf(name, sizeof name, "/n%d", i);
    assert_int_equal(find(&all, name)->fence, i + 1);
  }
  int count = 0;
  for (Orphan *o = all.fenced.first; o; o = o->behind)
    assert_int_equal(o->fence, ++count);
  assert_int_equal(count, 2000);
  orphans_free(&all);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(each_name_has_one),
                                     cmocka_unit_test(they_wait_in_order),
                                     cmocka_unit_test(many_are_found)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
