/* The store without Lua: commits, history and its bounds, undo, reset, what initial fills
 * in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "data/store.h"

static Value object(Store *s, const char *key, int64_t n) {
  Value v = value_object(store_account(s));
  assert_int_equal(value_object_set(store_account(s), &v, key, strlen(key), value_int(n)),
                   0);
  return v;
}

static int64_t get(const Store *s, const char *key) {
  Value v = value_object_get(store_root(s), key, strlen(key));
  return v.type == VALUE_INT ? v.integer : -1;
}

/* The root with one key set. */
static void set(Store *s, const char *key, int64_t n) {
  Value root = value_retain(store_root(s));
  assert_int_equal(
      value_object_set(store_account(s), &root, key, strlen(key), value_int(n)), 0);
  assert_true(store_commit(s, root, "test", "set"));
}

static void the_same_root_is_no_change(void **state) {
  (void)state;
  Store *s = store_new(&(StoreLimits){0}, NULL);
  assert_false(store_commit(s, value_retain(store_root(s)), "test", NULL));
  assert_int_equal(store_history_count(s), 0);
  store_free(s);
}

static void changes_are_remembered_and_undone(void **state) {
  (void)state;
  Error err;
  Store *s = store_new(&(StoreLimits){0}, NULL);
  for (int i = 1; i <= 5; i++) set(s, "n", i);
  assert_int_equal(store_history_count(s), 5);
  assert_string_equal(store_history_at(s, 0)->script, "test");
  assert_string_equal(store_history_at(s, 0)->action, "set");
  assert_int_equal(store_undo(s, 2, "test", &err), 0);
  assert_int_equal(get(s, "n"), 3);
  assert_int_equal(store_history_count(s), 6);
  assert_string_equal(store_history_at(s, 5)->action, "undo");
  assert_int_equal(store_undo(s, 1, "test", &err), 0);
  assert_int_equal(get(s, "n"), 5);
  assert_int_equal(store_undo(s, 99, "test", &err), ERR_NOT_FOUND);
  assert_int_equal(store_undo(s, 0, "test", &err), ERR_NOT_FOUND);
  store_free(s);
}

static void history_is_bounded_in_count(void **state) {
  (void)state;
  Store *s = store_new(&(StoreLimits){.history = 3}, NULL);
  for (int i = 1; i <= 10; i++) set(s, "n", i);
  assert_int_equal(store_history_count(s), 3);
  Value after = store_history_at(s, 0)->after;
  assert_int_equal(value_object_get(after, "n", 1).integer, 8);
  assert_null(store_history_at(s, 3));
  store_free(s);
}

static void history_is_bounded_in_bytes(void **state) {
  (void)state;
  static char big[10000];
  Store *s = store_new(&(StoreLimits){.history = 1000, .history_bytes = 50000}, NULL);
  memset(big, 'x', sizeof big);
  for (int i = 0; i < 100; i++) {
    Value root = value_retain(store_root(s));
    big[0] = (char)('a' + i % 26);
    Value text = value_text(store_account(s), big, sizeof big);
    assert_int_equal(value_object_set(store_account(s), &root, "text", 4, text), 0);
    assert_true(store_commit(s, root, "test", NULL));
  }
  assert_true(store_history_count(s) >= 2 && store_history_count(s) <= 6);
  assert_true(value_account_used(store_account(s)) < 100000);
  store_free(s);
}

static void initial_fills_what_is_absent_and_reset_goes_back(void **state) {
  (void)state;
  Store *s = store_new(&(StoreLimits){0}, NULL);
  set(s, "kept", 7);
  Value initial = object(s, "kept", 1);
  assert_int_equal(value_object_set(store_account(s), &initial, "new", 3, value_int(2)),
                   0);
  store_set_initial(s, initial, (Value){0});
  assert_int_equal(get(s, "kept"), 7);
  assert_int_equal(get(s, "new"), 2);
  assert_true(store_reset(s, "test"));
  assert_int_equal(get(s, "kept"), 1);
  store_free(s);
}

static void count_call(void *ctx) {
  ++*(int *)ctx;
}

/* A migration does not call: its owner does once the initial state is set. */
static void each_change_calls_the_listener_once(void **state) {
  (void)state;
  int calls = 0;
  Error err;
  Store *s = store_new(&(StoreLimits){0}, NULL);
  store_listen(s, count_call, &calls);
  store_commit(s, value_retain(store_root(s)), "test", NULL);
  assert_int_equal(calls, 0);
  set(s, "n", 1);
  assert_int_equal(calls, 1);
  assert_int_equal(store_undo(s, 1, "test", &err), 0);
  assert_int_equal(calls, 2);
  assert_int_equal(store_undo(s, 99, "test", &err), ERR_NOT_FOUND);
  assert_false(store_reset(s, "test"));
  assert_int_equal(calls, 2);
  assert_true(store_migrate(s, object(s, "n", 2), "test"));
  assert_int_equal(calls, 2);
  assert_true(store_reset(s, "test"));
  assert_int_equal(calls, 3);
  store_free(s);
}

static void settle(Store *s, const char *key, int64_t n) {
  Value root = value_retain(store_root(s));
  assert_int_equal(
      value_object_set(store_account(s), &root, key, strlen(key), value_int(n)), 0);
  assert_true(store_settle(s, root, store_root(s)));
}

static void what_was_settled_is_in_no_history_and_undo_keeps_it(void **state) {
  (void)state;
  Error err;
  Store *s = store_new(&(StoreLimits){0}, NULL);
  set(s, "mine", 1);
  settle(s, "theirs", 10);
  set(s, "mine", 2);
  set(s, "mine", 3);
  settle(s, "theirs", 20);
  settle(s, "other", 5);
  assert_int_equal(store_history_count(s), 3);
  assert_int_equal(store_undo(s, 2, "test", &err), 0);
  assert_int_equal(get(s, "mine"), 1);
  assert_int_equal(get(s, "theirs"), 20);
  assert_int_equal(get(s, "other"), 5);
  assert_int_equal(store_undo(s, 4, "test", &err), 0);
  assert_int_equal(get(s, "mine"), -1);
  assert_int_equal(get(s, "theirs"), 20);
  settle(s, "mine", 9);
  assert_int_equal(store_undo(s, 1, "test", &err), ERR_INVALID);
  assert_int_equal(get(s, "mine"), 9);
  assert_false(store_settle(s, value_retain(store_root(s)), store_root(s)));
  store_free(s);
}

static void what_was_settled_costs_the_history_nothing(void **state) {
  (void)state;
  static char big[10000];
  Store *s = store_new(&(StoreLimits){.history_bytes = 50000}, NULL);
  memset(big, 'x', sizeof big);
  for (int i = 0; i < 20; i++) {
    set(s, "n", i);
    Value root = value_retain(store_root(s));
    big[0] = (char)('a' + i);
    Value text = value_text(store_account(s), big, sizeof big);
    assert_int_equal(value_object_set(store_account(s), &root, "text", 4, text), 0);
    assert_true(store_settle(s, root, store_root(s)));
  }
  assert_int_equal(store_history_count(s), 20);
  store_free(s);
}

static void changed_paths_are_listed(void **state) {
  (void)state;
  Buffer out = {0};
  Store *s = store_new(&(StoreLimits){0}, NULL);
  set(s, "a", 1);
  set(s, "b", 2);
  const StoreChange *first = store_history_at(s, 0), *last = store_history_at(s, 1);
  store_changed_paths(first->before, last->after, 10, &out);
  assert_string_equal(buffer_text(&out), "a\nb\n");
  buffer_clear(&out);
  store_changed_paths(first->before, last->after, 1, &out);
  assert_string_equal(buffer_text(&out), "a\n...\n");
  buffer_free(&out);
  store_free(s);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_same_root_is_no_change),
      cmocka_unit_test(changes_are_remembered_and_undone),
      cmocka_unit_test(history_is_bounded_in_count),
      cmocka_unit_test(history_is_bounded_in_bytes),
      cmocka_unit_test(initial_fills_what_is_absent_and_reset_goes_back),
      cmocka_unit_test(each_change_calls_the_listener_once),
      cmocka_unit_test(what_was_settled_is_in_no_history_and_undo_keeps_it),
      cmocka_unit_test(what_was_settled_costs_the_history_nothing),
      cmocka_unit_test(changed_paths_are_listed),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
