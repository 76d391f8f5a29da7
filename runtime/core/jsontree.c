/* The tree of a JSON text: its arena and what is made in it. The arena is a list of
 * chunks, each twice as large as the one before; what a tree takes is cut off the newest.
 */
#include "core/jsontree.h"

#include <stdlib.h>
#include <string.h>

#include "core/jsonscan.h"

enum {
  CHUNK_FIRST = 4 << 10,
  CHUNK_MOST = 1 << 20,
  KEEP = 64 << 10 /* a larger chunk is freed after use */
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
  bool over = arena->total + cap > JSON_ARENA_LIMIT;
  if (over || charge_is_over(arena->charge, sizeof(Chunk) + cap)) {
    arena->full = true;
    arena->out_of_memory = !over;
    return false;
  }
  Chunk *chunk = xmalloc(sizeof *chunk + cap);
  *chunk = (Chunk){.next = arena->chunks, .cap = cap};
  charge_set(arena->charge, &arena->total, arena->total + cap);
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
  charge_set(arena->charge, &arena->total, keep ? keep->cap : 0);
  arena->full = arena->out_of_memory = false;
}

JsonArena *json_arena_new(Charge *charge) {
  JsonArena *arena = xcalloc(1, sizeof *arena);
  arena->charge = charge;
  return arena;
}

void json_arena_free(JsonArena *arena) {
  if (!arena) return;
  free_chunks(arena->chunks);
  charge_set(arena->charge, &arena->total, 0);
  free(arena);
}

void json_arena_wipe(JsonArena *arena) {
  for (Chunk *chunk = arena ? arena->chunks : NULL; chunk; chunk = chunk->next)
    explicit_bzero(chunk->data, chunk->cap);
  json_arena_free(arena);
}

/* --- items and strings ------------------------------------------------------------ */

static void *take_bytes(JsonArena *arena, size_t size) {
  size = (size + 7) & ~(size_t)7;
  if ((size_t)(arena->end - arena->next) < size && !json_arena_grow(arena, size))
    return NULL;
  void *at = arena->next;
  arena->next += size;
  return at;
}

cJSON *json_new_item(JsonArena *arena) {
  cJSON *item = take_bytes(arena, sizeof *item);
  if (item) *item = (cJSON){0};
  return item;
}

char *json_new_text(JsonArena *arena, const char *bytes, size_t len) {
  if (len > JSON_ARENA_LIMIT) return NULL;
  JsonText *text = take_bytes(arena, sizeof *text + len + 1);
  if (!text) return NULL;
  text->len = len;
  if (len) memcpy(text->bytes, bytes, len);
  text->bytes[len] = '\0';
  return text->bytes;
}

bool json_integer(const cJSON *item, int64_t *value) {
  return json_exact_integer(item->valuedouble, value);
}
