/* The modules that a load asked for: each once, and bounded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/base.h"
#include "sources/uses.h"

enum { MOST = 2000, LONGEST = 256 };

static void each_module_is_there_once(void **state) {
  (void)state;
  Uses uses = {0};
  uses_add(&uses, "a");
  uses_add(&uses, "b.c");
  uses_add(&uses, "a");
  assert_int_equal(uses.count, 2);
  assert_string_equal(uses.modules[0], "a");
  assert_string_equal(uses.modules[1], "b.c");
  assert_false(uses.all);
  uses_free(&uses);
  assert_int_equal(uses.count, 0);
}

static void one_joins_the_other(void **state) {
  (void)state;
  Uses uses = {0}, more = {0};
  uses_add(&uses, "a");
  uses_add(&more, "a");
  uses_add(&more, "b");
  uses_join(&uses, &more);
  uses_free(&more);
  assert_int_equal(uses.count, 2);
  assert_string_equal(uses.modules[1], "b");
  assert_false(uses.all);
  uses_free(&uses);
}

static void add_many(Uses *uses, int count) {
  char name[16];
  for (int i = 0; i < count; i++) {
    snprintf(name, sizeof name, "m%d", i);
    uses_add(uses, name);
  }
}

static void of_too_many_all_files_count(void **state) {
  (void)state;
  Uses uses = {0};
  add_many(&uses, MOST);
  assert_int_equal(uses.count, MOST);
  assert_false(uses.all);
  uses_add(&uses, "m7"); /* it is there */
  assert_false(uses.all);
  uses_add(&uses, "one more");
  assert_true(uses.all);
  assert_int_equal(uses.count, MOST);
  Uses other = {0};
  uses_join(&other, &uses);
  assert_true(other.all);
  uses_free(&other);
  uses_free(&uses);
  assert_false(uses.all);
}

static void a_name_may_be_so_long(void **state) {
  (void)state;
  char name[LONGEST + 2];
  memset(name, 'x', sizeof name);
  Uses uses = {0};
  name[LONGEST] = '\0';
  uses_add(&uses, name);
  assert_int_equal(uses.count, 1);
  assert_false(uses.all);
  name[LONGEST] = 'x', name[LONGEST + 1] = '\0';
  uses_add(&uses, name);
  assert_int_equal(uses.count, 1);
  assert_true(uses.all);
  uses_free(&uses);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_module_is_there_once),
      cmocka_unit_test(one_joins_the_other),
      cmocka_unit_test(of_too_many_all_files_count),
      cmocka_unit_test(a_name_may_be_so_long),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
