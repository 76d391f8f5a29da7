/* JSON text into cJSON's nodes, in one strict pass; nodes and strings are cut off the
 * arena. Reading recurses once for each level of nesting, JSON_MAX_DEPTH at most.
 *
 * Of cJSON only the node and the functions that walk it are used, not the parser: with
 * the pass that it needed before it (it takes 01, loses NULs, depends on the locale) it
 * took 15,900 instructions for an event of 285 bytes; this one takes 4,000. */
#include "core/json.h"

#include <string.h>

#include "core/jsonscan.h"

typedef struct Reader {
  JsonScan scan;
  JsonArena *arena;
  bool exact;
} Reader;

static const char *read_value(Reader *r, const char *p, cJSON *item);

static const char *fail_memory(Reader *r, const char *p) {
  return json_fail(&r->scan, p, "no memory"); /* arena->full says why */
}

/* Room for the slice and up to a word more; text_end takes it off the arena. */
static inline char *text_start(Reader *r, size_t len) {
  size_t most = sizeof(JsonText) + len + 16;
  JsonArena *arena = r->arena;
  if ((size_t)(arena->end - arena->next) < most && !json_arena_grow(arena, most))
    return NULL;
  return ((JsonText *)(void *)arena->next)->bytes;
}

static inline char *text_end(Reader *r, char *bytes, size_t len) {
  JsonText *text = CONTAINER_OF(bytes, JsonText, bytes);
  text->len = len;
  bytes[len] = '\0';
  r->arena->next += (sizeof *text + len + 8) & ~(size_t)7;
  return bytes;
}

/* Most strings are short: copying words is quicker than a call of memcpy. */
static inline void copy_plain(const Reader *r, char *to, const JsonSlice *slice) {
  const char *from = slice->text;
  if ((size_t)(r->scan.end - from) < slice->len + 8) {
    memcpy(to, from, slice->len);
    return;
  }
  for (size_t i = 0; i < slice->len; i += 8) memcpy(to + i, from + i, 8);
}

static inline char *take_text(Reader *r, const JsonSlice *slice) {
  size_t len = slice->len;
  char *to = text_start(r, len);
  if (!to) return NULL;
  if (slice->escaped) len = json_unescape(to, slice);
  else copy_plain(r, to, slice);
  return text_end(r, to, len);
}

static const char *read_string(Reader *r, const char *p, char **out) {
  JsonSlice slice;
  if (!(p = json_scan_string(&r->scan, p, &slice))) return NULL;
  *out = take_text(r, &slice);
  return *out ? p : fail_memory(r, p);
}

static const char *read_name(Reader *r, const char *p, cJSON *item) {
  JsonSlice name;
  if (!(p = json_scan_name(&r->scan, p, &name))) return NULL;
  item->string = take_text(r, &name);
  return item->string ? p : fail_memory(r, p);
}

static const char *read_number(Reader *r, const char *p, cJSON *item) {
  JsonNumber number;
  if (!(p = json_scan_number(&r->scan, p, r->exact, &number))) return NULL;
  item->type = cJSON_Number;
  item->valuedouble = number.value;
  if (number.is_long) json_set_int64(item, number.integer);
  return p;
}

static inline cJSON *new_item(JsonArena *arena) {
  if ((size_t)(arena->end - arena->next) < sizeof(cJSON)) return json_new_item(arena);
  cJSON *item = (cJSON *)(void *)arena->next;
  arena->next += sizeof(cJSON);
  *item = (cJSON){0};
  return item;
}

/* Reads the items of an array or object; p is at its opening bracket. */
static const char *read_items(Reader *r, const char *p, cJSON *parent, char close) {
  cJSON **link = &parent->child;
  bool more;
  p = json_open(&r->scan, p, close, &more);
  while (p && more) {
    cJSON *item = new_item(r->arena);
    if (!item) return fail_memory(r, p);
    *link = item;
    link = &item->next;
    parent->valueint++;
    if (close == '}' && !(p = read_name(r, p, item))) return NULL;
    if (!(p = read_value(r, p, item))) return NULL;
    p = json_more(&r->scan, p, &more);
  }
  return p ? json_close(&r->scan, p, close) : NULL;
}

static const char *read_value(Reader *r, const char *p, cJSON *item) {
  switch (p < r->scan.end ? *p : '\0') {
  case '"':
    item->type = cJSON_String;
    return read_string(r, p, &item->valuestring);
  case '{':
    item->type = cJSON_Object;
    return read_items(r, p, item, '}');
  case '[':
    item->type = cJSON_Array;
    return read_items(r, p, item, ']');
  case 't':
    item->type = cJSON_True;
    return json_scan_word(&r->scan, p, "true", 4);
  case 'f':
    item->type = cJSON_False;
    return json_scan_word(&r->scan, p, "false", 5);
  case 'n':
    item->type = cJSON_NULL;
    return json_scan_word(&r->scan, p, "null", 4);
  case '-':
  case '0' ... '9':
    return read_number(r, p, item);
  default:
    return json_fail(&r->scan, p, "not a value");
  }
}

static const cJSON *read_tree(JsonArena *arena, const char *text, size_t len, bool exact,
                              Error *err) {
  Reader r = {.arena = arena, .exact = exact};
  const char *p = json_scan_start(&r.scan, text, len);
  cJSON *root = json_new_item(arena);
  if (root && (p = read_value(&r, p, root)) && json_scan_end(&r.scan, p)) return root;
  if (!arena->full) json_scan_error(&r.scan, text, len, err);
  return NULL;
}

static const cJSON *parse_text(JsonArena *arena, const char *text, size_t len, bool exact,
                               Error *err) {
  json_arena_reset(arena);
  const cJSON *root = read_tree(arena, text, len, exact, err);
  if (arena->full && arena->out_of_memory)
    error_set(err, ERR_MEMORY, "no memory for JSON of %zu bytes", len);
  else if (arena->full)
    error_set(err, ERR_TOO_LARGE, "JSON that takes more than %d MiB of memory",
              JSON_ARENA_LIMIT >> 20);
  return root;
}

const cJSON *json_parse(JsonArena *arena, const char *text, size_t len, Error *err) {
  return parse_text(arena, text, len, false, err);
}

const cJSON *json_parse_exact(JsonArena *arena, const char *text, size_t len,
                              Error *err) {
  return parse_text(arena, text, len, true, err);
}
