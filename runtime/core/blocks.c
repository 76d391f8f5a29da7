/* Small blocks by size. Each is malloc's own, of a size that malloc does not round up, so
 * that any of them can go back to it. */
#include "core/blocks.h"

#include <stdlib.h>
#include <string.h>

typedef struct KeptBlock {
  struct KeptBlock *next;
} KeptBlock;

/* Under the sanitizer nothing is kept, so that it sees each use after free. */
#ifdef ADDRESS_SANITIZER
enum { KEEP = 0 };
#else
enum { KEEP = BLOCKS_KEPT };
#endif

/* The list that keeps blocks of this size; BLOCK_SIZES: there is none. */
static inline size_t index_of(size_t size) {
  if (size <= 264) return (size + 7) / 16;
  return size <= 520 ? 17 : size <= 1032 ? 18 : BLOCK_SIZES;
}

static inline size_t room_of(size_t index) {
  return index < 17 ? 16 * index + 8 : index == 17 ? 520 : 1032;
}

static inline void *take_block(Blocks *blocks, size_t size) {
  size_t i = index_of(size);
  if (i >= BLOCK_SIZES) return malloc(size);
  KeptBlock *block = blocks->kept[i].first;
  if (!block) return malloc(room_of(i));
  blocks->kept[i].first = block->next;
  blocks->kept[i].bytes -= room_of(i);
  return block;
}

static inline void give_back(Blocks *blocks, void *p, size_t size) {
  size_t i = index_of(size);
  if (i >= BLOCK_SIZES || blocks->kept[i].bytes + room_of(i) > KEEP) {
    free(p);
    return;
  }
  KeptBlock *block = p;
  block->next = blocks->kept[i].first;
  blocks->kept[i].first = block;
  blocks->kept[i].bytes += room_of(i);
}

static void *move_block(Blocks *blocks, void *old, size_t old_size, size_t size) {
  size_t from = index_of(old_size), to = index_of(size);
  if (from >= BLOCK_SIZES && to >= BLOCK_SIZES) return realloc(old, size);
  if (from == to) return old;
  void *p = take_block(blocks, size);
  if (!p)
    return size < old_size ? old : NULL; /* the larger block serves the smaller size */
  memcpy(p, old, size < old_size ? size : old_size);
  give_back(blocks, old, old_size);
  return p;
}

void *blocks_resize(Blocks *blocks, void *old, size_t old_size, size_t size) {
  if (old_size == 0) return take_block(blocks, size);
  if (size > 0) return move_block(blocks, old, old_size, size);
  give_back(blocks, old, old_size);
  return NULL;
}

void *blocks_take(Blocks *blocks, size_t size) {
  size_t i = index_of(size);
  if (i < BLOCK_SIZES && blocks->kept[i].first) return take_block(blocks, size);
  return xmalloc(i < BLOCK_SIZES ? room_of(i) : size);
}

void blocks_give(Blocks *blocks, void *block, size_t size) {
  give_back(blocks, block, size);
}

void blocks_free(Blocks *blocks) {
  for (size_t i = 0; i < BLOCK_SIZES; i++)
    while (blocks->kept[i].first) {
      KeptBlock *block = blocks->kept[i].first;
      blocks->kept[i].first = block->next;
      free(block);
    }
  *blocks = (Blocks){0};
}
