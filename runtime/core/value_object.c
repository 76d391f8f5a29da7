/* Objects: flat up to FLAT_MAX keys, then a tree of pairs by key. One that was large
 * stays a tree until it is empty. */
#include <stdlib.h>
#include <string.h>

#include "core/value_node.h"

static Value as_value(void *node) {
  return (Value){.type = VALUE_OBJECT, .node = node};
}

static bool is_flat(Value object) {
  return node_of(object)->kind == NODE_OBJECT;
}

/* --- flat ------------------------------------------------------------------------- */

static size_t flat_size(size_t count) {
  return sizeof(Object) + count * sizeof(Value);
}

static void flat_measure(Object *object) {
  int height = 1;
  for (size_t i = 0; i < object->keys->count; i++)
    if (height_of(object->items[i]) >= height) height = height_of(object->items[i]) + 1;
  object->node.height = (uint16_t)height;
}

static Object *flat_new(ValueAccount *account, Keys *keys) {
  Object *object = node_new(account, NODE_OBJECT, flat_size(keys->count));
  object->node.height = 1;
  object->keys = keys;
  return object;
}

/* Takes the object; returns one with a single reference. */
static Object *flat_own(ValueAccount *account, Object *object) {
  if (object->node.refs == 1) return object;
  Object *copy = flat_new(account, node_retain(object->keys));
  copy->node.height = object->node.height;
  for (size_t i = 0; i < object->keys->count; i++)
    copy->items[i] = value_retain(object->items[i]);
  node_release(&object->node);
  return copy;
}

static Object *flat_put(ValueAccount *account, Object *object, size_t at, Value item) {
  object = flat_own(account, object);
  Value gone = object->items[at];
  object->items[at] = item;
  int height = height_of(item) + 1;
  bool lower = height_of(gone) + 1 == object->node.height;
  if (height >= object->node.height) object->node.height = (uint16_t)height;
  else if (lower) flat_measure(object);
  value_release(gone);
  return object;
}

static void replace_keys(Object *object, Keys *keys) {
  node_release(&object->keys->node);
  object->keys = keys;
}

static Object *flat_add(ValueAccount *account, Object *object, const char *key,
                        size_t len, Value item) {
  object = flat_own(account, object);
  size_t count = object->keys->count;
  Keys *keys = keys_with(account, object->keys, key, len);
  object = node_resize(object, flat_size(count), flat_size(count + 1));
  replace_keys(object, keys);
  object->items[count] = item;
  object->node.level = 0;
  if (height_of(item) >= object->node.height)
    object->node.height = (uint16_t)(height_of(item) + 1);
  return object;
}

static Object *flat_remove(ValueAccount *account, Object *object, size_t at,
                           Value *removed) {
  object = flat_own(account, object);
  size_t count = object->keys->count;
  Keys *keys = keys_without(account, object->keys, at);
  *removed = object->items[at];
  memmove(&object->items[at], &object->items[at + 1], (count - at - 1) * sizeof(Value));
  replace_keys(object, keys);
  object = node_resize(object, flat_size(count), flat_size(count - 1));
  flat_measure(object);
  return object;
}

/* --- large ------------------------------------------------------------------------ */

static const Text *key_at(const Tree *tree, size_t slot) {
  return (const Text *)tree->slots[slot * 2].value.node;
}

static const Text *first_key(const Tree *tree) {
  while (tree->node.level) tree = tree->slots[0].branch.tree;
  return key_at(tree, 0);
}

/* How many of the first `count` entries stand before the key, or are it. */
static size_t entries_to(const Tree *tree, const char *key, size_t len) {
  size_t low = 0, high = tree->count;
  while (low < high) {
    size_t middle = (low + high) / 2;
    const Text *text = tree->node.level ? first_key(tree->slots[middle].branch.tree)
                                        : key_at(tree, middle);
    if (text_compare(text, key, len) <= 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

/* Where the key is in *index, or, when false, where it would be. */
static bool tree_find(const Tree *tree, const char *key, size_t len, size_t *index,
                      Value *item) {
  *index = 0;
  while (tree->node.level) {
    size_t at = entries_to(tree, key, len);
    if (at) at--;
    for (size_t i = 0; i < at; i++) *index += tree->slots[i].branch.total;
    tree = tree->slots[at].branch.tree;
  }
  size_t at = entries_to(tree, key, len);
  if (at && text_compare(key_at(tree, at - 1), key, len) == 0) {
    *index += at - 1;
    if (item) *item = tree->slots[at * 2 - 1].value;
    return true;
  }
  *index += at;
  return false;
}

static int by_key(const void *a, const void *b) {
  const Text *other = (const Text *)((const Value *)b)->node;
  return text_compare((const Text *)((const Value *)a)->node, other->bytes, other->len);
}

/* Takes the object. */
static Tree *to_tree(ValueAccount *account, Object *object) {
  Value pairs[FLAT_MAX * 2];
  size_t count = object->keys->count;
  for (size_t i = 0; i < count; i++) {
    Text *name = keys_names(object->keys)[i];
    pairs[i * 2] = (Value){.type = VALUE_TEXT, .node = node_retain(name)};
    pairs[i * 2 + 1] = value_retain(object->items[i]);
  }
  qsort(pairs, count, 2 * sizeof(Value), by_key);
  node_release(&object->node);
  return tree_build(account, NODE_PAIRS, pairs, count);
}

static int tree_set(ValueAccount *account, Value *object, const char *key, size_t len,
                    Value item) {
  Tree *tree = tree_of(*object);
  size_t index;
  if (tree_find(tree, key, len, &index, NULL)) {
    tree_put(account, &tree, index, item);
  } else {
    Value name = value_text(account, key, len);
    if (name.type == VALUE_ABSENT) return value_release(item), ERR_MEMORY;
    tree_insert(account, &tree, index, (Value[]){name, item});
  }
  object->node = &tree->node;
  return 0;
}

/* --- making ----------------------------------------------------------------------- */

static Value new_empty(ValueAccount *account, bool undecided) {
  if (account_full(account, 0)) return (Value){0};
  Object *object = flat_new(account, keys_of(account, NULL, 0));
  object->node.level = undecided;
  return as_value(object);
}

ValueNode *object_empty(ValueAccount *account) {
  return &flat_new(account, keys_of(account, NULL, 0))->node;
}

Value value_object(ValueAccount *account) {
  return new_empty(account, false);
}

Value value_undecided(ValueAccount *account) {
  return new_empty(account, true);
}

bool value_is_undecided(Value v) {
  return v.type == VALUE_OBJECT && v.node->kind == NODE_OBJECT && v.node->level == 1;
}

/* A small object at once, when each key comes once. */
static bool is_plain(const ValueField *fields, size_t count) {
  if (count > FLAT_MAX) return false;
  for (size_t i = 0; i < count; i++) {
    Value item = fields[i].item;
    if (item.type <= VALUE_NULL || height_of(item) >= VALUE_DEPTH) return false;
    for (size_t k = 0; k < i; k++)
      if (fields[k].key_len == fields[i].key_len &&
          memcmp(fields[k].key, fields[i].key, fields[i].key_len) == 0)
        return false;
  }
  return true;
}

static Value plain_of(ValueAccount *account, const ValueField *fields, size_t count) {
  Object *object = flat_new(account, keys_of(account, fields, count));
  for (size_t i = 0; i < count; i++) object->items[i] = fields[i].item;
  flat_measure(object);
  return as_value(object);
}

Value value_object_of(ValueAccount *account, const ValueField *fields, size_t count) {
  return value_object_within(account, fields, count, NULL);
}

Value value_object_within(ValueAccount *account, const ValueField *fields, size_t count,
                          ValueLate *is_late) {
  if (is_plain(fields, count) && !account_full(account, flat_size(count)))
    return plain_of(account, fields, count);
  if (count > FLAT_MAX) return object_of_many(account, fields, count, is_late);
  Value object = value_object(account);
  int code = object.type == VALUE_ABSENT;
  for (size_t i = 0; i < count; i++) {
    if (code) value_release(fields[i].item);
    else
      code = value_object_set(account, &object, fields[i].key, fields[i].key_len,
                              fields[i].item);
  }
  if (!code) return object;
  value_release(object);
  return (Value){0};
}

/* --- the door --------------------------------------------------------------------- */

Value value_object_get(Value object, const char *key, size_t len) {
  if (object.type != VALUE_OBJECT) return (Value){0};
  if (is_flat(object)) {
    int at = keys_find(object_of(object)->keys, key, len);
    return at < 0 ? (Value){0} : object_of(object)->items[at];
  }
  size_t index;
  Value item = {0};
  tree_find(tree_of(object), key, len, &index, &item);
  return item;
}

bool value_object_is_sorted(Value object) {
  return object.type == VALUE_OBJECT && !is_flat(object);
}

bool value_object_find(Value object, const char *key, size_t len, size_t *index) {
  if (object.type != VALUE_OBJECT) return false;
  if (!is_flat(object)) return tree_find(tree_of(object), key, len, index, NULL);
  int at = keys_find(object_of(object)->keys, key, len);
  *index = (size_t)at;
  return at >= 0;
}

bool value_object_at(Value object, size_t index, Value *key, Value *item) {
  if (object.type != VALUE_OBJECT || index >= value_count(object)) return false;
  if (is_flat(object)) {
    const Object *flat = object_of(object);
    Text *name = keys_names(flat->keys)[index];
    *key = (Value){.type = VALUE_TEXT, .node = &name->node};
    *item = flat->items[index];
    return true;
  }
  const Value *pair = tree_at(tree_of(object), index, NULL);
  *key = pair[0], *item = pair[1];
  return true;
}

static int flat_set(ValueAccount *account, Value *value, const char *key, size_t len,
                    Value item) {
  Object *object = object_of(*value);
  int at = keys_find(object->keys, key, len);
  if (at < 0 && object->keys->count == FLAT_MAX) {
    value->node = &to_tree(account, object)->node;
    return tree_set(account, value, key, len, item);
  }
  object = at >= 0 ? flat_put(account, object, (size_t)at, item)
                   : flat_add(account, object, key, len, item);
  value->node = &object->node;
  return 0;
}

int value_object_set(ValueAccount *account, Value *object, const char *key, size_t len,
                     Value item) {
  if (object->type != VALUE_OBJECT) return value_release(item), ERR_INVALID;
  if (item.type == VALUE_NULL)
    return value_object_remove(account, object, key, len, NULL);
  int code = 0;
  if (height_of(item) >= VALUE_DEPTH) code = ERR_TOO_LARGE;
  else if (item.type == VALUE_ABSENT || len >= UINT32_MAX || account_full(account, len))
    code = ERR_MEMORY;
  if (code) return value_release(item), code;
  content_own(object);
  return (is_flat(*object) ? flat_set : tree_set)(account, object, key, len, item);
}

static void remove_large(ValueAccount *account, Value *object, size_t at, Value *gone) {
  Tree *tree = tree_of(*object);
  Value pair[2];
  tree_remove(account, &tree, at, pair);
  value_release(pair[0]);
  *gone = pair[1];
  object->node = &tree->node;
  if (tree->total) return;
  node_release(&tree->node);
  object->node = object_empty(account);
}

int value_object_remove(ValueAccount *account, Value *object, const char *key, size_t len,
                        Value *removed) {
  Value gone = {0};
  size_t at;
  if (object->type != VALUE_OBJECT) return ERR_INVALID;
  if (value_object_find(*object, key, len, &at)) {
    content_own(object);
    if (is_flat(*object))
      object->node = &flat_remove(account, object_of(*object), at, &gone)->node;
    else remove_large(account, object, at, &gone);
  }
  if (removed) *removed = gone;
  else value_release(gone);
  return 0;
}
