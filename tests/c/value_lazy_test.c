/* Lazy values are like the others: whatever looks into one has it read, once; identity
 * holds; random changes give what they give with plain values. SEED= and SEEDS= choose
 * others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/value.h"

/* Gives the value that it was made with, and counts. */
typedef struct Source {
  ValueLoader loader;
  int loaded, gone;
  bool fails;
} Source;

static Value load(ValueLoader *loader, void *item, ValueAccount *account) {
  Source *s = CONTAINER_OF(loader, Source, loader);
  Value *held = item, v = *held;
  (void)account;
  s->loaded++;
  free(held);
  if (!s->fails) return v;
  value_release(v);
  return (Value){0};
}

static void gone(ValueLoader *loader, void *item) {
  Value *held = item;
  CONTAINER_OF(loader, Source, loader)->gone++;
  value_release(*held);
  free(held);
}

static Value lazy(ValueAccount *a, Source *s, Value content, int level) {
  Value *held = xmalloc(sizeof *held);
  s->loader = (ValueLoader){load, gone};
  *held = content;
  return value_lazy(a, content.type, VALUE_LAZY_HEIGHT + 8 - level, &s->loader, held);
}

static Value numbers(ValueAccount *a) {
  Value items[] = {value_int(1), value_int(2), value_int(3)};
  return value_array(a, items, 3);
}

static Value fields(ValueAccount *a) {
  ValueField all[] = {{"x", 1, value_int(1)}, {"y", 1, value_int(2)}};
  return value_object_of(a, all, 2);
}

/* --- every way in ---------------------------------------------------------------------
 */

static int count_change(void *ctx, const ValueChange *change) {
  (void)change;
  ++*(int *)ctx;
  return 0;
}

static void look(int way, ValueAccount *a, Value *array, Value *object) {
  Buffer out = {0};
  Error err;
  Value key, item, plain = numbers(a), other = fields(a);
  size_t n;
  int changes = 0;
  switch (way) {
  case 0:
    assert_int_equal(value_count(*array) + value_count(*object), 5);
    break;
  case 1:
    assert_int_equal(value_array_at(*array, 2).integer, 3);
    assert_int_equal(value_object_get(*object, "y", 1).integer, 2);
    break;
  case 2:
    assert_int_equal(value_array_run(*array, 1, &n)->integer, 2);
    assert_true(value_object_at(*object, 0, &key, &item));
    break;
  case 3:
    assert_true(value_equal(*array, plain));
    assert_true(value_object_find(*object, "y", 1, &n));
    break;
  case 4:
    value_diff(*array, plain, count_change, &changes);
    value_diff(other, *object, count_change, &changes);
    assert_int_equal(changes, 0);
    break;
  case 5:
    assert_int_equal(value_to_json(*array, &out, &err), 0);
    value_show(&out, *object, 100);
    assert_string_equal(buffer_text(&out), "[1,2,3]{\"x\":1,\"y\":2}");
    break;
  case 6:
    assert_int_equal(value_array_insert(a, array, 0, value_int(0)), 0);
    assert_int_equal(value_object_set(a, object, "z", 1, value_int(3)), 0);
    break;
  case 7:
    assert_int_equal(value_array_set(a, array, 0, value_int(7)), 0);
    assert_int_equal(value_object_remove(a, object, "x", 1, NULL), 0);
    break;
  case 8:
    assert_int_equal(value_array_remove(a, array, 0, NULL), 0);
    assert_false(value_object_is_sorted(*object));
    break;
  default:
    value_force(*array);
    value_force(*object);
  }
  buffer_free(&out);
  value_release(plain), value_release(other);
}

static void whatever_looks_in_has_it_read(void **state) {
  (void)state;
  for (int way = 0; way < 10; way++) {
    ValueAccount *a = value_account_new(0);
    Source s = {0};
    Value array = lazy(a, &s, numbers(a), 1), object = lazy(a, &s, fields(a), 1);
    Value held = value_retain(array);
    assert_true(value_same(array, held) && !value_is_undecided(object));
    assert_int_equal(value_height(array), value_height(held));
    assert_int_equal(s.loaded, 0);
    look(way, a, &array, &object);
    assert_int_equal(s.loaded, 2);
    assert_false(value_is_unread(held));
    assert_int_equal(value_array_at(held, 0).integer, 1); /* as it was */
    assert_int_equal(s.loaded, 2);
    value_release(array), value_release(object), value_release(held);
    value_account_close(a);
  }
}

static void what_changes_nothing_is_the_same(void **state) {
  (void)state;
  ValueAccount *a = value_account_new(0);
  Source s = {0};
  Value v = lazy(a, &s, fields(a), 1), held = value_retain(v);
  assert_int_equal(value_object_remove(a, &v, "none", 4, NULL), 0);
  assert_true(value_same(v, held));
  value_release(v), value_release(held);
  value_account_close(a);
}

static void unread_ones_are_found_and_let_go(void **state) {
  (void)state;
  ValueAccount *a = value_account_new(0);
  Source s = {0};
  Value inner = lazy(a, &s, numbers(a), 2), around = value_array(a, &inner, 1);
  Value outer = lazy(a, &s, around, 1), all = value_array(a, &outer, 1);
  assert_true(value_same(value_find_unread(all), outer));
  value_count(outer);
  assert_true(value_same(value_find_unread(all), inner));
  value_release(all);
  assert_int_equal(s.gone, 1);
  value_account_close(a);
}

static void what_cannot_be_read_is_empty(void **state) {
  (void)state;
  ValueAccount *a = value_account_new(0);
  Source s = {.fails = true};
  Value array = lazy(a, &s, numbers(a), 1), object = lazy(a, &s, fields(a), 1);
  assert_int_equal(value_count(array) + value_count(object), 0);
  assert_int_equal(value_array_insert(a, &array, 0, value_int(1)), 0);
  value_release(array), value_release(object);
  value_account_close(a);
}

/* --- random ---------------------------------------------------------------------------
 */

static uint64_t seed;

static size_t roll(size_t below) {
  seed = seed * 6364136223846793005u + 1442695040888963407u;
  return (size_t)(seed >> 33) % below;
}

static Value random_value(ValueAccount *a, int depth) {
  size_t kind = roll(depth > 3 ? 1 : 3), count = roll(60);
  Value v = kind == 1 ? value_array(a, NULL, 0) : value_object(a);
  if (kind == 0) return value_release(v), value_int((int64_t)roll(100));
  for (size_t i = 0; i < count; i++) {
    char key[12];
    int len = snprintf(key, sizeof key, "k%zu", roll(80));
    Value item = random_value(a, depth + 1);
    if (kind == 1) value_array_insert(a, &v, value_count(v), item);
    else value_object_set(a, &v, key, (size_t)len, item);
  }
  return v;
}

/* The same, with some containers lazy. */
static Value lazified(ValueAccount *a, Source *s, Value v, int level) {
  if (!value_is_container(v)) return value_retain(v);
  Value key, item, copy = value_retain(v);
  for (size_t i = 0; i < value_count(v); i++) {
    if (v.type == VALUE_ARRAY) {
      item = lazified(a, s, value_array_at(v, i), level + 1);
      value_array_set(a, &copy, i, item);
      continue;
    }
    size_t len;
    value_object_at(v, i, &key, &item);
    const char *name = value_bytes(key, &len);
    value_object_set(a, &copy, name, len, lazified(a, s, item, level + 1));
  }
  return level && level < 8 && roll(2) ? lazy(a, s, copy, level) : copy;
}

/* One change, of what is at a random place, the same in both. */
static void change(ValueAccount *a, Value *v, uint64_t from) {
  seed = from;
  ValueStep steps[6];
  char keys[6][12];
  size_t n = 0;
  for (Value at = *v; n < 5 && value_count(at) && (n == 0 || roll(3)); n++) {
    steps[n] = (ValueStep){.index = roll(value_count(at))};
    if (at.type == VALUE_OBJECT) {
      Value key, item;
      value_object_at(at, steps[n].index, &key, &item);
      snprintf(keys[n], sizeof keys[n], "%s", value_bytes(key, &steps[n].key_len));
      steps[n].key = keys[n];
    }
    at = value_get(at, &steps[n], 1);
  }
  if (n) value_set(a, v, steps, n, roll(4) ? random_value(a, 3) : value_null());
}

static void random_changes_give_the_same(void **state) {
  (void)state;
  const char *from = getenv("SEED"), *rounds = getenv("SEEDS");
  uint64_t first = from ? strtoull(from, NULL, 10) : 1;
  uint64_t last = first + (rounds ? strtoull(rounds, NULL, 10) : 8);
  for (uint64_t i = first; i < last; i++) {
    print_message("seed %llu\n", (unsigned long long)i);
    ValueAccount *a = value_account_new(0);
    Source s = {0};
    seed = i;
    Value plain = random_value(a, 0), both = lazified(a, &s, plain, 0);
    Value was = value_retain(plain), held = value_retain(both);
    for (int k = 0; k < 30; k++) {
      uint64_t same = seed = i * 1000 + (uint64_t)k;
      change(a, &plain, same);
      change(a, &both, same);
    }
    int changes = 0;
    value_diff(plain, both, count_change, &changes);
    assert_int_equal(changes, 0);
    assert_true(value_equal(both, plain) && value_equal(held, was));
    value_release(plain), value_release(both), value_release(was), value_release(held);
    value_account_close(a);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(whatever_looks_in_has_it_read),
      cmocka_unit_test(what_changes_nothing_is_the_same),
      cmocka_unit_test(unread_ones_are_found_and_let_go),
      cmocka_unit_test(what_cannot_be_read_is_empty),
      cmocka_unit_test(random_changes_give_the_same),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
