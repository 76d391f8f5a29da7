/* What has pending changes, as mutations.c sees it. */
#ifndef TIDELOCK_RESOURCE_MUTATION_TYPES_H
#define TIDELOCK_RESOURCE_MUTATION_TYPES_H

#include "core/value.h"

typedef struct Mutations Mutations;
typedef struct MutationTarget MutationTarget;

/* What has a base: a store. */
typedef struct MutationTargetKind {
  Value (*base)(void *object);            /* borrowed; absent: there is none now */
  ValueAccount *(*account)(void *object); /* of its base; borrowed */
  void (*changed)(void *object);          /* what it shows is another tree, or may be */
  /* A change of the base begins or ends; false: one is under way. */
  bool (*begin)(void *object);
  void (*end)(void *object);
  /* Takes the new base, which is of a change that was settled. Parts of it that equal
   * `shown` become the nodes of that. */
  void (*settle)(void *object, Value base, Value shown);
} MutationTargetKind;

#endif
