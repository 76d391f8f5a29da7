/* Arrays: trees of items. */
#include <stdlib.h>

#include "core/value_node.h"

static void release_all(const Value *items, size_t count) {
  for (size_t i = 0; i < count; i++) value_release(items[i]);
}

static bool too_deep(Value item) {
  return height_of(item) >= VALUE_DEPTH;
}

Value value_array(ValueAccount *account, const Value *items, size_t count) {
  bool refused = account_full(account, count * sizeof(Value)) || count >= UINT32_MAX;
  for (size_t i = 0; i < count; i++)
    refused = refused || items[i].type == VALUE_ABSENT || too_deep(items[i]);
  if (refused) {
    release_all(items, count);
    return (Value){0};
  }
  Tree *tree = tree_build(account, NODE_ITEMS, items, count);
  return (Value){.type = VALUE_ARRAY, .node = &tree->node};
}

/* --- item by item ----------------------------------------------------------------- */

struct ValueArrayBuild {
  ValueAccount *account;
  Tree **leaves;
  size_t count, room, pending;
  bool refused;
  Value items[TREE_MAX]; /* of the leaf being built */
};

ValueArrayBuild *value_array_begin(ValueAccount *account) {
  ValueArrayBuild *b = xmalloc(sizeof *b);
  b->account = account;
  b->leaves = NULL;
  b->count = b->room = b->pending = 0;
  b->refused = false;
  return b;
}

static void end_leaf(ValueArrayBuild *b) {
  if (b->count == b->room) {
    b->room = b->room ? b->room * 2 : 16;
    b->leaves = xrealloc(b->leaves, b->room * sizeof *b->leaves);
  }
  b->leaves[b->count++] = tree_leaf(b->account, NODE_ITEMS, b->items, b->pending);
  b->pending = 0;
}

void value_array_add(ValueArrayBuild *b, Value item) {
  bool room = b->count < UINT32_MAX / TREE_MAX && !account_full(b->account, sizeof item);
  if (item.type == VALUE_ABSENT || too_deep(item) || !room) {
    b->refused = true;
    value_release(item);
    return;
  }
  b->items[b->pending++] = item;
  if (b->pending == TREE_MAX) end_leaf(b);
}

void value_array_drop(ValueArrayBuild *b) {
  for (size_t i = 0; i < b->count; i++) node_release(&b->leaves[i]->node);
  release_all(b->items, b->pending);
  free(b->leaves);
  free(b);
}

Value value_array_end(ValueArrayBuild *b) {
  Value array = {0};
  if (!b->refused) {
    if (b->pending || !b->count) end_leaf(b);
    array.type = VALUE_ARRAY;
    array.node = &tree_over(b->account, b->leaves, b->count)->node;
    b->count = 0;
  }
  value_array_drop(b);
  return array;
}

/* --- looking and changing --------------------------------------------------------- */

Value value_array_at(Value array, size_t index) {
  if (array.type != VALUE_ARRAY || index >= tree_of(array)->total) return (Value){0};
  return *tree_at(tree_of(array), index, NULL);
}

const Value *value_array_run(Value array, size_t index, size_t *count) {
  *count = 0;
  if (array.type != VALUE_ARRAY || index >= tree_of(array)->total) return NULL;
  return tree_at(tree_of(array), index, count);
}

/* The error of putting `item` in, or 0. On an error the item is released. */
static int refuse_item(ValueAccount *account, Value item, bool place) {
  int code = 0;
  if (!place) code = ERR_INVALID;
  else if (too_deep(item)) code = ERR_TOO_LARGE;
  else if (item.type == VALUE_ABSENT || account_full(account, 0)) code = ERR_MEMORY;
  if (code) value_release(item);
  return code;
}

int value_array_set(ValueAccount *account, Value *array, size_t index, Value item) {
  bool place = array->type == VALUE_ARRAY && index < tree_of(*array)->total;
  int code = refuse_item(account, item, place);
  if (code) return code;
  content_own(array);
  Tree *tree = tree_of(*array);
  tree_put(account, &tree, index, item);
  array->node = &tree->node;
  return 0;
}

int value_array_insert(ValueAccount *account, Value *array, size_t index, Value item) {
  bool place = array->type == VALUE_ARRAY && index <= tree_of(*array)->total &&
               tree_of(*array)->total < UINT32_MAX;
  int code = refuse_item(account, item, place);
  if (code) return code;
  content_own(array);
  Tree *tree = tree_of(*array);
  tree_insert(account, &tree, index, &item);
  array->node = &tree->node;
  return 0;
}

/* Not refused for lack of memory: removing frees some. */
int value_array_remove(ValueAccount *account, Value *array, size_t index,
                       Value *removed) {
  if (array->type != VALUE_ARRAY || index >= tree_of(*array)->total) return ERR_INVALID;
  content_own(array);
  Tree *tree = tree_of(*array);
  Value item;
  tree_remove(account, &tree, index, &item);
  array->node = &tree->node;
  if (removed) *removed = item;
  else value_release(item);
  return 0;
}
