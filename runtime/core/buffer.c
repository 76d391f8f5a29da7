/* A growing run of bytes, doubled when full. */
#include "core/buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void buffer_free(Buffer *b) {
  free(b->data);
  *b = (Buffer){0};
}

void buffer_clear(Buffer *b) {
  b->len = 0;
}

bool buffer_can_grow(const Buffer *b, size_t extra) {
  return b->len + extra <= b->cap || memory_has(2 * b->cap + extra);
}

bool buffer_can_take(const Buffer *b, size_t extra) {
  return b->len + extra <= b->cap || memory_has_much(2 * b->cap + extra);
}

char *buffer_reserve(Buffer *b, size_t extra) {
  CHECK(extra < SIZE_MAX / 2 - b->len);
  size_t need = b->len + extra;
  if (need > b->cap) {
    size_t cap = b->cap ? b->cap * 2 : 64;
    b->cap = cap > need ? cap : need;
    b->data = xrealloc(b->data, b->cap);
  }
  return b->data + b->len;
}

void buffer_put(Buffer *b, const void *bytes, size_t len) {
  if (len == 0) return;
  memcpy(buffer_reserve(b, len), bytes, len);
  b->len += len;
}

void buffer_puts(Buffer *b, const char *text) {
  buffer_put(b, text, strlen(text));
}

void buffer_printf(Buffer *b, const char *fmt, ...) {
  va_list args;
  va_start(args, fmt);
  int len = vsnprintf(NULL, 0, fmt, args);
  va_end(args);
  CHECK(len >= 0);
  char *end = buffer_reserve(b, (size_t)len + 1);
  va_start(args, fmt);
  vsnprintf(end, (size_t)len + 1, fmt, args);
  va_end(args);
  b->len += (size_t)len;
}

void buffer_consume(Buffer *b, size_t len) {
  CHECK(len <= b->len);
  b->len -= len;
  if (len && b->len) memmove(b->data, b->data + len, b->len);
}

const char *buffer_text(Buffer *b) {
  *buffer_reserve(b, 1) = '\0';
  return b->data;
}

char *buffer_take(Buffer *b, size_t *len) {
  buffer_text(b);
  char *data = b->data;
  if (len) *len = b->len;
  *b = (Buffer){0};
  return data;
}
