/* The types that stores.c (the resource, and who hears of changes) and stores_persist.c
 * (what outlives the process, schema versions, flushing) share. */
#ifndef TIDELOCK_RESOURCE_STORES_PARTS_H
#define TIDELOCK_RESOURCE_STORES_PARTS_H

#include "data/persist.h"
#include "resource/mutations.h"
#include "vm/vm.h"
#include "resource/stores.h"

typedef struct StoreCore StoreCore;
typedef struct PersistReport PersistReport;

struct StoreCore {
  Resource *res;
  Store *store;
  StoreCore *next_dirty;
  bool dirty, changing;
  Persist *persist;      /* NULL: nothing of it is kept */
  int64_t stored;        /* the version that was found, until it is settled; -1: none */
  Value loaded;          /* what was found, until it is taken over; owned */
  Error quarantined;     /* why what was found was moved away, until it is reported */
  bool fresh;            /* opened, and not yet joined */
  MutationTarget *shown; /* NULL: it shows its root */
  PersistReport *report; /* reported when this turn is over; NULL: nothing */
};

/* What a declaration has beside its handlers. */
typedef struct StoreExtra {
  Subscriptions subscriptions;
  bool migrated; /* `root` is to be the state when the declaration takes over */
  Value root;    /* owned */
} StoreExtra;

/* The functions that a generation gave to store.trace. */
typedef struct Trace Trace;
struct Trace {
  Trace *next;
  const Vm *vm;
  HandlerList handlers;
};

struct Stores {
  Host *host;
  Trace *traces; /* one for each generation that traces; owned */
  Db *db;        /* opened for the first store that keeps something */
  Event event;
  bool queued;
  StoreCore *dirty;
  uint64_t turn; /* whose rounds are counted */
  int rounds;
  Buffer looping; /* names of the stores of the last rounds */
};

#endif
