/* For the files of the database alone.
 *
 * `mutex` guards the queue, the finished jobs, and the state of trouble; `sql` and the
 * flags about it belong to the thread. */
#ifndef TIDELOCK_DATA_DB_PARTS_H
#define TIDELOCK_DATA_DB_PARTS_H

#include "data/db.h"
#include "data/db_checkpoint.h"
#include "data/db_place.h"

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
  DbJob *first, **last, *finished, **finished_last;
  DbJob *asked, **asked_last; /* reads, done before the queue */
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
  bool old;                 /* its format is no longer read */
  DbWatcher *watchers;
  DbOptions options; /* its folder is owned */
  Event news, gone;
};

#endif
