/* Which keys of the initial state are gone from what is kept: found out at each write
 * from what has changed alone, and stored beside the rows as JSON. Of persist.c; loop
 * thread only. */
#ifndef TIDELOCK_DATA_PERSIST_GONE_H
#define TIDELOCK_DATA_PERSIST_GONE_H

#include "core/value.h"

/* Owns all of it. Zeroed: nothing is known. */
typedef struct GoneKeys {
  Value initial;
  Value stored; /* of the keys that are kept, as it is on disk */
  Value all;    /* of all keys, for the root that was written last; absent: not known */
} GoneKeys;

void gone_keys_begin(GoneKeys *g, Value initial); /* from now on; what is stored stays */
/* As it was stored; what cannot be read is nothing worth telling. */
void gone_keys_read(GoneKeys *g, ValueAccount *account, const char *json, size_t len);
/* Returns new: what is to be stored, or NULL, when that is. `keys`, ended by NULL, are
 * those that are kept (NULL: all are); before: the root at the last call. */
char *gone_keys_sync(GoneKeys *g, ValueAccount *account, char *const *keys, Value before,
                     Value root);
void gone_keys_forget(GoneKeys *g); /* nothing is stored; the initial state stays */
void gone_keys_free(GoneKeys *g);

#endif
