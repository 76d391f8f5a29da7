/* The database as the loop sees it: see db.h. What becomes of a job is db_thread.c's. */
#include "data/db.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/clock.h"
#include "data/db_thread.h"
#include "loop/output.h"

/* --- on the loop ----------------------------------------------------------------------
 */

static void on_async(uv_async_t *async) {
  db_deliver(async->data);
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
  return file_id_gone(&file, db->path) && db_set_gone(db, err) != 0;
}

static void enqueue_job(Db *db, DbJob *job) {
  DbJob ***last = job->asked ? &db->asked_last : &db->last;
  job->next = NULL;
  job->finished = false;
  **last = job;
  *last = &job->next;
  uv_cond_signal(&db->wake);
}

void db_push(Db *db, DbJob *job) {
  job->reads = job->asked = false;
  ++*db->unsaved;
  uv_mutex_lock(&db->mutex);
  enqueue_job(db, job);
  uv_mutex_unlock(&db->mutex);
}

void db_ask(Db *db, DbJob *job) {
  job->reads = job->asked = true;
  uv_mutex_lock(&db->mutex);
  enqueue_job(db, job);
  uv_mutex_unlock(&db->mutex);
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

static void withdraw_job(Db *db, DbJob *job) {
  DbJob **at = &db->first;
  while (*at != job) at = &(*at)->next;
  *at = job->next;
  if (!*at) db->last = at;
}

int db_read(Db *db, DbJob *job) {
  job->reads = true;
  job->asked = false;
  uv_mutex_lock(&db->mutex);
  enqueue_job(db, job);
  while (!job->finished && (!db->trouble || db->first == job))
    uv_cond_wait(&db->answered, &db->mutex);
  if (!job->finished) {
    withdraw_job(db, job);
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

/* --- life -----------------------------------------------------------------------------
 */

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
  db->last = &db->first;
  db->asked_last = &db->asked;
  db->finished_last = &db->finished;
  CHECK(uv_mutex_init(&db->mutex) == 0);
  CHECK(uv_cond_init(&db->wake) == 0 && uv_cond_init(&db->answered) == 0);
  CHECK(uv_async_init(loop_uv(loop), &db->async, on_async) == 0);
  uv_unref((uv_handle_t *)&db->async); /* db_close writes what is unsaved */
  db->async.data = db;
  CHECK(uv_thread_create(&db->thread, db_thread_main, db) == 0);
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

/* Waits as long as it takes; after a second it says so, past the log. */
static void await_thread(Db *db) {
  struct timespec until;
  clock_gettime(CLOCK_REALTIME, &until);
  until.tv_sec++;
  if (pthread_timedjoin_np(db->thread, NULL, &until) == 0) return;
  output_say(
      "tidelock: %zu changes are still being written to %s; a second signal ends it "
      "at once",
      *db->unsaved, db->path);
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
  db_deliver(db);
  close(db->lock);
  uv_close((uv_handle_t *)&db->async, on_closed);
}
