/* What waits to be sent by polling: in order, in bodies that a server takes, and counted.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "socket/engine_pieces.h"

static void gathers(Pieces *q, size_t most, const char *body, uint32_t fence) {
  Buffer out = {0};
  uint32_t got = 0;
  pieces_gather(q, &out, most, &got);
  for (size_t i = 0; i < out.len; i++)
    if (out.data[i] == 0x1e) out.data[i] = '|';
  assert_string_equal(buffer_text(&out), body);
  assert_int_equal(got, fence);
  buffer_free(&out);
}

static void what_waits_is_counted_with_what_it_costs(void **state) {
  (void)state;
  Pieces q;
  pieces_begin(&q);
  assert_null(pieces_last(&q));
  pieces_put(&q, false, false, "4a", 2);
  pieces_put(&q, false, false, "4bc", 3);
  assert_int_equal(q.bytes, 5);
  assert_int_equal(pieces_memory(&q), 5 + 2 * sizeof(Piece));
  q.pong = pieces_last(&q);
  pieces_drop_first(&q);
  assert_non_null(q.pong);
  pieces_drop_first(&q);
  assert_null(q.pong);
  assert_int_equal(pieces_memory(&q), 0);
  pieces_put(&q, false, false, "4d", 2); /* it can be used again */
  gathers(&q, 0, "4d", 0);
}

static void a_body_keeps_to_its_bounds(void **state) {
  (void)state;
  Pieces q;
  pieces_begin(&q);
  pieces_put(&q, false, false, "4abc", 4);
  pieces_put(&q, true, false, "d", 1)->fence = 7;
  pieces_put(&q, false, false, "4abcdefghijkl", 13);
  pieces_put(&q, false, true, "1", 1)->fence = 8;
  gathers(&q, 10, "4abc|bZA==", 7);
  gathers(&q, 10, "4abcdefghijkl", 0);
  for (int i = 0; i < 17; i++) pieces_put(&q, false, false, "4", 1);
  gathers(&q, 0, "1", 8); /* alone */
  gathers(&q, 0, "4|4|4|4|4|4|4|4|4|4|4|4|4|4|4|4", 0);
  gathers(&q, 0, "4", 0);
  gathers(&q, 0, "", 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_waits_is_counted_with_what_it_costs),
      cmocka_unit_test(a_body_keeps_to_its_bounds),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
