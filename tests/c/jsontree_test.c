/* The arena of a JSON tree: where its items and strings lie, and what a reset gives back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/jsontree.h"

static void strings_keep_their_length_and_their_zeros(void **state) {
  (void)state;
  JsonArena *arena = json_arena_new(NULL);
  cJSON *item = json_new_item(arena);
  item->valuestring = json_new_text(arena, "a\0b", 3);
  item->string = json_new_text(arena, "", 0);
  size_t len;
  assert_memory_equal(json_string(arena, item, false, &len), "a\0b", 4);
  assert_int_equal(len, 3);
  assert_string_equal(json_string(arena, item, true, &len), "");
  assert_int_equal(len, 0);
  json_arena_free(arena);
}

static void items_come_zeroed_and_aligned(void **state) {
  (void)state;
  JsonArena *arena = json_arena_new(NULL);
  for (int round = 0; round < 2; round++) {
    for (size_t i = 0; i < 300; i++) {
      json_new_text(arena, "xxxxxxxxxxxxxxxxxxxxx", i % 21);
      cJSON *item = json_new_item(arena);
      assert_int_equal((uintptr_t)item % 8, 0);
      static const cJSON zero;
      assert_memory_equal(item, &zero, sizeof zero);
      memset(item, 0xff, sizeof *item); /* the next tree finds this memory */
    }
    json_arena_reset(arena);
  }
  json_arena_free(arena);
}

static void a_reset_keeps_one_small_chunk(void **state) {
  (void)state;
  JsonArena *arena = json_arena_new(NULL);
  assert_true(json_arena_grow(arena, 1));
  size_t first = arena->total;
  json_arena_reset(arena);
  assert_int_equal(arena->total, first);
  assert_non_null(arena->chunks);
  assert_true(json_arena_grow(arena, 100000));
  assert_true((size_t)(arena->end - arena->next) >= 100000);
  json_arena_reset(arena);
  assert_int_equal(arena->total, 0);
  assert_null(arena->chunks);
  json_arena_free(arena);
}

static void a_tree_beyond_the_limit_is_refused(void **state) {
  (void)state;
  JsonArena *arena = json_arena_new(NULL);
  assert_false(json_arena_grow(arena, (size_t)JSON_ARENA_LIMIT + 1));
  assert_true(arena->full);
  assert_false(arena->out_of_memory);
  assert_null(json_new_text(arena, "", (size_t)JSON_ARENA_LIMIT + 1));
  json_arena_reset(arena);
  assert_false(arena->full);
  assert_non_null(json_new_item(arena));
  json_arena_free(arena);
  json_arena_free(NULL);
}

static void integers_are_those_that_are_exact(void **state) {
  (void)state;
  cJSON item = {.type = cJSON_Number};
  int64_t value = 0;
  item.valuedouble = -9007199254740992.0;
  assert_true(json_integer(&item, &value));
  assert_int_equal(value, -9007199254740992);
  const double others[] = {0.5, 9007199254740994.0, 1e300, -1e300};
  for (size_t i = 0; i < COUNT_OF(others); i++) {
    item.valuedouble = others[i];
    assert_false(json_integer(&item, &value));
  }
  json_set_int64(&item, INT64_MIN);
  assert_int_equal(item.type, JSON_INT64);
  assert_true(json_int64(&item) == INT64_MIN);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(strings_keep_their_length_and_their_zeros),
      cmocka_unit_test(items_come_zeroed_and_aligned),
      cmocka_unit_test(a_reset_keeps_one_small_chunk),
      cmocka_unit_test(a_tree_beyond_the_limit_is_refused),
      cmocka_unit_test(integers_are_those_that_are_exact),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
