/* Settling: a value that says what the one before said is the one before, node by node,
 * so that whoever compares sees what has changed. */
#include "value_env.h"

#include <stdio.h>
#include <stdlib.h>

static Value item_of(Value v, const char *key) {
  return value_object_get(v, key, strlen(key));
}

static void what_says_the_same_is_the_same(void **state) {
  (void)state;
  static const char *const cases[] = {
      "7",  "\"text\"",          "[]",
      "{}", "[1,[2,{\"a\":3}]]", "{\"a\":{\"b\":[1]},\"c\":\"d\"}"};
  for (size_t i = 0; i < COUNT_OF(cases); i++) {
    Value before = value_of(cases[i]),
          settled = value_settle(account, before, value_of(cases[i]));
    if (!value_same(before, settled)) fail_msg("%s", cases[i]);
    value_release(settled);
    value_release(before);
  }
}

static void what_is_as_it_was_is_shared(void **state) {
  (void)state;
  Value before = value_of("{\"a\":{\"x\":[1,2]},\"b\":{\"y\":1}}");
  Value settled =
      value_settle(account, before, value_of("{\"a\":{\"x\":[1,2]},\"b\":{\"y\":2}}"));
  assert_value(settled, "{\"a\":{\"x\":[1,2]},\"b\":{\"y\":2}}");
  assert_false(value_same(before, settled));
  assert_true(value_same(item_of(before, "a"), item_of(settled, "a")));
  assert_false(value_same(item_of(before, "b"), item_of(settled, "b")));
  value_release(settled);
  value_release(before);
}

static void items_of_arrays_are_shared_too(void **state) {
  (void)state;
  Value before = value_of("[{\"a\":1},{\"a\":2},{\"a\":3}]");
  Value settled =
      value_settle(account, before, value_of("[{\"a\":1},{\"a\":9},{\"a\":3}]"));
  assert_value(settled, "[{\"a\":1},{\"a\":9},{\"a\":3}]");
  assert_true(value_same(value_array_at(before, 0), value_array_at(settled, 0)));
  assert_false(value_same(value_array_at(before, 1), value_array_at(settled, 1)));
  assert_true(value_same(value_array_at(before, 2), value_array_at(settled, 2)));
  value_release(settled);
  value_release(before);
}

static void what_is_of_another_kind_is_taken(void **state) {
  (void)state;
  static const char *const cases[] = {"1", "\"x\"", "[1]", "{\"a\":1}", "null", "true"};
  for (size_t i = 0; i < COUNT_OF(cases); i++)
    for (size_t k = 0; k < COUNT_OF(cases); k++) {
      Value before = value_of(cases[i]),
            settled = value_settle(account, before, value_of(cases[k]));
      assert_value(settled, cases[k]);
      assert_value(before, cases[i]);
      value_release(settled);
      value_release(before);
    }
}

static Value any_value(int depth) {
  int kind = rand() % (depth > 0 ? 4 : 2);
  if (kind == 0) return value_int(rand() % 3);
  if (kind == 1) return value_text(account, "xy", (size_t)(rand() % 3));
  Value items[4];
  ValueField fields[4];
  size_t count = (size_t)(rand() % 4);
  for (size_t i = 0; i < count; i++) items[i] = any_value(depth - 1);
  if (kind == 2) return value_array(account, items, count);
  for (size_t i = 0; i < count; i++) fields[i] = (ValueField){"abcd" + i, 1, items[i]};
  return value_object_of(account, fields, count);
}

/* More keys than an object keeps in their order. */
static Value large_object(int changed) {
  ValueField fields[50];
  char keys[50][4];
  for (size_t i = 0; i < COUNT_OF(fields); i++) {
    snprintf(keys[i], sizeof keys[i], "k%zu", i);
    Value item = value_int((int)i == changed ? -1 : (int)i);
    fields[i] = (ValueField){keys[i], strlen(keys[i]), value_array(account, &item, 1)};
  }
  return value_object_of(account, fields, COUNT_OF(fields));
}

static void large_objects_are_shared_too(void **state) {
  (void)state;
  Value before = large_object(-1), same = value_settle(account, before, large_object(-1));
  assert_true(value_same(before, same));
  value_release(same);
  Value settled = value_settle(account, before, large_object(7)), key, item;
  for (size_t i = 0; value_object_at(settled, i, &key, &item); i++) {
    size_t len;
    const char *name = value_bytes(key, &len);
    bool shared = value_same(item, value_object_get(before, name, len));
    assert_int_equal(shared, strcmp(name, "k7") != 0);
  }
  value_release(settled);
  settled = value_settle(account, before, value_of("{\"k1\":[1]}"));
  assert_value(settled, "{\"k1\":[1]}");
  value_release(settled);
  value_release(before);
}

/* Whatever comes: it says what came, and the one before is as it was. */
static void random_ones_say_what_came(void **state) {
  (void)state;
  srand(5);
  for (int i = 0; i < 5000; i++) {
    Value before = any_value(3), after = any_value(3);
    Value settled = value_settle(account, before, value_retain(after));
    assert_true(value_equal(settled, after));
    if (value_equal(before, after)) assert_true(value_same(settled, before));
    value_release(settled);
    value_release(before);
    value_release(after);
  }
}

static unsigned looks, late_at; /* how often it was asked; when it says so, 0: never */

static bool is_late(void) {
  return ++looks == late_at;
}

static Value many_lists(int changed) {
  enum { MANY = 5000 };
  static char keys[MANY][8];
  static ValueField fields[MANY];
  for (int i = 0; i < MANY; i++) {
    snprintf(keys[i], sizeof keys[i], "k%d", i);
    Value item = value_int(i == changed ? -1 : i);
    fields[i] = (ValueField){keys[i], strlen(keys[i]), value_array(account, &item, 1)};
  }
  return value_object_of(account, fields, MANY);
}

/* Whichever look says so, in the comparison or in what comes after it. */
static void late_it_is_absent_and_nothing_is_left(void **state) {
  (void)state;
  Value before = many_lists(-1);
  for (int changed = -1; changed < 5000; changed += 4999) {
    looks = late_at = 0;
    value_release(value_settle_within(account, before, many_lists(changed), is_late));
    unsigned all = looks;
    assert_true(all >= 5);
    size_t nodes = value_account_nodes(account);
    for (unsigned at = 1; at <= all; at++) {
      looks = 0, late_at = at;
      Value settled = value_settle_within(account, before, many_lists(changed), is_late);
      assert_int_equal(settled.type, VALUE_ABSENT);
      assert_int_equal(looks, at);
      assert_true(value_account_nodes(account) <= nodes + 256); /* short texts */
    }
  }
  value_release(before);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      value_test(what_says_the_same_is_the_same),
      value_test(what_is_as_it_was_is_shared),
      value_test(items_of_arrays_are_shared_too),
      value_test(what_is_of_another_kind_is_taken),
      value_test(large_objects_are_shared_too),
      value_test(random_ones_say_what_came),
      value_test(late_it_is_absent_and_nothing_is_left),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
