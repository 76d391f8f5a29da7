/* The index: what was added is found by its hash until it is removed, the newest first.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/hash.h"
#include "core/index.h"

enum { MANY = 5000, HASHES = 900 };

static IndexNode nodes[MANY];
static int present[MANY]; /* when it was added; 0: it is not there */

/* Those of one hash, in order, are those that were added, the newest first. */
static void assert_found(const Index *index, uint64_t hash) {
  int expected = 0, found = 0, last = 0;
  for (int i = 0; i < MANY; i++) expected += present[i] && nodes[i].hash == hash;
  for (IndexNode *n = index_first(index, hash); n; n = index_next(n), found++) {
    assert_int_equal(n->hash, hash);
    assert_true(present[n - nodes] > 0 && (!last || present[n - nodes] < last));
    last = present[n - nodes];
  }
  assert_int_equal(found, expected);
}

static void finds_what_is_there(void **state) {
  (void)state;
  Index index = {0};
  uint64_t seed = 88172645463325252u;
  assert_null(index_first(&index, 1));
  for (int round = 1; round < 40000; round++) {
    seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
    size_t i = seed % MANY;
    uint64_t hash = (seed >> 20) % HASHES << 7; /* many a slot, many a hash twice */
    if (present[i]) index_remove(&index, &nodes[i]);
    else index_add(&index, &nodes[i], hash);
    present[i] = present[i] ? 0 : round;
    if (round % 500 == 0) assert_found(&index, nodes[i].hash);
  }
  for (uint64_t hash = 0; hash < HASHES; hash++) assert_found(&index, hash << 7);
  for (int i = 0; i < MANY; i++)
    if (present[i]) index_remove(&index, &nodes[i]);
  assert_int_equal(index.count, 0);
  index_free(&index);
}

static void forgets_what_is_not_there(void **state) {
  (void)state;
  Index index = {0};
  IndexNode a, b = {0};
  index_remove(&index, &b);
  index_add(&index, &a, 7);
  index_remove(&index, &b);
  assert_ptr_equal(index_first(&index, 7), &a);
  index_free(&index);
  assert_null(index_first(&index, 7));
}

static void hashes_tell_where_things_end(void **state) {
  (void)state;
  uint64_t one = hash_bytes(hash_bytes(HASH_START, "a", 1), "bc", 2);
  uint64_t other = hash_bytes(hash_bytes(HASH_START, "ab", 2), "c", 1);
  assert_true(one != other);
  assert_true(one == hash_bytes(hash_bytes(HASH_START, "a", 1), "bc", 2));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(finds_what_is_there),
      cmocka_unit_test(forgets_what_is_not_there),
      cmocka_unit_test(hashes_tell_where_things_end),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
