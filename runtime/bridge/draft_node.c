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
    free(node->slots);
    free(node);
  }
}

int draftnode_depth(const DraftNode *node) {
  int depth = 0;
  for (; node; node = node->parent) depth++;
  return depth;
}

/* --- slots ----------------------------------------------------------------------- */

/* The first slot of an item at `index` or behind it, counted from `first`. */
static size_t slot_from(const DraftNode *node, size_t index) {
  const ChildSlot *slots = node->slots + node->first;
  size_t low = 0, high = node->count;
  if (high && slots[high - 1].index < index) return high;
  while (low < high) {
    size_t middle = (low + high) / 2;
    if (slots[middle].index < index) low = middle + 1;
    else high = middle;
  }
  return low;
}

static bool is_slot(const DraftNode *node, size_t at, size_t index) {
  return at < node->count && node->slots[node->first + at].index == index;
}

DraftNode *draftnode_child(const DraftNode *node, size_t index) {
  size_t at = slot_from(node, index);
  return is_slot(node, at, index) ? node->slots[node->first + at].child : NULL;
}

/* Doubles the room, with the slots in the middle of it. */
static void grow_slots(DraftNode *node) {
  size_t room = node->room ? node->room * 2 : 8, first = (room - node->count) / 2;
  ChildSlot *slots = xmalloc(room * sizeof *slots);
  if (node->count)
    memcpy(slots + first, node->slots + node->first, node->count * sizeof *slots);
  free(node->slots);
  node->slots = slots, node->first = first, node->room = room;
}

/* Opens a gap before the slot `at`, moving the shorter side if there is room there. */
static ChildSlot *open_gap(DraftNode *node, size_t at) {
  bool left = at < node->count / 2;
  if (left ? node->first == 0 : node->first + node->count == node->room) grow_slots(node);
  ChildSlot *slots = node->slots + node->first;
  if (left) {
    memmove(slots - 1, slots, at * sizeof *slots);
    node->first--, slots--;
  } else {
    memmove(slots + at + 1, slots + at, (node->count - at) * sizeof *slots);
  }
  node->count++;
  return slots + at;
}

void draftnode_attach(DraftNode *node, size_t index, Value key, DraftNode *child) {
  *open_gap(node, slot_from(node, index)) = (ChildSlot){index, child};
  child->parent = node;
  child->key = value_retain(key);
}

/* Cuts the child there off, if there is one; returns it. */
static DraftNode *draftnode_detach(DraftNode *node, size_t index) {
  size_t at = slot_from(node, index);
  if (!is_slot(node, at, index)) return NULL;
  ChildSlot *slot = node->slots + node->first + at;
  DraftNode *child = slot->child;
  memmove(slot, slot + 1, (node->count - at - 1) * sizeof *slot);
  node->count--;
  child->parent = NULL;
  child->stale = false;
  value_release(child->key);
  child->key = (Value){0};
  return child;
}

/* The items from `index` on have moved by one. */
static void shift_slots(DraftNode *node, size_t index, int by) {
  ChildSlot *slots = node->slots + node->first;
  for (size_t at = slot_from(node, index); at < node->count; at++)
    slots[at].index += (size_t)by;
}

static int by_index(const void *a, const void *b) {
  size_t x = ((const ChildSlot *)a)->index, y = ((const ChildSlot *)b)->index;
  return (x > y) - (x < y);
}

static void sort_slots(DraftNode *node) {
  if (node->count)
    qsort(node->slots + node->first, node->count, sizeof *node->slots, by_index);
}

/* After an object has become large: its keys have another order now. */
static void find_slots_again(DraftNode *node) {
  for (size_t i = 0; i < node->count; i++) {
    ChildSlot *slot = &node->slots[node->first + i];
    size_t len;
    const char *key = value_bytes(slot->child->key, &len);
    CHECK(value_object_find(node->value, key, len, &slot->index));
  }
  sort_slots(node);
}

/* --- what is out of date ---------------------------------------------------------- */

static void mark_stale(DraftNode *node) {
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

/* An undecided container that became an array for its items, and holds none any more,
 * is undecided again. */
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
    ChildSlot *slot = &node->slots[node->first + i];
    if (!slot->child->stale) continue;
    int code = flush_child(slot->child);
    if (!code && !value_same(item_at(node, slot->index), slot->child->value))
      code = put_item(node, slot->index, value_retain(slot->child->value));
    if (code) return code;
    slot->child->stale = false;
  }
  node->below = false;
  return 0;
}

/* --- writing ---------------------------------------------------------------------- */

static bool fits_depth(const DraftNode *node, Value item) {
  return value_height(item) == 0 ||
         draftnode_depth(node) + value_height(item) <= VALUE_DEPTH;
}

int draftnode_put(DraftNode *node, size_t index, Value item) {
  if (!fits_depth(node, item)) return value_release(item), ERR_TOO_LARGE;
  bool child = draftnode_child(node, index) != NULL;
  Value old = item_at(node, index);
  if (!child && old.type == item.type && value_same(old, item))
    return value_release(item), 0;
  int code = put_item(node, index, item);
  if (code) return code;
  draftnode_detach(node, index);
  mark_stale(node);
  return 0;
}

int draftnode_put_key(DraftNode *node, const char *key, size_t len, Value item) {
  size_t index;
  if (value_object_find(node->value, key, len, &index))
    return draftnode_put(node, index, item);
  if (!fits_depth(node, item)) return value_release(item), ERR_TOO_LARGE;
  bool sorted = value_object_is_sorted(node->value);
  int code = value_object_set(node->change->account, &node->value, key, len, item);
  if (code) return code;
  mark_stale(node);
  if (!node->count) return 0;
  if (sorted != value_object_is_sorted(node->value)) find_slots_again(node);
  else if (value_object_find(node->value, key, len, &index)) shift_slots(node, index, 1);
  return 0;
}

int draftnode_insert(DraftNode *node, size_t index, Value item) {
  if (!fits_depth(node, item)) return value_release(item), ERR_TOO_LARGE;
  int code = value_array_insert(node->change->account, &node->value, index, item);
  if (code) return code;
  shift_slots(node, index, 1);
  mark_stale(node);
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
  shift_slots(node, index, -1);
  mark_stale(node);
  return 0;
}

void draftnode_become_array(DraftNode *node, Value empty) {
  node->undecided = true;
  value_release(node->value);
  node->value = empty;
  mark_stale(node);
}

void draftnode_reorder(DraftNode *node, const size_t *order, Value array) {
  for (size_t i = 0; i < node->count; i++) {
    ChildSlot *slot = &node->slots[node->first + i];
    slot->index = order[slot->index];
  }
  sort_slots(node);
  value_release(node->value);
  node->value = array;
  mark_stale(node);
}
