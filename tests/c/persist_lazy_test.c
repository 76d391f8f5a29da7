/* Large branches are read when somebody looks into them: only those, as they were, under
 * whatever happens to them before they are read. */
#include "persist_kept.h"

enum { MANY = 5000 };

static Value get(Value root, const char *key) {
  return value_object_get(root, key, strlen(key));
}

/* A store that was kept with `messages` of `count`, opened again and unread. */
static void keep_unread(Kept *k, Env *e, size_t count) {
  keep(k, e, 1);
  set_key(k, "messages", messages(k, count));
  set_key(k, "a", value_int(1));
  save(k);
  leave(k);
  env_reopen(e);
  keep(k, e, 1);
  assert_true(value_is_unread(get(k->root, "messages")));
}

static void assert_messages(Kept *k, Value v, size_t count) {
  Value want = messages(k, count);
  assert_true(value_equal(v, want));
  value_release(want);
}

static void only_what_is_touched_is_read(void **state) {
  Kept k;
  keep_unread(&k, *state, MANY);
  assert_int_equal(persist_rows_read(k.persist), 2);
  Value before = get(k.root, "messages");
  assert_int_equal(value_count(before), MANY);
  assert_int_equal(persist_rows_read(k.persist), 2 + MANY);
  assert_true(value_same(before, get(k.root, "messages")));
  assert_messages(&k, before, MANY);
  assert_int_equal(persist_rows_read(k.persist), 2 + MANY);
  uint64_t rows = persist_rows(k.persist);
  save(&k); /* nothing has changed */
  assert_int_equal(persist_rows(k.persist), rows);
  leave(&k);
}

static Value sessions(Kept *k, size_t count) {
  Value all = value_object(k->account);
  for (size_t i = 0; i < count; i++) {
    char key[20];
    int len = snprintf(key, sizeof key, "session %zu", i);
    value_object_set(k->account, &all, key, (size_t)len, messages(k, 100 + i));
  }
  return all;
}

static void a_branch_of_branches_is_read_one_by_one(void **state) {
  Env *e = *state;
  Kept k;
  keep(&k, e, 1);
  set_key(&k, "messages", sessions(&k, 50));
  save(&k);
  leave(&k);
  keep(&k, e, 1);
  ValueStep way[] = {{.key = "messages", .key_len = 8},
                     {.key = "session 7", .key_len = 9},
                     {.index = 3},
                     {.key = "id", .key_len = 2}};
  assert_int_equal(value_get(k.root, way, 4).integer, 3);
  assert_int_equal(persist_rows_read(k.persist), 1 + 50 + 107);
  value_set(k.account, &k.root, way, 4, value_int(77));
  uint64_t rows = persist_rows(k.persist);
  save(&k);
  assert_int_equal(persist_rows(k.persist) - rows, 1);
  assert_int_equal(persist_rows_read(k.persist), 1 + 50 + 107);
  leave(&k);
  keep(&k, e, 1);
  assert_int_equal(value_get(k.root, way, 4).integer, 77);
  Value other = sessions(&k, 50);
  value_set(k.account, &k.root, way, 4, value_int(3));
  assert_true(value_equal(get(k.root, "messages"), other));
  value_release(other);
  leave(&k);
}

/* `old` is what history and views hold. */
static void what_is_dropped_unread_comes_back(void **state) {
  Env *e = *state;
  Kept k;
  keep_unread(&k, e, MANY);
  Value old = value_retain(k.root);
  set_key(&k, "messages", value_int(5));
  save(&k);
  assert_int_equal(env_number(e, "SELECT count(*) FROM row"), 2);
  assert_messages(&k, get(old, "messages"), MANY);
  value_release(k.root);
  k.root = old; /* undo */
  save(&k);
  leave(&k);
  keep(&k, e, 1);
  assert_messages(&k, get(k.root, "messages"), MANY);
  assert_no_orphans(e);
  leave(&k);
}

static void what_is_moved_unread_is_there(void **state) {
  Env *e = *state;
  Kept k;
  keep_unread(&k, e, MANY);
  set_key(&k, "a", value_retain(get(k.root, "messages")));
  set_key(&k, "messages", value_null());
  save(&k);
  leave(&k);
  keep(&k, e, 1);
  assert_messages(&k, get(k.root, "a"), MANY);
  assert_int_equal(get(k.root, "messages").type, VALUE_ABSENT);
  assert_no_orphans(e);
  leave(&k);
}

/* New branches get numbers that unread ones, however deep, do not have. */
static void numbers_do_not_collide(void **state) {
  Env *e = *state;
  Kept k;
  keep(&k, e, 1);
  set_key(&k, "messages", sessions(&k, 50));
  save(&k);
  leave(&k);
  env_reopen(e);
  keep(&k, e, 1);
  set_key(&k, "a", sessions(&k, 20));
  save(&k);
  leave(&k);
  keep(&k, e, 1);
  Value a = sessions(&k, 20), m = sessions(&k, 50);
  assert_true(value_equal(get(k.root, "a"), a));
  assert_true(value_equal(get(k.root, "messages"), m));
  value_release(a), value_release(m);
  leave(&k);
}

static void what_somebody_holds_outlives_the_store(void **state) {
  Env *e = *state;
  Kept k;
  keep_unread(&k, e, MANY);
  Value held = value_retain(get(k.root, "messages"));
  value_release(k.root);
  persist_close(k.persist);
  assert_false(value_is_unread(held));
  assert_messages(&k, held, MANY);
  value_release(held);
  value_account_close(k.account);
}

/* --- what cannot be read --------------------------------------------------------------
 */

static void a_broken_branch_is_set_aside(void **state) {
  Env *e = *state;
  Kept k;
  keep(&k, e, 1);
  set_key(&k, "messages", messages(&k, 1000));
  set_key(&k, "a", sessions(&k, 3));
  save(&k);
  leave(&k);
  run_sql(e, "UPDATE row SET json='{\"id\":' WHERE json LIKE '%message 7 %' AND parent ="
             " (SELECT child FROM row WHERE place=CAST('messages' AS BLOB))");
  keep(&k, e, 1);
  assert_int_equal(k.opened.code, 0);
  assert_int_equal(value_count(get(k.root, "messages")), 0);
  assert_false(k.has_failed); /* not in the middle of it */
  env_until(e, &k.has_failed);
  assert_int_equal(k.failed.code, ERR_DECODE);
  assert_non_null(strstr(k.failed.message, "t:s~broken-"));
  Value one = value_retain(get(k.root, "messages"));
  value_array_insert(k.account, &one, 0, message(&k, 5));
  set_key(&k, "messages", one);
  save(&k);
  leave(&k);
  assert_int_equal(count_aside(e), 1001);
  keep(&k, e, 1);
  assert_int_equal(value_count(get(k.root, "messages")), 1);
  assert_int_equal(value_count(get(k.root, "a")), 3);
  leave(&k);
}

static void a_branch_that_has_no_room_is_set_aside(void **state) {
  Env *e = *state;
  Kept k;
  keep_unread(&k, e, MANY);
  value_account_limit(k.account, value_account_used(k.account) + 50000);
  assert_int_equal(value_count(get(k.root, "messages")), 0);
  env_until(e, &k.has_failed);
  assert_int_equal(k.failed.code, ERR_MEMORY);
  assert_int_equal(flush(&k), 0);
  leave(&k);
  assert_int_equal(count_aside(e), MANY + 1);
}

static void a_branch_in_itself_ends(void **state) {
  Env *e = *state;
  Kept k;
  keep_unread(&k, e, MANY);
  run_sql(e, "UPDATE row SET child=(SELECT child FROM row WHERE place="
             "CAST('messages' AS BLOB)), json='[]' WHERE json LIKE '%message 7 %'");
  assert_int_equal(value_count(get(k.root, "messages")), 0);
  env_until(e, &k.has_failed);
  assert_int_equal(flush(&k), 0);
  leave(&k);
}

static void what_nests_too_deeply_is_told(void **state) {
  Env *e = *state;
  Kept k;
  keep(&k, e, 1);
  Value v = value_array(k.account, NULL, 0);
  for (int i = 0; i < 300; i++) v = value_array(k.account, &v, 1);
  set_key(&k, "a", v);
  persist_changed(k.persist, k.root);
  env_until(e, &k.has_failed);
  assert_non_null(strstr(k.failed.message, "nested"));
  leave(&k);
}

/* --- waiting for one ------------------------------------------------------------------
 */

typedef struct Fetch {
  PersistFetch fetch;
  bool done;
  Error err;
} Fetch;

static void fetched(PersistFetch *fetch, const Error *err) {
  Fetch *f = CONTAINER_OF(fetch, Fetch, fetch);
  f->done = true;
  if (err) f->err = *err;
}

static Fetch fetch_messages(Kept *k) {
  (void)k;
  return (Fetch){.fetch.done = fetched};
}

typedef struct Ticker {
  Timer timer;
  Loop *loop;
  int ticks;
} Ticker;

static void tick(Timer *timer) {
  Ticker *t = CONTAINER_OF(timer, Ticker, timer);
  t->ticks++;
  timer_start(t->loop, timer, 0.0005);
}

static void a_wait_stalls_nobody(void **state) {
  Env *e = *state;
  Kept k;
  keep_unread(&k, e, 40000);
  Ticker t = {.timer.fire = tick, .loop = e->loop};
  timer_start(e->loop, &t.timer, 0.0005);
  Value v = get(k.root, "messages");
  Fetch f = fetch_messages(&k);
  assert_true(persist_fetch(e->loop, &f.fetch, v));
  env_until(e, &f.done);
  timer_stop(e->loop, &t.timer);
  assert_int_equal(f.err.code, 0);
  assert_true(t.ticks > 5);
  assert_false(value_is_unread(v));
  assert_messages(&k, v, 40000);
  assert_false(persist_fetch(e->loop, &f.fetch, v));
  leave(&k);
}

static void a_wait_may_be_overtaken(void **state) {
  Env *e = *state;
  Kept k;
  keep_unread(&k, e, MANY);
  Value v = get(k.root, "messages");
  Fetch f = fetch_messages(&k), g = f, h = f;
  assert_true(persist_fetch(e->loop, &f.fetch, v));
  assert_true(persist_fetch(e->loop, &g.fetch, v));
  assert_true(persist_fetch(e->loop, &h.fetch, v));
  persist_fetch_cancel(&h.fetch);
  set_key(&k, "messages", value_null());
  save(&k); /* dropped, so it was read */
  env_until(e, &f.done);
  env_until(e, &g.done);
  assert_int_equal(f.err.code, 0);
  assert_false(h.done);
  leave(&k);
}

static void a_wait_outlives_the_store(void **state) {
  Env *e = *state;
  Kept k;
  keep_unread(&k, e, MANY);
  Fetch f = fetch_messages(&k), g = f;
  assert_true(persist_fetch(e->loop, &f.fetch, get(k.root, "messages")));
  assert_true(persist_fetch(e->loop, &g.fetch, get(k.root, "messages")));
  persist_fetch_cancel(&g.fetch);
  leave(&k);
  env_until(e, &f.done);
  assert_int_equal(f.err.code, 0);
}

static void a_wait_that_fails_sets_nothing_aside(void **state) {
  Env *e = *state;
  Kept k;
  keep_unread(&k, e, MANY);
  size_t used = value_account_used(k.account);
  value_account_limit(k.account, used + 50000);
  Fetch f = fetch_messages(&k);
  assert_true(persist_fetch(e->loop, &f.fetch, get(k.root, "messages")));
  env_until(e, &f.done);
  assert_int_equal(f.err.code, ERR_MEMORY);
  value_account_limit(k.account, 0);
  assert_messages(&k, get(k.root, "messages"), MANY);
  assert_false(k.has_failed);
  leave(&k);
}

int main(void) {
#define TEST(f) cmocka_unit_test_setup_teardown(f, env_setup, env_teardown)
  const struct CMUnitTest tests[] = {
      TEST(only_what_is_touched_is_read),
      TEST(a_branch_of_branches_is_read_one_by_one),
      TEST(what_is_dropped_unread_comes_back),
      TEST(what_is_moved_unread_is_there),
      TEST(numbers_do_not_collide),
      TEST(what_somebody_holds_outlives_the_store),
      TEST(a_broken_branch_is_set_aside),
      TEST(a_branch_that_has_no_room_is_set_aside),
      TEST(a_branch_in_itself_ends),
      TEST(what_nests_too_deeply_is_told),
      TEST(a_wait_stalls_nobody),
      TEST(a_wait_may_be_overtaken),
      TEST(a_wait_outlives_the_store),
      TEST(a_wait_that_fails_sets_nothing_aside),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
