/* Scripts' caches: the resource around a data Cache, and its clock. A cache lives on over
 * reloads with its entries; other options are put into effect at the swap. Its clock
 * counts the time that the machine sleeps. Where its disk cannot be read or written, it
 * goes on in memory. */
#ifndef TIDELOCK_RESOURCE_CACHES_H
#define TIDELOCK_RESOURCE_CACHES_H

#include "data/cache.h"
#include "resource/resource.h"

typedef struct CacheOptions {
  CacheLimits limits;
  bool persist;
} CacheOptions;

extern const ResourceKind cache_kind; /* options: CacheOptions, freed by it */

/* Appends the names of the options that differ; nothing: they are the same. */
void cache_options_differ(const void *a, const void *b, Buffer *out);

void caches_save(Host *host); /* hands what is not on disk yet to the disk's thread */

Cache *cache_of(const Declaration *decl);  /* NULL: not there yet, or closed; borrows */
double cache_now(const Declaration *decl); /* of the clock of all caches */
/* Something was put in: its memory is given back soon after its time, unless that is
 * looked at before. */
void cache_purge_later(const Declaration *decl);

#endif
