/* Objects of values, small (in the order of coming) and large (by key). */
#include "value_env.h"

#include <stdio.h>

static void set_number(Value *object, const char *key, int64_t n) {
  assert_int_equal(value_object_set(account, object, key, strlen(key), value_int(n)), 0);
}

static int64_t number_of(Value object, const char *key) {
  Value v = value_object_get(object, key, strlen(key));
  return v.type == VALUE_INT ? v.integer : -1;
}

static void small_ones_keep_the_order_of_coming(void **state) {
  (void)state;
  Value object = value_object(account);
  set_number(&object, "b", 1);
  set_number(&object, "a", 2);
  set_number(&object, "b", 3);
  assert_value(object, "{\"b\":3,\"a\":2}");
  assert_false(value_object_is_sorted(object));
  size_t index;
  assert_true(value_object_find(object, "a", 1, &index));
  assert_int_equal(index, 1);
  assert_false(value_object_find(object, "ab", 2, &index));
  value_release(object);
}

/* 33 keys make it a large one, by key; it stays one when they go. */
static void large_ones_have_the_order_of_their_keys(void **state) {
  (void)state;
  Value object = value_object(account);
  char key[8];
  for (int i = 100; i > 0; i--) {
    snprintf(key, sizeof key, "k%03d", i);
    set_number(&object, key, i);
    assert_int_equal(value_object_is_sorted(object), i <= 100 - 32);
  }
  for (size_t i = 0; i < 100; i++) {
    Value name, item;
    assert_true(value_object_at(object, i, &name, &item));
    assert_int_equal(item.integer, (int64_t)i + 1);
    size_t len, index;
    const char *text = value_bytes(name, &len);
    assert_true(value_object_find(object, text, len, &index));
    assert_int_equal(index, i);
  }
  Value name, item;
  assert_false(value_object_at(object, 100, &name, &item));
  for (int i = 2; i <= 100; i++) {
    snprintf(key, sizeof key, "k%03d", i);
    assert_int_equal(value_object_remove(account, &object, key, 4, NULL), 0);
    assert_int_equal(number_of(object, key), -1);
  }
  assert_value(object, "{\"k001\":1}");
  value_release(object);
}

static void null_removes_a_key(void **state) {
  (void)state;
  Value object = value_of("{\"a\":1,\"b\":[2],\"c\":3}"), removed;
  assert_int_equal(value_object_set(account, &object, "a", 1, value_null()), 0);
  assert_int_equal(value_object_set(account, &object, "none", 4, value_null()), 0);
  assert_int_equal(value_object_remove(account, &object, "b", 1, &removed), 0);
  assert_value(object, "{\"c\":3}");
  assert_value(removed, "[2]");
  value_release(removed);
  value_release(object);
}

static void keys_are_bytes(void **state) {
  (void)state;
  Value object = value_object(account);
  value_object_set(account, &object, "a\0b", 3, value_int(1));
  value_object_set(account, &object, "a\0c", 3, value_int(2));
  value_object_set(account, &object, "", 0, value_int(3));
  assert_int_equal(value_count(object), 3);
  assert_int_equal(value_object_get(object, "a\0c", 3).integer, 2);
  assert_int_equal(value_object_get(object, "a", 1).type, VALUE_ABSENT);
  assert_int_equal(number_of(object, ""), 3);
  value_release(object);
}

static void what_another_holds_stays(void **state) {
  (void)state;
  Value object = value_of("{\"a\":{\"x\":1},\"b\":2}"), before = value_retain(object);
  set_number(&object, "b", 5);
  assert_value(before, "{\"a\":{\"x\":1},\"b\":2}");
  assert_value(object, "{\"a\":{\"x\":1},\"b\":5}");
  assert_true(
      value_same(value_object_get(before, "a", 1), value_object_get(object, "a", 1)));
  value_release(before);
  value_release(object);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      value_test(small_ones_keep_the_order_of_coming),
      value_test(large_ones_have_the_order_of_their_keys),
      value_test(null_removes_a_key),
      value_test(keys_are_bytes),
      value_test(what_another_holds_stays),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
