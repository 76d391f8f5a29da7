/* JSON text in: the scan first, then cJSON, whose nodes come from a bump arena (measured
 * 1.4 times its malloc). cJSON's allocation hooks are process-wide and take no context:
 * they are set once, and look at a variable of the thread; outside json_parse they are
 * malloc and free. */
#include "core/json.h"

#include <ctype.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "core/jsonscan.h"

#define EXACT 9007199254740992.0 /* 2^53 */

enum {
  CHUNK_FIRST = 4 << 10,
  CHUNK_MOST = 1 << 20,
  KEEP = 64 << 10,         /* what is larger is given back after use */
  ARENA_LIMIT = 512 << 20, /* a tree is up to 30 times its text */
  EXCERPT = 24
};

typedef struct Chunk Chunk;
struct Chunk {
  Chunk *next;
  size_t cap, used;
  _Alignas(8) char data[];
};

struct JsonArena {
  Chunk *chunks; /* the newest first */
  size_t total;
  bool full; /* ARENA_LIMIT was reached in this parse */
  bool nuls;
  Buffer copy; /* the rewritten text */
};

static _Thread_local JsonArena *current;

/* --- the arena ------------------------------------------------------------------------
 */

static Chunk *chunk_add(JsonArena *arena, size_t size) {
  size_t cap = arena->chunks ? arena->chunks->cap * 2 : CHUNK_FIRST;
  if (cap > CHUNK_MOST) cap = CHUNK_MOST;
  if (cap < size) cap = size;
  Chunk *chunk = xmalloc(sizeof *chunk + cap);
  *chunk = (Chunk){.next = arena->chunks, .cap = cap};
  arena->chunks = chunk;
  arena->total += cap;
  return chunk;
}

static inline void *arena_alloc(JsonArena *arena, size_t size) {
  size = (size + 7) & ~(size_t)7;
  Chunk *chunk = arena->chunks;
  if (__builtin_expect(!chunk || chunk->cap - chunk->used < size, 0))
    chunk = chunk_add(arena, size);
  void *p = chunk->data + chunk->used;
  chunk->used += size;
  return p;
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
  if (keep && keep->cap <= KEEP) {
    free_chunks(keep->next);
    keep->next = NULL;
    keep->used = 0;
    arena->total = keep->cap;
  } else {
    free_chunks(keep);
    arena->chunks = NULL;
    arena->total = 0;
  }
  if (arena->copy.cap > KEEP) buffer_free(&arena->copy);
  buffer_clear(&arena->copy);
  arena->full = arena->nuls = false;
}

static void *hook_malloc(size_t size) {
  JsonArena *arena = current;
  if (!arena) return malloc(size);
  if (arena->total + size > ARENA_LIMIT) arena->full = true;
  return arena->full ? NULL : arena_alloc(arena, size);
}

static void hook_free(void *p) {
  if (!current) free(p);
}

static void set_hooks(void) {
  cJSON_InitHooks(&(cJSON_Hooks){hook_malloc, hook_free});
}

JsonArena *json_arena_new(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, set_hooks);
  return xcalloc(1, sizeof(JsonArena));
}

void json_arena_free(JsonArena *arena) {
  if (!arena) return;
  free_chunks(arena->chunks);
  buffer_free(&arena->copy);
  free(arena);
}

/* --- parsing --------------------------------------------------------------------------
 */

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

static const char *skip_space(const char *p, const char *end) {
  while (p < end && (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r')) p++;
  return p;
}

static const cJSON *parse_scanned(JsonArena *arena, const char *text, size_t len,
                                  const char **stop) {
  current = arena;
  const cJSON *root = cJSON_ParseWithLengthOpts(text, len, stop, false);
  current = NULL;
  return root;
}

/* A byte order mark is no part of the text. */
static size_t mark_width(const char *text, size_t len) {
  return len >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
}

const cJSON *json_parse(JsonArena *arena, const char *text, size_t len, Error *err) {
  json_arena_reset(arena);
  size_t mark = mark_width(text, len);
  text += mark, len -= mark;
  JsonScan scan = {.text = text, .len = len, .copy = &arena->copy};
  if (!json_scan(&scan)) return refuse(text, len, scan.at, scan.what, err);
  arena->nuls = scan.nuls;
  const char *stop = NULL, *from = arena->copy.len ? arena->copy.data : text;
  const cJSON *root = len ? parse_scanned(arena, from, len, &stop) : NULL;
  if (root) stop = skip_space(stop, from + len);
  if (root && stop == from + len) return root;
  if (arena->full) {
    error_set(err, ERR_TOO_LARGE, "JSON that takes more than %d MiB of memory",
              ARENA_LIMIT >> 20);
    return NULL;
  }
  size_t at = stop ? (size_t)(stop - from) : 0;
  const char *what = root                             ? "text after the value"
                     : scan.open > 0 && at + 1 >= len ? "the text ends too early"
                                                      : "not a value, `,` or a bracket";
  return refuse(text, len, at, what, err);
}

/* --- what items hold ------------------------------------------------------------------
 */

/* The tree stays as it was, only memory is taken: so callers may see a const arena. */
static const char *restore_nuls(const JsonArena *arena, const char *text, size_t *len) {
  char *out = arena_alloc((JsonArena *)arena, *len + 1), *to = out;
  for (const char *p = text; *p; p++) {
    bool nul = (unsigned char)*p == JSON_NUL;
    *to++ = nul ? '\0' : *p;
    if (nul) p += JSON_NUL_WIDTH - 1;
  }
  *to = '\0';
  *len = (size_t)(to - out);
  return out;
}

const char *json_string(const JsonArena *arena, const cJSON *item, bool key,
                        size_t *len) {
  const char *text = key ? item->string : item->valuestring;
  *len = strlen(text);
  if (arena->nuls && memchr(text, JSON_NUL, *len)) return restore_nuls(arena, text, len);
  return text;
}

bool json_integer(const cJSON *item, int64_t *value) {
  double number = item->valuedouble;
  if (!(fabs(number) <= EXACT)) return false;
  *value = (int64_t)number;
  return (double)*value == number && !(number == 0 && signbit(number));
}
