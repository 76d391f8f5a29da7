/* Between json.c, which owns the arena, and jsonread.c, which fills it with a tree. */
#ifndef TIDELOCK_CORE_JSONREAD_H
#define TIDELOCK_CORE_JSONREAD_H

#include "core/json.h"

/* A bump arena. What it gives is 8-byte aligned, and not zeroed. */
struct JsonArena {
  char *next, *end; /* the room that is left in the newest chunk */
  struct Chunk *chunks;
  size_t total;
  bool full;          /* the limit was reached in this parse, or */
  bool out_of_memory; /* what the system has */
};

/* Leaves the room that is left for a chunk of `size` bytes or more. False: full. */
bool json_arena_grow(JsonArena *arena, size_t size);

/* Reads one text. Returns the root, which the arena owns, or NULL: the arena is full, or
 * *err says what is wrong. With `exact`, integers beyond 2^53 are kept as JSON_INT64. */
const cJSON *json_read(JsonArena *arena, const char *text, size_t len, bool exact,
                       Error *err);

#endif
