/* The tree of drafts of one change: see draft_node.h. Knows nothing of Lua. */
#include "bridge/draft_node.h"

#include <stdlib.h>
#include <string.h>

DraftNode *draftnode_new(Change *change, Value value) {
  DraftNode *node = xcalloc(1, sizeof *node);
  node->change = change;
  node->value = value_retain(value);
  node->next = change->nodes;
  change->nodes = node;
  return node;
}

void change_free(Change *change) {
  while (change->nodes) {
    DraftNode *node = change->nodes;
    change->nodes = node->next;
    if (node->handle) *node->handle = NULL;
    value_release(node->value);
    value_release(node->key);
    free(node->places);
    free(node);
  }
}

int draftnode_depth(const DraftNode *node) {
  int depth = 0;
  for (; node; node = node->parent) depth++;
  return depth;
}

/* --- places ----------------------------------------------------------------------- */

/* The first place from `index` on, counted from `first`. */
static size_t place_from(const DraftNode *node, size_t index) {
  const DraftPlace *places = node->places + node->first;
  size_t low = 0, high = node->count;
  if (high && places[high - 1].index < index) return high;
  while (low < high) {
    size_t middle = (low + high) / 2;
    if (places[middle].index < index) low = middle + 1;
    else high = middle;
  }
  return low;
}

static bool is_place(const DraftNode *node, size_t at, size_t index) {
  return at < node->count && node->places[node->first + at].index == index;
}

DraftNode *draftnode_child(const DraftNode *node, size_t index) {
  size_t at = place_from(node, index);
  return is_place(node, at, index) ? node->places[node->first + at].child : NULL;
}

/* Twice the room, what there is in the middle of it. */
static void grow(DraftNode *node) {
  size_t room = node->room ? node->room * 2 : 8, first = (room - node->count) / 2;
  DraftPlace *places = xmalloc(room * sizeof *places);
  if (node->count)
    memcpy(places + first, node->places + node->first, node->count * sizeof *places);
  free(node->places);
  node->places = places, node->first = first, node->room = room;
}

/* Opens a gap before the place `at`, moving the shorter side if there is room there. */
static DraftPlace *open_gap(DraftNode *node, size_t at) {
  bool left = at < node->count / 2;
  if (left ? node->first == 0 : node->first + node->count == node->room) grow(node);
  DraftPlace *places = node->places + node->first;
  if (left) {
    memmove(places - 1, places, at * sizeof *places);
    node->first--, places--;
  } else {
    memmove(places + at + 1, places + at, (node->count - at) * sizeof *places);
  }
  node->count++;
  return places + at;
}

void draftnode_attach(DraftNode *node, size_t index, Value key, DraftNode *child) {
  *open_gap(node, place_from(node, index)) = (DraftPlace){index, child};
  child->parent = node;
  child->key = value_retain(key);
}

DraftNode *draftnode_detach(DraftNode *node, size_t index) {
  size_t at = place_from(node, index);
  if (!is_place(node, at, index)) return NULL;
  DraftPlace *place = node->places + node->first + at;
  DraftNode *child = place->child;
  memmove(place, place + 1, (node->count - at - 1) * sizeof *place);
  node->count--;
  child->parent = NULL;
  child->stale = false;
  value_release(child->key);
  child->key = (Value){0};
  return child;
}

/* Those from `index` on move by one. */
static void shift(DraftNode *node, size_t index, int by) {
  DraftPlace *places = node->places + node->first;
  for (size_t at = place_from(node, index); at < node->count; at++)
    places[at].index += (size_t)by;
}

static int by_index(const void *a, const void *b) {
  size_t x = ((const DraftPlace *)a)->index, y = ((const DraftPlace *)b)->index;
  return (x > y) - (x < y);
}

static void sort_places(DraftNode *node) {
  if (node->count)
    qsort(node->places + node->first, node->count, sizeof *node->places, by_index);
}

/* After an object has become large, and its keys another order. */
static void find_again(DraftNode *node) {
  for (size_t i = 0; i < node->count; i++) {
    DraftPlace *place = &node->places[node->first + i];
    size_t len;
    const char *key = value_bytes(place->child->key, &len);
    CHECK(value_object_find(node->value, key, len, &place->index));
  }
  sort_places(node);
}

/* --- what is out of date ---------------------------------------------------------- */

static void touch(DraftNode *node) {
  for (; node->parent && !node->stale; node = node->parent) {
    node->stale = true;
    node->parent->below = true;
  }
}

static int put_item(DraftNode *node, size_t index, Value item) {
  ValueAccount *account = node->change->account;
  if (node->value.type == VALUE_ARRAY)
    return value_array_set(account, &node->value, index, item);
  Value key, old;
  size_t len;
  CHECK(value_object_at(node->value, index, &key, &old));
  value_retain(key); /* its text may go with the old keys */
  const char *bytes = value_bytes(key, &len);
  int code = value_object_set(account, &node->value, bytes, len, item);
  value_release(key);
  return code;
}

static Value item_at(const DraftNode *node, size_t index) {
  Value key, item = {0};
  if (node->value.type == VALUE_ARRAY) return value_array_at(node->value, index);
  value_object_at(node->value, index, &key, &item);
  return item;
}

/* What became an array only to hold items, and holds none any more, is as before. */
static int flush_child(DraftNode *node) {
  int code = draftnode_flush(node);
  if (code || !node->undecided || value_count(node->value)) return code;
  Value empty = value_undecided(node->change->account);
  if (empty.type == VALUE_ABSENT) return ERR_MEMORY;
  value_release(node->value);
  node->value = empty;
  return 0;
}

/* Recurses as deep as drafts are nested: no deeper than values may be. */
int draftnode_flush(DraftNode *node) {
  if (!node->below) return 0;
  for (size_t i = 0; i < node->count; i++) {
    DraftPlace *place = &node->places[node->first + i];
    if (!place->child->stale) continue;
    int code = flush_child(place->child);
    if (!code && !value_same(item_at(node, place->index), place->child->value))
      code = put_item(node, place->index, value_retain(place->child->value));
    if (code) return code;
    place->child->stale = false;
  }
  node->below = false;
  return 0;
}

/* --- writing ---------------------------------------------------------------------- */

static bool fits(const DraftNode *node, Value item) {
  return value_height(item) == 0 ||
         draftnode_depth(node) + value_height(item) <= VALUE_DEPTH;
}

int draftnode_put(DraftNode *node, size_t index, Value item) {
  if (!fits(node, item)) return value_release(item), ERR_TOO_LARGE;
  bool child = draftnode_child(node, index) != NULL;
  Value old = item_at(node, index);
  if (!child && old.type == item.type && value_same(old, item))
    return value_release(item), 0;
  int code = put_item(node, index, item);
  if (code) return code;
  draftnode_detach(node, index);
  touch(node);
  return 0;
}

int draftnode_put_key(DraftNode *node, const char *key, size_t len, Value item) {
  size_t index;
  if (value_object_find(node->value, key, len, &index))
    return draftnode_put(node, index, item);
  if (!fits(node, item)) return value_release(item), ERR_TOO_LARGE;
  bool sorted = value_object_is_sorted(node->value);
  int code = value_object_set(node->change->account, &node->value, key, len, item);
  if (code) return code;
  touch(node);
  if (!node->count) return 0;
  if (sorted != value_object_is_sorted(node->value)) find_again(node);
  else if (value_object_find(node->value, key, len, &index)) shift(node, index, 1);
  return 0;
}

int draftnode_insert(DraftNode *node, size_t index, Value item) {
  if (!fits(node, item)) return value_release(item), ERR_TOO_LARGE;
  int code = value_array_insert(node->change->account, &node->value, index, item);
  if (code) return code;
  shift(node, index, 1);
  touch(node);
  return 0;
}

static int remove_item(DraftNode *node, size_t index) {
  ValueAccount *account = node->change->account;
  if (node->value.type == VALUE_ARRAY)
    return value_array_remove(account, &node->value, index, NULL);
  Value key, item;
  size_t len;
  if (!value_object_at(node->value, index, &key, &item)) return ERR_INVALID;
  value_retain(key);
  const char *bytes = value_bytes(key, &len);
  int code = value_object_remove(account, &node->value, bytes, len, NULL);
  value_release(key);
  return code;
}

int draftnode_remove(DraftNode *node, size_t index) {
  int code = remove_item(node, index);
  if (code) return code;
  draftnode_detach(node, index);
  shift(node, index, -1);
  touch(node);
  return 0;
}

void draftnode_become_array(DraftNode *node, Value empty) {
  node->undecided = true;
  value_release(node->value);
  node->value = empty;
  touch(node);
}

void draftnode_reorder(DraftNode *node, const size_t *order, Value array) {
  for (size_t i = 0; i < node->count; i++) {
    DraftPlace *place = &node->places[node->first + i];
    place->index = order[place->index];
  }
  sort_places(node);
  value_release(node->value);
  node->value = array;
  touch(node);
}
