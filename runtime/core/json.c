/* JSON text in: the arena, the door to the reader and what a tree's items hold.
 *
 * Of cJSON only the node and the accessors that walk it are in use. Its parser is not:
 * with the pass that it needed before it (it takes 01, loses NULs, minds the locale) it
 * took 15,900 instructions for an event of 285 bytes, ours takes 4,000. */
#include "core/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/jsonread.h"

#define EXACT 9007199254740992.0 /* 2^53 */

enum {
  CHUNK_FIRST = 4 << 10,
  CHUNK_MOST = 1 << 20,
  KEEP = 64 << 10,         /* what is larger is given back after use */
  ARENA_LIMIT = 512 << 20, /* a tree is up to 32 times its text */
  EXCERPT = 24
};

typedef struct Chunk Chunk;
struct Chunk {
  Chunk *next;
  size_t cap;
  _Alignas(8) char data[];
};

/* --- the arena -------------------------------------------------------------------- */

static void use_chunk(JsonArena *arena, Chunk *chunk) {
  arena->chunks = chunk;
  arena->next = chunk ? chunk->data : NULL;
  arena->end = chunk ? chunk->data + chunk->cap : NULL;
}

bool json_arena_grow(JsonArena *arena, size_t size) {
  size_t cap = arena->chunks ? arena->chunks->cap * 2 : CHUNK_FIRST;
  if (cap > CHUNK_MOST) cap = CHUNK_MOST;
  if (cap < size) cap = (size + 7) & ~(size_t)7;
  if (arena->total + cap > ARENA_LIMIT) {
    arena->full = true;
    return false;
  }
  Chunk *chunk = xmalloc(sizeof *chunk + cap);
  *chunk = (Chunk){.next = arena->chunks, .cap = cap};
  arena->total += cap;
  use_chunk(arena, chunk);
  return true;
}

static void free_chunks(Chunk *chunk) {
  while (chunk) {
    Chunk *next = chunk->next;
    free(chunk);
    chunk = next;
  }
}

void json_arena_reset(JsonArena *arena) {
  Chunk *keep = arena->chunks;
  if (keep && keep->cap > KEEP) {
    free_chunks(keep);
    keep = NULL;
  } else if (keep) {
    free_chunks(keep->next);
    keep->next = NULL;
  }
  use_chunk(arena, keep);
  arena->total = keep ? keep->cap : 0;
  arena->full = false;
}

JsonArena *json_arena_new(void) {
  return xcalloc(1, sizeof(JsonArena));
}

void json_arena_free(JsonArena *arena) {
  if (!arena) return;
  free_chunks(arena->chunks);
  free(arena);
}

/* --- trees that come from elsewhere ----------------------------------------------- */

static void *bump(JsonArena *arena, size_t size) {
  size = (size + 7) & ~(size_t)7;
  if ((size_t)(arena->end - arena->next) < size && !json_arena_grow(arena, size))
    return NULL;
  void *at = arena->next;
  arena->next += size;
  return at;
}

cJSON *json_new_item(JsonArena *arena) {
  cJSON *item = bump(arena, sizeof *item);
  if (item) *item = (cJSON){0};
  return item;
}

char *json_new_text(JsonArena *arena, const char *bytes, size_t len) {
  if (len > ARENA_LIMIT) return NULL;
  JsonText *text = bump(arena, sizeof *text + len + 1);
  if (!text) return NULL;
  text->len = len;
  if (len) memcpy(text->bytes, bytes, len);
  text->bytes[len] = '\0';
  return text->bytes;
}

/* --- parsing ---------------------------------------------------------------------- */

/* The text around the place, with what a terminal should not see left out. */
static void excerpt(char *out, const char *text, size_t len, size_t at) {
  size_t from = at > EXCERPT / 2 ? at - EXCERPT / 2 : 0;
  size_t end = len - from < EXCERPT ? len : from + EXCERPT;
  while (from < end) {
    unsigned char c = (unsigned char)text[from++];
    *out++ = c >= 0x20 && c < 0x7F ? (char)c : '?';
  }
  *out = '\0';
}

static const cJSON *refuse(const char *text, size_t len, size_t at, const char *what,
                           Error *err) {
  char near[EXCERPT + 1];
  excerpt(near, text, len, at);
  if (len == 0) error_set(err, ERR_DECODE, "not JSON: no text");
  else error_set(err, ERR_DECODE, "not JSON at byte %zu: %s, near `%s`", at, what, near);
  return NULL;
}

/* A byte order mark is no part of the text. */
static size_t mark_width(const char *text, size_t len) {
  return len >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
}

static const cJSON *parse(JsonArena *arena, const char *text, size_t len, bool exact,
                          Error *err) {
  json_arena_reset(arena);
  size_t mark = mark_width(text, len);
  text += mark, len -= mark;
  JsonReader reader = {
      .arena = arena, .end = text + len, .levels = JSON_MAX_DEPTH, .exact = exact};
  const cJSON *root = json_read(&reader, text);
  if (root) return root;
  if (!arena->full)
    return refuse(text, len, (size_t)(reader.at - text), reader.what, err);
  error_set(err, ERR_TOO_LARGE, "JSON that takes more than %d MiB of memory",
            ARENA_LIMIT >> 20);
  return NULL;
}

const cJSON *json_parse(JsonArena *arena, const char *text, size_t len, Error *err) {
  return parse(arena, text, len, false, err);
}

const cJSON *json_parse_exact(JsonArena *arena, const char *text, size_t len,
                              Error *err) {
  return parse(arena, text, len, true, err);
}

/* --- what items hold -------------------------------------------------------------- */

bool json_integer(const cJSON *item, int64_t *value) {
  double number = item->valuedouble;
  if (!(fabs(number) <= EXACT)) return false;
  *value = (int64_t)number;
  return (double)*value == number && !(number == 0 && signbit(number));
}
