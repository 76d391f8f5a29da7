/* How what has a base, and who applies entries, look to a rebase. */
#ifndef TIDELOCK_DATA_REBASE_TYPES_H
#define TIDELOCK_DATA_REBASE_TYPES_H

#include "core/value.h"

typedef struct Rebase Rebase;
typedef struct RebaseTarget RebaseTarget;
typedef struct RebaseEntry RebaseEntry;

/* A tree that is edited; absent: its target has no base now. */
typedef struct RebaseTree {
  ValueAccount *account; /* of its target; borrowed */
  Value value;           /* owned by the rebase */
} RebaseTree;

#define REBASE_GONE SIZE_MAX

/* None of these may call a function of rebase.h, but for `changed` and `wants_slice`,
 * which may look. */
typedef struct RebaseOps {
  /* The base of the target, borrowed; absent: there is none now. */
  Value (*base)(void *target);
  /* Opens a draft of each tree, in which entries of this owner are applied; returns it.
   * NULL: entries of this owner cannot be applied now, and show nothing. */
  void *(*open)(void *ctx, void *owner, const RebaseTree *trees, size_t count);
  /* Applies one entry: it changes trees[places[0]], ... (REBASE_GONE: that target is no
   * more). False: it failed, and may have left traces. */
  bool (*apply)(void *draft, void *entry, const size_t *places, size_t count);
  /* Ends the draft. Where `trees` is not NULL each tree is replaced by what the draft
   * made of it; false: that cannot be had, and all trees are as they were. */
  bool (*close)(void *draft, RebaseTree *trees);
  /* What this target shows is another tree, and nobody looked at this one. */
  void (*changed)(void *target);
  /* rebase_go_on is to be called in a later turn. */
  void (*wants_slice)(void *ctx);
  /* The entry is gone; frees it. */
  void (*forget)(void *entry);
} RebaseOps;

#endif
