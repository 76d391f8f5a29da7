/* What the core holds for one owner: counted, bounded, and there as long as somebody
 * refers to it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/charge.h"

static void what_is_added_is_used(void **state) {
  (void)state;
  Charge *charge = charge_new(100);
  charge_add(charge, 60);
  charge_add(charge, 30);
  assert_int_equal(charge_used(charge), 90);
  charge_remove(charge, 40);
  assert_int_equal(charge_used(charge), 50);
  charge_unref(charge);
}

static void what_changes_in_size_is_set(void **state) {
  (void)state;
  Charge *charge = charge_new(100);
  size_t one = 0, other = 0;
  charge_set(charge, &one, 30);
  charge_set(charge, &other, 50);
  charge_set(charge, &one, 10);
  assert_int_equal(charge_used(charge), 60);
  assert_int_equal(charge_room(charge), 40);
  charge_set(charge, &other, 95); /* what could not be refused */
  assert_int_equal(charge_room(charge), 0);
  assert_true(charge_is_over(charge, 0));
  charge_set(charge, &one, 0);
  charge_set(charge, &other, 0);
  assert_int_equal(charge_used(charge), 0);
  charge_set(NULL, &one, 7);
  assert_int_equal(one, 7);
  assert_true(charge_room(NULL) == SIZE_MAX);
  charge_unref(charge);
}

static void a_little_is_not_refused_for_a_lack_of_memory(void **state) {
  (void)state;
  Charge *charge = charge_new(1000);
  assert_false(charge_is_over(charge, 1000));
  assert_true(charge_is_over(charge, 1001));
  assert_false(charge_is_over(NULL, 1000));
  assert_true(charge_is_over(NULL, SIZE_MAX / 2));
  charge_unref(charge);
}

static void it_is_full_at_its_limit(void **state) {
  (void)state;
  Charge *charge = charge_new(100);
  assert_false(charge_is_full(charge, 100));
  assert_true(charge_is_full(charge, 101));
  charge_add(charge, 40);
  assert_false(charge_is_full(charge, 60));
  assert_true(charge_is_full(charge, 61));
  charge_add(charge, 60);
  assert_true(charge_is_full(charge, 0));
  charge_add(charge, 60); /* what could not be refused */
  assert_true(charge_is_full(charge, 1));
  charge_unref(charge);
}

static void nobodys_is_bounded_by_the_system_alone(void **state) {
  (void)state;
  assert_false(charge_is_full(NULL, 1 << 20));
#ifndef ADDRESS_SANITIZER /* which ends a process that asks for so much */
  assert_true(charge_is_full(NULL, SIZE_MAX / 2));
#endif
  charge_add(NULL, 1);
  charge_remove(NULL, 1);
  charge_unref(NULL);
  assert_null(charge_ref(NULL));
}

static void what_is_held_refers_to_it(void **state) {
  (void)state;
  Charge *charge = charge_new(100);
  assert_ptr_equal(charge_hold(charge, 10), charge);
  assert_ptr_equal(charge_ref(charge), charge);
  charge_unref(charge);
  charge_unref(charge); /* the owner's: what is held is left */
  assert_int_equal(charge_used(charge), 10);
  assert_int_equal(charge->refs, 1);
  charge_let_go(charge, 10); /* the sanitizer sees that it is freed */
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_is_added_is_used),
      cmocka_unit_test(what_changes_in_size_is_set),
      cmocka_unit_test(a_little_is_not_refused_for_a_lack_of_memory),
      cmocka_unit_test(it_is_full_at_its_limit),
      cmocka_unit_test(nobodys_is_bounded_by_the_system_alone),
      cmocka_unit_test(what_is_held_refers_to_it),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
