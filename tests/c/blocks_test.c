/* Blocks: each holds what was written to it until it is given back, whatever sizes it
 * takes on the way; what is kept stays within its bound. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/blocks.h"

static void fill(unsigned char *p, size_t size, unsigned char with) {
  if (size) memset(p, with, size);
}

static void assert_filled(const unsigned char *p, size_t size, unsigned char with) {
  for (size_t i = 0; i < size; i++) assert_int_equal(p[i], with);
}

static void keeps_what_is_written(void **state) {
  (void)state;
  enum { MANY = 64, MOST = 1200 };
  Blocks blocks = {0};
  unsigned char *held[MANY] = {0};
  size_t sizes[MANY] = {0};
  uint64_t seed = 88172645463325252u;
  for (int round = 0; round < 20000; round++) {
    seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
    size_t i = seed % MANY, size = (seed >> 8) % 4 ? (seed >> 16) % MOST : 0;
    size_t kept = size < sizes[i] ? size : sizes[i];
    held[i] = size || sizes[i] ? blocks_resize(&blocks, held[i], sizes[i], size) : NULL;
    assert_true((held[i] != NULL) == (size > 0));
    assert_filled(held[i], kept, (unsigned char)i);
    fill(held[i], sizes[i] = size, (unsigned char)i);
  }
  for (size_t i = 0; i < MANY; i++)
    if (sizes[i]) blocks_resize(&blocks, held[i], sizes[i], 0);
  blocks_free(&blocks);
}

static void keeps_no_more_than_it_says(void **state) {
  (void)state;
  enum { MANY = BLOCKS_KEPT / 8 + 64 };
  Blocks blocks = {0};
  static void *held[MANY];
  for (size_t size = 1; size < 1100; size += 13) {
    for (int i = 0; i < MANY; i++) held[i] = blocks_resize(&blocks, NULL, 0, size);
    for (int i = 0; i < MANY; i++) blocks_resize(&blocks, held[i], size, 0);
  }
  for (int i = 0; i < BLOCK_SIZES; i++)
    assert_in_range(blocks.kept[i].bytes, 0, BLOCKS_KEPT);
  blocks_free(&blocks);
  assert_null(blocks.kept[3].first);
}

/* Taken and given, or resized: it is the same memory, whole to the last byte. */
static void gives_what_was_given_back(void **state) {
  (void)state;
  Blocks blocks = {0};
  for (size_t size = 1; size < 1100; size++) {
    unsigned char *p = blocks_take(&blocks, size);
    fill(p, size, (unsigned char)size);
    assert_filled(p, size, (unsigned char)size);
    if (size % 2) blocks_give(&blocks, p, size);
    else blocks_resize(&blocks, p, size, 0);
  }
  blocks_free(&blocks);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(keeps_what_is_written),
      cmocka_unit_test(gives_what_was_given_back),
      cmocka_unit_test(keeps_no_more_than_it_says),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
