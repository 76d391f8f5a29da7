/* Lazy values: a node that stands for an array or object which is read when it is looked
 * into. It stays in place and forwards to its content, so that identity holds. Its height
 * never changes: containers above it need not be measured again, and a value lower than
 * VALUE_LAZY_HEIGHT holds no unread one.
 */
#include "core/value_node.h"

static Lazy *lazy_of(Value v) {
  bool lazy = value_is_container(v) && v.node->kind == NODE_LAZY;
  return lazy ? (Lazy *)v.node : NULL;
}

Value value_lazy(ValueAccount *account, ValueType type, int height, ValueLoader *loader,
                 void *item) {
  CHECK(height >= VALUE_LAZY_HEIGHT && height <= VALUE_DEPTH);
  Lazy *lazy = node_new(account, NODE_LAZY, sizeof *lazy);
  lazy->node.level = (uint8_t)type;
  lazy->node.height = (uint16_t)height;
  lazy->content = NULL;
  lazy->loader = loader;
  lazy->item = item;
  return (Value){.type = type, .node = &lazy->node};
}

static void fill_lazy(Lazy *lazy, Value content) {
  ValueAccount *account = lazy->node.account;
  bool array = lazy->node.level == VALUE_ARRAY;
  if (content.type == VALUE_ABSENT)
    content.node =
        array ? &tree_build(account, NODE_ITEMS, NULL, 0)->node : object_empty(account);
  else CHECK(content.type == lazy->node.level && content.node->kind != NODE_LAZY);
  CHECK(content.node->height <= lazy->node.height);
  lazy->content = content.node;
  lazy->loader = NULL;
}

ValueNode *lazy_content(ValueNode *node) {
  Lazy *lazy = (Lazy *)node;
  if (!lazy->content) {
    Value content = lazy->loader->load(lazy->loader, lazy->item, node->account);
    CHECK(!lazy->content);
    fill_lazy(lazy, content);
  }
  return lazy->content;
}

void content_own(Value *v) {
  if (v->node->kind != NODE_LAZY) return;
  ValueNode *content = node_retain(lazy_content(v->node));
  node_release(v->node);
  v->node = content;
}

void value_lazy_fill(Value v, Value content) {
  Lazy *lazy = lazy_of(v);
  CHECK(lazy);
  if (lazy->content) value_release(content);
  else fill_lazy(lazy, content);
}

bool value_is_unread(Value v) {
  const Lazy *lazy = lazy_of(v);
  return lazy && !lazy->content;
}

ValueLoader *value_lazy_loader(Value v) {
  const Lazy *lazy = lazy_of(v);
  return lazy ? lazy->loader : NULL;
}

void *value_lazy_item(Value v, const ValueLoader *loader) {
  return loader && value_lazy_loader(v) == loader ? lazy_of(v)->item : NULL;
}

ValueAccount *value_account_of(Value container) {
  return container.node->account;
}

/* --- finding them ----------------------------------------------------------------- */

static Value find_in_tree(const Tree *tree) {
  Value found = {0};
  if (tree->node.height <= VALUE_LAZY_HEIGHT) return found;
  size_t slots = tree->count * (tree->node.level ? 1 : tree_stride(tree));
  for (size_t i = 0; i < slots && found.type == VALUE_ABSENT; i++)
    found = tree->node.level ? find_in_tree(tree->slots[i].branch.tree)
                             : value_find_unread(tree->slots[i].value);
  return found;
}

/* Recurses to the depth of the value and of its trees. */
Value value_find_unread(Value v) {
  Value found = {0};
  if (height_of(v) < VALUE_LAZY_HEIGHT) return found;
  if (value_is_unread(v)) return v;
  const ValueNode *node = node_of(v);
  if (node->kind != NODE_OBJECT) return find_in_tree((const Tree *)node);
  const Object *object = (const Object *)node;
  for (size_t i = 0; i < object->keys->count && found.type == VALUE_ABSENT; i++)
    found = value_find_unread(object->items[i]);
  return found;
}

static void force_tree(const Tree *tree) {
  if (tree->node.height <= VALUE_LAZY_HEIGHT) return;
  size_t slots = tree->count * (tree->node.level ? 1 : tree_stride(tree));
  for (size_t i = 0; i < slots; i++) {
    if (tree->node.level) force_tree(tree->slots[i].branch.tree);
    else value_force(tree->slots[i].value);
  }
}

void value_force(Value v) {
  if (height_of(v) < VALUE_LAZY_HEIGHT) return;
  const ValueNode *node = node_of(v);
  if (node->kind != NODE_OBJECT) {
    force_tree((const Tree *)node);
    return;
  }
  const Object *object = (const Object *)node;
  for (size_t i = 0; i < object->keys->count; i++) value_force(object->items[i]);
}
