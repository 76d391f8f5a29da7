/* See chunk.h: the format of Lua 5.4 (ldump.c, lundump.c), written by the library that
 * compiled the chunk. Reading ends at the first thing that does not fit. */
#include "vm/chunk.h"

#include <stdlib.h>
#include <string.h>

#include "core/buffer.h"

enum { HEADER = 4 + 1 + 1 + 6 + 3 + 8 + 8, DEEPEST = 200 };
enum { IS_FALSE = 0x01, IS_TRUE = 0x11, IS_NIL = 0x00 };
enum { IS_INTEGER = 0x03, IS_FLOAT = 0x13, IS_SHORT = 0x04, IS_LONG = 0x14 };

typedef struct Reader {
  const uint8_t *at, *end;
  bool bad;
} Reader;

static const uint8_t *take_bytes(Reader *r, size_t len) {
  static const uint8_t nothing[8];
  if (r->bad || (size_t)(r->end - r->at) < len) {
    r->bad = true;
    return len <= sizeof nothing ? nothing : NULL;
  }
  const uint8_t *at = r->at;
  r->at += len;
  return at;
}

static uint8_t read_byte(Reader *r) {
  return *take_bytes(r, 1);
}

/* Seven bits a byte, the highest first; the last byte has its top bit set. */
static size_t read_number(Reader *r) {
  size_t n = 0;
  for (int i = 0; i < 10 && !r->bad; i++) {
    uint8_t b = read_byte(r);
    n = n << 7 | (b & 0x7f);
    if (b & 0x80) return n;
  }
  r->bad = true;
  return 0;
}

/* A number of entries, each of which takes at least a byte. */
static size_t read_count(Reader *r) {
  size_t n = read_number(r);
  if (n > (size_t)(r->end - r->at)) r->bad = true;
  return r->bad ? 0 : n;
}

/* Returns new; NULL: no string, or a bad chunk. */
static char *read_string(Reader *r) {
  size_t len = read_number(r);
  if (len == 0) return NULL;
  const uint8_t *text = take_bytes(r, len - 1);
  return r->bad ? NULL : xstrndup((const char *)text, len - 1);
}

static void skip_string(Reader *r) {
  free(read_string(r));
}

static void read_code(Reader *r, ChunkFunction *f) {
  f->code_count = read_count(r);
  const uint8_t *code = take_bytes(r, f->code_count * sizeof *f->code);
  if (r->bad) f->code_count = 0;
  f->code = xcalloc(f->code_count + 1, sizeof *f->code);
  f->lines = xcalloc(f->code_count + 1, sizeof *f->lines);
  if (f->code_count) memcpy(f->code, code, f->code_count * sizeof *f->code);
}

static char *read_constant(Reader *r) {
  switch (read_byte(r)) {
  case IS_SHORT:
  case IS_LONG:
    return read_string(r);
  case IS_INTEGER:
  case IS_FLOAT:
    take_bytes(r, 8);
    return NULL;
  case IS_NIL:
  case IS_FALSE:
  case IS_TRUE:
    return NULL;
  default:
    r->bad = true;
    return NULL;
  }
}

static void read_constants(Reader *r, ChunkFunction *f) {
  f->string_count = read_count(r);
  f->strings = xcalloc(f->string_count + 1, sizeof *f->strings);
  for (size_t i = 0; i < f->string_count && !r->bad; i++)
    f->strings[i] = read_constant(r);
}

static void read_upvalues(Reader *r, ChunkFunction *f) {
  f->upvalue_count = read_count(r);
  f->upvalues = xcalloc(f->upvalue_count + 1, sizeof *f->upvalues);
  for (size_t i = 0; i < f->upvalue_count && !r->bad; i++) {
    f->upvalues[i].in_stack = read_byte(r) != 0;
    f->upvalues[i].index = read_byte(r);
    read_byte(r); /* its kind */
  }
}

/* Differences from line to line; -128 marks a line whose difference is too large: a
 * second list has such lines whole. */
static void read_lines(Reader *r, ChunkFunction *f, int line) {
  size_t n = read_count(r), marks = 0;
  const uint8_t *steps = take_bytes(r, n);
  if (n > f->code_count) r->bad = true;
  size_t whole = read_count(r);
  int *lines = xcalloc(whole + 1, sizeof *lines);
  for (size_t i = 0; i < whole; i++) {
    read_number(r); /* the instruction */
    lines[i] = (int)read_number(r);
  }
  for (size_t i = 0; i < n && !r->bad; i++) {
    int step = (int8_t)steps[i];
    if (step != -128) line += step;
    else if (marks < whole) line = lines[marks++];
    f->lines[i] = line;
  }
  free(lines);
}

static void skip_names(Reader *r) {
  for (size_t n = read_count(r); n > 0 && !r->bad; n--) {
    skip_string(r);
    read_number(r);
    read_number(r);
  }
  for (size_t n = read_count(r); n > 0 && !r->bad; n--) skip_string(r);
}

static void read_function(Reader *r, ChunkFunction *f, int depth) {
  if (depth > DEEPEST) r->bad = true;
  skip_string(r); /* the source */
  int line = (int)read_number(r);
  read_number(r);
  take_bytes(r, 3); /* parameters, vararg, stack */
  read_code(r, f);
  read_constants(r, f);
  read_upvalues(r, f);
  f->function_count = read_count(r);
  f->functions = xcalloc(f->function_count + 1, sizeof *f->functions);
  for (size_t i = 0; i < f->function_count && !r->bad; i++)
    read_function(r, &f->functions[i], depth + 1);
  read_lines(r, f, line);
  skip_names(r);
}

/* The signature, version 5.4, the official format, and the sizes of types as read here.
 */
static bool read_header(Reader *r) {
  const uint8_t *head = take_bytes(r, HEADER);
  static const uint8_t sizes[] = {4, 8, 8};
  return head && memcmp(head, "\x1bLua\x54\x00", 6) == 0 &&
         memcmp(head + 12, sizes, sizeof sizes) == 0;
}

static int append_dumped(lua_State *L, const void *bytes, size_t len, void *out) {
  (void)L;
  buffer_put(out, bytes, len);
  return 0;
}

static void release_function(ChunkFunction *f) {
  for (size_t i = 0; i < f->string_count; i++) free(f->strings[i]);
  for (size_t i = 0; f->functions && i < f->function_count; i++)
    release_function(&f->functions[i]);
  free(f->code);
  free(f->lines);
  free(f->strings);
  free(f->upvalues);
  free(f->functions);
}

void chunk_free(ChunkFunction *main) {
  if (main) release_function(main);
  free(main);
}

ChunkFunction *chunk_read(lua_State *L) {
  Buffer dumped = {0};
  lua_dump(L, append_dumped, &dumped, 0);
  Reader r = {(const uint8_t *)dumped.data, (const uint8_t *)dumped.data + dumped.len, 0};
  ChunkFunction *main = xcalloc(1, sizeof *main);
  if (read_header(&r)) {
    read_byte(&r); /* how many upvalues */
    read_function(&r, main, 0);
  } else {
    r.bad = true;
  }
  buffer_free(&dumped);
  if (!r.bad) return main;
  chunk_free(main);
  return NULL;
}
