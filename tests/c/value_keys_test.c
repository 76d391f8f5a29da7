/* The keys of flat objects: found by name, shared by objects that have the same. */
#include "value_env.h"

#include "core/value_node.h"

static Keys *keys_named(const char *const *names, size_t count) {
  ValueField fields[FLAT_MAX];
  for (size_t i = 0; i < count; i++)
    fields[i] = (ValueField){.key = names[i], .key_len = strlen(names[i])};
  return keys_of(account, fields, count);
}

static void release_keys(Keys *keys) {
  node_release(&keys->node);
}

static void a_key_is_found_by_its_bytes(void **state) {
  (void)state;
  const char *const names[] = {"id", "content", "", "contents"};
  Keys *keys = keys_named(names, 4);
  for (int i = 0; i < 4; i++)
    assert_int_equal(keys_find(keys, names[i], strlen(names[i])), i);
  assert_int_equal(keys_find(keys, "conten", 6), -1);
  assert_int_equal(keys_find(keys, "id\0", 3), -1);
  release_keys(keys);
}

static void objects_of_the_same_keys_share_them(void **state) {
  (void)state;
  const char *const names[] = {"id", "text"}, *const turned[] = {"text", "id"};
  Keys *a = keys_named(names, 2), *b = keys_named(names, 2), *c = keys_named(turned, 2);
  assert_ptr_equal(a, b);
  assert_ptr_not_equal(a, c); /* another order is another shape */
  release_keys(a);
  release_keys(b);
  release_keys(c);
}

static void a_key_comes_and_goes(void **state) {
  (void)state;
  const char *const names[] = {"a", "b", "c"}, *const left[] = {"a", "c"};
  Keys *three = keys_named(names, 3), *two = keys_without(account, three, 1);
  Keys *same = keys_named(left, 2), *again = keys_with(account, two, "b", 1);
  assert_ptr_equal(two, same);
  assert_int_equal(keys_find(two, "b", 1), -1);
  assert_int_equal(keys_find(two, "c", 1), 1);
  assert_int_equal(keys_find(again, "b", 1), 2); /* at the end */
  assert_int_equal(three->count, 3);
  release_keys(three);
  release_keys(two);
  release_keys(same);
  release_keys(again);
}

static void hashes_see_every_byte(void **state) {
  (void)state;
  char key[13] = "abcdefghijkl";
  uint32_t before = keys_hash(key, 12);
  for (size_t i = 0; i < 12; i++) {
    key[i] ^= 1;
    assert_int_not_equal(keys_hash(key, 12), before);
    key[i] ^= 1;
    if (i) assert_int_not_equal(keys_hash(key, i), before);
  }
  assert_int_equal(keys_hash(key, 12), before);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      value_test(a_key_is_found_by_its_bytes),
      value_test(objects_of_the_same_keys_share_them),
      value_test(a_key_comes_and_goes),
      value_test(hashes_see_every_byte),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
