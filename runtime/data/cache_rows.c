/* See cache_rows.h. */
#include "data/cache_rows.h"

#include <string.h>

#include <sqlite3.h>

enum { MOST_HEIGHT = 240 }; /* as for stores: what nests more deeply is not read back */

static int prepare(sqlite3 *sql, const char *text, sqlite3_stmt **stmt) {
  return sqlite3_prepare_v2(sql, text, -1, stmt, NULL);
}

/* --- writing ---------------------------------------------------------------------- */

/* Makes it where there is none. */
static int find_cache(const CacheWrite *write, sqlite3 *sql, int64_t *id) {
  static const char *const texts[] = {"INSERT OR IGNORE INTO cache(name) VALUES(?1)",
                                      "SELECT id FROM cache WHERE name = ?1"};
  int rc = SQLITE_OK;
  for (size_t i = 0; rc == SQLITE_OK && i < COUNT_OF(texts); i++) {
    sqlite3_stmt *stmt = NULL;
    rc = prepare(sql, texts[i], &stmt);
    if (rc != SQLITE_OK) break;
    sqlite3_bind_text(stmt, 1, write->name, -1, SQLITE_STATIC);
    if (sqlite3_step(stmt) == SQLITE_ROW) *id = sqlite3_column_int64(stmt, 0);
    rc = sqlite3_finalize(stmt);
  }
  return rc;
}

static int forget_rows(sqlite3 *sql, int64_t cache) {
  sqlite3_stmt *stmt = NULL;
  int rc = prepare(sql, "DELETE FROM cached WHERE cache = ?1", &stmt);
  if (rc != SQLITE_OK) return rc;
  sqlite3_bind_int64(stmt, 1, cache);
  sqlite3_step(stmt);
  return sqlite3_finalize(stmt);
}

typedef struct Writer {
  CacheWrite *write;
  sqlite3_stmt *put, *age, *drop;
  Buffer json, tags;
} Writer;

/* False: JSON cannot hold it. */
static bool encode_value(Writer *w, const CacheOp *op) {
  Error err = {0};
  buffer_clear(&w->json);
  if (value_height(op->value) > MOST_HEIGHT)
    error_set(&err, ERR_TOO_LARGE, "nested more than %d deep", MOST_HEIGHT);
  else value_to_json(op->value, &w->json, &err);
  if (err.code == ERR_NONE) return true;
  if (w->write->refused.code == ERR_NONE) w->write->refused = err;
  return false;
}

static void encode_tags(Writer *w, const CacheOp *op) {
  Error ignored;
  buffer_clear(&w->tags);
  if (op->tags.type == VALUE_ABSENT || value_to_json(op->tags, &w->tags, &ignored) != 0)
    buffer_clear(&w->tags);
}

static void bind_put(Writer *w, const CacheOp *op) {
  encode_tags(w, op);
  sqlite3_bind_double(w->put, 3, op->made);
  sqlite3_bind_double(w->put, 4, op->boot);
  sqlite3_bind_int64(w->put, 5, (int64_t)w->write->session);
  sqlite3_bind_double(w->put, 6, op->span);
  sqlite3_bind_double(w->put, 7, op->ttl);
  sqlite3_bind_int64(w->put, 8, (int64_t)op->bytes);
  sqlite3_bind_text64(w->put, 9, buffer_text(&w->tags), w->tags.len, SQLITE_STATIC,
                      SQLITE_UTF8);
  sqlite3_bind_text64(w->put, 10, buffer_text(&w->json), w->json.len, SQLITE_STATIC,
                      SQLITE_UTF8);
}

/* What cannot be written is removed: what is there is of an older value. */
static int write_op(Writer *w, int64_t cache, const CacheOp *op) {
  bool puts = op->kind == CACHE_PUT && encode_value(w, op);
  sqlite3_stmt *stmt = puts ? w->put : op->kind == CACHE_AGE ? w->age : w->drop;
  sqlite3_bind_int64(stmt, 1, cache);
  sqlite3_bind_blob64(stmt, 2, op->key, op->len, SQLITE_STATIC);
  if (puts) bind_put(w, op);
  if (op->kind == CACHE_AGE) sqlite3_bind_double(stmt, 3, op->span);
  sqlite3_step(stmt);
  return sqlite3_reset(stmt);
}

int cache_write_work(DbJob *job, sqlite3 *sql) {
  CacheWrite *write = CONTAINER_OF(job, CacheWrite, job);
  Writer w = {.write = write};
  int64_t cache = 0;
  write->refused = (Error){0};
  int rc = find_cache(write, sql, &cache);
  if (rc == SQLITE_OK && write->forget) rc = forget_rows(sql, cache);
  if (rc == SQLITE_OK)
    rc = prepare(sql,
                 "INSERT OR REPLACE INTO cached VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10)",
                 &w.put);
  if (rc == SQLITE_OK)
    rc =
        prepare(sql, "UPDATE cached SET span = ?3 WHERE cache = ?1 AND key = ?2", &w.age);
  if (rc == SQLITE_OK)
    rc = prepare(sql, "DELETE FROM cached WHERE cache = ?1 AND key = ?2", &w.drop);
  for (CacheOp *op = write->ops; rc == SQLITE_OK && op; op = op->next)
    rc = write_op(&w, cache, op);
  sqlite3_finalize(w.put);
  sqlite3_finalize(w.age);
  sqlite3_finalize(w.drop);
  buffer_free(&w.json);
  buffer_free(&w.tags);
  return rc;
}

/* --- reading ---------------------------------------------------------------------- */

static size_t keep_bytes(CacheLoad *load, sqlite3_stmt *get, int column, size_t *len) {
  *len = (size_t)sqlite3_column_bytes(get, column);
  if (*len) buffer_put(&load->bytes, sqlite3_column_blob(get, column), *len);
  return load->bytes.len - *len;
}

static void add_row(CacheLoad *load, sqlite3_stmt *get) {
  CacheRow row = {.made = sqlite3_column_double(get, 1),
                  .boot = sqlite3_column_double(get, 2),
                  .session = (uint64_t)sqlite3_column_int64(get, 3),
                  .span = sqlite3_column_double(get, 4),
                  .ttl = sqlite3_column_double(get, 5),
                  .size = sqlite3_column_int64(get, 6)};
  row.key = keep_bytes(load, get, 0, &row.key_len);
  row.tags = keep_bytes(load, get, 7, &row.tags_len);
  buffer_put(&load->rows, &row, sizeof row);
}

static bool has_table(sqlite3 *sql) {
  return sqlite3_table_column_metadata(sql, NULL, "cached", NULL, NULL, NULL, NULL, NULL,
                                       NULL) == SQLITE_OK;
}

int cache_load_work(DbJob *job, sqlite3 *sql) {
  CacheLoad *load = CONTAINER_OF(job, CacheLoad, job);
  sqlite3_stmt *get = NULL;
  buffer_clear(&load->rows);
  buffer_clear(&load->bytes);
  if (!has_table(sql)) return SQLITE_OK;
  int rc = prepare(sql,
                   "SELECT key, made, boot, session, span, ttl, bytes, tags FROM cached"
                   " WHERE cache = (SELECT id FROM cache WHERE name = ?1) ORDER BY made",
                   &get);
  if (rc != SQLITE_OK) return rc;
  sqlite3_bind_text(get, 1, load->name, -1, SQLITE_STATIC);
  while (sqlite3_step(get) == SQLITE_ROW) add_row(load, get);
  return sqlite3_finalize(get);
}

int cache_read_value(sqlite3 *sql, const char *name, const char *key, size_t len,
                     Buffer *json) {
  sqlite3_stmt *get = NULL;
  int rc = prepare(sql,
                   "SELECT json FROM cached WHERE key = ?2 AND cache ="
                   " (SELECT id FROM cache WHERE name = ?1)",
                   &get);
  if (rc != SQLITE_OK) return rc;
  sqlite3_bind_text(get, 1, name, -1, SQLITE_STATIC);
  sqlite3_bind_blob64(get, 2, key, len, SQLITE_STATIC);
  bool found = sqlite3_step(get) == SQLITE_ROW;
  if (found && sqlite3_column_bytes(get, 0) > 0)
    buffer_put(json, sqlite3_column_blob(get, 0), (size_t)sqlite3_column_bytes(get, 0));
  rc = sqlite3_finalize(get);
  return rc == SQLITE_OK && !found ? SQLITE_DONE : rc;
}
