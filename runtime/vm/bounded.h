/* Functions of the string and table libraries that may run for ever inside C, where no
 * hook sees them: made anew so that they look at the CPU limit. They do what Lua's own
 * do; those of table know drafts too. */
#ifndef TIDELOCK_VM_BOUNDED_H
#define TIDELOCK_VM_BOUNDED_H

#include <lua.h>

void bounded_open(lua_State *L); /* replaces them in both libraries; may raise */

/* A table, or what has the metamethods that stand for one; else raises. */
void bounded_check_table(lua_State *L, int index);

/* bounded_sort.c; upvalue 1: Lua's own, for drafts */
int f_sort(lua_State *L);

/* bounded_text.c */
void bounded_open_text(lua_State *L);
/* A lua_Reader for text of any length. */
typedef struct BoundedText {
  const char *text;
  size_t len;
} BoundedText;
const char *bounded_read(lua_State *L, void *ctx, size_t *size);

/* pattern.c */
int f_find(lua_State *L);
int f_match(lua_State *L);
int f_gmatch(lua_State *L);
int f_gsub(lua_State *L);

#endif
