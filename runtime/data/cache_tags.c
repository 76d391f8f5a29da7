/* See cache_tags.h. A tag is there as long as something has it. */
#include "data/cache_tags.h"

#include <stdlib.h>
#include <string.h>

typedef struct TagLink TagLink;

typedef struct Tag {
  IndexNode node;
  TagLink *first;
  size_t len;
  char name[];
} Tag;

struct TagLink {
  Tag *tag;
  TagLink *next, **at; /* among those of the tag */
  void *thing;
};

struct TagList {
  size_t count;
  TagLink links[];
};

static Tag *find_tag(const CacheTags *tags, TagName name, uint64_t hash) {
  for (IndexNode *node = index_first(&tags->index, hash); node; node = index_next(node)) {
    Tag *tag = CONTAINER_OF(node, Tag, node);
    if (tag->len == name.len && memcmp(tag->name, name.bytes, name.len) == 0) return tag;
  }
  return NULL;
}

static Tag *find_or_make(CacheTags *tags, TagName name) {
  uint64_t hash = hash_seeded(&tags->seed, name.bytes, name.len);
  Tag *tag = find_tag(tags, name, hash);
  if (tag) return tag;
  tag = xmalloc(sizeof *tag + name.len);
  *tag = (Tag){.len = name.len};
  if (name.len) memcpy(tag->name, name.bytes, name.len);
  index_add(&tags->index, &tag->node, hash);
  return tag;
}

static bool has_tag(const TagList *list, const Tag *tag) {
  for (size_t i = 0; i < list->count; i++)
    if (list->links[i].tag == tag) return true;
  return false;
}

static void add_link(TagList *list, Tag *tag, void *thing) {
  TagLink *link = &list->links[list->count++];
  *link = (TagLink){tag, tag->first, &tag->first, thing};
  if (link->next) link->next->at = &link->next;
  tag->first = link;
}

TagList *cache_tags_tie(CacheTags *tags, void *thing, const TagName *names,
                        size_t count) {
  if (!count) return NULL;
  TagList *list = xmalloc(sizeof *list + count * sizeof list->links[0]);
  list->count = 0;
  for (size_t i = 0; i < count; i++) {
    Tag *tag = find_or_make(tags, names[i]);
    if (!has_tag(list, tag)) add_link(list, tag, thing);
  }
  return list;
}

void cache_tags_untie(CacheTags *tags, TagList *list) {
  for (size_t i = 0; list && i < list->count; i++) {
    TagLink *link = &list->links[i];
    *link->at = link->next;
    if (link->next) link->next->at = link->at;
    if (link->tag->first) continue;
    index_remove(&tags->index, &link->tag->node);
    free(link->tag);
  }
  free(list);
}

void cache_tags_find(const CacheTags *tags, TagName name, Buffer *out) {
  uint64_t hash = hash_seeded(&tags->seed, name.bytes, name.len);
  const Tag *tag = find_tag(tags, name, hash);
  for (const TagLink *link = tag ? tag->first : NULL; link; link = link->next)
    buffer_put(out, &link->thing, sizeof link->thing);
}

size_t cache_tags_count(const TagList *list) {
  return list ? list->count : 0;
}

TagName cache_tags_at(const TagList *list, size_t index) {
  const Tag *tag = list->links[index].tag;
  return (TagName){tag->name, tag->len};
}

size_t cache_tags_bytes(const TagName *names, size_t count) {
  size_t bytes = count ? sizeof(TagList) : 0;
  for (size_t i = 0; i < count; i++)
    bytes += sizeof(TagLink) + sizeof(Tag) + names[i].len;
  return bytes;
}

size_t cache_tags_held(const TagList *list) {
  size_t bytes = 0;
  for (size_t i = 0; list && i < list->count; i++) {
    TagName name = cache_tags_at(list, i);
    bytes += cache_tags_bytes(&name, 1);
  }
  return bytes;
}

void cache_tags_free(CacheTags *tags) {
  CHECK(tags->index.count == 0);
  index_free(&tags->index);
}
