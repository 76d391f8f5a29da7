/* Tags: names that entries of a cache have, several each, to be found by them. The tags
 * own their names and links; what is tagged is borrowed. Loop thread only. */
#ifndef TIDELOCK_DATA_CACHE_TAGS_H
#define TIDELOCK_DATA_CACHE_TAGS_H

#include "core/buffer.h"
#include "core/hash.h"
#include "core/index.h"

typedef struct TagName {
  const char *bytes;
  size_t len;
} TagName;

typedef struct TagList TagList; /* the tags of one thing */

/* Zeroed but for the seed it is empty. */
typedef struct CacheTags {
  Index index;
  HashSeed seed;
} CacheTags;

/* Returns new, for `thing`: give it to cache_tags_untie. NULL where count is 0. A name
 * that comes twice counts once. */
TagList *cache_tags_tie(CacheTags *tags, void *thing, const TagName *names, size_t count);
void cache_tags_untie(CacheTags *tags, TagList *list); /* NULL does nothing */
/* Appends all things (void *) with that tag. */
void cache_tags_find(const CacheTags *tags, TagName name, Buffer *out);
size_t cache_tags_count(const TagList *list); /* 0 for NULL */
TagName cache_tags_at(const TagList *list, size_t index);
/* About what they take in memory. */
size_t cache_tags_bytes(const TagName *names, size_t count);
size_t cache_tags_held(const TagList *list);
void cache_tags_free(CacheTags *tags); /* all were untied */

#endif
