/* A growing run of bytes: how bytes are handed from layer to layer. It owns its
 * memory; a zeroed Buffer is empty and valid, and buffer_free leaves it so. `data` holds
 * `len` bytes and is not NUL-terminated until buffer_text is called. */
#ifndef TIDELOCK_CORE_BUFFER_H
#define TIDELOCK_CORE_BUFFER_H

#include "core/base.h"

typedef struct Buffer {
  char *data;
  size_t len, cap;
} Buffer;

void buffer_free(Buffer *b);
void buffer_clear(Buffer *b); /* keeps the memory */
/* Whether the system has memory for `extra` more: for data whose size a script decides.
 */
bool buffer_can_grow(const Buffer *b, size_t extra);
/* The same, but true for a few bytes (memory_has_much). */
bool buffer_can_take(const Buffer *b, size_t extra);
char *buffer_reserve(Buffer *b, size_t extra); /* room for extra bytes; returns the end */
void buffer_put(Buffer *b, const void *bytes, size_t len);
void buffer_puts(Buffer *b, const char *text);
void buffer_printf(Buffer *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buffer_consume(Buffer *b, size_t len); /* drops len bytes from the front */
const char *buffer_text(Buffer *b);         /* borrows: NUL-terminated view */
char *buffer_take(Buffer *b, size_t *len);  /* returns new: the memory, NUL-terminated */

static inline void buffer_putc(Buffer *b, char c) {
  if (b->len == b->cap) buffer_reserve(b, 1);
  b->data[b->len++] = c;
}

#endif
