/* Trees by position: B+-trees whose branches know how many entries are below them. Leaves
 * are up to 32 items, or 16 pairs. All leaves stand on one level.
 *
 * Before a node changes it gets a single owner (own_node): a node with one reference is
 * used as it is, any other is copied. The copy adds a reference to each part, so that
 * parts are copied in turn when the change reaches them. */
#include <stdlib.h>
#include <string.h>

#include "core/value_node.h"

static size_t most_entries(const Tree *tree) {
  return tree->node.level == 0 && tree_stride(tree) == 2 ? TREE_MAX / 2 : TREE_MAX;
}

/* Slots an entry of this node takes. */
static size_t entry_width(const Tree *tree) {
  return tree->node.level == 0 ? tree_stride(tree) : 1;
}

static size_t tree_size(size_t room) {
  return sizeof(Tree) + room * sizeof(Slot);
}

static Tree *tree_new(ValueAccount *account, NodeKind kind, int level, size_t room) {
  Tree *tree = node_new(account, kind, tree_size(room));
  tree->node.level = (uint8_t)level;
  tree->node.height = 1;
  tree->total = 0;
  tree->count = 0;
  tree->room = (uint16_t)room;
  return tree;
}

/* --- how deep it nests ------------------------------------------------------------ */

static int slot_height(const Tree *tree, size_t slot) {
  if (tree->node.level) return tree->slots[slot].branch.tree->node.height;
  return height_of(tree->slots[slot].value) + 1;
}

static void measure_height(Tree *tree) {
  int height = 1;
  for (size_t i = 0; i < tree->count * entry_width(tree); i++)
    if (slot_height(tree, i) > height) height = slot_height(tree, i);
  tree->node.height = (uint16_t)height;
}

/* A part of height `before` (0: none) was replaced by one of height `after`. */
static void update_height(Tree *tree, int before, int after) {
  if (after >= tree->node.height) tree->node.height = (uint16_t)after;
  else if (before == tree->node.height) measure_height(tree);
}

/* --- nodes of our own ------------------------------------------------------------- */

static void share_slots(const Tree *tree, size_t from, size_t slots) {
  for (size_t i = from; i < from + slots; i++) {
    if (tree->node.level) node_retain(tree->slots[i].branch.tree);
    else value_retain(tree->slots[i].value);
  }
}

static size_t room_for(const Tree *tree, size_t slots) {
  size_t room = 4;
  while (room < slots) room *= 2;
  size_t limit = most_entries(tree) * entry_width(tree);
  return room < limit ? room : limit;
}

/* Takes the tree; returns one with a single reference and room for that many entries. */
static Tree *own_node(ValueAccount *account, Tree *tree, size_t entries) {
  size_t slots = entries * entry_width(tree), used = tree->count * entry_width(tree);
  if (tree->node.refs == 1) {
    if (slots <= tree->room) return tree;
    size_t room = room_for(tree, slots);
    tree = node_resize(tree, tree_size(tree->room), tree_size(room));
    tree->room = (uint16_t)room;
    return tree;
  }
  size_t room = slots > used ? room_for(tree, slots) : used;
  Tree *copy = tree_new(account, tree->node.kind, tree->node.level, room);
  copy->node.height = tree->node.height;
  copy->total = tree->total;
  copy->count = tree->count;
  memcpy(copy->slots, tree->slots, used * sizeof(Slot));
  share_slots(tree, 0, used);
  node_release(&tree->node);
  return copy;
}

/* Opens a gap for an entry, or closes one. */
static void move_slots(Tree *tree, size_t from, size_t to) {
  size_t w = entry_width(tree);
  memmove(tree->slots + to * w, tree->slots + from * w,
          (tree->count - from) * w * sizeof(Slot));
}

static void count_total(Tree *tree) {
  tree->total = tree->count;
  if (tree->node.level == 0) return;
  tree->total = 0;
  for (size_t i = 0; i < tree->count; i++)
    tree->total += (uint32_t)tree->slots[i].branch.total;
}

/* --- finding ---------------------------------------------------------------------- */

/* The branch that holds the entry, or the place before it; *index becomes the one in it.
 */
static size_t find_branch(const Tree *tree, size_t *index, bool place) {
  size_t i = 0;
  while (i + 1 < tree->count && *index + !place > tree->slots[i].branch.total)
    *index -= tree->slots[i++].branch.total;
  return i;
}

const Value *tree_at(const Tree *tree, size_t index, size_t *run) {
  while (tree->node.level)
    tree = tree->slots[find_branch(tree, &index, false)].branch.tree;
  if (run) *run = tree->count - index;
  return &tree->slots[index * tree_stride(tree)].value;
}

/* The nodes that begin with the entry, the largest first. */
static size_t nodes_at(const Tree *tree, size_t index, const Tree **nodes) {
  size_t count = 0;
  for (;;) {
    if (index == 0) nodes[count++] = tree;
    if (tree->node.level == 0) return count;
    tree = tree->slots[find_branch(tree, &index, false)].branch.tree;
  }
}

size_t tree_shared(const Tree *a, size_t i, const Tree *b, size_t j) {
  const Tree *x[TREE_LEVELS], *y[TREE_LEVELS];
  if (i >= a->total || j >= b->total) return 0;
  size_t x_count = nodes_at(a, i, x), y_count = nodes_at(b, j, y);
  for (size_t k = 0; k < x_count; k++)
    for (size_t l = 0; l < y_count; l++)
      if (x[k] == y[l]) return x[k]->total;
  return 0;
}

/* --- changing an item ------------------------------------------------------------- */

static Tree *put_item(ValueAccount *account, Tree *tree, size_t index, Value item) {
  tree = own_node(account, tree, tree->count);
  int before, after;
  if (tree->node.level == 0) {
    Value *old = &tree->slots[index * tree_stride(tree) + tree_stride(tree) - 1].value;
    Value gone = *old;
    before = height_of(gone) + 1, after = height_of(item) + 1;
    *old = item;
    value_release(gone);
  } else {
    Tree **branch = &tree->slots[find_branch(tree, &index, false)].branch.tree;
    before = (*branch)->node.height;
    *branch = put_item(account, *branch, index, item);
    after = (*branch)->node.height;
  }
  update_height(tree, before, after);
  return tree;
}

void tree_put(ValueAccount *account, Tree **tree, size_t index, Value item) {
  *tree = put_item(account, *tree, index, item);
}

/* --- inserting -------------------------------------------------------------------- */

/* Moves the entries from `at` on to a new node. */
static Tree *split_node(ValueAccount *account, Tree *tree, size_t at) {
  size_t w = entry_width(tree), moved = tree->count - at;
  Tree *right = tree_new(account, tree->node.kind, tree->node.level,
                         room_for(tree, (moved + 1) * w));
  memcpy(right->slots, tree->slots + at * w, moved * w * sizeof(Slot));
  right->count = (uint16_t)moved;
  tree->count = (uint16_t)at;
  count_total(tree), count_total(right);
  measure_height(tree), measure_height(right);
  return right;
}

/* Opens a gap for one more entry at *at, in the node *where; returns the right half if
 * the node had to be split. An appended entry splits off alone, so that a list that only
 * grows has full nodes. */
static Tree *open_place(ValueAccount *account, Tree *tree, size_t *at, bool last,
                        Tree **where) {
  Tree *right = NULL;
  *where = tree;
  if (tree->count == most_entries(tree)) {
    size_t middle = last && *at == tree->count ? tree->count : tree->count / 2u;
    right = split_node(account, tree, middle);
    if (*at > middle || middle == most_entries(tree)) {
      *at -= middle;
      *where = right;
    }
  }
  move_slots(*where, *at, *at + 1);
  (*where)->count++;
  return right;
}

static Tree *insert_entry(ValueAccount *account, Tree **place, size_t index,
                          const Value *entry, bool last);

static Tree *insert_leaf(ValueAccount *account, Tree *tree, size_t index,
                         const Value *entry, bool last) {
  Tree *where;
  Tree *right = open_place(account, tree, &index, last, &where);
  size_t stride = tree_stride(tree);
  memcpy(&where->slots[index * stride], entry, stride * sizeof(Value));
  where->total++;
  update_height(where, 0, height_of(entry[stride - 1]) + 1);
  return right;
}

static Tree *insert_branch(ValueAccount *account, Tree *tree, size_t index,
                           const Value *entry, bool last) {
  size_t at = find_branch(tree, &index, true);
  Slot *slot = &tree->slots[at];
  Tree *extra = insert_entry(account, &slot->branch.tree, index, entry,
                             last && at + 1u == tree->count);
  slot->branch.total = slot->branch.tree->total;
  update_height(tree, 0, slot->branch.tree->node.height);
  if (!extra) {
    tree->total++;
    return NULL;
  }
  Tree *where;
  Tree *right = open_place(account, tree, (at++, &at), last, &where);
  where->slots[at].branch.tree = extra;
  where->slots[at].branch.total = extra->total;
  count_total(tree);
  update_height(where, 0, extra->node.height);
  if (right) count_total(right);
  return right;
}

/* Returns the part that did not fit, which stands to the right of *place. */
static Tree *insert_entry(ValueAccount *account, Tree **place, size_t index,
                          const Value *entry, bool last) {
  Tree *tree = *place;
  bool full = tree->count == most_entries(tree);
  tree = *place = own_node(account, tree, tree->count + !full);
  return (tree->node.level ? insert_branch : insert_leaf)(account, tree, index, entry,
                                                          last);
}

void tree_insert(ValueAccount *account, Tree **tree, size_t index, const Value *entry) {
  Tree *right = insert_entry(account, tree, index, entry, true);
  if (!right) return;
  Tree *left = *tree;
  Tree *root = tree_new(account, left->node.kind, left->node.level + 1, 4);
  root->slots[0].branch.tree = left;
  root->slots[0].branch.total = left->total;
  root->slots[1].branch.tree = right;
  root->slots[1].branch.total = right->total;
  root->count = 2;
  count_total(root);
  measure_height(root);
  *tree = root;
}

/* --- removing --------------------------------------------------------------------- */

/* Moves what `from` has to the end of `into`, both of one level. */
static Tree *join_nodes(ValueAccount *account, Tree *into, Tree *from) {
  into = own_node(account, into, into->count + from->count);
  size_t w = entry_width(into);
  memcpy(into->slots + into->count * w, from->slots, from->count * w * sizeof(Slot));
  share_slots(from, 0, from->count * w);
  into->count = (uint16_t)(into->count + from->count);
  into->total += from->total;
  update_height(into, 0, from->node.height);
  node_release(&from->node);
  return into;
}

static void take_branch(Tree *tree, size_t at) {
  move_slots(tree, at + 1, at);
  tree->count--;
}

/* Merges a branch that has become small with its neighbour when both fit into one. */
static void merge_small(ValueAccount *account, Tree *tree, size_t at) {
  Tree *branch = tree->slots[at].branch.tree;
  if (branch->count == 0) {
    node_release(&branch->node);
    take_branch(tree, at);
    return;
  }
  if (branch->count > most_entries(branch) / 4 || tree->count == 1) return;
  size_t left = at ? at - 1 : 0;
  Slot *slot = &tree->slots[left];
  Tree *right = tree->slots[left + 1].branch.tree;
  if (slot->branch.tree->count + right->count > most_entries(branch) * 3 / 4) return;
  slot->branch.tree = join_nodes(account, slot->branch.tree, right);
  slot->branch.total = slot->branch.tree->total;
  take_branch(tree, left + 1);
}

static Tree *cut_entry(ValueAccount *account, Tree *tree, size_t index, Value *entry) {
  tree = own_node(account, tree, tree->count);
  size_t stride = tree_stride(tree);
  int before, after = 0;
  if (tree->node.level == 0) {
    memcpy(entry, &tree->slots[index * stride], stride * sizeof(Value));
    move_slots(tree, index + 1, index);
    tree->count--;
    before = height_of(entry[stride - 1]) + 1;
  } else {
    size_t at = find_branch(tree, &index, false);
    Slot *slot = &tree->slots[at];
    before = slot->branch.tree->node.height;
    slot->branch.tree = cut_entry(account, slot->branch.tree, index, entry);
    slot->branch.total--;
    after = slot->branch.tree->node.height;
    merge_small(account, tree, at);
  }
  tree->total--;
  update_height(tree, before, after);
  return tree;
}

void tree_remove(ValueAccount *account, Tree **tree, size_t index, Value *entry) {
  *tree = cut_entry(account, *tree, index, entry);
  while ((*tree)->node.level && (*tree)->count == 1) {
    Tree *root = *tree;
    *tree = node_retain(root->slots[0].branch.tree);
    node_release(&root->node);
  }
  if ((*tree)->count == 0) {
    (*tree)->node.level = 0;
    (*tree)->node.height = 1;
  }
}

/* --- building --------------------------------------------------------------------- */

/* One level of branches over `count` nodes, in place; returns how many. */
static size_t build_level(ValueAccount *account, Tree **nodes, size_t count) {
  size_t made = 0;
  for (size_t i = 0; i < count; i += TREE_MAX, made++) {
    size_t n = count - i < TREE_MAX ? count - i : TREE_MAX;
    Tree *tree = tree_new(account, nodes[i]->node.kind, nodes[i]->node.level + 1, n);
    tree->count = (uint16_t)n;
    for (size_t k = 0; k < n; k++) {
      tree->slots[k].branch.tree = nodes[i + k];
      tree->slots[k].branch.total = nodes[i + k]->total;
    }
    count_total(tree);
    measure_height(tree);
    nodes[made] = tree;
  }
  return made;
}

Tree *tree_leaf(ValueAccount *account, NodeKind kind, const Value *values, size_t count) {
  size_t stride = kind == NODE_PAIRS ? 2 : 1;
  Tree *leaf = tree_new(account, kind, 0, count * stride);
  if (count) memcpy(leaf->slots, values, count * stride * sizeof(Value));
  leaf->count = (uint16_t)count;
  leaf->total = (uint32_t)count;
  measure_height(leaf);
  return leaf;
}

Tree *tree_over(ValueAccount *account, Tree **leaves, size_t count) {
  while (count > 1) count = build_level(account, leaves, count);
  return leaves[0];
}

Tree *tree_build(ValueAccount *account, NodeKind kind, const Value *values,
                 size_t count) {
  size_t stride = kind == NODE_PAIRS ? 2 : 1, each = TREE_MAX / stride, leaves = 0;
  Tree **nodes = xmalloc((count / each + 1) * sizeof *nodes);
  for (size_t i = 0; i < count || leaves == 0; i += each) {
    size_t n = count - i < each ? count - i : each;
    nodes[leaves++] = tree_leaf(account, kind, values + i * stride, n);
  }
  Tree *root = tree_over(account, nodes, leaves);
  free(nodes);
  return root;
}
