/* The initial state and what is kept: a key that was taken out stays out, one that is new
 * comes in. */
#include "value_env.h"

#include "data/defaults.h"

static void assert_gone(const char *initial, const char *root, const char *expected) {
  Value a = value_of(initial), b = value_of(root);
  Value gone = defaults_gone(account, a, b);
  assert_value(gone, expected);
  value_release(gone);
  value_release(b);
  value_release(a);
}

static void what_was_taken_out_is_named(void **state) {
  (void)state;
  assert_gone("{\"a\":1,\"b\":2}", "{\"b\":3,\"c\":4}", "{\"a\":true}");
  assert_gone("{\"a\":1}", "{\"a\":2}", "{}");
  assert_gone("{}", "{\"a\":2}", "{}");
}

static void in_objects_inside_objects_too(void **state) {
  (void)state;
  assert_gone("{\"o\":{\"x\":1,\"y\":2}}", "{\"o\":{\"x\":1}}", "{\"o\":{\"y\":true}}");
  assert_gone("{\"o\":{\"x\":1}}", "{\"o\":{\"x\":5}}", "{}");
  assert_gone("{\"o\":{\"x\":1}}", "{\"o\":7}", "{}");
  assert_gone("{\"o\":{\"p\":{\"q\":1}}}", "{\"o\":{}}", "{\"o\":{\"p\":true}}");
}

static void assert_filled(const char *root, const char *initial, const char *gone,
                          const char *expected) {
  Value r = value_of(root), i = value_of(initial), g = gone ? value_of(gone) : (Value){0};
  bool changes = strcmp(root, expected) != 0;
  assert_int_equal(defaults_fill(account, &r, i, g), changes);
  assert_value(r, expected);
  value_release(r);
  value_release(i);
  value_release(g);
}

static void what_is_new_comes_in(void **state) {
  (void)state;
  assert_filled("{\"a\":1}", "{\"a\":9,\"b\":2}", NULL, "{\"a\":1,\"b\":2}");
  assert_filled("{\"o\":{\"x\":1}}", "{\"o\":{\"x\":9,\"y\":2}}", NULL,
                "{\"o\":{\"x\":1,\"y\":2}}");
  assert_filled("{\"a\":1}", "{\"a\":2}", NULL, "{\"a\":1}");
}

static void what_is_gone_stays_out(void **state) {
  (void)state;
  assert_filled("{}", "{\"a\":1,\"b\":2}", "{\"a\":true}", "{\"b\":2}");
  assert_filled("{\"o\":{}}", "{\"o\":{\"x\":1,\"y\":2}}", "{\"o\":{\"x\":true}}",
                "{\"o\":{\"y\":2}}");
  assert_filled("{\"o\":{}}", "{\"o\":{\"x\":1}}", "{\"o\":{\"x\":true}}", "{\"o\":{}}");
}

static void data_is_left_alone(void **state) {
  (void)state;
  assert_filled("{\"l\":[1]}", "{\"l\":[1,2,3]}", NULL, "{\"l\":[1]}");
  assert_filled("{\"o\":{}}", "{\"o\":{\"x\":1}}", NULL, "{\"o\":{\"x\":1}}");
  assert_filled("{\"o\":[{}]}", "{\"o\":{\"x\":1}}", NULL, "{\"o\":[{}]}");
  assert_filled("{\"o\":{\"x\":1}}", "{\"o\":{}}", NULL, "{\"o\":{\"x\":1}}");
}

/* What one says is gone, the other leaves out; without that, it is whole again. */
static void both_fit_together(void **state) {
  (void)state;
  static const char initial[] = "{\"a\":1,\"o\":{\"p\":{\"q\":1},\"r\":2},\"z\":[]}";
  static const char *const roots[] = {"{}",
                                      "{\"a\":5}",
                                      "{\"o\":{}}",
                                      "{\"o\":{\"p\":{}}}",
                                      "{\"o\":{\"p\":{\"q\":0}},\"extra\":1}",
                                      "{\"o\":3}"};
  for (size_t n = 0; n < COUNT_OF(roots); n++) {
    Value i = value_of(initial), root = value_of(roots[n]), kept = value_of(roots[n]);
    Value gone = defaults_gone(account, i, root);
    if (defaults_fill(account, &root, i, gone)) fail_msg("filled: %s", roots[n]);
    assert_true(value_equal(root, kept));
    defaults_fill(account, &root, i, (Value){0});
    Value missing = defaults_gone(account, i, root);
    assert_value(missing, "{}");
    value_release(missing);
    value_release(gone);
    value_release(kept);
    value_release(root);
    value_release(i);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      value_test(what_was_taken_out_is_named), value_test(in_objects_inside_objects_too),
      value_test(what_is_new_comes_in),        value_test(what_is_gone_stays_out),
      value_test(data_is_left_alone),          value_test(both_fit_together),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
