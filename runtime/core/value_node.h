/* For the files of value alone: the nodes, and the functions that make them. */
#ifndef TIDELOCK_CORE_VALUE_NODE_H
#define TIDELOCK_CORE_VALUE_NODE_H

#include "core/value.h"

typedef enum NodeKind {
  NODE_TEXT,
  NODE_KEYS,   /* the keys of flat objects, shared by those that have the same */
  NODE_OBJECT, /* flat: Keys and as many items */
  NODE_ITEMS,  /* a tree of items: an array */
  NODE_PAIRS,  /* a tree of keys and items, by key: a large object */
  NODE_LAZY    /* stands for one of these, which is read when it is looked into */
} NodeKind;

struct ValueNode {
  uint32_t refs;
  uint8_t kind;
  uint8_t level;   /* of trees: 0 is a leaf. Of an empty flat object: 1 is undecided.
                      Of a lazy one: its ValueType */
  uint16_t height; /* the levels of containers in it, itself included; 0 for text */
  ValueAccount *account;
};

typedef struct Text {
  ValueNode node;
  uint32_t len;
  char bytes[];
} Text;

enum { FLAT_MAX = 32, TREE_MAX = 32, TREE_LEVELS = 32 };

typedef struct Keys {
  ValueNode node;
  uint32_t count, hash; /* of all of them, in their order */
  struct {
    uint32_t hash;
    uint32_t len;
  } heads[FLAT_MAX]; /* cut off after `count`; then come the names */
} Keys;

typedef struct Object {
  ValueNode node;
  Keys *keys; /* owned */
  Value items[];
} Object;

typedef struct Tree Tree;
typedef union Slot {
  Value value;
  struct {
    Tree *tree;
    size_t total;
  } branch;
} Slot;

/* A leaf of an array has items, one of an object key and item in turns. `count` is in
 * items or pairs, or branches; `total` of items or pairs below. */
struct Tree {
  ValueNode node;
  uint32_t total;
  uint16_t count, room;
  Slot slots[];
};

/* Its identity stays this node's when it is read; so code that reads nodes goes through
 * node_of, and code that changes them through content_own. */
typedef struct Lazy {
  ValueNode node;
  ValueNode *content;  /* owned; NULL: not read yet */
  ValueLoader *loader; /* NULL once it is read */
  void *item;
} Lazy;

struct ValueAccount {
  size_t used, nodes, limit, loaded;
  Charge *charge; /* its owner's; NULL: none */
  uint64_t made;
  bool closed;
  Keys *shapes[256]; /* the last ones seen; each holds a reference */
  Text *texts[256];  /* likewise short texts: "user", "sent", a session's id */
};

/* Nodes: one reference, charged. node_resize is for a node that one holds. */
void *node_new(ValueAccount *account, NodeKind kind, size_t size);
void *node_resize(void *node, size_t before, size_t size);
void node_release(ValueNode *node);
static inline void *node_retain(void *node) {
  ValueNode *n = node;
  CHECK(++n->refs != 0);
  return n;
}
bool account_full(const ValueAccount *account, size_t extra);

/* Lazy nodes */
ValueNode *lazy_content(ValueNode *lazy); /* reads it when it must; borrows */
static inline ValueNode *node_of(Value v) {
  return v.node->kind == NODE_LAZY ? lazy_content(v.node) : v.node;
}
/* v becomes its content, to be changed, if it is lazy. */
void content_own(Value *v);
/* As value_object_within, for more than FLAT_MAX fields. */
Value object_of_many(ValueAccount *account, const ValueField *fields, size_t count,
                     ValueLate *is_late);
/* A walk through a value that ends early when it is late. */
typedef struct ValuePace {
  ValueLate *is_late; /* NULL: never */
  unsigned steps;
  bool late;
} ValuePace;
static inline bool pace_is_late(ValuePace *pace) {
  enum { STRIDE = 1024 };
  if (pace->is_late && !pace->late && ++pace->steps % STRIDE == 0)
    pace->late = pace->is_late();
  return pace->late;
}
/* As value_equal; false when it is late. */
bool equal_within(Value a, Value b, ValuePace *pace);
ValueNode *object_empty(ValueAccount *account); /* returns new; never refused */

static inline int height_of(Value v) {
  return value_is_container(v) ? v.node->height : 0;
}

/* Keys */
static inline Text **keys_names(const Keys *keys) {
  return (Text **)&keys->heads[keys->count];
}
uint32_t keys_hash(const char *key, size_t len);
/* Returns one to own, made or found; borrows the names. */
Keys *keys_of(ValueAccount *account, const ValueField *fields, size_t count);
Keys *keys_with(ValueAccount *account, const Keys *keys, const char *key, size_t len);
Keys *keys_without(ValueAccount *account, const Keys *keys, size_t index);
int keys_find(const Keys *keys, const char *key, size_t len); /* -1: none */

/* Trees: `stride` values an entry, 1 or 2 by kind. They change *tree, which the caller
 * owns, and take what is put in. */
Tree *tree_build(ValueAccount *account, NodeKind kind, const Value *values, size_t count);
/* The same in parts: leaves, TREE_MAX slots each but for the last; and the tree over at
 * least one of them, which uses up the list. */
Tree *tree_leaf(ValueAccount *account, NodeKind kind, const Value *values, size_t count);
Tree *tree_over(ValueAccount *account, Tree **leaves, size_t count);
const Value *tree_at(const Tree *tree, size_t index, size_t *run);
/* How many entries from i and j on stand in one node that both trees share. */
size_t tree_shared(const Tree *a, size_t i, const Tree *b, size_t j);
void tree_put(ValueAccount *account, Tree **tree, size_t index, Value item);
void tree_insert(ValueAccount *account, Tree **tree, size_t index, const Value *entry);
void tree_remove(ValueAccount *account, Tree **tree, size_t index, Value *entry);
static inline size_t tree_stride(const Tree *tree) {
  return tree->node.kind == NODE_PAIRS ? 2 : 1;
}
static inline Tree *tree_of(Value v) {
  return (Tree *)node_of(v);
}
static inline Object *object_of(Value v) {
  return (Object *)node_of(v);
}

/* How a tree of pairs orders keys: by bytes, a shorter one first. */
int text_compare(const Text *text, const char *key, size_t len);

#endif
