/* A tree of JSON: cJSON's nodes and their strings, in an arena that is emptied for the
 * next tree. json.c makes one of a text; proto/ makes one of MessagePack and of binary
 * attachments. Any thread, one arena a thread. */
#ifndef TIDELOCK_CORE_JSONTREE_H
#define TIDELOCK_CORE_JSONTREE_H

#include <cjson/cJSON.h>
#include <string.h>

#include "core/charge.h"

enum { JSON_ARENA_LIMIT = 512 << 20 }; /* a tree is up to 32 times its text */

/* Memory is taken off its front, 8-byte aligned, and not zeroed. */
typedef struct JsonArena {
  char *next, *end; /* the room that is left in the newest chunk */
  struct Chunk *chunks;
  size_t total;
  Charge *charge;     /* whose memory it is; NULL: nobody's; borrowed */
  bool full;          /* a tree did not fit: it reached the limit, or */
  bool out_of_memory; /* the system, or whose memory it is, has no more */
} JsonArena;

JsonArena *json_arena_new(Charge *charge); /* NULL: its memory is charged to nobody */
void json_arena_free(JsonArena *arena);
void json_arena_wipe(JsonArena *arena); /* the same, for secrets: overwrites them first */
void json_arena_reset(JsonArena *arena); /* drops the tree; gives much memory back */

/* Makes a chunk with room for `size` bytes or more. False: full. */
bool json_arena_grow(JsonArena *arena, size_t size);

/* How many children an array or object has. */
static inline int json_count(const cJSON *item) {
  return item->valueint;
}

/* The strings of a tree: the length stands before the bytes, a NUL behind them. */
typedef struct JsonText {
  size_t len;
  char bytes[];
} JsonText;

/* The bytes of a string item or (key = true) of an item's name; may hold NULs. Borrows.
 */
static inline const char *json_string(const JsonArena *arena, const cJSON *item, bool key,
                                      size_t *len) {
  (void)arena;
  const char *text = key ? item->string : item->valuestring;
  *len = CONTAINER_OF(text, const JsonText, bytes)->len;
  return text;
}

/* Kinds of items that json_parse does not give: bytes (read like a string, with
 * json_string), bytes that a script sees as marked ones, and integers beyond 2^53. */
enum { JSON_BYTES = cJSON_Raw, JSON_INT64 = 1 << 10, JSON_BINARY = 1 << 11 };

/* All from the arena; NULL: it is full. Items come zeroed. */
cJSON *json_new_item(JsonArena *arena);
char *json_new_text(JsonArena *arena, const char *bytes, size_t len); /* a JsonText's */

/* The integer of a JSON_INT64, which lies where a number has its double. */
static inline int64_t json_int64(const cJSON *item) {
  int64_t value;
  memcpy(&value, &item->valuedouble, sizeof value);
  return value;
}
static inline void json_set_int64(cJSON *item, int64_t value) {
  item->type = JSON_INT64;
  memcpy(&item->valuedouble, &value, sizeof value);
}

/* Whether a number is an integer that is exact (|n| <= 2^53), and its value. */
bool json_integer(const cJSON *item, int64_t *value);

#endif
