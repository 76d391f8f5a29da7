/* Values as bytes: equal ones have equal bytes, lists begin as their beginnings do, and
 * the bytes give the value back. */
#include <stdlib.h>

#include "value_env.h"

#include "core/value_key.h"

static Buffer key_of(const char *json) {
  Error err;
  Buffer out = {0};
  Value v = value_of(json);
  if (value_key_put(&out, v, &err) != 0) fail_msg("%s: %s", json, err.message);
  value_release(v);
  return out;
}

static bool same_keys(const char *a, const char *b) {
  Buffer x = key_of(a), y = key_of(b);
  bool same = x.len == y.len && memcmp(x.data, y.data, x.len) == 0;
  buffer_free(&x);
  buffer_free(&y);
  return same;
}

static void equal_values_have_equal_keys(void **state) {
  (void)state;
  assert_true(same_keys("{\"a\":1,\"b\":{\"c\":2,\"d\":[]}}",
                        "{\"b\":{\"d\":[],\"c\":2.0},\"a\":1.0}"));
  assert_true(same_keys("[0]", "[-0.0]"));
  assert_true(same_keys("[{}]", "[[]]"));
  assert_true(same_keys("{\"a\":null,\"b\":1}", "{\"b\":1}"));
}

static void others_differ(void **state) {
  (void)state;
  assert_false(same_keys("[1]", "1"));
  assert_false(same_keys("[\"ab\"]", "[\"a\",\"b\"]"));
  assert_false(same_keys("[[1],2]", "[[1,2]]"));
  assert_false(same_keys("{\"a\":{\"b\":1}}", "{\"a\":{},\"b\":1}"));
}

static void a_list_begins_as_its_beginning(void **state) {
  (void)state;
  Buffer whole = key_of("[\"projects\",7,{\"page\":1}]"),
         part = key_of("[\"projects\",7]");
  Buffer other = key_of("[\"project\"]");
  assert_true(whole.len > part.len && memcmp(whole.data, part.data, part.len) == 0);
  assert_false(memcmp(whole.data, other.data, other.len) == 0);
  buffer_free(&whole);
  buffer_free(&part);
  buffer_free(&other);
}

static void keys_are_read_back(void **state) {
  (void)state;
  static const char *const all[] = {"\"text\"",
                                    "\"\"",
                                    "7",
                                    "-1.5",
                                    "true",
                                    "[]",
                                    "[1,[2,{\"a\":[null,false]}],\"x\"]",
                                    "{\"a\":1,\"b\":{\"c\":\"d\"}}"};
  for (size_t i = 0; i < COUNT_OF(all); i++) {
    Buffer key = key_of(all[i]);
    Value v = value_key_read(account, key.data, key.len);
    assert_value(v, all[i]);
    value_release(v);
    buffer_free(&key);
  }
}

/* As they come from a damaged disk. */
static void bytes_that_are_no_key_are_refused(void **state) {
  (void)state;
  Buffer key = key_of("[1,[2,{\"a\":[null,false],\"bc\":1.5}],\"text\",true]");
  for (size_t cut = 0; cut < key.len; cut++)
    value_release(value_key_read(account, key.data, cut));
  for (size_t i = 0; i < key.len; i++)
    for (int bit = 0; bit < 8; bit++) {
      key.data[i] ^= (char)(1 << bit);
      value_release(value_key_read(account, key.data, key.len));
      key.data[i] ^= (char)(1 << bit);
    }
  assert_int_equal(value_key_read(account, "", 0).type, VALUE_ABSENT);
  assert_int_equal(value_key_read(account,
                                  "Ls\x05"
                                  "ab",
                                  5)
                       .type,
                   VALUE_ABSENT);
  assert_int_equal(value_key_read(account, "L[n", 3).type, VALUE_ABSENT);
  assert_int_equal(value_key_read(account, "nn", 2).type, VALUE_ABSENT);
  buffer_free(&key);
}

static void deep_bytes_end(void **state) {
  (void)state;
  char *deep = xmalloc(100000);
  memset(deep, '[', 100000);
  assert_int_equal(value_key_read(account, deep, 100000).type, VALUE_ABSENT);
  free(deep);
}

static void nan_is_refused_with_its_place(void **state) {
  (void)state;
  Error err;
  Buffer out = {0};
  Value items[] = {value_int(1), value_double(0.0 / 0.0)};
  Value list = value_array(account, items, 2);
  assert_int_equal(value_key_put(&out, list, &err), ERR_INVALID);
  assert_string_equal(err.message, "[2]: NaN cannot be part of a key");
  value_release(list);
  buffer_free(&out);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      value_test(equal_values_have_equal_keys),      value_test(others_differ),
      value_test(a_list_begins_as_its_beginning),    value_test(keys_are_read_back),
      value_test(bytes_that_are_no_key_are_refused), value_test(deep_bytes_end),
      value_test(nan_is_refused_with_its_place)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
