/* Small blocks of memory that are kept by their size when they are given back, and given
 * again: who takes events makes and drops the same few sizes over and over, more of them
 * at a time than malloc keeps at hand. What is kept is bounded. One thread at a time. */
#ifndef TIDELOCK_CORE_BLOCKS_H
#define TIDELOCK_CORE_BLOCKS_H

#include "core/base.h"

enum { BLOCK_SIZES = 19, BLOCKS_KEPT = 256 };

/* A zeroed one is empty and valid. */
typedef struct Blocks {
  struct {
    struct KeptBlock *first;
    int count;
  } kept[BLOCK_SIZES]; /* blocks of 16 * i + 8 bytes; the last two of 520 and 1,032 */
} Blocks;

/* As realloc, with the size that the block was asked with (0: there is none), and with
 * free in it (size 0). NULL: no memory; never if the block is to shrink. */
void *blocks_resize(Blocks *blocks, void *old, size_t old_size, size_t size);

/* As malloc and free, without blocks_resize's NULL: without memory it ends as xmalloc. */
void *blocks_take(Blocks *blocks, size_t size);
void blocks_give(Blocks *blocks, void *block,
                 size_t size); /* the size it was asked with */

void blocks_free(Blocks *blocks); /* what is kept */

#endif
