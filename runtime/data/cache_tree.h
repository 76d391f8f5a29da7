/* Keys in the order of their bytes, as a binary tree over the bits in which they differ
 * (a crit-bit tree): all keys that begin with the same bytes stand below one branch, so
 * that finding k of them costs k steps, however many others there are.
 *
 * The leaves are embedded in what has the keys, and borrow these; the tree owns its
 * branches, one fewer than the leaves. A zeroed tree is empty. One thread at a time. */
#ifndef TIDELOCK_DATA_CACHE_TREE_H
#define TIDELOCK_DATA_CACHE_TREE_H

#include "core/buffer.h"

typedef struct TreeLeaf {
  const char *key; /* as long as the leaf is in the tree */
  size_t len;
} TreeLeaf;

typedef struct TreeBranch TreeBranch;
typedef uintptr_t TreeLink; /* a TreeLeaf, or a TreeBranch and 1; 0: empty */

typedef struct CacheTree {
  TreeLink root;
} CacheTree;

enum { TREE_BRANCH_BYTES = 32 }; /* about what a branch takes */

void cache_tree_add(CacheTree *tree, TreeLeaf *leaf);          /* no leaf has that key */
void cache_tree_remove(CacheTree *tree, const TreeLeaf *leaf); /* it is there */
/* Appends the leaves (TreeLeaf *) whose keys begin with these bytes, in no order. */
void cache_tree_find(const CacheTree *tree, const char *prefix, size_t len, Buffer *out);

#endif
