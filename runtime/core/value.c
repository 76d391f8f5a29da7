/* Values: nodes and their accounts, ownership, text, comparing. See value.h. */
#include "core/value.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/value_node.h"

/* --- accounts --------------------------------------------------------------------- */

enum { NODE_OVERHEAD = 8 }; /* what malloc takes for itself */

ValueAccount *value_account_new(size_t limit) {
  ValueAccount *account = xcalloc(1, sizeof *account);
  account->limit = limit;
  return account;
}

static void account_end(ValueAccount *account) {
  if (!account->closed || account->nodes > 0) return;
  charge_unref(account->charge);
  free(account);
}

void value_account_close(ValueAccount *account) {
  if (!account) return;
  account->nodes++; /* keeps the account until the last node is gone */
  for (size_t i = 0; i < COUNT_OF(account->shapes); i++) {
    if (account->shapes[i]) node_release(&account->shapes[i]->node);
    account->shapes[i] = NULL;
  }
  for (size_t i = 0; i < COUNT_OF(account->texts); i++) {
    if (account->texts[i]) node_release(&account->texts[i]->node);
    account->texts[i] = NULL;
  }
  account->nodes--;
  account->closed = true;
  account_end(account);
}

size_t value_account_used(const ValueAccount *account) {
  return account->used;
}

size_t value_account_nodes(const ValueAccount *account) {
  return account->nodes;
}

uint64_t value_account_made(const ValueAccount *account) {
  return account->made;
}

void value_account_limit(ValueAccount *account, size_t limit) {
  account->limit = limit;
}

void value_account_charge(ValueAccount *account, Charge *charge) {
  CHECK(!account->charge && account->used == 0);
  account->charge = charge_ref(charge);
}

static void count_bytes(ValueAccount *account, ptrdiff_t bytes) {
  account->used += (size_t)bytes;
  charge_add(account->charge, (size_t)bytes);
}

size_t value_account_loaded(const ValueAccount *account) {
  return account->loaded;
}

void value_account_add_loaded(ValueAccount *account, size_t bytes) {
  account->loaded += bytes;
}

bool account_full(const ValueAccount *account, size_t extra) {
  if (charge_is_full(account->charge, extra)) return true;
  return account->limit &&
         (account->used >= account->limit || extra > account->limit - account->used);
}

int value_error(Error *err, int code) {
  switch (code) {
  case 0:
    return 0;
  case ERR_MEMORY:
    return error_set(err, ERR_MEMORY, "the store holds more than it may");
  case ERR_TOO_LARGE:
    return error_set(err, ERR_TOO_LARGE, "values nested more than %d deep", VALUE_DEPTH);
  default:
    return error_set(err, ERR_INVALID, "there is no such place in the array");
  }
}

/* --- nodes ------------------------------------------------------------------------ */

void *node_new(ValueAccount *account, NodeKind kind, size_t size) {
  ValueNode *node = xmalloc(size);
  *node = (ValueNode){.refs = 1, .kind = (uint8_t)kind, .account = account};
  count_bytes(account, (ptrdiff_t)(size + NODE_OVERHEAD));
  account->nodes++;
  account->made++;
  return node;
}

void *node_resize(void *old, size_t before, size_t size) {
  ValueNode *node = xrealloc(old, size);
  count_bytes(node->account, (ptrdiff_t)size - (ptrdiff_t)before);
  return node;
}

static size_t keys_size(const Keys *keys) {
  return offsetof(Keys, heads) + keys->count * (sizeof keys->heads[0] + sizeof(Text *));
}

static size_t node_size(const ValueNode *node) {
  switch ((NodeKind)node->kind) {
  case NODE_TEXT:
    return sizeof(Text) + ((const Text *)node)->len + 1;
  case NODE_KEYS:
    return keys_size((const Keys *)node);
  case NODE_LAZY:
    return sizeof(Lazy);
  case NODE_OBJECT:
    return sizeof(Object) + ((const Object *)node)->keys->count * sizeof(Value);
  default:
    return sizeof(Tree) + ((const Tree *)node)->room * sizeof(Slot);
  }
}

/* --- releasing: what has no holder any more waits in a list, linked through `account`
 */

static void drop_node(ValueNode *node, ValueNode **dead) {
  if (--node->refs) return;
  ValueAccount *account = node->account;
  count_bytes(account, -(ptrdiff_t)(node_size(node) + NODE_OVERHEAD));
  account->nodes--;
  account_end(account);
  node->account = (ValueAccount *)(void *)*dead;
  *dead = node;
}

static void drop_values(const Value *values, size_t count, ValueNode **dead) {
  for (size_t i = 0; i < count; i++)
    if (value_has_node(values[i])) drop_node(values[i].node, dead);
}

static void drop_keys(const Keys *keys, ValueNode **dead) {
  for (size_t i = 0; i < keys->count; i++) drop_node(&keys_names(keys)[i]->node, dead);
}

static void drop_tree(const Tree *tree, ValueNode **dead) {
  if (tree->node.level == 0) {
    drop_values(&tree->slots[0].value, tree->count * tree_stride(tree), dead);
    return;
  }
  for (size_t i = 0; i < tree->count; i++)
    drop_node(&tree->slots[i].branch.tree->node, dead);
}

static void drop_lazy(const Lazy *lazy, ValueNode **dead) {
  if (lazy->content) drop_node(lazy->content, dead);
  else lazy->loader->gone(lazy->loader, lazy->item);
}

static void drop_parts(ValueNode *node, ValueNode **dead) {
  if (node->kind == NODE_TEXT) return;
  if (node->kind == NODE_LAZY) {
    drop_lazy((const Lazy *)node, dead);
  } else if (node->kind == NODE_KEYS) {
    drop_keys((const Keys *)node, dead);
  } else if (node->kind == NODE_OBJECT) {
    Object *object = (Object *)node;
    drop_values(object->items, object->keys->count, dead);
    drop_node(&object->keys->node, dead);
  } else {
    drop_tree((const Tree *)node, dead);
  }
}

void node_release(ValueNode *node) {
  ValueNode *dead = NULL;
  drop_node(node, &dead);
  while (dead) {
    ValueNode *next = dead;
    dead = (ValueNode *)(void *)next->account;
    drop_parts(next, &dead);
    free(next);
  }
}

Value value_retain(Value v) {
  if (value_has_node(v)) node_retain(v.node);
  return v;
}

void value_release(Value v) {
  if (value_has_node(v)) node_release(v.node);
}

/* --- text ------------------------------------------------------------------------- */

enum { SHORT_TEXT = 40 };

static Text *text_new(ValueAccount *account, const char *bytes, size_t len) {
  size_t size = sizeof(Text) + len + 1;
  if (len >= UINT32_MAX || account_full(account, size)) return NULL;
  Text *text = node_new(account, NODE_TEXT, size);
  text->len = (uint32_t)len;
  if (len) memcpy(text->bytes, bytes, len);
  text->bytes[len] = '\0';
  return text;
}

/* The same few words come again and again in messages: the last ones seen are shared. */
static Text *text_seen(ValueAccount *account, const char *bytes, size_t len) {
  Text **seen = &account->texts[keys_hash(bytes, len) % COUNT_OF(account->texts)];
  Text *old = *seen;
  if (old && old->len == len && memcmp(old->bytes, bytes, len) == 0)
    return node_retain(old);
  Text *text = text_new(account, bytes, len);
  if (!text) return NULL;
  *seen = node_retain(text);
  if (old) node_release(&old->node);
  return text;
}

Value value_text(ValueAccount *account, const char *bytes, size_t len) {
  bool seen = len && len <= SHORT_TEXT && !account->closed;
  Text *text = seen ? text_seen(account, bytes, len) : text_new(account, bytes, len);
  if (!text) return (Value){0};
  return (Value){.type = VALUE_TEXT, .node = &text->node};
}

const char *value_bytes(Value v, size_t *len) {
  const Text *text = (const Text *)v.node;
  *len = text->len;
  return text->bytes;
}

int text_compare(const Text *text, const char *key, size_t len) {
  size_t common = text->len < len ? text->len : len;
  int order = common ? memcmp(text->bytes, key, common) : 0;
  return order ? order : (text->len > len) - (text->len < len);
}

int value_height(Value v) {
  return height_of(v);
}

size_t value_count(Value v) {
  if (!value_is_container(v)) return 0;
  const ValueNode *node = node_of(v);
  return node->kind == NODE_OBJECT ? ((const Object *)node)->keys->count
                                   : ((const Tree *)node)->total;
}

/* --- comparing -------------------------------------------------------------------- */

static bool same_text(Value a, Value b) {
  const Text *x = (const Text *)a.node, *y = (const Text *)b.node;
  return x == y || (x->len == y->len && memcmp(x->bytes, y->bytes, x->len) == 0);
}

/* Exact: 2^53 + 1 is not the double 2^53. */
static bool same_mixed(int64_t integer, double number) {
  return number >= -9223372036854775808.0 && number < 9223372036854775808.0 &&
         (int64_t)number == integer && (double)(int64_t)number == number;
}

bool value_same(Value a, Value b) {
  if (a.type == VALUE_INT && b.type == VALUE_DOUBLE)
    return same_mixed(a.integer, b.number);
  if (a.type == VALUE_DOUBLE && b.type == VALUE_INT)
    return same_mixed(b.integer, a.number);
  if (a.type != b.type) return false;
  switch (a.type) {
  case VALUE_BOOL:
    return a.boolean == b.boolean;
  case VALUE_INT:
    return a.integer == b.integer;
  case VALUE_DOUBLE:
    return a.number == b.number || (isnan(a.number) && isnan(b.number));
  case VALUE_TEXT:
    return same_text(a, b);
  case VALUE_ARRAY:
  case VALUE_OBJECT:
    return a.node == b.node;
  default:
    return true;
  }
}

static bool equal_arrays(Value a, Value b, ValuePace *pace) {
  for (size_t i = 0, run; i < value_count(a); i += run) {
    run = tree_shared(tree_of(a), i, tree_of(b), i);
    if (run) continue;
    run = 1;
    if (!equal_within(value_array_at(a, i), value_array_at(b, i), pace)) return false;
  }
  return true;
}

/* Both are sorted by key. */
static bool equal_sorted(Value a, Value b, ValuePace *pace) {
  Value key, item, other_key, other;
  for (size_t i = 0, run; i < value_count(a); i += run) {
    run = tree_shared(tree_of(a), i, tree_of(b), i);
    if (run) continue;
    run = 1;
    value_object_at(a, i, &key, &item);
    value_object_at(b, i, &other_key, &other);
    if (!value_same(key, other_key) || !equal_within(item, other, pace)) return false;
  }
  return true;
}

static bool equal_objects(Value a, Value b, ValuePace *pace) {
  Value key, item;
  if (value_object_is_sorted(a) && value_object_is_sorted(b))
    return equal_sorted(a, b, pace);
  if (value_count(a) == 0) return value_is_undecided(a) == value_is_undecided(b);
  for (size_t i = 0; value_object_at(a, i, &key, &item); i++) {
    const Text *text = (const Text *)key.node;
    Value other = value_object_get(b, text->bytes, text->len);
    if (other.type == VALUE_ABSENT || !equal_within(item, other, pace)) return false;
  }
  return true;
}

bool equal_within(Value a, Value b, ValuePace *pace) {
  if (pace_is_late(pace)) return false;
  if (value_same(a, b)) return true;
  if (!value_is_container(a) || a.type != b.type || value_count(a) != value_count(b))
    return false;
  return a.type == VALUE_ARRAY ? equal_arrays(a, b, pace) : equal_objects(a, b, pace);
}

bool value_equal(Value a, Value b) {
  return equal_within(a, b, &(ValuePace){0});
}
