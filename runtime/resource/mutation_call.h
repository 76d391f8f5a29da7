/* Applying entries in Lua: the drafts, and the protected call. */
#ifndef TIDELOCK_RESOURCE_MUTATION_CALL_H
#define TIDELOCK_RESOURCE_MUTATION_CALL_H

#include "resource/mutations_parts.h"

typedef struct MutationDrafts MutationDrafts;

/* Opens a draft of each tree, none of an absent one, in this state. Returns new; NULL: no
 * memory. */
MutationDrafts *mutation_open(Vm *vm, const RebaseTree *trees, size_t count);
/* As RebaseOps.close; frees the drafts. */
bool mutation_close(MutationDrafts *drafts, RebaseTree *trees);
/* The function that its script's current generation has for the entry; NULL: none. */
Mutation *mutation_of(Pended *pended);
/* Calls the mutation with the entry's argument and the drafts at `places`. */
bool mutation_apply(MutationDrafts *drafts, Pended *pended, const size_t *places,
                    size_t count, Error *err);
/* The same for a function, by reference, without argument; `name` is the entry's. */
bool mutation_edit(MutationDrafts *drafts, int function, const char *name,
                   const size_t *places, size_t count, Error *err);

#endif
