/* Between the files of stores: stores.c (the resource, who hears of changes) and
 * stores_keep.c (what outlives the process, versions, flushing). */
#ifndef TIDELOCK_RESOURCE_STORES_PARTS_H
#define TIDELOCK_RESOURCE_STORES_PARTS_H

#include "data/persist.h"
#include "vm/vm.h"
#include "resource/stores.h"

typedef struct StoreCore StoreCore;
typedef struct StoreNews StoreNews;

struct StoreCore {
  Resource *res;
  Store *store;
  StoreCore *next_dirty;
  bool dirty, changing;
  Persist *persist; /* NULL: nothing of it is kept */
  int64_t stored;   /* the version that was found, until it is settled; -1: none */
  Value loaded;     /* what was found, until it is taken over; owned */
  Error aside;      /* what was found and set aside, until it is told */
  bool fresh;       /* opened, and not yet joined */
  StoreNews *news;  /* what is told when this turn is over; NULL: nothing */
};

/* What a declaration has beside its handlers. */
typedef struct StoreExtra {
  Subscriptions subscriptions;
  bool migrated; /* `root` is to be the state when the declaration takes over */
  Value root;    /* owned */
} StoreExtra;
StoreExtra *store_extra(Declaration *decl); /* borrows */

struct Stores {
  Host *host;
  Db *db; /* opened for the first store that keeps something */
  Event event;
  bool queued;
  StoreCore *dirty;
  uint64_t turn; /* whose rounds are counted */
  int rounds;
  Buffer looping; /* names of the stores of the last rounds */
};

/* Opens what is kept of the store, if anything is to be. */
int keep_open(StoreCore *core, Error *err);
/* Takes over what was found, migrated if it must be; or why it cannot be. */
int keep_take_over(StoreCore *core, Declaration *decl, Error *err);
/* The store is in force: what was migrated or set aside is written, and told; so are keys
 * that `persist` names and the state has not, where they are others than before. */
void keep_settle(StoreCore *core, bool other_keys);
/* The options are new ones. */
void keep_adjust(StoreCore *core, bool other_keys);
void keep_close(StoreCore *core);

/* Runs the declaration's migrate on a draft of `base`; *root is new then. */
int keep_migrate(const Declaration *decl, StoreCore *core, Value base, int64_t from,
                 int64_t to, Value *root, Error *err);

#endif
