/* The cache without Lua: pins, a keeper that has the values, memory. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "data/cache.h"

static CacheKey key(const char *text) {
  return (CacheKey){text, strlen(text)};
}

static void put(Cache *c, const char *name, int64_t n, double now) {
  CacheItem item = {.value = value_int(n), .ttl = 10};
  assert_int_equal(cache_set(c, key(name), &item, now, NULL), 0);
}

static int64_t number(Cache *c, const char *name, double now) {
  Value v = cache_get(c, key(name), now);
  return v.type == VALUE_INT ? v.integer : -1;
}

static Cache *two_entries(double keep) {
  return cache_new(&(CacheLimits){2, SIZE_MAX, 10, keep}, NULL);
}

static void pinned_entries_stay(void **state) {
  (void)state;
  CacheLook look;
  Value value;
  Cache *c = two_entries(0);
  put(c, "Sa", 1, 0);
  assert_false(cache_pin(c, key("Sx"), 0));
  assert_true(cache_pin(c, key("Sa"), 0));
  assert_true(cache_pin(c, key("Sa"), 0));
  put(c, "Sb", 2, 0);
  put(c, "Sc", 3, 0);
  assert_int_equal(number(c, "Sb", 0), -1); /* used later, and evicted */
  assert_int_equal(number(c, "Sa", 0), 1);
  assert_int_equal(number(c, "Sa", 10), -1);
  assert_true(cache_peek(c, key("Sa"), 100, &look, &value));
  assert_true(!look.fresh && look.pins == 2 && value.integer == 1);
  cache_unpin(c, key("Sa"), 100);
  assert_true(cache_peek(c, key("Sa"), 100, &look, &value));
  cache_unpin(c, key("Sa"), 100);
  cache_unpin(c, key("Sa"), 100);
  assert_false(cache_peek(c, key("Sa"), 100, &look, &value));
  cache_free(c);
}

static void let_go_of_it_stays_as_stale_ones_do(void **state) {
  (void)state;
  CacheLook look;
  Value value;
  Cache *c = two_entries(50);
  put(c, "Sa", 1, 0);
  assert_true(cache_pin(c, key("Sa"), 0));
  cache_unpin(c, key("Sa"), 1000);
  assert_true(cache_peek(c, key("Sa"), 1049, &look, &value));
  assert_false(cache_peek(c, key("Sa"), 1050, &look, &value));
  cache_free(c);
}

static void an_invalidated_pinned_entry_is_stale(void **state) {
  (void)state;
  CacheLook look;
  Value value;
  Cache *c = two_entries(0);
  put(c, "La", 1, 0);
  cache_pin(c, key("La"), 0);
  assert_int_equal(cache_invalidate_prefix(c, key("L"), 1), 1);
  assert_int_equal(cache_invalidate_prefix(c, key("L"), 1), 0);
  assert_int_equal(number(c, "La", 1), -1);
  assert_true(cache_peek(c, key("La"), 1, &look, &value));
  assert_true(cache_delete(c, key("La"), 1) == false);
  assert_int_equal(cache_stats(c, 1).size, 0);
  cache_free(c);
}

static void smaller_limits_evict(void **state) {
  (void)state;
  char name[8];
  Cache *c = cache_new(&(CacheLimits){100, SIZE_MAX, 10, 0}, NULL);
  for (int i = 0; i < 50; i++) {
    snprintf(name, sizeof name, "S%d", i);
    put(c, name, i, 0);
  }
  cache_limit(c, &(CacheLimits){5, SIZE_MAX, 20, 0}, 1);
  assert_int_equal(cache_stats(c, 1).size, 5);
  assert_int_equal(cache_stats(c, 1).evictions, 45);
  assert_int_equal(number(c, "S45", 1), 45);
  assert_int_equal(number(c, "S44", 1), -1);
  cache_free(c);
}

static void a_full_charge_evicts_before_it_refuses(void **state) {
  (void)state;
  char name[16];
  Charge *charge = charge_new(10000);
  Cache *c = cache_new(&(CacheLimits){SIZE_MAX, SIZE_MAX, 10, 0}, charge);
  for (int i = 0; i < 1000; i++) {
    snprintf(name, sizeof name, "S%d", i);
    put(c, name, i, 0);
  }
  assert_int_equal(number(c, "S999", 0), 999);
  assert_true(cache_stats(c, 0).evictions > 900 && charge_used(charge) <= 10000);
  cache_clear(c);
  assert_int_equal(charge_used(charge), 0);
  charge_add(charge, 9990);
  CacheItem item = {.value = value_int(1), .ttl = 10};
  assert_int_equal(cache_set(c, key("Sa"), &item, 0, NULL), ERR_MEMORY);
  charge_remove(charge, 9990);
  cache_free(c);
  charge_unref(charge);
}

/* --- a keeper ----------------------------------------------------------------------- */

typedef struct Kept {
  CacheKeeper keeper;
  char log[200];
  bool broken;
} Kept;

static void note(CacheKeeper *keeper, char what, CacheKey k) {
  Kept *kept = CONTAINER_OF(keeper, Kept, keeper);
  size_t len = strlen(kept->log);
  snprintf(kept->log + len, sizeof kept->log - len, "%c%.*s ", what, (int)k.len, k.bytes);
}

static void on_put(CacheKeeper *keeper, const CacheLook *look, Value value, bool anew) {
  (void)value, (void)anew;
  note(keeper, '+', look->key);
}

static void on_aged(CacheKeeper *keeper, const CacheLook *look) {
  note(keeper, '~', look->key);
}

static void on_dropped(CacheKeeper *keeper, CacheKey k) {
  note(keeper, '-', k);
}

static Value on_load(CacheKeeper *keeper, CacheKey k, ValueAccount *account) {
  (void)account;
  note(keeper, '?', k);
  return CONTAINER_OF(keeper, Kept, keeper)->broken ? (Value){0} : value_int(7);
}

static void a_keeper_hears_of_each_change_and_gives_values(void **state) {
  (void)state;
  Kept kept = {.keeper = {on_put, on_aged, on_dropped, on_load}};
  Cache *c = two_entries(5);
  cache_keep(c, &kept.keeper);
  CacheLook look = {
      .key = key("La"), .made = -5, .ttl = 10, .fresh_until = 5, .bytes = 1000};
  cache_adopt(c, &look, &(TagName){"t", 1}, 1);
  assert_int_equal(cache_stats(c, 0).bytes, 1000);
  assert_int_equal(number(c, "La", 0), 7);
  assert_int_equal(number(c, "La", 0), 7);
  assert_int_equal(number(c, "La", 5), -1);
  put(c, "La", 2, 5);
  assert_int_equal(cache_invalidate_tag(c, (TagName){"t", 1}, 5), 0);
  put(c, "Lb", 3, 5);
  assert_int_equal(cache_invalidate_prefix(c, key("Lb"), 6), 1);
  put(c, "Lc", 3, 6);
  cache_delete(c, key("Lc"), 6);
  assert_string_equal(kept.log, "?La +La +Lb ~Lb +Lc -La -Lc ");
  cache_free(c);
}

static void what_cannot_be_read_is_gone(void **state) {
  (void)state;
  Kept kept = {.keeper = {on_put, on_aged, on_dropped, on_load}, .broken = true};
  Cache *c = two_entries(0);
  cache_keep(c, &kept.keeper);
  CacheLook look = {.key = key("Sa"), .ttl = 10, .fresh_until = 10};
  cache_adopt(c, &look, NULL, 0);
  assert_int_equal(number(c, "Sa", 0), -1);
  assert_int_equal(cache_stats(c, 0).size, 0);
  assert_string_equal(kept.log, "?Sa -Sa ");
  cache_free(c);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(pinned_entries_stay),
      cmocka_unit_test(let_go_of_it_stays_as_stale_ones_do),
      cmocka_unit_test(an_invalidated_pinned_entry_is_stale),
      cmocka_unit_test(smaller_limits_evict),
      cmocka_unit_test(a_full_charge_evicts_before_it_refuses),
      cmocka_unit_test(a_keeper_hears_of_each_change_and_gives_values),
      cmocka_unit_test(what_cannot_be_read_is_gone)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
