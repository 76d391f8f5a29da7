/* A cache: values under keys (core/value_key.h), for a time, bounded in number and in
 * bytes. What was used longest ago goes first. Knows neither Lua nor the disk: what it
 * drops and what it lacks it says to a keeper (data/cache_disk.h). Loop thread only.
 *
 *   - An entry is *fresh* for its ttl. Then it is gone for cache_get; for cache_peek it
 *     stays, *stale*, for limits.keep seconds more, and as long as it is pinned.
 *   - A pinned entry is not evicted. It counts, so pinned entries may exceed the bounds.
 *   - An invalidated entry is stale where stale ones are kept, else gone.
 *
 * `now` is seconds of one clock, by which all times and ages here go; it never falls. */
#ifndef TIDELOCK_DATA_CACHE_H
#define TIDELOCK_DATA_CACHE_H

#include "core/value.h"
#include "data/cache_tags.h"

typedef struct Cache Cache;

typedef struct CacheLimits {
  size_t entries, bytes; /* SIZE_MAX: any number */
  double ttl, keep;      /* seconds; ttl may be INFINITY */
} CacheLimits;

typedef struct CacheKey {
  const char *bytes;
  size_t len;
} CacheKey;

/* What is put in. */
typedef struct CacheItem {
  Value value;  /* taken */
  size_t bytes; /* of the nodes made for it */
  double ttl;   /* seconds, or INFINITY */
  const TagName *tags;
  size_t tag_count;
} CacheItem;

typedef struct CacheStats {
  size_t size, bytes; /* size: of fresh and stale ones */
  uint64_t hits, misses, evictions;
} CacheStats;

/* An entry as it is now. */
typedef struct CacheLook {
  CacheKey key;
  double made, fresh_until; /* of the clock */
  double ttl;               /* as it was put in */
  bool fresh;
  unsigned pins;
  size_t bytes;
  const TagList *tags; /* NULL: none */
} CacheLook;

/* Who keeps the entries elsewhere. Called at each change, and for values not read yet;
 * keys are borrowed. None of these may use the cache. */
typedef struct CacheKeeper CacheKeeper;
struct CacheKeeper {
  /* It is this from now on; `value` is borrowed. anew: there was no entry before. */
  void (*put)(CacheKeeper *keeper, const CacheLook *look, Value value, bool anew);
  /* Its ttl is over: fresh_until has changed. */
  void (*aged)(CacheKeeper *keeper, const CacheLook *look);
  void (*dropped)(CacheKeeper *keeper, CacheKey key);
  /* Returns new, charged to the account; absent: it cannot be read, and is dropped. */
  Value (*load)(CacheKeeper *keeper, CacheKey key, ValueAccount *account);
};

/* Returns new. What it holds is charged to `charge`, which may be NULL. */
Cache *cache_new(const CacheLimits *limits, Charge *charge);
void cache_free(Cache *cache);                      /* the keeper hears nothing */
void cache_keep(Cache *cache, CacheKeeper *keeper); /* borrows; NULL: nobody */
/* New limits; what exceeds them goes. Entries keep their ttl. */
void cache_limit(Cache *cache, const CacheLimits *limits, double now);
const CacheLimits *cache_limits(const Cache *cache);
ValueAccount *cache_account(Cache *cache); /* what is put in should be charged here */

/* Puts it in, in place of what has this key; parts that are equal stay the nodes that
 * they were. TOO_LARGE: it alone exceeds the bytes; then nothing has this key. MEMORY:
 * the charge is full; TIMEOUT: is_late said true; then nothing has changed. */
int cache_set(Cache *cache, CacheKey key, const CacheItem *item, double now,
              ValueLate *is_late);
/* The value if it is fresh, borrowed; absent: none. Counts as a hit, or as a miss. */
Value cache_get(Cache *cache, CacheKey key, double now);
/* The same for stale ones too; neither counts nor makes it the one used last. */
bool cache_peek(Cache *cache, CacheKey key, double now, CacheLook *look, Value *value);
bool cache_delete(Cache *cache, CacheKey key, double now); /* whether it was fresh */
void cache_clear(Cache *cache);
/* Gives up about half of what may be evicted, for memory; false: there is nothing. */
bool cache_shrink(Cache *cache);

/* Return how many were fresh. A prefix is the key of a list; a pattern is over strings
 * (data/cache_match.h). They cost what has the prefix, the tag, or what the pattern has
 * before its first `*`. */
size_t cache_invalidate_prefix(Cache *cache, CacheKey prefix, double now);
size_t cache_invalidate_tag(Cache *cache, TagName tag, double now);
size_t cache_invalidate_pattern(Cache *cache, const char *pattern, size_t len,
                                double now);

/* A pinned entry is neither evicted nor dropped as it gets old. Pins count; false: there
 * is no such entry. Deleting it drops its pins. */
bool cache_pin(Cache *cache, CacheKey key, double now);
void cache_unpin(Cache *cache, CacheKey key, double now);

CacheStats cache_stats(Cache *cache, double now);
/* Calls for each entry, the one used last first, pinned ones at the end; an absent value
 * is the keeper's. fn must not use the cache; it may raise. */
typedef void CacheEachFn(void *ctx, const CacheLook *look, Value value);
void cache_each(Cache *cache, double now, CacheEachFn *fn, void *ctx);
/* Drops what is over; returns when the next is: INFINITY: none. */
double cache_purge(Cache *cache, double now);

/* For its keeper: an entry that is kept, whose value is loaded when it is asked for. It
 * becomes the one used last. Nothing where there is one with this key; dropped where
 * memory is full. */
void cache_adopt(Cache *cache, const CacheLook *look, const TagName *tags,
                 size_t tag_count);
/* After the last one: what is over, and what exceeds the limits, goes. */
void cache_trim(Cache *cache, double now);
HashSeed cache_seed(const Cache *cache);

#endif
