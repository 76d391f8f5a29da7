/* Large objects that are built at once: as if their fields had come one by one. */
#include "value_env.h"

#include <stdio.h>
#include <stdlib.h>

enum { MANY = 500 };

static char names[MANY][24];
static ValueField fields[MANY];

/* Keys that begin alike, in no order. */
static void name_fields(const char *prefix) {
  for (size_t i = 0; i < MANY; i++) {
    int len = snprintf(names[i], sizeof names[i], "%s%zu", prefix, i * 7919 % MANY);
    fields[i] =
        (ValueField){names[i], (size_t)len, value_int((int64_t)(i * 7919 % MANY))};
  }
}

static Value built_one_by_one(void) {
  Value object = value_object(account);
  for (size_t i = 0; i < MANY; i++)
    value_object_set(account, &object, fields[i].key, fields[i].key_len, fields[i].item);
  return object;
}

static void it_is_as_one_by_one(void **state) {
  (void)state;
  const char *const prefixes[] = {"", "a", "message-id-"};
  for (size_t p = 0; p < 3; p++) {
    name_fields(prefixes[p]);
    Value slow = built_one_by_one(), quick = value_object_of(account, fields, MANY);
    assert_int_equal(value_count(quick), MANY);
    assert_true(value_object_is_sorted(quick));
    assert_true(value_equal(slow, quick));
    Value key, item, other_key, other;
    for (size_t i = 0; i < MANY; i++) { /* in the same order */
      value_object_at(slow, i, &key, &item);
      value_object_at(quick, i, &other_key, &other);
      assert_true(value_same(key, other_key) && value_same(item, other));
    }
    value_release(slow);
    value_release(quick);
  }
}

static void of_a_key_that_comes_twice_the_last_counts(void **state) {
  (void)state;
  name_fields("k");
  fields[MANY - 1] = (ValueField){"k0", 2, value_int(-1)};
  fields[MANY - 2] = (ValueField){"k1", 2, value_null()};
  Value object = value_object_of(account, fields, MANY);
  assert_int_equal(value_object_get(object, "k0", 2).integer, -1);
  assert_int_equal(value_object_get(object, "k1", 2).type, VALUE_ABSENT);
  value_release(object);
}

static void few_that_are_left_are_in_their_order(void **state) {
  (void)state;
  name_fields("k");
  for (size_t i = 0; i < MANY; i++)
    if (i != 3 && i != 4) fields[i].item = value_null();
  Value object = value_object_of(account, fields, MANY);
  assert_int_equal(value_count(object), 2);
  assert_false(value_object_is_sorted(object));
  size_t index;
  assert_true(value_object_find(object, fields[3].key, fields[3].key_len, &index));
  assert_int_equal(index, 0);
  value_release(object);
}

static void without_room_nothing_is_left(void **state) {
  (void)state;
  name_fields("k");
  value_account_limit(account, value_account_used(account) + 4096);
  size_t before = value_account_nodes(account);
  fields[0].item = value_of("[]");
  assert_int_equal(value_object_of(account, fields, MANY).type, VALUE_ABSENT);
  value_account_limit(account, 0);
  assert_true(value_account_nodes(account) <= before + 256); /* short texts stay known */
  name_fields("k");
  fields[MANY / 2].item = (Value){0}; /* one for which there was no memory */
  assert_int_equal(value_object_of(account, fields, MANY).type, VALUE_ABSENT);
}

/* --- late ------------------------------------------------------------------------- */

enum { LARGE = 50000 };

static unsigned looks, late_at; /* how often it was asked; when it says so, 0: never */

static bool is_late(void) {
  return ++looks == late_at;
}

/* 50,000 fields, from the last key to the first; the names are in one block. */
static Value build_large(unsigned late) {
  ValueField *large = calloc(LARGE, sizeof *large);
  char(*keys)[8] = calloc(LARGE, sizeof *keys);
  for (size_t i = 0; i < LARGE; i++) {
    int len = snprintf(keys[i], sizeof keys[i], "k%05zu", LARGE - 1 - i);
    large[i] = (ValueField){keys[i], (size_t)len, value_of("[1]")};
  }
  looks = 0, late_at = late;
  Value object = value_object_within(account, large, LARGE, is_late);
  free(keys);
  free(large);
  return object;
}

static void runs_are_merged_in_order(void **state) {
  (void)state;
  Value object = build_large(0), key, item;
  assert_int_equal(value_count(object), LARGE);
  for (size_t i = 0; value_object_at(object, i, &key, &item); i++) {
    char name[8];
    snprintf(name, sizeof name, "k%05zu", i);
    assert_string_equal(value_bytes(key, &(size_t){0}), name);
  }
  value_release(object);
}

static void wherever_it_is_late_nothing_is_left(void **state) {
  (void)state;
  value_release(build_large(0));
  unsigned all = looks;
  assert_true(all > LARGE / 4096);
  size_t before = value_account_nodes(account);
  for (unsigned at = 1; at <= all; at++) {
    assert_int_equal(build_large(at).type, VALUE_ABSENT);
    assert_int_equal(looks, at); /* it does not go on */
    assert_true(value_account_nodes(account) <= before + 256);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      value_test(it_is_as_one_by_one),
      value_test(of_a_key_that_comes_twice_the_last_counts),
      value_test(few_that_are_left_are_in_their_order),
      value_test(without_room_nothing_is_left),
      value_test(runs_are_merged_in_order),
      value_test(wherever_it_is_late_nothing_is_left),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
