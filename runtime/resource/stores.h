/* Scripts' stores: the resource around a data Store, and who hears of its changes.
 *
 * Subscribers run after the turn in which something changed, before the next one; each is
 * called once, with the value now and the value as it last saw it. What they change is
 * delivered in a further round of the same turn's end; subscribers that go on changing
 * each other's stores are stopped after a number of rounds, and the stores are named.
 *
 * A declaration's `states` are its on_error handlers. A version that rises over a reload
 * is migrated before anything is final (prepare), and committed at the swap (join). */
#ifndef TIDELOCK_RESOURCE_STORES_H
#define TIDELOCK_RESOURCE_STORES_H

#include "data/db.h"
#include "data/store.h"
#include "resource/mutations.h"
#include "resource/resource.h"
#include "resource/subscribe.h"

typedef enum Share { SHARE_NONE, SHARE_READ, SHARE_WRITE } Share;

typedef struct StoreOptions {
  StoreLimits limits;
  Share share;           /* what other scripts may do */
  ValueAccount *account; /* of initial; owned */
  Value initial;         /* an object; owned */
  char **persist;        /* top-level keys to keep, owned; NULL: none */
  bool *optional;        /* of each: the initial state names it; owned */
  size_t persist_count;
  bool persist_all;     /* all keys */
  double persist_delay; /* seconds; 0: the default */
  int64_t version;      /* of what is kept */
} StoreOptions;

extern const ResourceKind store_kind; /* options: StoreOptions */

enum { STORE_MIGRATE = 0 }; /* declaration->functions: a function, or none */

/* What it shows: its root with all pending changes; of one that is there. Borrows. */
Value store_shown(const Declaration *decl);
/* What pending changes refer to; its script's, while there are some. */
MutationTarget *store_target(Declaration *decl);
MutationTarget *store_target_now(const Declaration *decl); /* NULL: there are none */
Store *store_of(const Declaration *decl);   /* NULL: not there yet, or closed; borrows */
Share store_share(const Declaration *decl); /* what this declaration may do with it */
Subscriptions *store_subscriptions(Declaration *decl); /* this declaration's; borrows */

/* Between these a draft is out; a second change of the same store is refused. */
bool store_begin_change(Declaration *decl); /* false: one is under way */
void store_end_change(Declaration *decl);

/* Subscribers of scripts that were held back when a store changed are called when the
 * turn is over. */
void stores_notify_skipped(Stores *stores);

/* The list of the generation's functions for store.trace, made when it is first asked
 * for; borrows. It is freed with the generation: store_traces_free. */
HandlerList *store_traces(Vm *vm);
void store_traces_free(Vm *vm);

/* Whether something of the store that is there is not on disk yet. */
bool store_unsaved(const Declaration *decl);
/* Waits until all that was changed is on disk; to be returned from a binding. */
int store_flush(lua_State *L, Declaration *decl);
/* Waits until what is kept at the path, the arguments from 2 on, is read; to be returned
 * from a binding. Pushes a view, or nil and why not. */
int store_load(lua_State *L, Declaration *decl);

/* Sets time, owner, action, paths and state of the table on top. May raise. */
void store_fill_change(lua_State *L, const StoreChange *change);

/* The database of the profile, opened when it is first asked for; NULL: BUSY, IO.
 * Borrows.
 */
Db *stores_db(Host *host, Error *err);

/* Hands what is not on disk yet to the disk's thread. */
void stores_save(Stores *stores);
/* Writes what is not on disk yet, and lets go of the profile; run the loop on after it. A
 * lock that another process holds is waited for so many seconds. */
void stores_close(Stores *stores, double seconds);
Stores *stores_new(Host *host); /* returns new; of the runtime */
void stores_free(Stores *stores);

#endif
