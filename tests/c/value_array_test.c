/* Arrays of values: every place of them, beside a plain list that does the same. */
#include "value_env.h"

enum { MANY = 3000 };

/* A list of numbers, and the array that should be like it. */
typedef struct Model {
  int64_t items[MANY];
  size_t count;
} Model;

static void assert_same(Value array, const Model *m) {
  assert_int_equal(value_count(array), m->count);
  for (size_t i = 0; i < m->count; i++)
    assert_int_equal(value_array_at(array, i).integer, m->items[i]);
  assert_int_equal(value_array_at(array, m->count).type, VALUE_ABSENT);
}

static void insert_in_model(Model *m, size_t at, int64_t n) {
  memmove(&m->items[at + 1], &m->items[at], (m->count++ - at) * sizeof m->items[0]);
  m->items[at] = n;
}

static void remove_from_model(Model *m, size_t at) {
  memmove(&m->items[at], &m->items[at + 1], (--m->count - at) * sizeof m->items[0]);
}

static void it_is_as_a_list_is(void **state) {
  (void)state;
  static Model m;
  m.count = 0;
  Value array = value_array(account, NULL, 0);
  uint32_t random = 1;
  for (int64_t step = 0; step < 2 * MANY; step++) {
    random = random * 1664525 + 1013904223;
    size_t at = (random >> 8) % (m.count + 1);
    if (step < MANY - 1) {
      assert_int_equal(value_array_insert(account, &array, at, value_int(step)), 0);
      insert_in_model(&m, at, step);
    } else if (at == m.count) {
      continue;
    } else if (step % 3 == 0) {
      assert_int_equal(value_array_set(account, &array, at, value_int(-step)), 0);
      m.items[at] = -step;
    } else {
      Value gone = {0};
      assert_int_equal(value_array_remove(account, &array, at, &gone), 0);
      assert_int_equal(gone.integer, m.items[at]);
      remove_from_model(&m, at);
    }
    if (step % 500 == 0) assert_same(array, &m);
  }
  assert_same(array, &m);
  value_release(array);
}

static void places_that_are_not_there_are_refused(void **state) {
  (void)state;
  Value array = value_of("[1,2]");
  assert_int_equal(value_array_set(account, &array, 2, value_int(9)), ERR_INVALID);
  assert_int_equal(value_array_insert(account, &array, 3, value_int(9)), ERR_INVALID);
  assert_int_equal(value_array_remove(account, &array, 2, NULL), ERR_INVALID);
  assert_value(array, "[1,2]");
  assert_int_equal(value_array_insert(account, &array, 2, value_int(3)), 0);
  assert_value(array, "[1,2,3]");
  value_release(array);
}

static void what_another_holds_stays(void **state) {
  (void)state;
  Value array = value_of("[[1],[2],[3]]"), before = value_retain(array);
  Value removed;
  assert_int_equal(value_array_remove(account, &array, 1, &removed), 0);
  assert_value(before, "[[1],[2],[3]]");
  assert_value(array, "[[1],[3]]");
  assert_value(removed, "[2]");
  assert_true(value_same(value_array_at(before, 0), value_array_at(array, 0)));
  value_release(removed);
  value_release(before);
  value_release(array);
}

static void runs_lead_through_all_of_it(void **state) {
  (void)state;
  Value array = value_array(account, NULL, 0);
  for (int64_t i = 0; i < MANY; i++)
    value_array_insert(account, &array, (size_t)i, value_int(i));
  size_t seen = 0;
  for (size_t count; seen < MANY; seen += count) {
    const Value *run = value_array_run(array, seen, &count);
    assert_true(count > 0);
    for (size_t i = 0; i < count; i++)
      assert_int_equal(run[i].integer, (int64_t)(seen + i));
  }
  assert_int_equal(seen, MANY);
  value_release(array);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      value_test(it_is_as_a_list_is),
      value_test(places_that_are_not_there_are_refused),
      value_test(what_another_holds_stays),
      value_test(runs_lead_through_all_of_it),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
