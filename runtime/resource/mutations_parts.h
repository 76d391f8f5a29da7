/* The records that mutations.c (entries, targets) and mutation_call.c (applying them in
 * Lua) share. */
#ifndef TIDELOCK_RESOURCE_MUTATIONS_PARTS_H
#define TIDELOCK_RESOURCE_MUTATIONS_PARTS_H

#include "core/index.h"
#include "data/rebase.h"
#include "resource/mutation_types.h"
#include "vm/vm.h"

typedef struct Mutation Mutation;
typedef struct Pended Pended;
typedef struct Payer Payer;

/* A function of one generation. */
struct Mutation {
  Mutation *next;
  Vm *vm;
  char *name;
  int function;    /* reference */
  uint64_t number; /* of all, ever */
  bool reported;   /* that it raised */
};

struct Pended {
  IndexNode node; /* by id, of all scripts */
  Mutations *all;
  Owner *owner;
  RebaseEntry *entry;
  char *id, *name; /* owned */
  size_t id_len, bytes;
  Value argument;     /* owned */
  Charge *charge;     /* its script's, for so many bytes; a reference */
  Mutation *mutation; /* found at `version` of the list */
  uint64_t version;
  uint64_t barred; /* the number of the mutation that took too long for it */
};

struct MutationTarget {
  Mutations *all;
  const MutationTargetKind *kind;
  void *object;
  ValueAccount *account; /* of what it shows beyond its base; owned */
  RebaseTarget *tree;
};

/* Who pays for the arguments of a script's entries. */
struct Payer {
  Payer *next;
  const Owner *owner;
  ValueAccount *account;
};

struct Mutations {
  Host *host;
  Rebase *rebase;
  Index entries;
  Mutation *functions;
  Payer *payers;
  uint64_t version, numbers; /* of the list of functions; of the last one */
  Event slice;
  bool queued;
};

#endif
