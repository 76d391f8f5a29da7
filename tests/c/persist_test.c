/* Persistence: random values through random changes come back as they were, few rows are
 * written, a killed process loses the last delay at most, what is broken is set aside.
 * SEED= and SEEDS= in the environment choose others. */
#include "persist_kept.h"

#include <signal.h>
#include <sys/wait.h>

/* What is stored, read by another: must be `want`, an object. */
static void assert_stored(Env *e, Value want) {
  Kept other;
  keep(&other, e, 1);
  assert_int_equal(other.opened.code, 0);
  for (size_t i = 0; i < COUNT_OF(keys); i++)
    assert_true(value_equal(value_object_get(other.root, keys[i], strlen(keys[i])),
                            value_object_get(want, keys[i], strlen(keys[i]))));
  leave(&other);
}

/* --- random changes -------------------------------------------------------------------
 */

static uint64_t seed;

static size_t roll(size_t below) {
  seed = seed * 6364136223846793005u + 1442695040888963407u;
  return (size_t)(seed >> 33) % below;
}

static Value random_value(Kept *k, int depth) {
  switch (roll(depth > 3 ? 4 : 8)) {
  case 0:
    return value_bool(roll(2));
  case 1:
    return value_int((int64_t)roll(1000000) - 500000);
  case 2:
    return value_double((double)roll(1000) / 7 + 0.01);
  case 3:
  case 4:
    return message(k, (int64_t)roll(1000));
  case 5:
    return messages(k, roll(100));
  default: {
    Value object = value_object(k->account);
    for (size_t n = roll(60); n; n--) {
      char key[12];
      int len = snprintf(key, sizeof key, "k%zu", roll(100));
      value_object_set(k->account, &object, key, (size_t)len, random_value(k, depth + 1));
    }
    return object;
  }
  }
}

static void change_array(Kept *k, Value *array) {
  size_t n = value_count(*array), at = roll(4) ? n / 2 : roll(n + 1);
  if (at > n) at = n;
  if (n && roll(3) == 0) value_array_remove(k->account, array, at % n, NULL);
  else if (n && roll(3) == 0)
    value_array_set(k->account, array, at % n, random_value(k, 2));
  else value_array_insert(k->account, array, at, message(k, (int64_t)roll(1000)));
}

static void change_object(Kept *k, Value *object) {
  char key[12];
  int len = snprintf(key, sizeof key, "k%zu", roll(100));
  if (roll(3) == 0) value_object_remove(k->account, object, key, (size_t)len, NULL);
  else value_object_set(k->account, object, key, (size_t)len, random_value(k, 2));
}

/* Changes something, somewhere below. */
static void change_somewhere(Kept *k, Value *v, int depth) {
  size_t n = value_count(*v);
  if (n && depth < 5 && roll(4)) {
    size_t i = roll(n);
    Value key = {0}, item = value_array_at(*v, v->type == VALUE_ARRAY ? i : n);
    if (v->type == VALUE_OBJECT) value_object_at(*v, i, &key, &item);
    if (value_is_container(item)) {
      size_t len = 0;
      const char *name = key.type ? value_bytes(key, &len) : NULL;
      item = value_retain(item);
      change_somewhere(k, &item, depth + 1);
      if (name) value_object_set(k->account, v, name, len, item);
      else value_array_set(k->account, v, i, item);
      return;
    }
  }
  if (v->type == VALUE_ARRAY) change_array(k, v);
  else change_object(k, v);
}

static void change(Kept *k) {
  const char *key = keys[roll(2)];
  Value v = value_object_get(k->root, key, strlen(key));
  if (!value_is_container(v) || roll(40) == 0) v = random_value(k, 0);
  else value_retain(v);
  if (value_is_container(v))
    for (size_t n = roll(6); n; n--) change_somewhere(k, &v, 0);
  set_key(k, key, v);
}

static void random_changes_come_back(void **state) {
  Env *e = *state;
  const char *from = getenv("SEED"), *rounds = getenv("SEEDS");
  uint64_t first = from ? strtoull(from, NULL, 10) : 1;
  for (uint64_t s = first; s < first + (rounds ? strtoull(rounds, NULL, 10) : 12); s++) {
    Kept k;
    seed = s;
    print_message("seed %llu\n", (unsigned long long)s);
    keep(&k, e, 1);
    for (int i = 0; i < 60; i++) {
      change(&k);
      if (roll(3)) continue;
      save(&k);
      if (roll(4) == 0) assert_stored(e, k.root);
      if (roll(10)) continue;
      leave(&k); /* go on with what was read */
      keep(&k, e, 1);
    }
    save(&k);
    assert_stored(e, k.root);
    assert_no_orphans(e);
    leave(&k);
  }
}

static void assert_all_stored(Env *e, Value want) {
  Kept other;
  keep_keys(&other, e, 1, true);
  assert_true(value_equal(other.root, want));
  leave(&other);
}

static void begin_all(Kept *k, Env *e) {
  keep_keys(k, e, 1, true);
  if (k->root.type == VALUE_ABSENT) k->root = value_object(k->account);
}

/* Few keys, and so many that the root is another kind of node; and both ways. */
static void random_changes_of_all_keys_come_back(void **state) {
  Env *e = *state;
  Kept k;
  seed = 7;
  begin_all(&k, e);
  for (int i = 0; i < 300; i++) {
    for (size_t n = roll(40); n; n--) change_somewhere(&k, &k.root, 0);
    for (size_t n = i / 50 % 2 ? roll(60) : 0; n; n--) {
      char key[12];
      int len = snprintf(key, sizeof key, "k%zu", roll(100));
      value_object_remove(k.account, &k.root, key, (size_t)len, NULL);
    }
    save(&k);
    if (roll(8) == 0) assert_all_stored(e, k.root);
    if (roll(20)) continue;
    leave(&k);
    begin_all(&k, e);
  }
  assert_all_stored(e, k.root);
  assert_no_orphans(e);
  leave(&k);
}

/* --- few rows -------------------------------------------------------------------------
 */

enum { MANY = 20000 };

static uint64_t rows_of_save(Kept *k) {
  uint64_t before = persist_rows(k->persist);
  save(k);
  return persist_rows(k->persist) - before;
}

static Value take_messages(Kept *k) {
  return value_retain(value_object_get(k->root, "messages", 8));
}

static void a_change_writes_a_row(void **state) {
  Kept k;
  keep(&k, *state, 1);
  set_key(&k, "messages", messages(&k, MANY));
  assert_int_equal(rows_of_save(&k), MANY + 1);
  Value v = take_messages(&k);
  value_array_set(k.account, &v, MANY / 2, message(&k, 7));
  set_key(&k, "messages", v);
  assert_int_equal(rows_of_save(&k), 1);
  v = take_messages(&k);
  value_array_insert(k.account, &v, MANY / 3, message(&k, 8));
  set_key(&k, "messages", v);
  assert_int_equal(rows_of_save(&k), 1);
  v = take_messages(&k);
  value_array_remove(k.account, &v, 5, NULL);
  value_array_insert(k.account, &v, MANY - 1, message(&k, 9));
  set_key(&k, "messages", v);
  assert_int_equal(rows_of_save(&k), 2);
  assert_int_equal(rows_of_save(&k), 0);
  set_key(&k, "other", value_int(1)); /* not kept */
  assert_int_equal(rows_of_save(&k), 0);
  assert_stored(*state, k.root);
  leave(&k);
}

/* A gap is used up after some 30 insertions at one place; few rows make room again. */
static void the_same_place_again_and_again(void **state) {
  Kept k;
  keep(&k, *state, 1);
  set_key(&k, "messages", messages(&k, 1000));
  save(&k);
  uint64_t before = persist_rows(k.persist);
  enum { TIMES = 600 };
  for (int i = 0; i < TIMES; i++) {
    Value v = take_messages(&k);
    value_array_insert(k.account, &v, i % 2 ? 500 : 501, message(&k, i));
    set_key(&k, "messages", v);
    rows_of_save(&k);
  }
  assert_true(persist_rows(k.persist) - before < 4 * TIMES);
  assert_stored(*state, k.root);
  leave(&k);
}

/* The same where the items are branches: they are found again under their new ranks. */
static void branches_are_spread(void **state) {
  Kept k;
  keep(&k, *state, 1);
  Value v = value_array(k.account, NULL, 0);
  for (size_t i = 0; i < 20; i++) value_array_insert(k.account, &v, i, messages(&k, 60));
  set_key(&k, "messages", v);
  save(&k);
  for (int i = 0; i < 150; i++) {
    v = take_messages(&k);
    value_array_insert(k.account, &v, 10, messages(&k, 60));
    set_key(&k, "messages", v);
    save(&k);
    v = take_messages(&k);
    ValueStep steps[] = {{.index = 11}, {.index = 30}, {.key = "id", .key_len = 2}};
    value_set(k.account, &v, steps, 3, value_int(5000 + i));
    set_key(&k, "messages", v);
    assert_int_equal(rows_of_save(&k), 1);
  }
  assert_stored(*state, k.root);
  assert_no_orphans(*state);
  leave(&k);
}

/* --- killed ----------------------------------------------------------------------------
 */

/* Each root holds its number, and as many messages as it says; tells what is on disk. */
static void write_until_killed(const char *folder, int out) {
  Env e = {0};
  Kept k;
  snprintf(e.folder, sizeof e.folder, "%s", folder);
  env_open(&e);
  keep(&k, &e, 1);
  for (int64_t n = value_object_get(k.root, "a", 1).integer;;) {
    Value v = take_messages(&k);
    if (v.type != VALUE_ARRAY) v = messages(&k, 0);
    value_array_insert(k.account, &v, value_count(v) / 2, message(&k, ++n));
    set_key(&k, "messages", v);
    set_key(&k, "a", value_int(n));
    save(&k);
    if (write(out, &n, sizeof n) != sizeof n) _exit(1);
  }
}

static int64_t last_told(int in) {
  int64_t n, last = 0;
  while (read(in, &n, sizeof n) == sizeof n) last = n;
  return last;
}

static int64_t one_killing(Env *e, unsigned microseconds) {
  int pipes[2];
  assert_int_equal(pipe(pipes), 0);
  pid_t child = fork();
  if (child == 0) write_until_killed(e->folder, pipes[1]);
  close(pipes[1]);
  int64_t n;
  assert_int_equal(read(pipes[0], &n, sizeof n), sizeof n); /* it runs */
  usleep(microseconds); /* the moment is what varies, nothing is waited for */
  kill(child, SIGKILL);
  waitpid(child, NULL, 0);
  int64_t last = last_told(pipes[0]);
  close(pipes[0]);
  return last > n ? last : n;
}

static void a_killed_process_keeps_what_was_told(void **state) {
  Env *e = *state;
  db_close(e->db, 0); /* the child has it */
  loop_finish(e->loop);
  e->db = NULL;
  seed = 99;
  for (int i = 0; i < 15; i++) {
    int64_t last = one_killing(e, (unsigned)roll(30000));
    env_reopen(e);
    Kept k;
    keep(&k, e, 1);
    int64_t n = value_object_get(k.root, "a", 1).integer;
    assert_true(n >= last && n <= last + 1);
    assert_int_equal(value_count(value_object_get(k.root, "messages", 8)), (size_t)n);
    leave(&k);
    db_close(e->db, 0);
    loop_finish(e->loop);
    e->db = NULL;
    sqlite3_int64 good = env_number(
        e, "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check = 'ok'");
    assert_int_equal(good, 1);
  }
}

/* --- trouble ---------------------------------------------------------------------------
 */

static void a_full_disk_is_told_and_passes(void **state) {
  Env *e = *state;
  Kept k;
  keep(&k, e, 1);
  set_key(&k, "a", value_int(1));
  save(&k);
  db_limit_pages(e->db, 6);
  for (size_t n = 1000; n < 1005; n++) {
    set_key(&k, "messages", messages(&k, n));
    persist_changed(k.persist, k.root);
    assert_int_equal(flush(&k), ERR_IO);
    assert_true(persist_unsaved(k.persist));
  }
  env_until(e, &k.has_failed);
  assert_non_null(strstr(k.failed.message, "full"));
  db_limit_pages(e->db, 0);
  env_until(e, &k.has_passed);
  assert_int_equal(flush(&k), 0);
  assert_stored(e, k.root);
  leave(&k);
}

static void what_is_no_json_is_told(void **state) {
  Env *e = *state;
  Kept k;
  keep(&k, e, 1);
  set_key(&k, "a", value_double(0.0 / 0.0));
  set_key(&k, "messages", value_int(5));
  persist_changed(k.persist, k.root);
  flush(&k);
  env_until(e, &k.has_failed);
  assert_non_null(strstr(k.failed.message, "NaN"));
  set_key(&k, "a", value_int(1));
  save(&k);
  assert_stored(e, k.root);
  leave(&k);
}

static void what_is_broken_is_set_aside(void **state) {
  Env *e = *state;
  Kept k;
  keep(&k, e, 1);
  set_key(&k, "messages", message(&k, 1));
  set_key(&k, "a", message(&k, 2));
  save(&k);
  leave(&k);
  env_reopen(e);
  run_sql(e, "UPDATE row SET json='{\"id\":' WHERE place=CAST('a' AS BLOB)");
  keep(&k, e, 1);
  assert_int_equal(k.opened.code, ERR_DECODE);
  assert_non_null(strstr(k.opened.message, "t:s~broken-"));
  assert_int_equal(value_count(k.root), 0);
  set_key(&k, "a", value_int(5));
  save(&k);
  assert_stored(e, k.root);
  assert_int_equal(count_aside(e), 2);
  leave(&k);
}

static void versions(void **state) {
  Env *e = *state;
  Kept k;
  keep(&k, e, 3);
  assert_int_equal(k.version, -1);
  set_key(&k, "a", value_int(5));
  save(&k);
  leave(&k);
  keep(&k, e, 4);
  assert_int_equal(k.version, 3);
  assert_int_equal(value_object_get(k.root, "a", 1).integer, 5);
  save(&k); /* the version is stored, though nothing else differs */
  leave(&k);
  keep(&k, e, 4);
  assert_int_equal(k.version, 4);
  Error err;
  persist_quarantine(k.persist, "the migration failed", &err);
  assert_non_null(strstr(err.message, "the migration failed"));
  save(&k);
  leave(&k);
  keep(&k, e, 1);
  assert_non_null(strstr(k.opened.message, "newer than 1"));
  assert_int_equal(k.version, 4);
  assert_int_equal(value_count(k.root), 0);
  leave(&k);
  env_reopen(e);
  assert_int_equal(count_aside(e), 1); /* who only looked has changed nothing */
  keep(&k, e, 1);
  save(&k);
  leave(&k);
  env_reopen(e);
  assert_int_equal(count_aside(e), 2);
}

static void numbers_come_back_as_they_were(void **state) {
  static const int64_t all[] = {
      0,         INT64_MAX,           INT64_MIN,          (1ll << 53) + 1,
      1ll << 53, -(1ll << 53) - 1000, 1795399129918082001};
  Env *e = *state;
  Kept k;
  keep(&k, e, 1);
  Value items[COUNT_OF(all) + 2];
  for (size_t i = 0; i < COUNT_OF(all); i++) items[i] = value_int(all[i]);
  items[COUNT_OF(all)] = value_double(0x1p60);
  items[COUNT_OF(all) + 1] = value_double(1e300);
  set_key(&k, "a", value_array(k.account, items, COUNT_OF(items)));
  save(&k);
  leave(&k);
  keep(&k, e, 1);
  Value a = value_object_get(k.root, "a", 1);
  for (size_t i = 0; i < COUNT_OF(all); i++) {
    assert_int_equal(value_array_at(a, i).type, VALUE_INT);
    assert_true(value_array_at(a, i).integer == all[i]);
  }
  assert_true(value_array_at(a, COUNT_OF(all)).number == 0x1p60);
  assert_true(value_array_at(a, COUNT_OF(all) + 1).number == 1e300);
  leave(&k);
}

static void closing_writes_what_is_not_yet(void **state) {
  Env *e = *state;
  Kept k;
  keep(&k, e, 1);
  set_key(&k, "a", messages(&k, 500));
  persist_changed(k.persist, k.root);
  leave(&k);
  env_reopen(e);
  keep(&k, e, 1);
  assert_int_equal(value_count(value_object_get(k.root, "a", 1)), 500);
  leave(&k);
}

int main(void) {
#define TEST(f) cmocka_unit_test_setup_teardown(f, env_setup, env_teardown)
  const struct CMUnitTest tests[] = {
      TEST(random_changes_come_back),
      TEST(random_changes_of_all_keys_come_back),
      TEST(a_change_writes_a_row),
      TEST(the_same_place_again_and_again),
      TEST(branches_are_spread),
      TEST(a_killed_process_keeps_what_was_told),
      TEST(a_full_disk_is_told_and_passes),
      TEST(what_is_no_json_is_told),
      TEST(what_is_broken_is_set_aside),
      TEST(numbers_come_back_as_they_were),
      TEST(versions),
      TEST(closing_writes_what_is_not_yet),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
