/* A cache of small memory blocks, by size: events allocate and free the same few sizes
 * over and over, more of them at a time than malloc's own cache holds. The cache is
 * bounded, in bytes for each size. One thread at a time. */
#ifndef TIDELOCK_CORE_BLOCKS_H
#define TIDELOCK_CORE_BLOCKS_H

#include "core/base.h"

enum { BLOCK_SIZES = 19, BLOCKS_KEPT = 64 << 10 };

/* A zeroed one is empty and valid. */
typedef struct Blocks {
  struct {
    struct KeptBlock *first;
    size_t bytes;      /* BLOCKS_KEPT at most */
  } kept[BLOCK_SIZES]; /* blocks of 16 * i + 8 bytes; the last two of 520 and 1,032 */
} Blocks;

/* As realloc, with the size that the block was allocated with (0: no block); size 0
 * frees it. NULL: no memory; never if the block is to shrink. */
void *blocks_resize(Blocks *blocks, void *old, size_t old_size, size_t size);

/* As malloc and free; without memory blocks_take aborts, as xmalloc does. */
void *blocks_take(Blocks *blocks, size_t size);
void blocks_give(Blocks *blocks, void *block,
                 size_t size); /* the size it was allocated with */

void blocks_free(Blocks *blocks); /* the cached blocks */

#endif
