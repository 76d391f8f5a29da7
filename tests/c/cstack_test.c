/* Where the stack of a thread may not be used any further. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>

#include "vm/cstack.h"

/* How far below this frame the floor of the calling thread is. */
static void *measure_room(void *ctx) {
  *(ptrdiff_t *)ctx = (const char *)__builtin_frame_address(0) - cstack_floor();
  return NULL;
}

static ptrdiff_t room_of_thread(size_t stack) {
  pthread_attr_t attributes;
  pthread_t thread;
  ptrdiff_t room = 0;
  assert_int_equal(pthread_attr_init(&attributes), 0);
  assert_int_equal(pthread_attr_setstacksize(&attributes, stack), 0);
  assert_int_equal(pthread_create(&thread, &attributes, measure_room, &room), 0);
  pthread_join(thread, NULL);
  pthread_attr_destroy(&attributes);
  return room;
}

static void there_is_room_above_the_floor(void **state) {
  (void)state;
  ptrdiff_t room;
  measure_room(&room);
  assert_true(room > 1 << 20);
}

static void a_small_stack_keeps_half_of_it(void **state) {
  (void)state;
  enum { SIZE = 512 << 10 };
  ptrdiff_t room = room_of_thread(SIZE);
  assert_in_range(room, SIZE / 4, SIZE / 2);
}

static void of_a_huge_stack_not_all_is_used(void **state) {
  (void)state;
  ptrdiff_t large = room_of_thread(48 << 20), larger = room_of_thread(96 << 20);
  assert_in_range(large, larger - 4096, larger + 4096);
  assert_true(large < 48 << 20);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(there_is_room_above_the_floor),
      cmocka_unit_test(a_small_stack_keeps_half_of_it),
      cmocka_unit_test(of_a_huge_stack_not_all_is_used),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
