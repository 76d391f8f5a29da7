/* Keeps chosen top-level keys of a store's root in the database. Loop thread only.
 *
 * Only what differs is written: a small branch is one row of JSON, a large one (above
 * about 4 KB) a row for each of its items, and so on down; items of arrays have a rank
 * with gaps, so that one inserted in the middle is one row. All that changed within
 * `delay` of the first change is one transaction. Changes during a
 * write wait for the next one, so that memory holds two roots at most however long the
 * disk fails.
 *
 * An item with rows of its own is not read when the store is opened: it is a lazy value
 * (core/value.h), read with a connection of the loop's own when code first uses it. One
 * that cannot be read then, or has no room, is empty from then on; its rows are
 * quarantined, and `failed` is called.
 *
 * Rows that cannot be read are quarantined, never overwritten: the error has their new
 * name. That happens with the first write, so that opening and closing alone change
 * nothing. Rows of keys that are no longer among `keys` stay, and are not read; but of an
 * older version all is read, and what is not among `keys` goes when the new one is
 * written. JSON's limits hold: a row with NaN, infinity or a string that is not UTF-8 is
 * not written, and `failed` is called. Integers are exact. */
#ifndef TIDELOCK_DATA_PERSIST_H
#define TIDELOCK_DATA_PERSIST_H

#include "core/value.h"
#include "data/db.h"

typedef struct Persist Persist;
typedef struct Fetching Fetching;

typedef struct PersistOptions {
  const char *name; /* of the store, unique in the profile; all is copied */
  const char *const *keys;
  size_t key_count;
  bool all;        /* every top-level key, whatever `keys` says */
  double delay;    /* seconds; 0: 0.1 */
  int64_t version; /* of the content; what was stored with a newer one is quarantined (at
                      the first write), what was with an older one is the caller's to
                      migrate */
  /* Called in dispatch, once for each error, and with NULL when writing goes on. */
  void (*failed)(void *ctx, const Error *err);
  void *ctx;
} PersistOptions;

/* Reads what is stored, but for large branches, waiting for the disk: *loaded is new, an
 * object with those of the keys that are stored (of an older version: all), charged to
 * the account; *version that which it was stored with, -1 when nothing was, or nothing
 * of it can be read. Returns new,
 * or NULL when it cannot be known what is stored. *err with code ERR_NONE or what is
 * quarantined. */
Persist *persist_open(Loop *loop, Db *db, const PersistOptions *options,
                      ValueAccount *account, Value *loaded, int64_t *version, Error *err);
/* The keys of the initial state that were gone at the last write (data/defaults.h), or
 * absent; borrows. */
Value persist_gone(const Persist *persist);
/* From now on the gone keys are found by comparing with `initial`, which is retained. */
void persist_set_initial(Persist *persist, Value initial);
/* Gives the database all changes that it does not have yet. */
void persist_save(Persist *persist);
/* The same, and frees it. Lazy values that are still held are read: release those that
 * need no reading before. Flushes that wait are answered with CANCELLED. */
void persist_close(Persist *persist);

/* The root is this one now; retained until it is written. */
void persist_changed(Persist *persist, Value root);
/* Quarantines what is stored, which is not touched yet: the next persist_changed,
 * whatever its root, renames it (*err has the new name) and writes that root whole. */
void persist_quarantine(Persist *persist, const char *why, Error *err);
/* New options of the running store: the version and the delay are in force from now on.
 */
void persist_retune(Persist *persist, int64_t version, double delay);

/* Embed it. done runs in dispatch, once: with NULL when all changes before it are on
 * disk, or with the error. */
typedef struct PersistFlush PersistFlush;
struct PersistFlush {
  PersistFlush *next, **at; /* among those that wait */
  uint64_t upto;
  void (*done)(PersistFlush *flush, const Error *err);
};
/* An error also when a part of it cannot be kept. */
void persist_flush(Persist *persist, PersistFlush *flush);
void persist_flush_cancel(Persist *persist, PersistFlush *flush); /* done is not called */
/* Gives the waiting flushes to the caller, for another Persist of the same database. */
PersistFlush *persist_take_flushes(Persist *persist);

/* Embed it. done runs in dispatch, once: the branch is there, or why it is not (it is
 * still to be read then). */
typedef struct PersistFetch PersistFetch;
struct PersistFetch {
  Fetching *fetching;
  void (*done)(PersistFetch *fetch, const Error *err);
};
/* Reads a lazy value that a store handed out, without a wait: rows on the database's
 * thread, values on the loop in slices of some 2 ms. False: there is nothing to read. */
bool persist_fetch(Loop *loop, PersistFetch *fetch, Value lazy);
void persist_fetch_cancel(PersistFetch *fetch); /* done is not called */

bool persist_unsaved(const Persist *persist);  /* whether something is not on disk */
uint64_t persist_rows(const Persist *persist); /* written or deleted so far, for tests */
uint64_t persist_rows_read(const Persist *persist); /* likewise */

#endif
