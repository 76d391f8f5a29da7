/* JSON text in: the arena, the door to the reader and what a tree's items hold.
 *
 * Of cJSON only the node and the accessors that walk it are in use. Its parser is not:
 * with the pass that it needed before it (it takes 01, loses NULs, minds the locale) it
 * took 15,900 instructions for an event of 285 bytes, ours takes 4,000. */
#include "core/json.h"

#include <stdlib.h>
#include <string.h>

#include "core/jsonread.h"
#include "core/jsonscan.h"

enum {
  CHUNK_FIRST = 4 << 10,
  CHUNK_MOST = 1 << 20,
  KEEP = 64 << 10,        /* what is larger is given back after use */
  ARENA_LIMIT = 512 << 20 /* a tree is up to 32 times its text */
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
  bool over = arena->total + cap > ARENA_LIMIT;
  if (over || !memory_has_much(sizeof(Chunk) + cap)) {
    arena->full = true;
    arena->out_of_memory = !over;
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
  arena->full = arena->out_of_memory = false;
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

static const cJSON *parse(JsonArena *arena, const char *text, size_t len, bool exact,
                          Error *err) {
  json_arena_reset(arena);
  const cJSON *root = json_read(arena, text, len, exact, err);
  if (arena->full && arena->out_of_memory)
    error_set(err, ERR_MEMORY, "no memory for JSON of %zu bytes", len);
  else if (arena->full)
    error_set(err, ERR_TOO_LARGE, "JSON that takes more than %d MiB of memory",
              ARENA_LIMIT >> 20);
  return root;
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
  return json_exact_integer(item->valuedouble, value);
}
