/* Differences: replayed on the value before, they give the value after; what both share
 * is not looked at. */
#include "value_env.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct Replay {
  Value value;
  Buffer log;
} Replay;

static size_t steps_of(const ValuePath *path, ValueStep *steps) {
  size_t n = path ? steps_of(path->up, steps) : 0;
  if (path) steps[n++] = path->step;
  return n;
}

static void splice(Replay *r, const ValueChange *change, const ValueStep *steps,
                   size_t count) {
  Value array = value_retain(value_get(r->value, steps, count));
  for (size_t i = 0; i < change->removed; i++)
    assert_int_equal(value_array_remove(account, &array, change->index, NULL), 0);
  for (size_t i = 0; i < change->inserted; i++)
    assert_int_equal(value_array_insert(
                         account, &array, change->index + i,
                         value_retain(value_array_at(change->after, change->index + i))),
                     0);
  assert_int_equal(value_set(account, &r->value, steps, count, array), 0);
}

static void drop_key(Replay *r, const ValueStep *steps, size_t count) {
  Value object = value_retain(value_get(r->value, steps, count - 1));
  const ValueStep *last = &steps[count - 1];
  assert_int_equal(value_object_remove(account, &object, last->key, last->key_len, NULL),
                   0);
  assert_int_equal(value_set(account, &r->value, steps, count - 1, object), 0);
}

static int replay(void *ctx, const ValueChange *change) {
  static const char *const names[] = {"set ", "remove ", "splice "};
  Replay *r = ctx;
  ValueStep steps[64];
  size_t count = steps_of(change->path, steps);
  buffer_puts(&r->log, names[change->kind]);
  if (count) value_path_put(&r->log, change->path);
  if (change->kind == VALUE_SPLICE)
    buffer_printf(&r->log, " at %zu -%zu +%zu", change->index, change->removed,
                  change->inserted);
  buffer_putc(&r->log, ';');
  if (change->kind == VALUE_SPLICE) splice(r, change, steps, count);
  else if (change->kind == VALUE_REMOVE) drop_key(r, steps, count);
  else
    assert_int_equal(
        value_set(account, &r->value, steps, count, value_retain(change->after)), 0);
  return 0;
}

/* Takes both. expected NULL: whatever is told. */
static void assert_replayed(Value before, Value after, const char *expected) {
  Replay r = {.value = value_retain(before)};
  assert_int_equal(value_diff(before, after, replay, &r), 0);
  if (!value_equal(r.value, after)) fail_msg("replayed: %s", buffer_text(&r.log));
  if (expected) assert_string_equal(buffer_text(&r.log), expected);
  buffer_free(&r.log);
  value_release(r.value);
  value_release(before);
  value_release(after);
}

static void changes_are_told(void **state) {
  (void)state;
  static const char *const cases[][3] = {
      {"{\"a\":1}", "{\"a\":1}", ""},
      {"{\"a\":1}", "{\"a\":2}", "set a;"},
      {"{\"a\":1}", "{\"a\":1,\"b\":2}", "set b;"},
      {"{\"a\":1,\"b\":2}", "{\"a\":1}", "remove b;"},
      {"{\"o\":{\"x\":1}}", "{\"o\":{\"x\":2}}", "set o.x;"},
      {"{\"o\":{\"x\":1}}", "{\"o\":[1]}", "set o;"},
      {"[1,2,3]", "[1,3]", "splice  at 1 -1 +0;"},
      {"[1,3]", "[1,2,3]", "splice  at 1 -0 +1;"},
      {"[1,2]", "[1,2,3,4]", "splice  at 2 -0 +2;"},
      {"[1,2,3]", "[]", "splice  at 0 -3 +0;"},
  };
  for (size_t i = 0; i < COUNT_OF(cases); i++)
    assert_replayed(value_of(cases[i][0]), value_of(cases[i][1]), cases[i][2]);
}

static void another_root_is_set_whole(void **state) {
  (void)state;
  assert_replayed(value_int(1), value_int(2), "set ;");
  assert_replayed(value_of("{}"), value_of("[]"), "set ;");
  assert_replayed(value_of("[1]"), value_null(), "set ;");
}

static void what_is_shared_is_not_looked_at(void **state) {
  (void)state;
  Value before = value_of("{\"a\":{\"deep\":[1,2,3]},\"b\":1}"),
        after = value_retain(before);
  ValueStep b = {.key = "b", .key_len = 1};
  value_set(account, &after, &b, 1, value_int(2));
  assert_replayed(before, after, "set b;");
}

static int stop_at_once(void *ctx, const ValueChange *change) {
  (void)change;
  ++*(int *)ctx;
  return 42;
}

static void the_callback_may_end_it(void **state) {
  (void)state;
  Value before = value_of("{\"a\":1,\"b\":2}"), after = value_of("{\"a\":2,\"b\":3}");
  int calls = 0;
  assert_int_equal(value_diff(before, after, stop_at_once, &calls), 42);
  assert_int_equal(calls, 1);
  value_release(before);
  value_release(after);
}

static Value any_value(int depth) {
  int kind = rand() % (depth > 0 ? 5 : 3);
  if (kind < 2) return value_int(rand() % 4);
  if (kind == 2) return value_text(account, "xyz", (size_t)(rand() % 4));
  Value items[6];
  size_t count = (size_t)(rand() % 6);
  for (size_t i = 0; i < count; i++) items[i] = any_value(depth - 1);
  if (kind == 3) return value_array(account, items, count);
  static const char keys[] = "abcdef";
  ValueField fields[6];
  for (size_t i = 0; i < count; i++) fields[i] = (ValueField){keys + i, 1, items[i]};
  return value_object_of(account, fields, count);
}

/* So many keys that they are sorted; each is there or not. */
static Value large_object(void) {
  ValueField fields[60];
  char keys[60][4];
  size_t count = 0;
  for (size_t i = 0; i < COUNT_OF(fields); i++) {
    if (rand() % 8 == 0) continue;
    snprintf(keys[count], sizeof keys[count], "k%zu", i);
    fields[count] = (ValueField){keys[count], strlen(keys[count]), any_value(1)};
    count++;
  }
  return value_object_of(account, fields, count);
}

static void large_objects_are_replayed(void **state) {
  (void)state;
  srand(12);
  for (int i = 0; i < 300; i++) assert_replayed(large_object(), large_object(), NULL);
  for (int i = 0; i < 100; i++) {
    assert_replayed(large_object(), any_value(2), NULL);
    assert_replayed(any_value(2), large_object(), NULL);
  }
}

static void random_ones_are_replayed(void **state) {
  (void)state;
  srand(11);
  for (int i = 0; i < 3000; i++) assert_replayed(any_value(4), any_value(4), NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      value_test(changes_are_told),
      value_test(another_root_is_set_whole),
      value_test(what_is_shared_is_not_looked_at),
      value_test(the_callback_may_end_it),
      value_test(large_objects_are_replayed),
      value_test(random_ones_are_replayed),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
