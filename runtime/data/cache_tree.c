/* See cache_tree.h. Each byte counts as nine bits: that there is one, and its own eight.
 * So a key that is the beginning of another differs from it, in the first of these. */
#include "data/cache_tree.h"

#include <stdlib.h>
#include <string.h>

struct TreeBranch {
  TreeLink sides[2];
  uint32_t byte; /* all keys below are the same before it, */
  uint16_t bit;  /* and in the bits above this one of the nine */
};

static TreeBranch *branch_of(TreeLink link) {
  return link & 1 ? (TreeBranch *)(link - 1) : NULL;
}

static TreeLeaf *leaf_of(TreeLink link) {
  return (TreeLeaf *)link;
}

static unsigned symbol_at(const char *key, size_t len, size_t byte) {
  return byte < len ? 0x100u | (uint8_t)key[byte] : 0;
}

static int side_of(const TreeBranch *branch, const char *key, size_t len) {
  return (symbol_at(key, len, branch->byte) & branch->bit) != 0;
}

/* The leaf that a search for the key ends at; the tree is not empty. */
static TreeLeaf *nearest_leaf(TreeLink link, const char *key, size_t len) {
  for (const TreeBranch *b; (b = branch_of(link));) link = b->sides[side_of(b, key, len)];
  return leaf_of(link);
}

static unsigned highest_bit(unsigned bits) {
  unsigned bit = 0x100;
  while (!(bits & bit)) bit >>= 1;
  return bit;
}

/* Where the two keys, which differ, do so first. */
static TreeBranch *new_branch(const TreeLeaf *leaf, const TreeLeaf *other) {
  size_t i = 0, both = leaf->len < other->len ? leaf->len : other->len;
  while (i < both && leaf->key[i] == other->key[i]) i++;
  CHECK(i < leaf->len || i < other->len);
  TreeBranch *branch = xmalloc(sizeof *branch);
  branch->byte = (uint32_t)i;
  branch->bit = (uint16_t)highest_bit(symbol_at(leaf->key, leaf->len, i) ^
                                      symbol_at(other->key, other->len, i));
  return branch;
}

static bool is_above(const TreeBranch *a, const TreeBranch *b) {
  return a->byte < b->byte || (a->byte == b->byte && a->bit > b->bit);
}

void cache_tree_add(CacheTree *tree, TreeLeaf *leaf) {
  TreeLink *at = &tree->root;
  if (!*at) {
    *at = (TreeLink)leaf;
    return;
  }
  TreeBranch *fresh = new_branch(leaf, nearest_leaf(*at, leaf->key, leaf->len)), *b;
  while ((b = branch_of(*at)) && is_above(b, fresh))
    at = &b->sides[side_of(b, leaf->key, leaf->len)];
  int side = side_of(fresh, leaf->key, leaf->len);
  fresh->sides[side] = (TreeLink)leaf;
  fresh->sides[!side] = *at;
  *at = (TreeLink)fresh | 1;
}

void cache_tree_remove(CacheTree *tree, const TreeLeaf *leaf) {
  TreeLink *at = &tree->root, *above = NULL;
  TreeBranch *b, *parent = NULL;
  while ((b = branch_of(*at))) {
    above = at;
    parent = b;
    at = &b->sides[side_of(b, leaf->key, leaf->len)];
  }
  CHECK(leaf_of(*at) == leaf);
  if (!parent) {
    tree->root = 0;
    return;
  }
  *above = parent->sides[at == &parent->sides[0]];
  free(parent);
}

/* Without recursion: keys may make the tree as deep as they are long. */
static void put_leaves(TreeLink top, Buffer *out) {
  Buffer waiting = {0};
  for (;;) {
    for (const TreeBranch *b; (b = branch_of(top)); top = b->sides[0])
      buffer_put(&waiting, &b->sides[1], sizeof b->sides[1]);
    TreeLeaf *leaf = leaf_of(top);
    buffer_put(out, &leaf, sizeof leaf);
    if (!waiting.len) break;
    waiting.len -= sizeof top;
    memcpy(&top, waiting.data + waiting.len, sizeof top);
  }
  buffer_free(&waiting);
}

void cache_tree_find(const CacheTree *tree, const char *prefix, size_t len, Buffer *out) {
  TreeLink top = tree->root;
  if (!top) return;
  for (const TreeBranch *b; (b = branch_of(top)) && b->byte < len;)
    top = b->sides[side_of(b, prefix, len)];
  const TreeLeaf *any = nearest_leaf(top, prefix, len);
  if (any->len >= len && memcmp(any->key, prefix, len) == 0) put_leaves(top, out);
}
