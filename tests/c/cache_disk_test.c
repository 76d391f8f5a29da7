/* A cache on the disk: entries come back with their times and tags, one key is written
 * once, what the disk never had leaves no trace, a full disk is gone on without. */
#include "persist_env.h"

#include "core/clock.h"
#include "data/cache_disk.h"

typedef struct Kept {
  Env *env;
  Cache *cache;
  CacheDisk *disk;
  bool done;
} Kept;

static const CacheLimits limits = {1000, SIZE_MAX, 100, 0};

static void keep(Kept *k, Env *e, double now) {
  Error err;
  *k = (Kept){.env = e, .cache = cache_new(&limits, NULL)};
  k->disk = cache_disk_open(e->loop, e->db, "bot:c", k->cache, now, &err);
  if (!k->disk) fail_msg("%s", err.message);
}

static void leave(Kept *k, bool forget) {
  cache_disk_close(k->disk, forget);
  cache_free(k->cache);
}

static CacheKey key(const char *text) {
  return (CacheKey){text, strlen(text)};
}

static void put(Kept *k, const char *name, int64_t n, double now, const char *tag) {
  TagName tags[] = {{tag, tag ? strlen(tag) : 0}};
  CacheItem item = {
      .value = value_int(n), .ttl = 100, .tags = tags, .tag_count = tag ? 1 : 0};
  assert_int_equal(cache_set(k->cache, key(name), &item, now, NULL), 0);
}

/* More than the file has room for without growing. */
static void put_large(Kept *k, const char *name) {
  char *text = xcalloc(1, 1 << 20);
  memset(text, 'x', 1 << 20);
  CacheItem item = {.value = value_text(cache_account(k->cache), text, 1 << 20),
                    .ttl = 100};
  assert_int_equal(cache_set(k->cache, key(name), &item, 0, NULL), 0);
  free(text);
}

static int64_t number(Kept *k, const char *name, double now) {
  Value v = cache_get(k->cache, key(name), now);
  return v.type == VALUE_INT ? v.integer : -1;
}

/* Waits until the thread has done all that was given to it. */
static void settle(Env *e) {
  env_reopen(e);
}

static void entries_come_back(void **state) {
  Env *e = *state;
  Kept k;
  keep(&k, e, 0);
  put(&k, "La", 1, 0, "t");
  put(&k, "Lb", 2, 0, NULL);
  put(&k, "La", 3, 0, "t");
  leave(&k, false);
  settle(e);
  assert_int_equal(env_number(e, "SELECT count(*) FROM cached"), 2);
  keep(&k, e, 1);
  assert_int_equal(number(&k, "La", 1), 3);
  assert_int_equal(cache_invalidate_tag(k.cache, (TagName){"t", 1}, 1), 1);
  assert_int_equal(number(&k, "Lb", 1), 2);
  leave(&k, false);
  settle(e);
  assert_int_equal(env_number(e, "SELECT count(*) FROM cached"), 1);
}

static void what_is_forgotten_is_gone(void **state) {
  Env *e = *state;
  Kept k;
  keep(&k, e, 0);
  put(&k, "La", 1, 0, NULL);
  cache_disk_save(k.disk);
  put(&k, "Lb", 2, 0, NULL);
  leave(&k, true);
  settle(e);
  assert_int_equal(env_number(e, "SELECT count(*) FROM cached"), 0);
}

/* What waits is bounded by the entries: keys that came and went leave nothing. */
static void a_full_disk_is_gone_on_without(void **state) {
  Env *e = *state;
  Kept k;
  Error err;
  char name[16];
  keep(&k, e, 0);
  put(&k, "La", 1, 0, NULL);
  leave(&k, false);
  settle(e);
  keep(&k, e, 0);
  db_limit_pages(e->db, 1);
  put_large(&k, "Lb");
  cache_disk_save(k.disk);
  for (int i = 0; i < 10000 && !db_in_trouble(e->db, &err); i++) usleep(1000);
  assert_true(db_in_trouble(e->db, &err));
  for (int i = 0; i < 5000; i++) {
    snprintf(name, sizeof name, "Lx%d", i);
    put(&k, name, i, 0, NULL);
  }
  assert_int_equal(number(&k, "Lx4999", 0), 4999);
  assert_int_equal(cache_stats(k.cache, 0).size, 1000);
  db_limit_pages(e->db, 0);
  leave(&k, false);
  settle(e);
  assert_int_equal(env_number(e, "SELECT count(*) FROM cached"), 1000);
}

static void times_go_on_by_the_wall(void **state) {
  Env *e = *state;
  Kept k;
  clock_wall_set(1e9);
  keep(&k, e, 5000);
  put(&k, "La", 1, 5000, NULL);
  leave(&k, false);
  settle(e);
  clock_wall_set(1e9 + 99);
  keep(&k, e, 5099);
  assert_int_equal(number(&k, "La", 5099), 1);
  assert_int_equal(number(&k, "La", 5100), -1);
  leave(&k, false);
  settle(e);
  clock_wall_set(0);
}

/* By an hour, or into the past. */
static void a_clock_that_was_set_makes_all_stale(void **state) {
  Env *e = *state;
  static const double walls[] = {1e9 + 3600, 1e9 - 5, 1e9 + 61};
  for (size_t i = 0; i < COUNT_OF(walls); i++) {
    Kept k;
    clock_wall_set(1e9);
    keep(&k, e, 5000);
    CacheItem item = {.value = value_int(1), .ttl = 1e6};
    cache_set(k.cache, key("La"), &item, 5000, NULL);
    leave(&k, false);
    settle(e);
    clock_wall_set(1e9 + 10);
    keep(&k, e, 5001); /* 9 s are no doubt */
    assert_int_equal(number(&k, "La", 5001), 1);
    leave(&k, false);
    settle(e);
    clock_wall_set(walls[i]);
    keep(&k, e, 5000);
    assert_int_equal(number(&k, "La", 5000), -1);
    leave(&k, false);
    settle(e);
  }
  clock_wall_set(0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, env_setup, env_teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(entries_come_back), TEST(what_is_forgotten_is_gone),
      TEST(a_full_disk_is_gone_on_without), TEST(times_go_on_by_the_wall),
      TEST(a_clock_that_was_set_makes_all_stale)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
