/* What is gone of an initial state, found out from a change: as when all is looked at. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "data/defaults.h"
#include "data/persist_gone.h"

static uint64_t seed;

static unsigned roll(unsigned below) {
  seed = seed * 6364136223846793005u + 1442695040888963407u;
  return (unsigned)(seed >> 33) % below;
}

static ValueStep key(const char *name) {
  return (ValueStep){.key = name, .key_len = strlen(name)};
}

static const char *const names[] = {"a", "b", "c", "list", "d", "e.f"};

/* A state of objects in objects, with lists that hold objects. */
static Value make(ValueAccount *account, int deep) {
  unsigned kind = deep > 3 ? 0 : roll(5);
  if (kind == 0) return value_int(roll(3));
  if (kind == 1) {
    Value items[3];
    for (int i = 0; i < 3; i++) items[i] = make(account, deep + 2);
    return value_array(account, items, 3);
  }
  Value object = value_object(account);
  for (unsigned i = 0, n = roll(6); i < n; i++) {
    const char *name = names[roll(COUNT_OF(names))];
    value_object_set(account, &object, name, strlen(name), make(account, deep + 1));
  }
  return object;
}

static Value make_root(ValueAccount *account) {
  Value root = value_object(account);
  for (size_t i = 0; i < COUNT_OF(names); i++)
    value_object_set(account, &root, names[i], strlen(names[i]), make(account, 1));
  return root;
}

/* Somewhere, what is there or not; as often something is taken out. */
static void change(ValueAccount *account, Value *root) {
  ValueStep steps[4];
  size_t count = 1 + roll(4);
  for (size_t i = 0; i < count; i++) steps[i] = key(names[roll(COUNT_OF(names))]);
  if (roll(2) == 0) {
    value_set(account, root, steps, count, make(account, 1));
    return;
  }
  Value at = count > 1 ? value_get(*root, steps, count - 1) : *root;
  if (at.type != VALUE_OBJECT) return;
  Value less = value_retain(at);
  value_object_remove(account, &less, steps[count - 1].key, steps[count - 1].key_len,
                      NULL);
  if (count > 1) {
    value_set(account, root, steps, count - 1, less);
    return;
  }
  value_release(*root);
  *root = less;
}

static void it_is_what_looking_at_all_finds(void **state) {
  (void)state;
  for (seed = 1; seed % 1000 != 0;) {
    uint64_t first = seed;
    ValueAccount *account = value_account_new(0);
    Value initial = make_root(account), root = value_retain(initial);
    Value gone = defaults_gone(account, initial, root);
    for (int i = 0; i < 30; i++) {
      Value before = value_retain(root);
      for (unsigned n = roll(3) + 1; n > 0; n--) change(account, &root);
      Value now = defaults_gone_now(account, initial, before, root, gone);
      Value want = defaults_gone(account, initial, root);
      if (!value_equal(now, want)) fail_msg("seed %llu", (unsigned long long)first);
      value_release(before);
      value_release(gone);
      value_release(want);
      gone = now;
    }
    value_release(gone);
    value_release(root);
    value_release(initial);
    value_account_close(account);
    seed = first + 1;
  }
}

static double cpu_seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static Value make_many(ValueAccount *account, int count) {
  Value root = value_object(account);
  char name[16];
  for (int i = 0; i < count; i++) {
    int len = snprintf(name, sizeof name, "k%d", i);
    value_object_set(account, &root, name, (size_t)len, value_int(i));
  }
  return root;
}

/* So many keys, of which one changes with each write. */
static double write_often(int count, int times) {
  GoneKeys g = {0};
  ValueAccount *account = value_account_new(0);
  Value initial = make_many(account, count), root = value_retain(initial);
  gone_keys_begin(&g, initial);
  free(gone_keys_sync(&g, account, NULL, (Value){0}, root));
  double began = cpu_seconds();
  for (int i = 0; i < times; i++) {
    Value before = value_retain(root);
    value_object_set(account, &root, "k7", 2, i % 2 ? value_int(i) : value_null());
    char *json = gone_keys_sync(&g, account, NULL, before, root);
    assert_string_equal(json, i % 2 ? "{}" : "{\"k7\":true}");
    free(json);
    value_release(before);
  }
  double took = cpu_seconds() - began;
  gone_keys_free(&g);
  value_release(root);
  value_release(initial);
  value_account_close(account);
  return took;
}

static void a_write_costs_what_has_changed(void **state) {
  (void)state;
  double few = write_often(2000, 3000), more = write_often(200000, 3000);
  if (more > 8 * few + 0.2)
    fail_msg("%.3f s, and %.3f s of 100 times as many", few, more);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(it_is_what_looking_at_all_finds),
      cmocka_unit_test(a_write_costs_what_has_changed),
  };
  return cmocka_run_group_tests_name("persist_gone", tests, NULL, NULL);
}
