/* Arrays: trees of items. */
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

Value value_array_at(Value array, size_t index) {
  if (array.type != VALUE_ARRAY || index >= tree_of(array)->total) return (Value){0};
  return *tree_at(tree_of(array), index, NULL);
}

const Value *value_array_run(Value array, size_t index, size_t *count) {
  *count = 0;
  if (array.type != VALUE_ARRAY || index >= tree_of(array)->total) return NULL;
  return tree_at(tree_of(array), index, count);
}

/* What speaks against putting `item` in; it is released then. */
static int refuse(ValueAccount *account, Value item, bool place) {
  int code = 0;
  if (!place) code = ERR_INVALID;
  else if (too_deep(item)) code = ERR_TOO_LARGE;
  else if (item.type == VALUE_ABSENT || account_full(account, 0)) code = ERR_MEMORY;
  if (code) value_release(item);
  return code;
}

int value_array_set(ValueAccount *account, Value *array, size_t index, Value item) {
  bool place = array->type == VALUE_ARRAY && index < tree_of(*array)->total;
  int code = refuse(account, item, place);
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
  int code = refuse(account, item, place);
  if (code) return code;
  content_own(array);
  Tree *tree = tree_of(*array);
  tree_insert(account, &tree, index, &item);
  array->node = &tree->node;
  return 0;
}

/* Nothing is refused for lack of memory here: it is how there comes to be some. */
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
