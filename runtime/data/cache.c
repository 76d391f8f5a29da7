/* See cache.h. An entry is in the index, in the tree, in the list of those used last
 * (unless it is pinned: then in the list of pinned ones), and in the queue by the time
 * when it is dropped (unless that never comes). */
#include "data/cache.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "core/value_key.h"
#include "data/cache_match.h"
#include "data/cache_tree.h"
#include "loop/timer_queue.h"

typedef struct Entry Entry;
struct Entry {
  IndexNode node;
  Entry *newer, *older; /* in its list */
  Timer end;            /* when it is dropped */
  TreeLeaf leaf;
  Value value; /* owned; absent: its keeper has it */
  double made, fresh_until, ttl;
  size_t bytes;
  TagList *tags; /* owned */
  unsigned pins;
  char key[];
};

typedef struct List {
  Entry *newest, *oldest;
} List;

struct Cache {
  CacheLimits limits;
  ValueAccount *account;
  Charge *charge;
  size_t overhead; /* charged here, not in the account */
  Index index;
  CacheTree tree;
  CacheTags tags;
  TimerQueue ends;
  List used, pinned;
  CacheStats stats; /* size and bytes too */
  CacheKeeper *keeper;
};

/* An entry beside its key, its tags and its value: with its branch, its slot in the index
 * and what malloc takes. */
enum { ENTRY_BYTES = sizeof(Entry) + TREE_BRANCH_BYTES + 24 };

/* --- life ------------------------------------------------------------------------- */

Cache *cache_new(const CacheLimits *limits, Charge *charge) {
  Cache *c = xcalloc(1, sizeof *c);
  c->limits = *limits;
  c->account = value_account_new(0);
  c->charge = charge_ref(charge);
  value_account_charge(c->account, charge);
  if (getrandom(&c->tags.seed, sizeof c->tags.seed, 0) < 0)
    c->tags.seed.first = (uint64_t)(uintptr_t)c;
  return c;
}

void cache_keep(Cache *c, CacheKeeper *keeper) {
  c->keeper = keeper;
}

const CacheLimits *cache_limits(const Cache *c) {
  return &c->limits;
}

ValueAccount *cache_account(Cache *c) {
  return c->account;
}

/* --- entries ---------------------------------------------------------------------- */

static CacheKey key_of(const Entry *e) {
  return (CacheKey){e->leaf.key, e->leaf.len};
}

static CacheLook look_at(const Entry *e, double now) {
  return (CacheLook){.key = key_of(e),
                     .made = e->made,
                     .fresh_until = e->fresh_until,
                     .ttl = e->ttl,
                     .fresh = now < e->fresh_until,
                     .pins = e->pins,
                     .bytes = e->bytes,
                     .tags = e->tags};
}

static Entry *find_hashed(const Cache *c, CacheKey key, uint64_t hash) {
  for (IndexNode *node = index_first(&c->index, hash); node; node = index_next(node)) {
    Entry *e = CONTAINER_OF(node, Entry, node);
    if (e->leaf.len == key.len && memcmp(e->key, key.bytes, key.len) == 0) return e;
  }
  return NULL;
}

static Entry *find_entry(const Cache *c, CacheKey key) {
  return find_hashed(c, key, hash_seeded(&c->tags.seed, key.bytes, key.len));
}

static List *list_of(Cache *c, const Entry *e) {
  return e->pins ? &c->pinned : &c->used;
}

static void unlink_entry(List *list, Entry *e) {
  if (e->newer) e->newer->older = e->older;
  else list->newest = e->older;
  if (e->older) e->older->newer = e->newer;
  else list->oldest = e->newer;
}

static void link_newest(List *list, Entry *e) {
  e->newer = NULL;
  e->older = list->newest;
  if (e->older) e->older->newer = e;
  else list->oldest = e;
  list->newest = e;
}

static void use_entry(Cache *c, Entry *e) {
  List *list = list_of(c, e);
  if (list->newest == e) return;
  unlink_entry(list, e);
  link_newest(list, e);
}

static void count_bytes(Cache *c, Entry *e, size_t bytes, size_t overhead_before,
                        size_t overhead) {
  c->stats.bytes += bytes - e->bytes;
  e->bytes = bytes;
  c->overhead += overhead - overhead_before;
  if (overhead > overhead_before) charge_add(c->charge, overhead - overhead_before);
  else charge_remove(c->charge, overhead_before - overhead);
}

static size_t overhead_of(const Entry *e) {
  return ENTRY_BYTES + e->leaf.len + cache_tags_held(e->tags);
}

/* A stale one stays for as long as such are kept, from the time on when its ttl was over,
 * or when it was let go of. */
static void plan_end_from(Cache *c, Entry *e, double from) {
  double end = (e->fresh_until > from ? e->fresh_until : from) + c->limits.keep;
  timer_queue_remove(&c->ends, &e->end);
  if (!e->pins && isfinite(end)) timer_queue_add(&c->ends, &e->end, end);
}

static void plan_end(Cache *c, Entry *e) {
  plan_end_from(c, e, 0);
}

static void free_entry(Cache *c, Entry *e) {
  count_bytes(c, e, 0, overhead_of(e), 0);
  timer_queue_remove(&c->ends, &e->end);
  cache_tags_untie(&c->tags, e->tags);
  value_release(e->value);
  free(e);
}

/* Without a word to the keeper. */
static void forget_entry(Cache *c, Entry *e) {
  c->stats.size--;
  unlink_entry(list_of(c, e), e);
  index_remove(&c->index, &e->node);
  cache_tree_remove(&c->tree, &e->leaf);
  free_entry(c, e);
}

static void drop_entry(Cache *c, Entry *e) {
  if (c->keeper) c->keeper->dropped(c->keeper, key_of(e));
  forget_entry(c, e);
}

static Entry *new_entry(Cache *c, CacheKey key, uint64_t hash) {
  Entry *e = xmalloc(sizeof *e + key.len);
  *e = (Entry){.leaf = {e->key, key.len}};
  memcpy(e->key, key.bytes, key.len);
  index_add(&c->index, &e->node, hash);
  cache_tree_add(&c->tree, &e->leaf);
  link_newest(&c->used, e);
  c->stats.size++;
  count_bytes(c, e, 0, 0, overhead_of(e));
  return e;
}

/* --- bounds ----------------------------------------------------------------------- */

static bool is_over(const Cache *c) {
  return c->stats.size > c->limits.entries || c->stats.bytes > c->limits.bytes;
}

/* `but` stays, whatever the bounds are; NULL: none. */
static void evict_beyond(Cache *c, const Entry *but) {
  while (is_over(c) && c->used.oldest && c->used.oldest != but) {
    c->stats.evictions++;
    drop_entry(c, c->used.oldest);
  }
}

bool cache_shrink(Cache *c) {
  size_t left = c->stats.size / 2 + 1;
  if (!c->used.oldest) return false;
  for (; left && c->used.oldest; left--, c->stats.evictions++)
    drop_entry(c, c->used.oldest);
  return true;
}

double cache_purge(Cache *c, double now) {
  Timer *first;
  while ((first = timer_queue_first(&c->ends)) && first->due <= now)
    drop_entry(c, CONTAINER_OF(first, Entry, end));
  return first ? first->due : INFINITY;
}

void cache_trim(Cache *c, double now) {
  cache_purge(c, now);
  evict_beyond(c, NULL);
}

void cache_limit(Cache *c, const CacheLimits *limits, double now) {
  bool other_keep = c->limits.keep != limits->keep;
  c->limits = *limits;
  for (Entry *e = other_keep ? c->used.newest : NULL; e; e = e->older) plan_end(c, e);
  cache_trim(c, now);
}

void cache_clear(Cache *c) {
  while (c->used.oldest) drop_entry(c, c->used.oldest);
  while (c->pinned.oldest) drop_entry(c, c->pinned.oldest);
}

void cache_free(Cache *c) {
  c->keeper = NULL;
  cache_clear(c);
  index_free(&c->index);
  cache_tags_free(&c->tags);
  timer_queue_free(&c->ends);
  value_account_close(c->account);
  CHECK(c->overhead == 0);
  charge_unref(c->charge);
  free(c);
}

/* --- putting in ------------------------------------------------------------------- */

/* Takes the value. False: it is late. */
static bool settle_value(Cache *c, Entry *e, Value value, ValueLate *is_late) {
  if (value_same(e->value, value)) {
    value_release(value);
    return true;
  }
  Value settled = value_settle_within(c->account, e->value, value, is_late);
  if (settled.type == VALUE_ABSENT) return false;
  value_release(e->value);
  e->value = settled;
  return true;
}

/* Tags first, as they are counted in the bytes. */
static void put_details(Cache *c, Entry *e, const CacheItem *item, double now) {
  size_t before = overhead_of(e);
  TagList *old = e->tags;
  e->tags = cache_tags_tie(&c->tags, e, item->tags, item->tag_count);
  cache_tags_untie(&c->tags, old);
  size_t overhead = overhead_of(e);
  count_bytes(c, e, overhead + item->bytes, before, overhead);
  e->made = now;
  e->ttl = item->ttl;
  e->fresh_until = now + item->ttl;
  plan_end(c, e);
}

static size_t bytes_needed(CacheKey key, const CacheItem *item) {
  return ENTRY_BYTES + key.len + cache_tags_bytes(item->tags, item->tag_count);
}

static int refuse_large(Cache *c, CacheKey key, const CacheItem *item) {
  Entry *e = find_entry(c, key);
  if (e) drop_entry(c, e);
  value_release(item->value);
  return ERR_TOO_LARGE;
}

/* The value that it has, given again, was not made anew. */
static size_t item_bytes(const Entry *e, const CacheItem *item) {
  bool again = value_has_node(item->value) && value_same(e->value, item->value);
  return again && e->bytes ? e->bytes - overhead_of(e) : item->bytes;
}

static int put_item(Cache *c, CacheKey key, const CacheItem *item, double now,
                    ValueLate *is_late) {
  uint64_t hash = hash_seeded(&c->tags.seed, key.bytes, key.len);
  Entry *e = find_hashed(c, key, hash);
  CacheItem put = *item;
  bool anew = !e;
  if (e) put.bytes = item_bytes(e, item);
  if (e && e->value.type != VALUE_ABSENT) {
    if (!settle_value(c, e, item->value, is_late)) return ERR_TIMEOUT;
  } else {
    if (!e) e = new_entry(c, key, hash);
    e->value = item->value;
  }
  put_details(c, e, &put, now);
  use_entry(c, e);
  if (c->keeper) {
    CacheLook look = look_at(e, now);
    c->keeper->put(c->keeper, &look, e->value, anew);
  }
  evict_beyond(c, e);
  return 0;
}

int cache_set(Cache *c, CacheKey key, const CacheItem *item, double now,
              ValueLate *is_late) {
  size_t needed = bytes_needed(key, item);
  cache_purge(c, now);
  if (needed > c->limits.bytes || item->bytes > c->limits.bytes - needed)
    return refuse_large(c, key, item);
  while (charge_is_full(c->charge, needed))
    if (!cache_shrink(c)) {
      value_release(item->value);
      return ERR_MEMORY;
    }
  return put_item(c, key, item, now, is_late);
}

void cache_adopt(Cache *c, const CacheLook *look, const TagName *tags, size_t tag_count) {
  uint64_t hash = hash_seeded(&c->tags.seed, look->key.bytes, look->key.len);
  if (find_hashed(c, look->key, hash)) return;
  if (charge_is_full(c->charge, look->bytes)) {
    c->keeper->dropped(c->keeper, look->key);
    return;
  }
  Entry *e = new_entry(c, look->key, hash);
  CacheItem item = {.ttl = look->ttl, .tags = tags, .tag_count = tag_count};
  size_t overhead = ENTRY_BYTES + look->key.len + cache_tags_bytes(tags, tag_count);
  item.bytes = look->bytes > overhead ? look->bytes - overhead : 0;
  put_details(c, e, &item, look->made);
  e->fresh_until = look->fresh_until;
  plan_end(c, e);
}

/* --- looking up ------------------------------------------------------------------- */

/* False: it cannot be read, and is gone. */
static bool has_value(Cache *c, Entry *e) {
  if (e->value.type != VALUE_ABSENT) return true;
  if (c->keeper) e->value = c->keeper->load(c->keeper, key_of(e), c->account);
  if (e->value.type != VALUE_ABSENT) return true;
  drop_entry(c, e);
  return false;
}

Value cache_get(Cache *c, CacheKey key, double now) {
  Entry *e = find_entry(c, key);
  if (!e || now >= e->fresh_until || !has_value(c, e)) {
    c->stats.misses++;
    return (Value){0};
  }
  c->stats.hits++;
  use_entry(c, e);
  return e->value;
}

bool cache_peek(Cache *c, CacheKey key, double now, CacheLook *look, Value *value) {
  cache_purge(c, now);
  Entry *e = find_entry(c, key);
  if (!e || !has_value(c, e)) return false;
  *look = look_at(e, now);
  *value = e->value;
  return true;
}

bool cache_delete(Cache *c, CacheKey key, double now) {
  Entry *e = find_entry(c, key);
  if (!e) return false;
  bool fresh = now < e->fresh_until;
  drop_entry(c, e);
  return fresh;
}

/* --- invalidating ----------------------------------------------------------------- */

/* Whether it was fresh. */
static bool invalidate_entry(Cache *c, Entry *e, double now) {
  bool fresh = now < e->fresh_until;
  if (!e->pins && c->limits.keep <= 0) {
    drop_entry(c, e);
    return fresh;
  }
  if (!fresh) return false;
  e->fresh_until = now;
  plan_end(c, e);
  if (c->keeper) {
    CacheLook look = look_at(e, now);
    c->keeper->aged(c->keeper, &look);
  }
  return true;
}

size_t cache_invalidate_prefix(Cache *c, CacheKey prefix, double now) {
  Buffer found = {0};
  size_t count = 0;
  cache_purge(c, now);
  cache_tree_find(&c->tree, prefix.bytes, prefix.len, &found);
  TreeLeaf **all = (TreeLeaf **)(void *)found.data;
  for (size_t i = 0; i < found.len / sizeof *all; i++)
    count += invalidate_entry(c, CONTAINER_OF(all[i], Entry, leaf), now);
  buffer_free(&found);
  return count;
}

size_t cache_invalidate_tag(Cache *c, TagName tag, double now) {
  Buffer found = {0};
  size_t count = 0;
  cache_purge(c, now);
  cache_tags_find(&c->tags, tag, &found);
  Entry **all = (Entry **)(void *)found.data;
  for (size_t i = 0; i < found.len / sizeof *all; i++)
    count += invalidate_entry(c, all[i], now);
  buffer_free(&found);
  return count;
}

static bool is_match(const TreeLeaf *leaf, const char *pattern, size_t len) {
  return cache_match(pattern, len, leaf->key + 1, leaf->len - 1);
}

size_t cache_invalidate_pattern(Cache *c, const char *pattern, size_t len, double now) {
  Buffer prefix = {0}, found = {0};
  size_t count = 0;
  cache_purge(c, now);
  buffer_putc(&prefix, KEY_STRING);
  buffer_put(&prefix, pattern, cache_match_literal(pattern, len));
  cache_tree_find(&c->tree, prefix.data, prefix.len, &found);
  TreeLeaf **all = (TreeLeaf **)(void *)found.data;
  for (size_t i = 0; i < found.len / sizeof *all; i++)
    if (is_match(all[i], pattern, len))
      count += invalidate_entry(c, CONTAINER_OF(all[i], Entry, leaf), now);
  buffer_free(&prefix);
  buffer_free(&found);
  return count;
}

/* --- pins ------------------------------------------------------------------------- */

bool cache_pin(Cache *c, CacheKey key, double now) {
  cache_purge(c, now);
  Entry *e = find_entry(c, key);
  if (!e) return false;
  unlink_entry(list_of(c, e), e);
  CHECK(++e->pins != 0);
  link_newest(&c->pinned, e);
  plan_end(c, e);
  return true;
}

void cache_unpin(Cache *c, CacheKey key, double now) {
  Entry *e = find_entry(c, key);
  if (!e || !e->pins) return;
  unlink_entry(list_of(c, e), e);
  e->pins--;
  link_newest(list_of(c, e), e);
  if (e->pins) return;
  plan_end_from(c, e, now);
  evict_beyond(c, e);
}

/* --- what there is ---------------------------------------------------------------- */

CacheStats cache_stats(Cache *c, double now) {
  cache_purge(c, now);
  return c->stats;
}

void cache_each(Cache *c, double now, CacheEachFn *fn, void *ctx) {
  const Entry *firsts[] = {c->used.newest, c->pinned.newest};
  for (size_t i = 0; i < COUNT_OF(firsts); i++)
    for (const Entry *e = firsts[i]; e; e = e->older) {
      CacheLook look = look_at(e, now);
      fn(ctx, &look, e->value);
    }
}

HashSeed cache_seed(const Cache *c) {
  return c->tags.seed;
}
