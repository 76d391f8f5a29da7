/* Values to JSON and back: what comes back is the same, and what has no place in JSON
 * says where it is. */
#include "value_env.h"

#include <math.h>

static void assert_same_text(const char *json) {
  Value v = value_of(json);
  assert_value(v, json);
  value_release(v);
}

static void text_comes_back(void **state) {
  (void)state;
  static const char *const cases[] = {"null",
                                      "false",
                                      "0",
                                      "-1.5",
                                      "9007199254740991",
                                      "\"\"",
                                      "\"a\\u0000\\n\xE2\x82\xAC\"",
                                      "[]",
                                      "{}",
                                      "[null,[],{}]",
                                      "{\"\":1,\"a b\":[true]}"};
  for (size_t i = 0; i < COUNT_OF(cases); i++) assert_same_text(cases[i]);
}

static void keys_with_null_are_left_out(void **state) {
  (void)state;
  Value v = value_of("{\"a\":null,\"b\":[null],\"c\":1,\"c\":2}");
  assert_value(v, "{\"b\":[null],\"c\":2}");
  value_release(v);
}

static void large_objects_are_in_order_of_their_keys(void **state) {
  (void)state;
  Buffer text = {0}, sorted = {0};
  for (int i = 99; i >= 0; i--)
    buffer_printf(&text, "%s\"k%02d\":%d", i < 99 ? "," : "{", i, i);
  for (int i = 0; i < 100; i++)
    buffer_printf(&sorted, "%s\"k%02d\":%d", i ? "," : "{", i, i);
  buffer_putc(&text, '}');
  buffer_putc(&sorted, '}');
  Value v = value_of(buffer_text(&text));
  assert_value(v, buffer_text(&sorted));
  value_release(v);
  buffer_free(&text);
  buffer_free(&sorted);
}

/* Takes the value, which stands at list[2].x. */
static void assert_refused(Value inner) {
  Value items[] = {value_int(1), value_object(account)};
  assert_int_equal(value_object_set(account, &items[1], "x", 1, inner), 0);
  ValueField field = {"list", 4, value_array(account, items, COUNT_OF(items))};
  Value v = value_object_of(account, &field, 1);
  Error err;
  Buffer out = {0};
  buffer_puts(&out, "before");
  assert_int_equal(value_to_json(v, &out, &err), ERR_DECODE);
  assert_string_equal(buffer_text(&out), "before");
  if (!strstr(err.message, "list[2].x")) fail_msg("%s", err.message);
  buffer_free(&out);
  value_release(v);
}

static void what_has_no_place_says_where(void **state) {
  (void)state;
  assert_refused(value_double(NAN));
  assert_refused(value_double(-INFINITY));
  assert_refused(value_text(account, "\xff", 1));
}

static void a_full_account_is_said(void **state) {
  (void)state;
  Error err;
  Value v = value_int(7);
  JsonArena *arena = json_arena_new(NULL);
  static const char text[] = "[[[1],[2]],\"some text that is longer than that\"]";
  const cJSON *tree = json_parse(arena, text, strlen(text), &err);
  ValueAccount *small = value_account_new(100);
  assert_int_equal(value_from_json(small, arena, tree, &v, &err), ERR_MEMORY);
  assert_int_equal(err.code, ERR_MEMORY);
  value_account_close(small);
  json_arena_free(arena);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      value_test(text_comes_back),
      value_test(keys_with_null_are_left_out),
      value_test(large_objects_are_in_order_of_their_keys),
      value_test(what_has_no_place_says_where),
      value_test(a_full_account_is_said),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
