/* The keys of the initial state that a kept state does not have any more: found at each
 * write from the changed parts alone, and stored beside the rows as JSON. For persist.c;
 * loop thread only. */
#ifndef TIDELOCK_DATA_PERSIST_GONE_H
#define TIDELOCK_DATA_PERSIST_GONE_H

#include "core/value.h"

/* Owns all of it. Zeroed: nothing is known. */
typedef struct GoneKeys {
  Value initial;
  Value stored; /* of the keys that are kept, as it is on disk */
  Value all;    /* of all keys, for the root that was written last; absent: not known */
} GoneKeys;

void gone_keys_begin(GoneKeys *g, Value initial); /* from now on; the stored keys stay */
/* Reads them as they were stored; what cannot be read is ignored. */
void gone_keys_read(GoneKeys *g, ValueAccount *account, const char *json, size_t len);
/* Returns new: the JSON to store, or NULL when it is stored already. `keys`, ended by
 * NULL, are those that are kept (NULL: all); before: the root at the last call. */
char *gone_keys_sync(GoneKeys *g, ValueAccount *account, char *const *keys, Value before,
                     Value root);
void gone_keys_forget(GoneKeys *g); /* nothing is stored; the initial state stays */
void gone_keys_free(GoneKeys *g);

#endif
