/* script.keep: plain data carried over reloads. It is packed to bytes, key by key, so
 * that it can cross from one Lua state to another and be compared. script.version is the
 * version of it (stores have their own). */
#ifndef TIDELOCK_SCRIPT_KEEP_H
#define TIDELOCK_SCRIPT_KEEP_H

#include "core/buffer.h"
#include "core/error.h"
#include "core/index.h"

typedef struct Script Script;
typedef struct Generation Generation;

typedef struct KeepEntry {
  IndexNode node; /* by its key, while two snapshots are compared */
  Buffer key, value;
} KeepEntry;
typedef struct Keep {
  KeepEntry *entries;
  size_t count, room;
} Keep;

void keep_free(Keep *keep);

/* The staged generation gets a table of its own, with a copy of what the running one
 * keeps. 0, or ERR_MEMORY. */
int keep_begin(Generation *gen, Error *err);
/* Before the swap: the staged generation gets what the running one has changed meanwhile;
 * where script.version rose, its migrate runs. 0, MEMORY, INVALID (the version fell, or
 * there is no migrate), or what migrate raised. */
int keep_carry_over(Script *script, Error *err);

/* Appends the keep table of gen, as one packed value. Values that cannot be packed are
 * left out; *err names the first, or has code ERR_NONE. False: there would be more than
 * `limit` bytes in out. Never raises. */
bool keep_pack(Generation *gen, Buffer *out, size_t limit, Error *err);
/* Writes a packed table into the keep table of gen. The bytes have been checked. 0, or
 * ERR_MEMORY. */
int keep_unpack(Generation *gen, const char *bytes, Error *err);

#endif
