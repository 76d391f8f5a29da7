/* When what is written, and who hears of it: see persist.h. The rows are persist_rows.c's
 * and persist_load.c's.
 *
 * `changed` counts changes, `saved` is the count that is on disk. A Persist that is
 * closed lives on until its jobs and its event have come back. */
#include "data/persist.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "data/persist_parts.h"

struct Persist {
  Loop *loop;
  Db *db;
  char *name, **keys, *aside; /* aside: where what is stored goes, with the next write */
  size_t key_count;
  double delay;
  int64_t version, stored; /* stored: -1 when nothing is */
  void (*failed)(void *ctx, const Error *err);
  void *ctx;
  Rows rows;
  Value synced, root; /* what the rows stand for; what is to be */
  Timer timer;
  uint64_t changed, saved, written;
  PersistFlush *flushes;
  DbWatcher watcher;
  Event answer;
  Error refused; /* what could not be kept of what was written since the last answer */
  bool answering, late, closed;
  int writing; /* jobs */
};

typedef struct Write {
  DbJob job;
  Persist *persist;
  char *name, *aside;
  int64_t version;
  Op *ops;
  size_t count;
  uint64_t upto;
  Error refused; /* the first row that could not be told in JSON */
} Write;

/* --- on the database's thread ---------------------------------------------------------
 */

typedef struct Writer {
  sqlite3 *sql;
  sqlite3_stmt *put, *delete, *drop, *move, *settle;
  int64_t store;
  Buffer json;
} Writer;

static int prepare(Writer *w) {
  const struct {
    sqlite3_stmt **stmt;
    const char *sql;
  } all[] = {
      {&w->put, "INSERT OR REPLACE INTO row VALUES(?1, ?2, ?3, ?4, ?5)"},
      {&w->delete, "DELETE FROM row WHERE store=?1 AND parent=?2 AND place=?3"},
      {&w->drop, "DELETE FROM row WHERE store=?1 AND parent=?2"},
      {&w->move, "UPDATE row SET parent=-?2, place=?4"
                 " WHERE store=?1 AND parent=?2 AND place=?3"},
      {&w->settle, "UPDATE row SET parent=?2 WHERE store=?1 AND parent=-?2"},
  };
  int rc = SQLITE_OK;
  for (size_t i = 0; rc == SQLITE_OK && i < COUNT_OF(all); i++)
    rc = sqlite3_prepare_v2(w->sql, all[i].sql, -1, all[i].stmt, NULL);
  return rc;
}

static void finish_writer(Writer *w) {
  sqlite3_stmt *all[] = {w->put, w->delete, w->drop, w->move, w->settle};
  for (size_t i = 0; i < COUNT_OF(all); i++) sqlite3_finalize(all[i]);
  buffer_free(&w->json);
}

static void bind_place(sqlite3_stmt *stmt, const Place *place) {
  if (place->key) sqlite3_bind_blob64(stmt, 3, place->key, place->len, SQLITE_STATIC);
  else sqlite3_bind_int64(stmt, 3, place->rank);
}

/* SQLITE_OK, also when the item cannot be told in JSON: then it is refused. */
static int bind_item(Writer *w, const Op *op, Error *refused) {
  Error err = {0};
  buffer_clear(&w->json);
  sqlite3_bind_int64(w->put, 4, op->child);
  if (op->child)
    return sqlite3_bind_text(w->put, 5, op->item.boolean ? "[]" : "{}", 2, SQLITE_STATIC);
  if (value_to_json(op->item, &w->json, &err) != 0) {
    if (refused->code == ERR_NONE)
      error_set(refused, err.code, "%.*s%s%.160s", op->place.key ? (int)op->place.len : 0,
                op->place.key ? op->place.key : "", op->place.key ? ": " : "",
                err.message);
    return SQLITE_EMPTY;
  }
  return sqlite3_bind_text64(w->put, 5, w->json.data, w->json.len, SQLITE_STATIC,
                             SQLITE_UTF8);
}

static int write_op(Writer *w, const Op *op, Error *refused) {
  sqlite3_stmt *const by_kind[] = {[OP_PUT] = w->put,
                                   [OP_DELETE] = w->delete,
                                   [OP_DROP] = w->drop,
                                   [OP_MOVE] = w->move,
                                   [OP_SETTLE] = w->settle};
  sqlite3_stmt *stmt = by_kind[op->kind];
  int rc = SQLITE_OK;
  sqlite3_bind_int64(stmt, 1, w->store);
  sqlite3_bind_int64(stmt, 2, op->parent);
  if (op->kind == OP_PUT || op->kind == OP_DELETE || op->kind == OP_MOVE)
    bind_place(stmt, &op->place);
  if (op->kind == OP_MOVE) sqlite3_bind_int64(stmt, 4, op->rank);
  if (op->kind == OP_PUT) rc = bind_item(w, op, refused);
  if (rc == SQLITE_EMPTY) return SQLITE_OK;
  if (rc != SQLITE_OK) return rc;
  sqlite3_step(stmt);
  return sqlite3_reset(stmt);
}

/* One statement with texts and a number, by ?1, ?2, ?3; *result is its first column. */
static int ask(sqlite3 *sql, const char *text, const char *one, const char *two,
               int64_t three, int64_t *result) {
  sqlite3_stmt *stmt = NULL;
  int rc = sqlite3_prepare_v2(sql, text, -1, &stmt, NULL);
  if (rc != SQLITE_OK) return rc;
  sqlite3_bind_text(stmt, 1, one, -1, SQLITE_STATIC);
  if (sqlite3_bind_parameter_count(stmt) > 1)
    sqlite3_bind_text(stmt, 2, two, -1, SQLITE_STATIC);
  if (sqlite3_bind_parameter_count(stmt) > 2) sqlite3_bind_int64(stmt, 3, three);
  if (sqlite3_step(stmt) == SQLITE_ROW && result) *result = sqlite3_column_int64(stmt, 0);
  return sqlite3_finalize(stmt);
}

static int find_store(const Write *write, sqlite3 *sql, int64_t *id) {
  int rc = SQLITE_OK;
  if (write->aside)
    rc = ask(sql, "UPDATE store SET name=?2 WHERE name=?1", write->name, write->aside, 0,
             NULL);
  if (rc == SQLITE_OK)
    rc = ask(sql,
             "INSERT INTO store(name, version) SELECT ?1, ?3 WHERE ?2 IS NULL"
             " ON CONFLICT(name) DO UPDATE SET version=excluded.version"
             " WHERE version<>excluded.version",
             write->name, NULL, write->version, NULL);
  if (rc == SQLITE_OK)
    rc = ask(sql, "SELECT id FROM store WHERE name=?1", write->name, NULL, 0, id);
  return rc;
}

static int write_work(DbJob *job, sqlite3 *sql) {
  Write *write = CONTAINER_OF(job, Write, job);
  Writer w = {.sql = sql};
  write->refused = (Error){0};
  int rc = find_store(write, sql, &w.store);
  if (rc == SQLITE_OK) rc = prepare(&w);
  for (size_t i = 0; rc == SQLITE_OK && i < write->count; i++)
    rc = write_op(&w, &write->ops[i], &write->refused);
  finish_writer(&w);
  return rc;
}

/* --- on the loop: answers -------------------------------------------------------------
 */

static void release(Persist *p) {
  if (!p->closed || p->writing || p->answering) return;
  for (size_t i = 0; i < p->key_count; i++) free(p->keys[i]);
  free(p->keys);
  free(p->name);
  free(p->aside);
  free(p);
}

/* Those that are on disk; with an error all. */
static void answer_flushes(Persist *p, const Error *err) {
  PersistFlush *all = p->flushes, **last = &p->flushes;
  p->flushes = NULL;
  while (all) {
    PersistFlush *flush = all;
    all = flush->next;
    bool saved = flush->upto <= p->saved;
    if (err || saved) {
      flush->done(flush, !saved ? err : p->refused.code ? &p->refused : NULL);
    } else {
      flush->next = NULL;
      while (*last) last = &(*last)->next;
      *last = flush;
    }
  }
}

static void on_answer(Event *event) {
  Persist *p = CONTAINER_OF(event, Persist, answer);
  Error why;
  p->answering = false;
  if (!p->closed) answer_flushes(p, db_in_trouble(p->db, &why) ? &why : NULL);
  p->refused = (Error){0};
  release(p);
}

static void answer_soon(Persist *p) {
  if (p->answering) return;
  p->answering = true;
  p->answer.run = on_answer;
  inbox_push(p->loop, &p->answer);
}

static void on_told(DbWatcher *watcher, const Error *err) {
  Persist *p = CONTAINER_OF(watcher, Persist, watcher);
  if (err) answer_soon(p);
  p->failed(p->ctx, err);
}

/* --- on the loop: writing -------------------------------------------------------------
 */

static void write_now(Persist *p);

static void write_done(DbJob *job) {
  Write *write = CONTAINER_OF(job, Write, job);
  Persist *p = write->persist;
  Error refused = write->refused;
  p->writing--;
  if (job->code == 0) p->saved = write->upto;
  ops_free(write->ops, write->count);
  free(write->name);
  free(write->aside);
  free(write);
  if (p->closed) {
    release(p);
    return;
  }
  if (p->late) write_now(p);
  answer_soon(p);
  if (refused.code == ERR_NONE) return;
  error_set(&p->refused, refused.code, "a part of the store %.60s cannot be kept: %.220s",
            p->name, refused.message);
  refused = p->refused;
  p->failed(p->ctx, &refused);
}

static Value item_of(Value root, const char *key) {
  if (root.type != VALUE_OBJECT) return (Value){0};
  return value_object_get(root, key, strlen(key));
}

static bool is_kept(const Persist *p, const char *key) {
  for (size_t i = 0; i < p->key_count; i++)
    if (strcmp(p->keys[i], key) == 0) return true;
  return false;
}

/* What was read of an older version and is kept no more goes: it would come back as if it
 * were of this one. */
static void drop_old(Persist *p) {
  Value key, item;
  for (size_t i = 0; value_object_at(p->synced, i, &key, &item); i++) {
    size_t len;
    const char *name = value_bytes(key, &len);
    if (strlen(name) == len && !is_kept(p, name))
      rows_sync(&p->rows, name, item, (Value){0});
  }
}

/* Hands over what differs. */
static void write_now(Persist *p) {
  timer_stop(p->loop, &p->timer);
  p->late = false;
  if (p->stored >= 0 && p->stored < p->version) drop_old(p);
  for (size_t i = 0; i < p->key_count; i++)
    rows_sync(&p->rows, p->keys[i], item_of(p->synced, p->keys[i]),
              item_of(p->root, p->keys[i]));
  value_release(p->synced);
  p->synced = value_retain(p->root);
  if (!p->rows.count && !p->aside && p->stored == p->version) {
    if (!p->writing) p->saved = p->changed;
    if (!p->writing) return;
  }
  Write *write = xcalloc(1, sizeof *write);
  *write = (Write){.job.work = write_work, .job.done = write_done, .persist = p};
  write->name = xstrdup(p->name);
  write->aside = p->aside;
  p->aside = NULL;
  write->version = p->stored = p->version;
  write->upto = p->changed;
  write->ops = rows_take(&p->rows, &write->count);
  p->written += write->count;
  p->writing++;
  db_push(p->db, &write->job);
}

static void on_due(Timer *timer) {
  Persist *p = CONTAINER_OF(timer, Persist, timer);
  if (p->writing) p->late = true;
  else write_now(p);
  if (!p->writing) answer_soon(p);
}

void persist_changed(Persist *p, Value root) {
  CHECK(root.type == VALUE_OBJECT);
  value_retain(root);
  value_release(p->root);
  p->root = root;
  p->changed++;
  if (!timer_active(&p->timer) && !p->late) timer_start(p->loop, &p->timer, p->delay);
}

void persist_flush(Persist *p, PersistFlush *flush) {
  PersistFlush **last = &p->flushes;
  while (*last) last = &(*last)->next;
  flush->next = NULL;
  flush->upto = p->changed;
  *last = flush;
  if (timer_active(&p->timer)) on_due(&p->timer);
  answer_soon(p);
}

void persist_flush_cancel(Persist *p, PersistFlush *flush) {
  PersistFlush **at = &p->flushes;
  while (*at && *at != flush) at = &(*at)->next;
  if (*at) *at = flush->next;
}

PersistFlush *persist_take_flushes(Persist *p) {
  PersistFlush *all = p->flushes;
  p->flushes = NULL;
  return all;
}

bool persist_unsaved(const Persist *p) {
  return p->saved != p->changed;
}

uint64_t persist_rows(const Persist *p) {
  return p->written;
}

void persist_retune(Persist *p, int64_t version, double delay) {
  p->version = version;
  p->delay = delay > 0 ? delay : 0.1;
}

void persist_set_aside(Persist *p, const char *why, Error *err) {
  struct timespec t;
  clock_gettime(CLOCK_REALTIME, &t);
  free(p->aside);
  p->aside =
      xasprintf("%s~broken-%lld.%06ld", p->name, (long long)t.tv_sec, t.tv_nsec / 1000);
  error_set(err, ERR_DECODE, "%.140s; what is stored of %.50s is set aside as %.90s", why,
            p->name, p->aside);
  rows_forget(&p->rows);
  value_release(p->synced);
  value_release(p->root);
  p->synced = p->root = (Value){0};
  p->stored = -1;
}

/* --- life -----------------------------------------------------------------------------
 */

static void ignore_failure(void *ctx, const Error *err) {
  (void)ctx;
  (void)err;
}

static Persist *new_persist(Loop *loop, Db *db, const PersistOptions *options) {
  Persist *p = xcalloc(1, sizeof *p);
  p->loop = loop;
  p->db = db;
  p->name = xstrdup(options->name);
  p->key_count = options->key_count;
  p->keys = xcalloc(options->key_count + 1, sizeof *p->keys);
  for (size_t i = 0; i < p->key_count; i++) p->keys[i] = xstrdup(options->keys[i]);
  persist_retune(p, options->version, options->delay);
  p->failed = options->failed ? options->failed : ignore_failure;
  p->ctx = options->ctx;
  p->timer.fire = on_due;
  p->watcher.told = on_told;
  rows_init(&p->rows);
  return p;
}

static void drop_values(Persist *p) {
  timer_stop(p->loop, &p->timer);
  rows_free(&p->rows);
  value_release(p->synced);
  value_release(p->root);
  p->synced = p->root = (Value){0};
  p->closed = true;
}

/* What can be read becomes *loaded; what cannot is set aside. False: not to be known. */
static bool take_load(Persist *p, const Load *load, const PersistOptions *options,
                      ValueAccount *account, Value *loaded, Error *err) {
  Error why = {0};
  p->stored = load->version;
  if (load->version > p->version) {
    error_set(&why, ERR_DECODE, "it has version %lld, newer than %lld",
              (long long)load->version, (long long)p->version);
  } else if (load_build(load, &p->rows, options, account, loaded, &why)) {
    return true;
  } else if (why.code == ERR_MEMORY) {
    *err = why;
    return false;
  }
  *loaded = value_object(account);
  persist_set_aside(p, why.message, err);
  return true;
}

Persist *persist_open(Loop *loop, Db *db, const PersistOptions *options,
                      ValueAccount *account, Value *loaded, int64_t *version,
                      Error *err) {
  Load load = {.job.work = load_work, .name = options->name, .version = -1};
  *err = (Error){0};
  *loaded = (Value){0};
  if (db_read(db, &load.job) != 0) {
    *err = load.job.err;
    load_free(&load);
    return NULL;
  }
  *err = load.job.err;
  Persist *p = new_persist(loop, db, options);
  bool good = take_load(p, &load, options, account, loaded, err);
  load_free(&load);
  if (!good) {
    drop_values(p);
    release(p);
    return NULL;
  }
  *version = p->stored;
  value_release(p->root);
  p->root = value_retain(*loaded);
  value_release(p->synced);
  p->synced = value_retain(*loaded);
  db_watch(db, &p->watcher);
  return p;
}

void persist_close(Persist *p) {
  Error gone;
  error_set(&gone, ERR_CANCELLED, "the store was closed");
  db_unwatch(p->db, &p->watcher);
  if (p->saved != p->changed) write_now(p);
  answer_flushes(p, &gone);
  drop_values(p);
  release(p);
}
