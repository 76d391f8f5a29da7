/* The part of a store that outlives the process: see stores_persist.c. */
#ifndef TIDELOCK_RESOURCE_STORES_PERSIST_H
#define TIDELOCK_RESOURCE_STORES_PERSIST_H

#include "resource/stores_parts.h"

/* Opens what is kept of the store, if anything is to be. */
int store_persist_open(StoreCore *core, Error *err);
/* Takes over what was found, migrated if it must be; or why it cannot be. */
int store_persist_take_over(StoreCore *core, Declaration *decl, Error *err);
/* The store is in force: what was migrated or moved away is written, and reported; so are
 * keys that `persist` names and the state has not, where they are others than before. */
void store_persist_settle(StoreCore *core, bool other_keys);
/* The options are new ones. */
void store_persist_adjust(StoreCore *core, bool other_keys);
void store_persist_close(StoreCore *core);

/* Runs the declaration's migrate on a draft of `base`; *root is new then. */
int store_persist_migrate(const Declaration *decl, StoreCore *core, Value base,
                          int64_t from, int64_t to, Value *root, Error *err);

#endif
