/* What is kept over restarts as a whole: bytes and their version, one row of a table in
 * the database, of script.keep a script's, of its cookies a jar's.
 * Loop thread only. The latest bytes are written whole; during a write the next ones
 * wait, so that memory holds two copies at most. Bytes that cannot be used are
 * quarantined, never overwritten: the error has their new name. That happens with the
 * first write, so that opening and closing alone change nothing. */
#ifndef TIDELOCK_DATA_KEPT_H
#define TIDELOCK_DATA_KEPT_H

#include "core/buffer.h"
#include "data/db.h"

typedef struct Kept Kept;

typedef struct KeptTable {
  const char *name; /* in SQL */
  const char *of;   /* "of the script": behind "what was kept", for people */
} KeptTable;

/* Reads what is stored, waiting for the disk; *bytes is new (empty: nothing is), *version
 * what it was stored with, -1 when nothing was. Returns new, or NULL when it cannot be
 * known what is stored. *err with code ERR_NONE or what the database quarantined. Borrows
 * the table. */
Kept *kept_open(Db *db, const KeptTable *table, const char *name, size_t limit,
                Buffer *bytes, int64_t *version, Error *err);
/* With the next write the stored row gets another name, which *err has. */
void kept_quarantine(Kept *kept, const char *why, Error *err);
void kept_write(Kept *kept, Buffer *bytes, int64_t version); /* takes the bytes */
void kept_close(Kept *kept); /* bytes that wait are still written */

#endif
