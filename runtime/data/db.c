/* See db.h. The loop puts jobs into the queue. The thread of the database takes them from
 * it, opens the file, does each write in a transaction, and gives the job back through
 * the inbox. A job stays first in the queue while it is done, so that one that fails
 * keeps its place. */
#include "data/db.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <sqlite3.h>

#include "core/clock.h"
#include "data/db_aside.h"
#include "data/db_checkpoint.h"
#include "data/db_place.h"
#include "data/db_tables.h"
#include "loop/output.h"

/* The queues: the first job of the first line that has one is served. */
enum { LINE_ASKED, LINE_FIRST, LINE_ORDER, LINES };
typedef struct Line {
  DbJob *first, **last;
} Line;

/* `mutex` guards the queues, the finished jobs, and the state of trouble; `sql` and the
 * flags about it belong to the thread. */
struct Db {
  Loop *loop;
  char *path;
  int lock; /* the open lock file */
  double retry;
  _Atomic size_t *unsaved, none; /* writes that wait; `none`: for no counter */
  uv_thread_t thread;
  uv_async_t async;
  uv_mutex_t mutex;
  uv_cond_t wake, answered;
  Line lines[LINES];
  DbJob *finished, **finished_last;
  bool closing, trouble;
  bool reported; /* the value of `trouble` that the watchers have */
  double until;  /* closing: monotonic seconds, for a lock that another process holds */
  Error why;
  FileId file; /* the one that was opened */
  int max_pages;
  sqlite3 *reader; /* the loop's */
  sqlite3 *sql;
  Checkpoints *checkpoints; /* NULL before the first write */
  bool opened, writable;    /* once read; its tables are there */
  bool full;                /* its transactions are synced at present */
  bool old;                 /* its format is no longer read */
  DbWatcher *watchers;
  DbOptions options; /* its folder is owned */
  Event news, gone;
};

/* --- on the thread: the file -------------------------------------------------------- */

/* A result beside sqlite's own: the file at the path is not the one that was opened. */
enum { GONE = SQLITE_IOERR | (0x7F << 8) };

static int set_gone_error(const Db *db, Error *err) {
  return error_set(err, ERR_IO,
                   "%.200s is gone, or another file is there now: until it is back, "
                   "nothing is on disk",
                   db->path);
}

static int set_sql_error(Db *db, int rc, const char *what, Error *err) {
  if (rc == SQLITE_OK) return 0;
  if (rc == GONE) return set_gone_error(db, err);
  bool last = db->sql && (sqlite3_errcode(db->sql) & 0xFF) == (rc & 0xFF);
  const char *why = last ? sqlite3_errmsg(db->sql) : sqlite3_errstr(rc);
  return error_set(err, ERR_IO, "cannot %s %.200s: %.80s", what, db->path, why);
}

static void close_sql(Db *db) {
  sqlite3_close(db->sql);
  db->sql = NULL;
  db->writable = db->full = false;
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

/* A file that was opened once is not made again: the lock was on the old one. */
static int open_sql(Db *db) {
  if (db->sql) return SQLITE_OK;
  if (file_id_gone(&db->file, db->path)) return GONE;
  place_make_file(db->path);
  int rc = sqlite3_open_v2(db->path, &db->sql,
                           SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
  int format = 0;
  know_file(db, file_id(db->path));
  if (rc == SQLITE_OK) rc = wait_for_lock(db);
  if (rc == SQLITE_OK) rc = db_read_format(db->sql, &format);
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
  int rc = db_make_tables(db->sql);
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
  return db_set_max_pages(db->sql, pages);
}

/* Whether a transaction of these jobs is synced. */
static int set_sync(Db *db, const DbJob *job) {
  bool full = false;
  for (; job; job = job->with) full = full || job->full;
  if (full == db->full) return SQLITE_OK;
  int rc = db_set_full(db->sql, full);
  if (rc == SQLITE_OK) db->full = full;
  return rc;
}

static int work_all(const Db *db, DbJob *job) {
  int rc = SQLITE_OK;
  for (; rc == SQLITE_OK && job; job = job->with) rc = job->work(job, db->sql);
  return rc;
}

static int do_write(Db *db, DbJob *job, Error *err) {
  int rc = open_database(db, "write", err);
  if (rc != SQLITE_OK) return rc;
  rc = wait_for_lock(db);
  if (rc == SQLITE_OK) rc = limit_pages(db);
  if (rc == SQLITE_OK) rc = make_tables(db);
  if (rc == SQLITE_OK) rc = set_sync(db, job);
  if (rc == SQLITE_OK) rc = db_run_sql(db->sql, "BEGIN IMMEDIATE");
  if (rc == SQLITE_OK) rc = work_all(db, job);
  if (rc == SQLITE_OK && file_id_gone(&db->file, db->path)) rc = GONE;
  if (rc == SQLITE_OK) rc = db_run_sql(db->sql, "COMMIT");
  if (rc == SQLITE_OK) return 0;
  set_sql_error(db, rc, "write", err);
  if (!sqlite3_get_autocommit(db->sql)) db_run_sql(db->sql, "ROLLBACK");
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

/* --- on the thread: the queue ------------------------------------------------------- */

static DbJob *first_job(const Db *db) {
  for (int i = 0; i < LINES; i++)
    if (db->lines[i].first) return db->lines[i].first;
  return NULL;
}

static void take_first(Line *line) {
  line->first = line->first->next;
  if (!line->first) line->last = &line->first;
}

static void give_back(Db *db, DbJob *job, int rc, const Error *err) {
  job->next = NULL;
  job->code = rc == SQLITE_OK ? 0 : err->code;
  job->err = *err;
  job->finished = true;
  *db->finished_last = job;
  db->finished_last = &job->next;
}

static void finish_read(Db *db, DbJob *job, int rc, const Error *err) {
  job->code = rc == SQLITE_OK ? 0 : err->code;
  job->err = *err;
  job->finished = true;
  uv_cond_broadcast(&db->answered);
}

static void finish_job(Db *db, DbJob *job, int rc, const Error *err) {
  take_first(&db->lines[job->line]);
  if (job->reads && job->line != LINE_ASKED) {
    finish_read(db, job, rc, err);
    return;
  }
  if (!job->reads) --*db->unsaved;
  for (DbJob *with; job; job = with) {
    with = job->with;
    give_back(db, job, rc, err);
  }
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
  if (rc == SQLITE_OK || job->reads || job->once) return true;
  return db->closing && (!is_locked(rc) || lock_patience(db) == 0);
}

static void serve_job(Db *db, DbJob *job) {
  Error err = {0};
  uv_mutex_unlock(&db->mutex);
  int rc = job->reads ? do_read(db, job, &err) : do_write(db, job, &err);
  uv_mutex_lock(&db->mutex);
  bool told = rc != SQLITE_OK && job->once; /* its owner hears of it */
  if (!job->reads && !told && (rc != SQLITE_OK || db->trouble))
    set_trouble(db, rc != SQLITE_OK, &err);
  double pause = db->closing ? 0.01 : db->retry;
  if (is_done(db, job, rc)) finish_job(db, job, rc, &err);
  else uv_cond_timedwait(&db->wake, &db->mutex, (uint64_t)(pause * 1e9));
}

static void run_thread(void *arg) {
  Db *db = arg;
  uv_mutex_lock(&db->mutex);
  for (;;) {
    while (!first_job(db) && !db->closing) uv_cond_wait(&db->wake, &db->mutex);
    DbJob *job = first_job(db);
    if (!job) break;
    serve_job(db, job);
  }
  uv_mutex_unlock(&db->mutex);
  if (db->checkpoints) checkpoints_stop(db->checkpoints);
  close_sql(db);
}

/* --- on the loop -------------------------------------------------------------------- */

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

/* Puts finished jobs into the inbox, and a change of `trouble`. */
static void deliver_jobs(Db *db) {
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

static void on_async(uv_async_t *async) {
  deliver_jobs(async->data);
}

bool db_in_trouble(Db *db, Error *err) {
  uv_mutex_lock(&db->mutex);
  bool trouble = db->trouble;
  if (err) *err = db->why;
  uv_mutex_unlock(&db->mutex);
  return trouble;
}

bool db_is_gone(Db *db, Error *err) {
  uv_mutex_lock(&db->mutex);
  FileId file = db->file;
  uv_mutex_unlock(&db->mutex);
  return file_id_gone(&file, db->path) && set_gone_error(db, err) != 0;
}

static void enqueue_job(Db *db, DbJob *job, int line) {
  job->line = line;
  job->next = NULL;
  job->finished = false;
  *db->lines[line].last = job;
  db->lines[line].last = &job->next;
  uv_cond_signal(&db->wake);
}

static void push_job(Db *db, DbJob *job, int line) {
  uv_mutex_lock(&db->mutex);
  enqueue_job(db, job, line);
  uv_mutex_unlock(&db->mutex);
}

void db_push(Db *db, DbJob *job) {
  job->reads = false;
  ++*db->unsaved;
  push_job(db, job, LINE_ORDER);
}

void db_push_first(Db *db, DbJob *job) {
  job->reads = false;
  ++*db->unsaved;
  push_job(db, job, LINE_FIRST);
}

void db_join(DbJob *job, DbJob *with) {
  while (job->with) job = job->with;
  job->with = with;
}

void db_ask(Db *db, DbJob *job) {
  job->reads = true;
  push_job(db, job, LINE_ASKED);
}

sqlite3 *db_reader(Db *db, Error *err) {
  if (db->reader) return db->reader;
  int rc = sqlite3_open_v2(db->path, &db->reader,
                           SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL);
  if (rc == SQLITE_OK) rc = sqlite3_busy_timeout(db->reader, 1000);
  if (rc == SQLITE_OK) return db->reader;
  error_set(err, ERR_IO, "cannot read %.200s: %.80s", db->path, sqlite3_errstr(rc));
  sqlite3_close(db->reader);
  return db->reader = NULL;
}

void db_reading(Db *db, bool begins) {
  if (db->options.reading) db->options.reading(db->options.reading_ctx, begins);
}

static void withdraw_job(Line *line, DbJob *job) {
  DbJob **at = &line->first;
  while (*at != job) at = &(*at)->next;
  *at = job->next;
  if (!*at) line->last = at;
}

int db_read(Db *db, DbJob *job) {
  Line *line = &db->lines[LINE_ORDER];
  job->reads = true;
  uv_mutex_lock(&db->mutex);
  enqueue_job(db, job, LINE_ORDER);
  while (!job->finished && (!db->trouble || line->first == job))
    uv_cond_wait(&db->answered, &db->mutex);
  if (!job->finished) {
    withdraw_job(line, job);
    job->err = db->why;
    job->code = db->why.code;
  }
  uv_mutex_unlock(&db->mutex);
  return job->code;
}

void db_watch(Db *db, DbWatcher *watcher) {
  watcher->next = db->watchers;
  db->watchers = watcher;
}

void db_unwatch(Db *db, DbWatcher *watcher) {
  DbWatcher **at = &db->watchers;
  while (*at && *at != watcher) at = &(*at)->next;
  if (*at) *at = watcher->next;
}

void db_limit_pages(Db *db, int max_pages) {
  uv_mutex_lock(&db->mutex);
  db->max_pages = max_pages;
  uv_mutex_unlock(&db->mutex);
}

/* --- life --------------------------------------------------------------------------- */

Db *db_open(Loop *loop, const DbOptions *options, Error *err) {
  int lock = place_lock(options->folder,
                        "take another place with --profile NAME, or keep nothing with "
                        "--memory",
                        err);
  if (lock < 0) return NULL;
  Db *db = xcalloc(1, sizeof *db);
  db->loop = loop;
  db->lock = lock;
  db->path = xasprintf("%s/state.db", options->folder);
  db->unsaved = options->unsaved ? options->unsaved : &db->none;
  db->retry = options->retry > 0 ? options->retry : 1;
  db->max_pages = options->max_pages;
  db->options = *options;
  db->options.folder = xstrdup(options->folder);
  for (int i = 0; i < LINES; i++) db->lines[i].last = &db->lines[i].first;
  db->finished_last = &db->finished;
  CHECK(uv_mutex_init(&db->mutex) == 0);
  CHECK(uv_cond_init(&db->wake) == 0 && uv_cond_init(&db->answered) == 0);
  CHECK(uv_async_init(loop_uv(loop), &db->async, on_async) == 0);
  uv_unref((uv_handle_t *)&db->async); /* db_close writes what is unsaved */
  db->async.data = db;
  CHECK(uv_thread_create(&db->thread, run_thread, db) == 0);
  return db;
}

static void on_gone(Event *event) {
  Db *db = CONTAINER_OF(event, Db, gone);
  uv_cond_destroy(&db->wake);
  uv_cond_destroy(&db->answered);
  uv_mutex_destroy(&db->mutex);
  free((char *)db->options.folder);
  free(db->path);
  free(db);
}

/* Behind all events that refer to the database. */
static void on_closed(uv_handle_t *handle) {
  Db *db = handle->data;
  db->gone.run = on_gone;
  inbox_push(db->loop, &db->gone);
}

static void count_lost(Db *db) {
  size_t lost = 0;
  for (DbJob *job = db->finished; job; job = job->next)
    lost += !job->reads && job->code != 0;
  if (lost)
    log_write(loop_log(db->loop), LOG_ERROR, "data",
              "the last changes were not saved: %s", db->why.message);
}

/* Whether the thread has ended, then or by then. */
static bool await_thread_for(Db *db, double seconds) {
  struct timespec until;
  double whole = floor(seconds);
  clock_gettime(CLOCK_MONOTONIC, &until); /* the wall clock may be set meanwhile */
  until.tv_sec += (time_t)whole;
  until.tv_nsec += (long)((seconds - whole) * 1e9);
  if (until.tv_nsec >= 1000000000) until.tv_sec++, until.tv_nsec -= 1000000000;
  return pthread_clockjoin_np(db->thread, NULL, CLOCK_MONOTONIC, &until) == 0;
}

/* Waits as long as it takes; after a second it says so, past the log. A process that was
 * stopped for that second has not waited yet. */
static void await_thread(Db *db) {
  if (await_thread_for(db, 0.9) || await_thread_for(db, 0.1)) return;
  size_t unsaved = *db->unsaved;
  if (unsaved)
    output_say("tidelock: %zu changes are still being written to %s; a second signal "
               "ends it at once",
               unsaved, db->path);
  else
    output_say("tidelock: %s is still being closed; a second signal ends it at once",
               db->path);
  uv_thread_join(&db->thread);
}

void db_close(Db *db, double seconds) {
  uv_mutex_lock(&db->mutex);
  db->closing = true;
  db->until = clock_monotonic() + seconds;
  uv_cond_signal(&db->wake);
  uv_mutex_unlock(&db->mutex);
  await_thread(db);
  sqlite3_close(db->reader);
  db->reader = NULL;
  count_lost(db);
  db->watchers = NULL;
  deliver_jobs(db);
  close(db->lock);
  uv_close((uv_handle_t *)&db->async, on_closed);
}
