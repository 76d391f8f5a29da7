/* What the tests of persistence share: a store's root that is kept, and messages for it.
 */
#ifndef TIDELOCK_TESTS_PERSIST_KEPT_H
#define TIDELOCK_TESTS_PERSIST_KEPT_H

#include <sqlite3.h>

#include "data/persist.h"
#include "persist_env.h"

typedef struct Kept {
  Env *e;
  ValueAccount *account;
  Persist *persist;
  Value root;
  int64_t version;
  Error opened, failed;
  bool has_failed, has_passed;
} Kept;

static const char *const keys[] = {"a", "messages"};

static inline void failed(void *ctx, const Error *err) {
  Kept *k = ctx;
  if (err) k->failed = *err, k->has_failed = true;
  else k->has_passed = true;
}

static inline void keep_keys(Kept *k, Env *e, int64_t version, bool all) {
  *k = (Kept){.e = e, .account = value_account_new(0)};
  PersistOptions options = {.name = "t:s",
                            .keys = keys,
                            .key_count = COUNT_OF(keys),
                            .all = all,
                            .delay = 0.001,
                            .version = version,
                            .failed = failed,
                            .ctx = k};
  k->persist = persist_open(e->loop, e->db, &options, k->account, &k->root, &k->version,
                            &k->opened);
  assert_non_null(k->persist);
}

static inline void keep(Kept *k, Env *e, int64_t version) {
  keep_keys(k, e, version, false);
}

static inline void leave(Kept *k) {
  value_release(k->root);
  persist_close(k->persist);
  value_account_close(k->account);
}

typedef struct Flush {
  PersistFlush flush;
  bool done;
  ErrorCode code;
} Flush;

static inline void flushed(PersistFlush *flush, const Error *err) {
  Flush *f = CONTAINER_OF(flush, Flush, flush);
  f->done = true;
  f->code = err ? err->code : 0;
}

static inline ErrorCode flush(Kept *k) {
  Flush f = {.flush.done = flushed};
  persist_flush(k->persist, &f.flush);
  env_until(k->e, &f.done);
  return f.code;
}

static inline void save(Kept *k) {
  persist_changed(k->persist, k->root);
  assert_int_equal(flush(k), 0);
  assert_false(persist_unsaved(k->persist));
}

static inline Value message(Kept *k, int64_t n) {
  char text[200];
  int len =
      snprintf(text, sizeof text, "message %lld %.*s", (long long)n, (int)(n % 150),
               "Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do "
               "eiusmod tempor incididunt ut labore et dolore magna aliqua. Ut enim "
               "ad minim veniam, quis nostrud");
  ValueField fields[] = {{"id", 2, value_int(n)},
                         {"text", 4, value_text(k->account, text, (size_t)len)},
                         {"done", 4, value_bool(n % 2)}};
  return value_object_of(k->account, fields, COUNT_OF(fields));
}

static inline Value messages(Kept *k, size_t count) {
  Value *items = xcalloc(count + 1, sizeof *items);
  for (size_t i = 0; i < count; i++) items[i] = message(k, (int64_t)i);
  Value array = value_array(k->account, items, count);
  free(items);
  return array;
}

static inline void set_key(Kept *k, const char *key, Value v) {
  assert_int_equal(value_object_set(k->account, &k->root, key, strlen(key), v), 0);
}

static inline void assert_no_orphans(Env *e) {
  assert_int_equal(
      env_number(e, "SELECT count(*) FROM row WHERE parent <> 0 AND parent NOT IN"
                    " (SELECT child FROM row)"),
      0);
}

static inline void run_sql(Env *e, const char *text) {
  char path[100];
  sqlite3 *sql;
  snprintf(path, sizeof path, "%s/state.db", e->folder);
  assert_int_equal(sqlite3_open(path, &sql), SQLITE_OK);
  assert_int_equal(sqlite3_exec(sql, text, NULL, NULL, NULL), SQLITE_OK);
  sqlite3_close(sql);
}

static inline int64_t count_aside(Env *e) {
  return env_number(e, "SELECT count(*) FROM store JOIN row ON row.store = store.id "
                       "WHERE name LIKE 't:s~broken-%'");
}

#endif
