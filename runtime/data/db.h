/* The database of a profile: one sqlite file, on a thread of its own, so that the loop
 * never waits for the disk. Work comes as jobs, which are done in order,
 * each write in a transaction of its own (or several joined in one); finished jobs come
 * back through the inbox.
 *
 *   - The file and its lock are touched when db_open is called, not before; sqlite is
 *     opened by the first job.
 *   - One process has a profile at a time: the second gets an error that names it.
 *   - A write that fails (disk full, read-only, ...) is reported once and tried again
 *   until it works; later writes wait in memory, in order. A job can say that it is to
 *   be given up instead (`once`).
 *   - The thread reads Values that a job holds; it never retains or releases any. */
#ifndef TIDELOCK_DATA_DB_H
#define TIDELOCK_DATA_DB_H

#include "core/error.h"
#include "loop/loop.h"

typedef struct Db Db;
typedef struct sqlite3 sqlite3; /* as <sqlite3.h> has it */

typedef struct DbOptions {
  const char *folder;      /* exists; borrowed during db_open */
  _Atomic size_t *unsaved; /* how many writes wait; may be NULL */
  double retry;            /* seconds between attempts to write; 0: 1 */
  int max_pages;           /* of the file, for tests of a full disk; 0: no limit */
  /* Called on the loop's thread before and after it reads by itself; may be NULL. */
  void (*reading)(void *ctx, bool begins);
  void *reading_ctx;
} DbOptions;

/* Returns new, or NULL: BUSY when another process has the folder, IO. */
Db *db_open(Loop *loop, const DbOptions *options, Error *err);
/* Does all queued jobs, waits for them, and closes. Each is tried once: a failed one is
 * lost, and logged; but a lock that another process holds is waited for, `seconds` for
 * all jobs together. Jobs come back through the inbox; run the loop on until it is empty.
 */
void db_close(Db *db, double seconds);

/* Embed it; it is the database's until done is called. */
typedef struct DbJob DbJob;
struct DbJob {
  Event event;
  DbJob *next;
  bool reads; /* set: no transaction, no second attempt */
  bool once;  /* a write that is given up when it fails; the caller's to set */
  bool full;  /* a write that is on the medium when it is done (synchronous=FULL): a power
                 cut cannot take it back; the caller's to set */
  DbJob *with; /* a write: the next of those that are one transaction with it */
  /* On the database's thread; returns a result of sqlite's. A write may be called again.
   * A read is not called when nothing was ever stored. */
  int (*work)(DbJob *job, sqlite3 *sql);
  void (*done)(DbJob *job); /* in dispatch */
  int code;                 /* 0, or an error: then it was given up */
  Error err;                /* a message for people may be there also when code is 0 */
  bool finished;
  int line; /* the database's own: the queue that it is in */
};
void db_push(Db *db, DbJob *job); /* a write */
/* A write that goes before all that db_push has queued. */
void db_push_first(Db *db, DbJob *job);
/* Before `job` is pushed: it and `with` are one transaction, all of them are done or none
 * is. `with` is not pushed itself; its `done` is called after that of `job`. */
void db_join(DbJob *job, DbJob *with);
/* Waits for a read, and what is queued before it. Returns its code. `done` is not called.
 */
int db_read(Db *db, DbJob *job);
/* A read that comes back through the inbox. It is done before all queued writes, so it
 * must not read what they change. */
void db_ask(Db *db, DbJob *job);
/* A connection of the loop's own, to read what is on disk; borrows. NULL: *err. */
sqlite3 *db_reader(Db *db, Error *err);
void db_reading(Db *db, bool begins); /* calls options.reading */

/* `changed` is called when writing fails, and (err NULL) when it goes on. In dispatch. */
typedef struct DbWatcher DbWatcher;
struct DbWatcher {
  DbWatcher *next;
  void (*changed)(DbWatcher *watcher, const Error *err);
};
void db_watch(Db *db, DbWatcher *watcher);
void db_unwatch(Db *db, DbWatcher *watcher);
/* Whether writing fails at the moment; *err says why (may be NULL). */
bool db_in_trouble(Db *db, Error *err);
/* Whether the file was removed or replaced: then what was written is not on disk. */
bool db_is_gone(Db *db, Error *err);
void db_limit_pages(Db *db, int max_pages); /* for tests: from the next attempt on */

#endif
