/* The tree of drafts of one change. It knows nothing of Lua.
 *
 * A node owns the value of its container. Those of its items that have drafts of their
 * own are its children. The node's value may be out of date where a child is, until
 * draftnode_flush puts the values of the children in. */
#ifndef TIDELOCK_BRIDGE_DRAFT_NODE_H
#define TIDELOCK_BRIDGE_DRAFT_NODE_H

#include "core/value.h"

typedef struct DraftNode DraftNode;
typedef struct Change Change;

typedef struct ChildSlot {
  size_t index;
  DraftNode *child; /* of the item at `index` */
} ChildSlot;

struct DraftNode {
  Change *change;
  DraftNode *parent;  /* NULL: the root, or taken out */
  DraftNode *next;    /* of all of the change */
  DraftNode **handle; /* the userdata's pointer here, set to NULL at the end */
  int anchor;         /* where the userdata is among those that the change keeps */
  Value value;        /* owned */
  Value key;          /* in an object; owned */
  bool stale;         /* it or a part differs from what the parent's value has for it */
  bool below;         /* a child is stale */
  bool undecided;     /* it was, and became an array only to hold items */
  ChildSlot *slots;   /* sorted by index; room on both sides: loops go either way */
  size_t first, count, room;
};

struct Change {
  ValueAccount *account; /* borrowed */
  DraftNode *root;
  DraftNode *nodes;
  int anchors; /* how many userdata it keeps */
};

/* Returns new, owned by the change: a node for the value, which is borrowed. */
DraftNode *draftnode_new(Change *change, Value value);
void change_free(Change *change); /* revokes all */

/* The child of the item at `index`, or NULL. */
DraftNode *draftnode_child(const DraftNode *node, size_t index);
/* Makes a node a child: the value has its container there. `key` for objects, borrowed.
 */
void draftnode_attach(DraftNode *node, size_t index, Value key, DraftNode *child);
int draftnode_depth(const DraftNode *node); /* 1 for the root */

/* Brings node->value up to date. 0 or ERR_MEMORY. */
int draftnode_flush(DraftNode *node);

/* Writing; items are taken, a child of the item written over is detached. Codes as in
 * value.h. */
int draftnode_put(DraftNode *node, size_t index,
                  Value item); /* of an array, or a known key */
int draftnode_put_key(DraftNode *node, const char *key, size_t len, Value item);
int draftnode_insert(DraftNode *node, size_t index, Value item);
int draftnode_remove(DraftNode *node, size_t index);       /* of either kind */
void draftnode_become_array(DraftNode *node, Value empty); /* an undecided one; takes */
/* The array's items get another order: the item at i goes to order[i]. Takes the new
 * array. */
void draftnode_reorder(DraftNode *node, const size_t *order, Value array);

#endif
