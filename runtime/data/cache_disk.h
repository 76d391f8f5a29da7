/* What keeps a cache over the end of the process: a row for each entry, in the profile's
 * database. It is the cache's keeper (CacheKeeper). Opening reads keys, tags and times;
 * a value is read when it is first asked for. Changes are written together, a moment
 * later, each key once. Loop thread.
 *
 * On the disk times are wall time. Where that cannot be trusted (an age below zero, or
 * one that contradicts the boot clock by more than 60 s) the entry is stale. */
#ifndef TIDELOCK_DATA_CACHE_DISK_H
#define TIDELOCK_DATA_CACHE_DISK_H

#include "data/cache.h"
#include "data/db.h"

typedef struct CacheDisk CacheDisk;

/* Returns new, having put into the cache what is kept under the name and not over, but
 * for keys that the cache has, which are written. NULL with *err: it cannot be read. */
CacheDisk *cache_disk_open(Loop *loop, Db *db, const char *name, Cache *cache, double now,
                           Error *err);
/* Gives the database all changes that it does not have yet. */
void cache_disk_save(CacheDisk *disk);
/* The same, and frees it, and the cache has no keeper any more. forget: what is kept is
 * removed. */
void cache_disk_close(CacheDisk *disk, bool forget);

#endif
