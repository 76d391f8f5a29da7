/* The records that rebase.c (targets and entries) and rebase_run.c (applying them)
 * share. */
#ifndef TIDELOCK_DATA_REBASE_PARTS_H
#define TIDELOCK_DATA_REBASE_PARTS_H

#include "data/rebase_types.h"

typedef struct RebaseRun RebaseRun;
typedef struct RebaseLink RebaseLink;

/* An entry among those of one of its targets. */
struct RebaseLink {
  RebaseLink *prev, *next;
  RebaseEntry *entry;
  RebaseTarget *target; /* NULL: gone */
};

struct RebaseEntry {
  Rebase *rebase;
  void *object; /* owned, by way of RebaseOps.forget */
  void *owner;
  uint64_t order;       /* of being added */
  uint64_t mark;        /* of the group it was put into last */
  int runs;             /* that hold it in their lists */
  bool failed;          /* the last time: it gets a draft of its own */
  bool gone;            /* removed; freed when no run holds it */
  size_t count, living; /* of targets; of those that are not gone */
  RebaseLink links[];
};

struct RebaseTarget {
  Rebase *rebase;
  RebaseTarget *next, **at; /* in the list of all */
  ValueAccount *account;    /* borrowed */
  void *object;             /* borrowed */
  RebaseLink *first, *last; /* its entries, in order */
  RebaseLink *fresh;        /* the first that `shown` does not have; NULL: none */
  size_t count;
  Value base, shown; /* at the last rebase; owned; both absent while it is idle */
  uint64_t epoch;    /* of the functions that made `shown` */
  uint64_t mark;     /* of the group it was put into last */
  size_t place;      /* in the run's lists, while `run` is set */
  bool active;       /* it has entries, or shows another tree than its base */
  bool stale;        /* an entry that `shown` has is gone, or says another thing */
  RebaseRun *run;    /* under way; NULL: none */
};

struct Rebase {
  const RebaseOps *ops;
  void *ctx;
  double slice;
  RebaseTarget *targets;
  RebaseRun *runs; /* those that wait for their next slice, in turns */
  uint64_t epoch, order, mark;
};

#endif
