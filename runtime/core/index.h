/* An intrusive hash table: each node is embedded in the object it finds. Only hashes are
 * compared here; the caller compares the objects of one hash. A zeroed Index is empty and
 * valid. One thread at a time. */
#ifndef TIDELOCK_CORE_INDEX_H
#define TIDELOCK_CORE_INDEX_H

#include "core/base.h"

typedef struct IndexNode IndexNode;
struct IndexNode {
  IndexNode *next; /* in its slot, the newest first; the index's */
  uint64_t hash;
};

typedef struct Index {
  IndexNode **slots;
  size_t room, count; /* room: a power of two, or 0 */
} Index;

void index_add(Index *index, IndexNode *node, uint64_t hash); /* the node is in none */
void index_remove(Index *index, IndexNode *node); /* does nothing if it is in none */
/* The first of those with this hash, and the one after it; NULL: none. */
IndexNode *index_first(const Index *index, uint64_t hash);
IndexNode *index_next(const IndexNode *node);
void index_free(Index *index); /* its slots; the nodes are not its own */

#endif
