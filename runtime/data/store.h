/* A store: one immutable root, and the roots that it had. Loop thread only. Knows no Lua:
 * its owner notifies subscribers of a change (resource/stores.c). */
#ifndef TIDELOCK_DATA_STORE_H
#define TIDELOCK_DATA_STORE_H

#include "core/value.h"

typedef struct Store Store;

enum { STORE_MEMORY = 256 << 20 }; /* bytes */

typedef struct StoreLimits {
  size_t memory;        /* bytes of all its nodes, history included; 0: 256 MiB */
  size_t history;       /* changes remembered; 0: 100 */
  size_t history_bytes; /* what they may hold beyond the root, about; 0: 16 MiB */
} StoreLimits;

/* One change; before and after share what did not change. */
typedef struct StoreChange {
  double time;           /* wall-clock seconds */
  char *script, *action; /* action may be NULL */
  Value before, after;
  size_t bytes;  /* of nodes made by it */
  bool migrated; /* from another version: undo does not go behind it */
} StoreChange;

/* Returns new; the root is {}. What it holds is charged to `charge`, which may be NULL.
 */
Store *store_new(const StoreLimits *limits, Charge *charge);
void store_free(Store *store);
/* Called at the end of each commit, reset and undo that changed the root; one listener. A
 * migration calls nobody: the initial state is set after it (store_set_initial). */
void store_listen(Store *store, void (*changed)(void *ctx), void *ctx);
/* A commit or reset that compares much asks it, and drops the change where it says true.
 */
void store_watch(Store *store, ValueLate *is_late);
ValueAccount *store_account(Store *store); /* what is put in should be charged here */
Value store_root(const Store *store);      /* borrows */

/* Sets the root that was kept; takes it. An object; before the first change. */
void store_begin(Store *store, Value root);
/* Which keys of the initial state the root lacks (data/defaults.h); returns new. */
Value store_gone(const Store *store);
/* Sets the initial state, which reset goes back to; takes it. It must be an object. Its
 * keys that the root lacks are filled in, but those that `gone` (borrowed, or absent)
 * names; likewise in the roots of the history. That is no change of the history's. */
void store_set_initial(Store *store, Value initial, Value gone);

/* Sets the root; takes it. False when it equals the old one: nothing has happened. Parts
 * that are equal stay the nodes that they were. */
bool store_commit(Store *store, Value root, const char *script, const char *action);
bool store_migrate(Store *store, Value root, const char *script); /* the same */
/* The root has a change that is no change of the history's: undo keeps it. Takes the
 * root; parts that equal `shown` become the nodes of that. Calls no listener. */
bool store_settle(Store *store, Value root, Value shown);
bool store_reset(Store *store, const char *script);
/* Back to the root before the last n changes, as a change of its own. NOT_FOUND when
 * history does not reach that far, INVALID when the state was migrated since. What was
 * settled since is kept; INVALID where that changed the same place. */
int store_undo(Store *store, size_t n, const char *script, Error *err);

size_t store_history_count(const Store *store);
const StoreChange *store_history_at(const Store *store, size_t index); /* 0: the oldest */

/* Appends the paths that differ between the two, one a line, `max` at most; the last line
 * is
 * "..." when there are more. */
void store_changed_paths(Value before, Value after, size_t max, Buffer *out);

#endif
