/* Rows that are written as a whole: see kept.h. A Kept that is closed lives on until its
 * job has come back. */
#include "data/kept.h"

#include <stdlib.h>

#include <sqlite3.h>

#include "data/db_aside.h"

enum { MAX_SQL = 160 };

struct Kept {
  Db *db;
  const KeptTable *table;
  char *name, *aside; /* aside: new name of the row, from the next write on */
  Buffer next;        /* to be written when the job has come back */
  int64_t next_version;
  int writing;          /* jobs */
  bool waiting, closed; /* waiting: `next` is there */
};

typedef struct KeptRead {
  DbJob job;
  const KeptTable *table;
  const char *name;
  size_t limit;
  Buffer *bytes;
  int64_t version;
  bool too_large;
} KeptRead;

typedef struct KeptWrite {
  DbJob job;
  Kept *kept;
  char *aside;
  Buffer bytes;
  int64_t version;
} KeptWrite;

/* --- on the database's thread ---------------------------------------------------------
 */

/* `text` has a %s for the name of the table. */
static int prepare(sqlite3 *sql, const KeptTable *table, const char *text,
                   sqlite3_stmt **made) {
  char full[MAX_SQL];
  sqlite3_snprintf(sizeof full, full, text, table->name);
  return sqlite3_prepare_v2(sql, full, -1, made, NULL);
}

static void take_row(KeptRead *r, sqlite3_stmt *get) {
  int len = sqlite3_column_bytes(get, 1);
  r->version = sqlite3_column_int64(get, 0);
  r->too_large = len < 0 || (size_t)len > r->limit;
  if (!r->too_large && len)
    buffer_put(r->bytes, sqlite3_column_blob(get, 1), (size_t)len);
}

static int read_work(DbJob *job, sqlite3 *sql) {
  KeptRead *r = CONTAINER_OF(job, KeptRead, job);
  sqlite3_stmt *get = NULL;
  int rc = sqlite3_table_column_metadata(sql, NULL, r->table->name, NULL, NULL, NULL,
                                         NULL, NULL, NULL);
  if (rc == SQLITE_ERROR) return SQLITE_OK; /* no script has kept anything */
  if (rc == SQLITE_OK)
    rc = prepare(sql, r->table, "SELECT version, bytes FROM %s WHERE name=?1", &get);
  if (rc != SQLITE_OK) return rc;
  sqlite3_bind_text(get, 1, r->name, -1, SQLITE_STATIC);
  if (sqlite3_step(get) == SQLITE_ROW) take_row(r, get);
  return sqlite3_finalize(get);
}

static int put_row(const KeptWrite *w, sqlite3 *sql) {
  sqlite3_stmt *put = NULL;
  int rc =
      prepare(sql, w->kept->table, "INSERT OR REPLACE INTO %s VALUES(?1, ?2, ?3)", &put);
  if (rc != SQLITE_OK) return rc;
  sqlite3_bind_text(put, 1, w->kept->name, -1, SQLITE_STATIC);
  sqlite3_bind_int64(put, 2, w->version);
  sqlite3_bind_blob64(put, 3, w->bytes.len ? w->bytes.data : "", w->bytes.len,
                      SQLITE_STATIC);
  sqlite3_step(put);
  return sqlite3_finalize(put);
}

static int move_aside(const KeptWrite *w, sqlite3 *sql) {
  sqlite3_stmt *move = NULL;
  if (!w->aside) return SQLITE_OK;
  int rc = prepare(sql, w->kept->table, "UPDATE %s SET name=?2 WHERE name=?1", &move);
  if (rc != SQLITE_OK) return rc;
  sqlite3_bind_text(move, 1, w->kept->name, -1, SQLITE_STATIC);
  sqlite3_bind_text(move, 2, w->aside, -1, SQLITE_STATIC);
  sqlite3_step(move);
  return sqlite3_finalize(move);
}

static int write_work(DbJob *job, sqlite3 *sql) {
  KeptWrite *w = CONTAINER_OF(job, KeptWrite, job);
  char make[MAX_SQL];
  sqlite3_snprintf(sizeof make, make,
                   "CREATE TABLE IF NOT EXISTS %s(name TEXT PRIMARY KEY,"
                   " version INTEGER NOT NULL, bytes BLOB NOT NULL)",
                   w->kept->table->name);
  int rc = sqlite3_exec(sql, make, NULL, NULL, NULL);
  if (rc == SQLITE_OK) rc = move_aside(w, sql);
  return rc == SQLITE_OK ? put_row(w, sql) : rc;
}

/* --- on the loop ----------------------------------------------------------------------
 */

static void free_unused(Kept *kept) {
  if (!kept->closed || kept->writing) return;
  buffer_free(&kept->next);
  free(kept->name);
  free(kept->aside);
  free(kept);
}

static void push_write(Kept *kept, Buffer *bytes, int64_t version);

static void write_done(DbJob *job) {
  KeptWrite *w = CONTAINER_OF(job, KeptWrite, job);
  Kept *kept = w->kept;
  free(w->aside);
  buffer_free(&w->bytes);
  free(w);
  kept->writing--;
  if (kept->waiting && !kept->closed) push_write(kept, &kept->next, kept->next_version);
  free_unused(kept);
}

static void push_write(Kept *kept, Buffer *bytes, int64_t version) {
  KeptWrite *w = xcalloc(1, sizeof *w);
  *w = (KeptWrite){.job.work = write_work,
                   .job.done = write_done,
                   .kept = kept,
                   .aside = kept->aside,
                   .bytes = *bytes,
                   .version = version};
  *bytes = (Buffer){0};
  kept->aside = NULL;
  kept->waiting = false;
  kept->writing++;
  db_push(kept->db, &w->job);
}

void kept_write(Kept *kept, Buffer *bytes, int64_t version) {
  if (!kept->writing) {
    push_write(kept, bytes, version);
    return;
  }
  buffer_free(&kept->next);
  kept->next = *bytes;
  *bytes = (Buffer){0};
  kept->next_version = version;
  kept->waiting = true;
}

void kept_quarantine(Kept *kept, const char *why, Error *err) {
  free(kept->aside);
  kept->aside = aside_new_name(kept->name);
  error_set(err, ERR_DECODE, "%.140s; what was kept %s %.64s is set aside as %.90s", why,
            kept->table->of, kept->name, kept->aside);
}

Kept *kept_open(Db *db, const KeptTable *table, const char *name, size_t limit,
                Buffer *bytes, int64_t *version, Error *err) {
  KeptRead r = {.job.work = read_work,
                .table = table,
                .name = name,
                .limit = limit,
                .bytes = bytes,
                .version = -1};
  int code = db_read(db, &r.job);
  *err = r.job.err;
  if (code != 0) return NULL;
  Kept *kept = xcalloc(1, sizeof *kept);
  *kept = (Kept){.db = db, .table = table, .name = xstrdup(name)};
  *version = r.version;
  if (r.too_large) {
    kept_quarantine(kept, "it is too large", err);
    *version = -1;
  }
  return kept;
}

/* Jobs are done in order, so that one more behind the current one is safe. */
void kept_close(Kept *kept) {
  if (kept->waiting) push_write(kept, &kept->next, kept->next_version);
  kept->closed = true;
  free_unused(kept);
}
