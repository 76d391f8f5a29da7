/* The database's thread: it takes jobs from the queue, opens the file and makes its
 * tables, does each job in a transaction, and gives it back through the inbox. A job
 * stays first in the queue while it is done, so that one that fails keeps its place. */
#include "data/db_thread.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/clock.h"
#include "data/db_aside.h"

/* A result beside sqlite's own: the file at the path is not the one that was opened. */
enum { GONE = SQLITE_IOERR | (0x7F << 8) };

int db_set_gone(const Db *db, Error *err) {
  return error_set(err, ERR_IO,
                   "%.200s is gone, or another file is there now: until it is back, "
                   "nothing is on disk",
                   db->path);
}

static int set_sql_error(Db *db, int rc, const char *what, Error *err) {
  if (rc == SQLITE_OK) return 0;
  if (rc == GONE) return db_set_gone(db, err);
  bool last = db->sql && (sqlite3_errcode(db->sql) & 0xFF) == (rc & 0xFF);
  const char *why = last ? sqlite3_errmsg(db->sql) : sqlite3_errstr(rc);
  return error_set(err, ERR_IO, "cannot %s %.200s: %.80s", what, db->path, why);
}

static int run_sql(Db *db, const char *sql) {
  return sqlite3_exec(db->sql, sql, NULL, NULL, NULL);
}

static int read_format(Db *db, int *format) {
  sqlite3_stmt *get = NULL;
  int rc = sqlite3_prepare_v2(db->sql, "PRAGMA user_version", -1, &get, NULL);
  if (rc == SQLITE_OK && sqlite3_step(get) == SQLITE_ROW)
    *format = sqlite3_column_int(get, 0);
  return rc == SQLITE_OK ? sqlite3_finalize(get) : rc;
}

static void close_sql(Db *db) {
  sqlite3_close(db->sql);
  db->sql = NULL;
  db->writable = false;
}

static int lock_patience(const Db *db) {
  double left = db->until - clock_monotonic();
  if (!db->closing || left >= 1) return 1000;
  return left > 0 ? (int)(left * 1000) : 0;
}

static int wait_for_lock(Db *db) {
  uv_mutex_lock(&db->mutex);
  int patience = lock_patience(db);
  uv_mutex_unlock(&db->mutex);
  return sqlite3_busy_timeout(db->sql, patience);
}

static void know_file(Db *db, FileId file) {
  uv_mutex_lock(&db->mutex);
  db->file = file;
  uv_mutex_unlock(&db->mutex);
}

/* The file is made with its mode before sqlite opens it; the files that sqlite makes get
 * the same. A file that was opened once is not made again: the lock was on the old one.
 */
static int open_sql(Db *db) {
  if (db->sql) return SQLITE_OK;
  if (file_id_gone(&db->file, db->path)) return GONE;
  int fd = open(db->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd >= 0) {
    if (fchmod(fd, 0600) != 0)
      errno = 0; /* another owner's file that we may write: it is used */
    close(fd);
  }
  int rc = sqlite3_open_v2(db->path, &db->sql,
                           SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
  int format = 0;
  know_file(db, file_id(db->path));
  if (rc == SQLITE_OK) rc = wait_for_lock(db);
  if (rc == SQLITE_OK) rc = read_format(db, &format);
  if (rc == SQLITE_OK && format && format != DB_FORMAT) {
    db->old = format < DB_FORMAT;
    rc = SQLITE_SCHEMA;
  }
  return rc;
}

static int open_database(Db *db, const char *what, Error *err) {
  if (!db->sql && place_check_file(db->path, err) != 0) return SQLITE_CANTOPEN;
  int rc = open_sql(db);
  if (rc == SQLITE_OK) return 0;
  if (rc == SQLITE_SCHEMA)
    error_set(err, ERR_IO,
              "%.200s was written by %s version of Tidelock: move it away, or "
              "take another --profile",
              db->path, db->old ? "an older" : "a newer");
  else set_sql_error(db, rc, what, err);
  close_sql(db);
  return rc;
}

static int make_tables(Db *db) {
  if (db->writable) return SQLITE_OK;
  int rc = run_sql(db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"
                       " PRAGMA journal_size_limit=4194304");
  if (rc == SQLITE_OK)
    rc = run_sql(db,
                 "BEGIN;"
                 "CREATE TABLE IF NOT EXISTS store(id INTEGER PRIMARY KEY,"
                 " name TEXT NOT NULL UNIQUE, version INTEGER NOT NULL,"
                 " next INTEGER NOT NULL DEFAULT 1);"
                 "CREATE TABLE IF NOT EXISTS row(store INTEGER NOT NULL,"
                 " parent INTEGER NOT NULL, place BLOB NOT NULL, child INTEGER NOT NULL,"
                 " json TEXT NOT NULL, PRIMARY KEY(store, parent, place)) WITHOUT ROWID;"
                 "CREATE TABLE IF NOT EXISTS gone(store INTEGER PRIMARY KEY,"
                 " keys TEXT NOT NULL);"
                 "PRAGMA user_version=2;"
                 "COMMIT");
  if (rc != SQLITE_OK) run_sql(db, "ROLLBACK");
  db->writable = rc == SQLITE_OK;
  if (!db->writable) return rc;
  if (!db->checkpoints) db->checkpoints = checkpoints_start(db->path);
  checkpoints_watch(db->checkpoints, db->sql);
  return rc;
}

static int limit_pages(Db *db) {
  uv_mutex_lock(&db->mutex);
  int pages = db->max_pages;
  uv_mutex_unlock(&db->mutex);
  char sql[64];
  sqlite3_snprintf(sizeof sql, sql, "PRAGMA max_page_count=%d", pages ? pages : 1 << 30);
  return run_sql(db, sql);
}

static int do_write(Db *db, DbJob *job, Error *err) {
  int rc = open_database(db, "write", err);
  if (rc != SQLITE_OK) return rc;
  rc = wait_for_lock(db);
  if (rc == SQLITE_OK) rc = limit_pages(db);
  if (rc == SQLITE_OK) rc = make_tables(db);
  if (rc == SQLITE_OK) rc = run_sql(db, "BEGIN IMMEDIATE");
  if (rc == SQLITE_OK) rc = job->work(job, db->sql);
  if (rc == SQLITE_OK && file_id_gone(&db->file, db->path)) rc = GONE;
  if (rc == SQLITE_OK) rc = run_sql(db, "COMMIT");
  if (rc == SQLITE_OK) return 0;
  set_sql_error(db, rc, "write", err);
  if (!sqlite3_get_autocommit(db->sql)) run_sql(db, "ROLLBACK");
  if ((rc & 0xFF) == SQLITE_READONLY)
    close_sql(db); /* the next attempt opens it anew: it may be writable then */
  return rc;
}

static bool is_broken(int rc) {
  return (rc & 0xFF) == SQLITE_CORRUPT || (rc & 0xFF) == SQLITE_NOTADB;
}

/* Keeps a file that is no database under another name. */
static int set_aside(Db *db, Error *err) {
  close_sql(db);
  know_file(db, (FileId){0});
  char *name;
  if (aside_move(db->options.folder, NULL, &name, err) != 0) return SQLITE_IOERR;
  error_set(err, ERR_IO,
            "%.140s cannot be read as a database; it was set aside as %.140s/%.60s",
            db->path, db->options.folder, name);
  free(name);
  return SQLITE_OK;
}

/* Without tables nothing was ever stored: the job is not called. */
static int read_once(Db *db, DbJob *job, Error *err) {
  int rc = open_database(db, "read", err);
  if (rc != SQLITE_OK) return rc;
  rc = sqlite3_table_column_metadata(db->sql, NULL, "row", NULL, NULL, NULL, NULL, NULL,
                                     NULL);
  if (rc == SQLITE_ERROR) return SQLITE_OK;
  if (rc == SQLITE_OK) rc = job->work(job, db->sql);
  if (rc != SQLITE_OK) set_sql_error(db, rc, "read", err);
  return rc;
}

static int do_read(Db *db, DbJob *job, Error *err) {
  int rc = read_once(db, job, err);
  if (is_broken(rc) && !db->opened) return set_aside(db, err);
  if (rc == SQLITE_OK) db->opened = true;
  return rc;
}

/* --- the queue ---------------------------------------------------------
 */

static void take_first(Db *db, const DbJob *job) {
  DbJob **first = job->asked ? &db->asked : &db->first;
  *first = job->next;
  if (*first) return;
  if (job->asked) db->asked_last = first;
  else db->last = first;
}

static void finish_job(Db *db, DbJob *job, int rc, const Error *err) {
  take_first(db, job);
  if (!job->reads) --*db->unsaved;
  job->next = NULL;
  job->code = rc == SQLITE_OK ? 0 : err->code;
  job->err = *err;
  job->finished = true;
  if (job->reads && !job->asked) {
    uv_cond_broadcast(&db->answered);
    return;
  }
  *db->finished_last = job;
  db->finished_last = &job->next;
  uv_async_send(&db->async);
}

static void set_trouble(Db *db, bool trouble, const Error *err) {
  if (trouble) db->why = *err;
  if (trouble != db->trouble) {
    db->trouble = trouble;
    uv_cond_broadcast(&db->answered);
  }
  uv_async_send(&db->async);
}

static bool is_locked(int rc) {
  return (rc & 0xFF) == SQLITE_BUSY || (rc & 0xFF) == SQLITE_LOCKED;
}

/* Whether the job is over, done or given up. */
static bool is_done(const Db *db, const DbJob *job, int rc) {
  if (rc == SQLITE_OK || job->reads) return true;
  return db->closing && (!is_locked(rc) || lock_patience(db) == 0);
}

static void serve_job(Db *db, DbJob *job) {
  Error err = {0};
  uv_mutex_unlock(&db->mutex);
  int rc = job->reads ? do_read(db, job, &err) : do_write(db, job, &err);
  uv_mutex_lock(&db->mutex);
  if (!job->reads && (rc != SQLITE_OK || db->trouble))
    set_trouble(db, rc != SQLITE_OK, &err);
  double pause = db->closing ? 0.01 : db->retry;
  if (is_done(db, job, rc)) finish_job(db, job, rc, &err);
  else uv_cond_timedwait(&db->wake, &db->mutex, (uint64_t)(pause * 1e9));
}

void db_thread_main(void *arg) {
  Db *db = arg;
  uv_mutex_lock(&db->mutex);
  for (;;) {
    while (!db->asked && !db->first && !db->closing) uv_cond_wait(&db->wake, &db->mutex);
    if (!db->asked && !db->first) break;
    serve_job(db, db->asked ? db->asked : db->first);
  }
  uv_mutex_unlock(&db->mutex);
  if (db->checkpoints) checkpoints_stop(db->checkpoints);
  close_sql(db);
}

/* --- on the loop: finished jobs -------------------------------------------------------
 */

static void on_done(Event *event) {
  DbJob *job = CONTAINER_OF(event, DbJob, event);
  job->done(job);
}

static void on_news(Event *event) {
  Db *db = CONTAINER_OF(event, Db, news);
  Error why;
  event->run = NULL; /* the event may be queued again */
  uv_mutex_lock(&db->mutex);
  bool trouble = db->trouble;
  why = db->why;
  uv_mutex_unlock(&db->mutex);
  if (trouble == db->reported) return;
  db->reported = trouble;
  if (trouble) log_write(loop_log(db->loop), LOG_ERROR, "data", "%s", why.message);
  else log_write(loop_log(db->loop), LOG_INFO, "data", "writing to %s goes on", db->path);
  for (DbWatcher *w = db->watchers, *next; w; w = next) {
    next = w->next;
    w->changed(w, trouble ? &why : NULL);
  }
}

/* Puts finished jobs into the inbox. */
void db_deliver(Db *db) {
  uv_mutex_lock(&db->mutex);
  DbJob *job = db->finished;
  bool news = db->trouble != db->reported;
  db->finished = NULL;
  db->finished_last = &db->finished;
  uv_mutex_unlock(&db->mutex);
  for (DbJob *next; job; job = next) {
    next = job->next;
    job->event.run = on_done;
    inbox_push(db->loop, &job->event);
  }
  if (!news || db->news.run) return;
  db->news.run = on_news;
  inbox_push(db->loop, &db->news);
}
