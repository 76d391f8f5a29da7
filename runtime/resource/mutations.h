/* Pending changes of scripts. A mutation is a function of a script, under a name: it says
 * what a change does to its targets' drafts. An entry is one such change that is not
 * settled yet: an id, the name of its mutation, its arguments as plain data, its targets.
 * Targets show their base and all their entries (data/rebase.h). Loop thread only.
 *
 * - Entries belong to a script, not to a generation: whichever generation is current has
 *   the function. While none has, they show nothing. After a reload they are applied
 * anew.
 * - A mutation is a function of the base and its arguments: clocks, chance, printing and
 *   handles raise in it (need_pure). One that raises shows nothing of its entry, and is
 *   reported once by each generation; one that exceeds the CPU limit is not called again
 *   for that entry by that generation.
 * - Its time is charged to its own script, whoever looks. */
#ifndef TIDELOCK_RESOURCE_MUTATIONS_H
#define TIDELOCK_RESOURCE_MUTATIONS_H

#include "resource/mutation_types.h"
#include "vm/vm.h"

Mutations *mutations_new(Host *host); /* returns new; of the runtime */
void mutations_free(Mutations *mutations);

/* Returns new. `memory` bounds what it shows beyond its base; charged to `charge`. */
MutationTarget *mutation_target_new(Mutations *mutations, const MutationTargetKind *kind,
                                    void *object, size_t memory, Charge *charge);
void mutation_target_free(MutationTarget *target);   /* entries without another one go */
Value mutation_target_shown(MutationTarget *target); /* borrowed until the next call */
bool mutation_target_is_idle(const MutationTarget *target);  /* it may be freed */
size_t mutation_target_count(const MutationTarget *target);  /* of entries */
size_t mutation_target_behind(const MutationTarget *target); /* see rebase_behind */

/* Names the function at `index` of the generation of L; taken once it is declared. Raises
 * where the generation has one of that name. */
void mutation_define(lua_State *L, const char *name, int index);
/* The generation is about to take over. */
void mutations_swap(Vm *vm);
void mutations_drop(Vm *vm); /* with the generation's other functions */

typedef struct MutationEntry {
  const char *id; /* among those of the script */
  size_t id_len;
  const char *name; /* of its mutation */
  MutationTarget *const *targets;
  size_t count;
} MutationEntry;

/* Adds an entry of the script of L, with the argument at `index`. One of that id takes
 * the name and the argument, and keeps its place. Raises: memory, data that is not plain,
 * other targets than those of that id. */
void mutation_pend(lua_State *L, const MutationEntry *entry, int index);
/* False: there is none of that id. */
bool mutation_unpend(lua_State *L, const char *id, size_t len);
/* Makes the change in the bases and removes the entry, in one step: by the function at
 * `index`, which gets the drafts, or, index 0, by applying the mutation once more. Fills
 * *err where that fails: then nothing has changed. */
int mutation_settle(lua_State *L, const char *id, size_t len, int index, Error *err);

#endif
