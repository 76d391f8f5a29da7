/* Functions on text that take text of a bounded length, or look at the CPU limit. */
#ifndef TIDELOCK_VM_BOUNDED_TEXT_H
#define TIDELOCK_VM_BOUNDED_TEXT_H

#include <lua.h>
#include <stddef.h>

void bounded_open_text(lua_State *L); /* replaces them in their libraries; may raise */

/* A lua_Reader for text of any length. */
typedef struct BoundedText {
  const char *text;
  size_t len;
} BoundedText;
const char *bounded_read(lua_State *L, void *ctx, size_t *size);

#endif
