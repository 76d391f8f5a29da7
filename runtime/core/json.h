/* JSON text in (RFC 8259, strict, into cJSON's nodes from an arena) and out (our own
 * printer, exact for integers to 2^63 and shortest round-trip for doubles). Any thread,
 * one arena a thread.
 *
 * \u0000 is kept, a lone surrogate becomes U+FFFD; invalid UTF-8, raw control characters,
 * numbers like 01 or 1., and text after the value are errors. */
#ifndef TIDELOCK_CORE_JSON_H
#define TIDELOCK_CORE_JSON_H

#include <cjson/cJSON.h>
#include <string.h>

#include "core/buffer.h"
#include "core/error.h"

enum { JSON_MAX_DEPTH = 512 };

typedef struct JsonArena JsonArena;
JsonArena *json_arena_new(void);
void json_arena_free(JsonArena *arena);
void json_arena_reset(JsonArena *arena); /* drops the tree; gives much memory back */

/* Returns the root, borrowed from the arena and valid until the next json_parse with it,
 * or NULL with *err filled (DECODE, with the byte offset and an excerpt). The tree is to
 * be read only: its items have no `prev`. */
const cJSON *json_parse(JsonArena *arena, const char *text, size_t len, Error *err);

/* The same, for what we wrote ourselves: integers beyond 2^53 are kept as JSON_INT64. */
const cJSON *json_parse_exact(JsonArena *arena, const char *text, size_t len, Error *err);

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

/* --- trees that come from elsewhere than text -----------------------------------------
 * Kinds of items that json_parse does not give: bytes (read like a string, with
 * json_string), bytes that a script is to see as marked ones, and integers beyond 2^53.
 */
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

/* Appends to out. A string that is not UTF-8 returns ERR_DECODE and leaves out as it was;
 * a number that is not finite likewise. */
int json_put_string(Buffer *out, const char *text, size_t len);
int json_put_number(Buffer *out, double value);
void json_put_integer(Buffer *out, int64_t value);

/* Lays the compact JSON text that `out` holds from `from` on out over lines, two spaces a
 * level. TOO_LARGE when that takes more than `most` bytes, MEMORY: then `out` ends at
 * `from`. */
int json_lay_out(Buffer *out, size_t from, size_t most);

/* strtod whatever the locale. */
double json_strtod(const char *text);

#endif
