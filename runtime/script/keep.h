/* script.keep: plain data carried over reloads. It is packed to bytes, key by key, so
 * that it can cross from one Lua state to another and be compared. */
#ifndef TIDELOCK_SCRIPT_KEEP_H
#define TIDELOCK_SCRIPT_KEEP_H

#include "core/buffer.h"
#include "core/index.h"
#include "script/runtime.h"

typedef struct KeepEntry {
  IndexNode node; /* by its key, while two snapshots are compared */
  Buffer key, value;
} KeepEntry;
typedef struct Keep {
  KeepEntry *entries;
  size_t count, room;
} Keep;

void keep_free(Keep *keep);
/* *keep becomes new. What cannot be carried is left out, and logged with its path if
 * `tell`. 0, or ERR_MEMORY: then *keep is empty. */
int keep_capture(Generation *gen, bool tell, Keep *keep, Error *err);
/* Writes into the keep table of gen what differs between the two snapshots: what the old
 * generation changed while the new one was loading wins over what the new one wrote. 0,
 * or ERR_MEMORY. */
int keep_merge(Generation *gen, Keep *before, Keep *after, Error *err);

/* Appends the keep table of gen, as one packed value. What cannot be carried is left out;
 * *err says what was first, or has code ERR_NONE. False: there would be more than `limit`
 * bytes in out. Never raises. */
bool keep_pack(Generation *gen, Buffer *out, size_t limit, Error *err);
/* Writes a packed table into the keep table of gen. The bytes have been checked. 0, or
 * ERR_MEMORY. */
int keep_unpack(Generation *gen, const char *bytes, Error *err);

#endif
