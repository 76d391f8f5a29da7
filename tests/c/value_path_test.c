/* Paths into values: read, set with what is missing on the way, and written as a script
 * would. */
#include "value_env.h"

#define KEY(text) ((ValueStep){.key = (text), .key_len = sizeof(text) - 1})
#define AT(i) ((ValueStep){.index = (i)})
#define STEPS(...)                                                                       \
  (const ValueStep[]){__VA_ARGS__}, COUNT_OF(((const ValueStep[]){__VA_ARGS__}))

static void what_is_there_is_found(void **state) {
  (void)state;
  Value root = value_of("{\"a\":[{\"b\":7},null],\"c\":1}");
  assert_value(value_get(root, STEPS(KEY("a"), AT(0), KEY("b"))), "7");
  assert_value(value_get(root, STEPS(KEY("c"))), "1");
  assert_true(value_same(value_get(root, NULL, 0), root));
  assert_int_equal(value_get(root, STEPS(KEY("x"))).type, VALUE_ABSENT);
  assert_int_equal(value_get(root, STEPS(KEY("a"), AT(2))).type, VALUE_ABSENT);
  assert_int_equal(value_get(root, STEPS(KEY("a"), KEY("b"))).type, VALUE_ABSENT);
  assert_int_equal(value_get(root, STEPS(KEY("c"), KEY("d"))).type, VALUE_ABSENT);
  assert_int_equal(value_get(root, STEPS(AT(0))).type, VALUE_ABSENT);
  value_release(root);
}

static void assert_set(const char *before, const ValueStep *steps, size_t count,
                       const char *after) {
  Value root = value_of(before), kept = value_retain(root);
  assert_int_equal(value_set(account, &root, steps, count, value_int(9)), 0);
  assert_value(root, after);
  assert_value(kept, before); /* who holds the old one sees nothing */
  value_release(kept);
  value_release(root);
}

static void it_is_set(void **state) {
  (void)state;
  assert_set("{\"a\":1}", STEPS(KEY("a")), "{\"a\":9}");
  assert_set("{\"a\":[1,2]}", STEPS(KEY("a"), AT(1)), "{\"a\":[1,9]}");
  assert_set("{\"a\":[1,2]}", STEPS(KEY("a"), AT(2)), "{\"a\":[1,2,9]}");
  assert_set("[1]", NULL, 0, "9");
}

static void objects_are_made_on_the_way(void **state) {
  (void)state;
  assert_set("{}", STEPS(KEY("a"), KEY("b"), KEY("c")), "{\"a\":{\"b\":{\"c\":9}}}");
  assert_set("{\"x\":1}", STEPS(KEY("a"), KEY("b")), "{\"x\":1,\"a\":{\"b\":9}}");
}

static void where_there_is_no_place_nothing_changes(void **state) {
  (void)state;
  Value root = value_of("{\"a\":[1],\"t\":\"x\"}");
  assert_int_not_equal(value_set(account, &root, STEPS(KEY("a"), AT(2)), value_int(9)),
                       0);
  assert_int_not_equal(value_set(account, &root, STEPS(KEY("t"), KEY("x")), value_int(9)),
                       0);
  assert_int_not_equal(value_set(account, &root, STEPS(KEY("a"), KEY("x")), value_int(9)),
                       0);
  assert_value(root, "{\"a\":[1],\"t\":\"x\"}");
  value_release(root);
}

static void assert_written(const ValueStep *steps, size_t count, const char *expected) {
  ValuePath chain[8];
  for (size_t i = 0; i < count; i++)
    chain[i] = (ValuePath){i ? &chain[i - 1] : NULL, steps[i]};
  Buffer out = {0};
  value_path_put(&out, count ? &chain[count - 1] : NULL);
  assert_string_equal(buffer_text(&out), expected);
  buffer_free(&out);
}

static void they_are_written_as_a_script_would(void **state) {
  (void)state;
  assert_written(STEPS(KEY("messages"), AT(2), KEY("text")), "messages[3].text");
  assert_written(STEPS(KEY("a"), AT(0), AT(0)), "a[1][1]");
  assert_written(STEPS(KEY("a b")), "[\"a b\"]");
  assert_written(STEPS(KEY("a"), KEY("1")), "a[\"1\"]");
  assert_written(STEPS(KEY("\x1b[1m\n\x7f")), "[\"?[1m??\"]");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      value_test(what_is_there_is_found),
      value_test(it_is_set),
      value_test(objects_are_made_on_the_way),
      value_test(where_there_is_no_place_nothing_changes),
      value_test(they_are_written_as_a_script_would),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
