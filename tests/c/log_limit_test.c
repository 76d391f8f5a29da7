/* How much may be logged: bursts, a steady rate, and one gap instead of many. The test
 * says what time it is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/log_limit.h"

static LogRoom *rooms;

static int free_rooms(void **state) {
  (void)state;
  log_rooms_free(&rooms);
  assert_null(rooms);
  return 0;
}

/* How many of so many records are let through. */
static int write_records(LogRoom *room, int count, size_t bytes, double now) {
  int written = 0;
  for (int i = 0; i < count; i++)
    if (log_room_allows(room, now)) {
      log_room_used(room, bytes);
      written++;
    }
  return written;
}

static void each_name_has_a_room(void **state) {
  (void)state;
  LogRoom *a = log_room(&rooms, "a"), *b = log_room(&rooms, "b");
  assert_ptr_not_equal(a, b);
  assert_ptr_equal(log_room(&rooms, "a"), a);
  write_records(a, LOG_BURST + 1, 1, 5);
  assert_false(log_room_allows(a, 5));
  assert_true(log_room_allows(b, 5));
}

static void a_burst_is_let_through(void **state) {
  (void)state;
  LogRoom *room = log_room(&rooms, "a");
  assert_int_equal(write_records(room, 2 * LOG_BURST, 10, 1), LOG_BURST);
  assert_int_equal(room->dropped, LOG_BURST);
}

static void one_that_was_cut_goes_on_after_a_second(void **state) {
  (void)state;
  LogRoom *room = log_room(&rooms, "a");
  write_records(room, LOG_BURST + 1, 10, 1);
  assert_int_equal(write_records(room, 1, 10, 1.5), 0); /* 50 would fit */
  assert_int_equal(write_records(room, 1, 10, 1.99), 0);
  assert_int_equal(write_records(room, 2 * LOG_RATE, 10, 2.055), LOG_RATE + 5);
}

static void the_rate_holds_for_long(void **state) {
  (void)state;
  LogRoom *room = log_room(&rooms, "a");
  int written = 0;
  for (int tenth = 0; tenth < 1000; tenth++)
    written += write_records(room, 50, 10, 1 + tenth / 10.0);
  assert_true(written > LOG_BURST + 98 * LOG_RATE &&
              written <= LOG_BURST + 100 * LOG_RATE);
}

static void bytes_count_too(void **state) {
  (void)state;
  LogRoom *room = log_room(&rooms, "a");
  enum { SIZE = 64 << 10 };
  assert_int_equal(write_records(room, 100, SIZE, 1), LOG_BYTES_BURST / SIZE);
  assert_int_equal(write_records(room, 100, SIZE, 2.001), LOG_BYTES_RATE / SIZE + 1);
}

static void rest_fills_it_up_and_no_further(void **state) {
  (void)state;
  LogRoom *room = log_room(&rooms, "a");
  write_records(room, LOG_BURST + 1, 10, 1);
  assert_int_equal(write_records(room, 2 * LOG_BURST, 10, 1000), LOG_BURST);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_teardown(each_name_has_a_room, free_rooms),
      cmocka_unit_test_teardown(a_burst_is_let_through, free_rooms),
      cmocka_unit_test_teardown(one_that_was_cut_goes_on_after_a_second, free_rooms),
      cmocka_unit_test_teardown(the_rate_holds_for_long, free_rooms),
      cmocka_unit_test_teardown(bytes_count_too, free_rooms),
      cmocka_unit_test_teardown(rest_fills_it_up_and_no_further, free_rooms),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
