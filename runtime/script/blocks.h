/* The memory of a Lua state: small blocks that Lua gives back are kept by their size and
 * given again, as a state that takes events makes and drops the same few sizes over and
 * over. What is kept is bounded. One thread at a time. */
#ifndef TIDELOCK_SCRIPT_BLOCKS_H
#define TIDELOCK_SCRIPT_BLOCKS_H

#include "core/base.h"

enum { BLOCK_SIZES = 17, BLOCKS_KEPT = 256 };

/* A zeroed one is empty and valid. */
typedef struct Blocks {
  struct {
    struct KeptBlock *first;
    int count;
  } kept[BLOCK_SIZES]; /* blocks of 16 * i + 8 bytes */
} Blocks;

/* As realloc, with the size that the block was asked with (0: there is none), and with
 * free in it (size 0). NULL: no memory; never if the block is to shrink. */
void *blocks_resize(Blocks *blocks, void *old, size_t old_size, size_t size);

void blocks_free(Blocks *blocks); /* what is kept */

#endif
