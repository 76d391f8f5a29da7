/* When the write-ahead log is moved into the database: see db_checkpoint.h.
 *
 * After a write that leaves the log longer than LONG pages the thread wakes, opens a
 * connection, moves the pages that no reader needs, and closes it. The log begins anew
 * with the first write after all of it was moved; while more is written than that it
 * grows. Longer than LIMIT pages, the writer moves it itself: writing waits then, for a
 * disk that is slower than what is to be written to it.
 *
 * `mutex` guards `wanted` and `ending`. What fails is tried again after a later write. */
#include "data/db_checkpoint.h"

#include <stdbool.h>
#include <stdlib.h>
#include <uv.h>

#include <sqlite3.h>

#include "core/base.h"

enum { LONG = 1000, LIMIT = 16000 }; /* pages: about 4 and 64 MB */

struct Checkpoints {
  const char *path;
  uv_thread_t thread;
  uv_mutex_t mutex;
  uv_cond_t wake;
  bool wanted, ending;
};

/* Reads first: a connection learns of the log by reading. */
static void run_checkpoint(const char *path) {
  sqlite3 *sql = NULL;
  int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;
  if (sqlite3_open_v2(path, &sql, flags, NULL) == SQLITE_OK &&
      sqlite3_exec(sql, "PRAGMA user_version", NULL, NULL, NULL) == SQLITE_OK)
    sqlite3_wal_checkpoint_v2(sql, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
  sqlite3_close(sql);
}

static void thread_main(void *arg) {
  Checkpoints *c = arg;
  uv_mutex_lock(&c->mutex);
  while (!c->ending) {
    if (!c->wanted) {
      uv_cond_wait(&c->wake, &c->mutex);
      continue;
    }
    c->wanted = false;
    uv_mutex_unlock(&c->mutex);
    run_checkpoint(c->path);
    uv_mutex_lock(&c->mutex);
  }
  uv_mutex_unlock(&c->mutex);
}

static int on_write(void *ctx, sqlite3 *sql, const char *schema, int pages) {
  Checkpoints *c = ctx;
  if (pages >= LIMIT) {
    sqlite3_wal_checkpoint_v2(sql, schema, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
  } else if (pages >= LONG) {
    uv_mutex_lock(&c->mutex);
    c->wanted = true;
    uv_cond_signal(&c->wake);
    uv_mutex_unlock(&c->mutex);
  }
  return SQLITE_OK;
}

Checkpoints *checkpoints_start(const char *path) {
  Checkpoints *c = xcalloc(1, sizeof *c);
  c->path = path;
  CHECK(uv_mutex_init(&c->mutex) == 0 && uv_cond_init(&c->wake) == 0);
  CHECK(uv_thread_create(&c->thread, thread_main, c) == 0);
  return c;
}

void checkpoints_watch(Checkpoints *c, sqlite3 *sql) {
  sqlite3_wal_hook(sql, on_write, c);
}

void checkpoints_stop(Checkpoints *c) {
  uv_mutex_lock(&c->mutex);
  c->ending = true;
  uv_cond_signal(&c->wake);
  uv_mutex_unlock(&c->mutex);
  uv_thread_join(&c->thread);
  uv_mutex_destroy(&c->mutex);
  uv_cond_destroy(&c->wake);
  free(c);
}
