/* The tree of keys, beside a list: added, removed, and found by what they begin with. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "data/cache_tree.h"

enum { MANY = 400, LONGEST = 6 };

typedef struct Key {
  TreeLeaf leaf;
  bool in, found;
  char bytes[LONGEST];
} Key;

static bool begins_with(const Key *key, const char *prefix, size_t len) {
  return key->leaf.len >= len && memcmp(key->bytes, prefix, len) == 0;
}

static void check_prefix(const CacheTree *tree, Key *keys, const char *prefix,
                         size_t len) {
  Buffer found = {0};
  cache_tree_find(tree, prefix, len, &found);
  size_t count = found.len / sizeof(TreeLeaf *), expected = 0;
  for (size_t i = 0; i < count; i++) {
    Key *key = CONTAINER_OF(((TreeLeaf **)(void *)found.data)[i], Key, leaf);
    assert_true(key->in && !key->found && begins_with(key, prefix, len));
    key->found = true;
  }
  for (size_t i = 0; i < MANY; i++) {
    expected += keys[i].in && begins_with(&keys[i], prefix, len);
    keys[i].found = false;
  }
  assert_int_equal(count, expected);
  buffer_free(&found);
}

static bool is_in(const Key *keys, const Key *key) {
  for (size_t i = 0; i < MANY; i++)
    if (keys[i].in && keys[i].leaf.len == key->leaf.len &&
        begins_with(&keys[i], key->bytes, key->leaf.len))
      return true;
  return false;
}

static size_t random_bytes(char *out) {
  size_t len = (size_t)rand() % (LONGEST + 1);
  for (size_t i = 0; i < len; i++) out[i] = "\0a\xff\x80"[rand() % 4];
  return len;
}

static void finds_as_a_list_does(void **state) {
  (void)state;
  CacheTree tree = {0};
  Key *keys = calloc(MANY, sizeof *keys);
  srand(3);
  for (int round = 0; round < 20000; round++) {
    Key *key = &keys[rand() % MANY];
    if (key->in) {
      cache_tree_remove(&tree, &key->leaf);
      key->in = false;
    } else {
      key->leaf = (TreeLeaf){key->bytes, random_bytes(key->bytes)};
      key->in = !is_in(keys, key);
      if (key->in) cache_tree_add(&tree, &key->leaf);
    }
    char prefix[LONGEST];
    if (round % 20 == 0) check_prefix(&tree, keys, prefix, random_bytes(prefix));
  }
  for (size_t i = 0; i < MANY; i++)
    if (keys[i].in) cache_tree_remove(&tree, &keys[i].leaf);
  assert_true(tree.root == 0);
  free(keys);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(finds_as_a_list_does)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
