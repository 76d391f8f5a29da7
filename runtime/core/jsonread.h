/* Between json.c, which owns the arena, and jsonread.c, which fills it with a tree. */
#ifndef TIDELOCK_CORE_JSONREAD_H
#define TIDELOCK_CORE_JSONREAD_H

#include "core/json.h"

/* A bump arena. What it gives is 8-byte aligned, and not zeroed. */
struct JsonArena {
  char *next, *end; /* the room that is left in the newest chunk */
  struct Chunk *chunks;
  size_t total;
  bool full; /* the limit was reached in this parse */
};

/* Leaves the room that is left for a chunk of `size` bytes or more. False: full. */
bool json_arena_grow(JsonArena *arena, size_t size);

typedef struct JsonReader {
  JsonArena *arena; /* borrowed */
  const char *end;  /* of the text, which is borrowed */
  int levels;       /* how many more may be opened */
  bool exact;       /* integers of 64 bits stay what they are */
  const char *what; /* when it failed: static text; NULL when the arena is full */
  const char *at;   /* and the place */
} JsonReader;

/* Reads one text, from `text` to its end. Returns the root, which the arena owns, or
 * NULL: see `what`. */
const cJSON *json_read(JsonReader *reader, const char *text);

#endif
