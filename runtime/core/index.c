#include "core/index.h"

#include <stdlib.h>

enum { FIRST_ROOM = 16 };

static IndexNode **slot_of(const Index *index, uint64_t hash) {
  return &index->slots[(hash ^ hash >> 32) & (index->room - 1)];
}

static void link_node(const Index *index, IndexNode *node) {
  IndexNode **slot = slot_of(index, node->hash);
  node->next = *slot;
  *slot = node;
}

/* Nodes of one slot are reversed twice, so that the newest stays first. */
static void move_nodes(const Index *to, IndexNode *node) {
  IndexNode *turned = NULL;
  while (node) {
    IndexNode *next = node->next;
    node->next = turned;
    turned = node;
    node = next;
  }
  while (turned) {
    IndexNode *next = turned->next;
    link_node(to, turned);
    turned = next;
  }
}

static void grow_index(Index *index) {
  Index old = *index;
  index->room = old.room ? 2 * old.room : FIRST_ROOM;
  index->slots = xcalloc(index->room, sizeof *index->slots);
  for (size_t i = 0; i < old.room; i++) move_nodes(index, old.slots[i]);
  free(old.slots);
}

void index_add(Index *index, IndexNode *node, uint64_t hash) {
  if (index->count == index->room) grow_index(index);
  index->count++;
  node->hash = hash;
  link_node(index, node);
}

void index_remove(Index *index, IndexNode *node) {
  if (!index->room) return;
  IndexNode **at = slot_of(index, node->hash);
  while (*at && *at != node) at = &(*at)->next;
  if (!*at) return;
  *at = node->next;
  index->count--;
}

static IndexNode *with_hash(IndexNode *node, uint64_t hash) {
  while (node && node->hash != hash) node = node->next;
  return node;
}

IndexNode *index_first(const Index *index, uint64_t hash) {
  return index->room ? with_hash(*slot_of(index, hash), hash) : NULL;
}

IndexNode *index_next(const IndexNode *node) {
  return with_hash(node->next, node->hash);
}

void index_free(Index *index) {
  free(index->slots);
  *index = (Index){0};
}
