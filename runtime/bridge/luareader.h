/* The reader of JSON text, for the files that read text into Lua: luadecode.c reads one
 * at once, luaslices.c reads a large one in slices. */
#ifndef TIDELOCK_BRIDGE_LUAREADER_H
#define TIDELOCK_BRIDGE_LUAREADER_H

#include "bridge/luadecode.h"
#include "bridge/luakeys.h"
#include "core/jsonscan.h"

typedef struct Reader {
  lua_State *L;
  JsonScan scan;
  LuaKeys *keys;
  int strings;           /* of the keys: a place on the stack */
  unsigned within;       /* the member whose value is read */
  unsigned steps;        /* values read */
  const SioBytes *parts; /* the attachments; borrowed */
  int count;             /* of them; 0: placeholders are objects like others */
  bool marks;            /* attachments become marked bytes, not strings */
  bool unfilled;         /* it failed at a placeholder */
} Reader;

/* Pushes the table of the names; returns where the value of the text starts. */
const char *reader_start(Reader *r, lua_State *L, const char *text, size_t len);
/* These take the place where an element starts, and return the one behind it, or NULL
 * (json_fail). All may raise (memory). */
const char *reader_push_value(Reader *r, const char *p);
/* The value of a member: null is nil. Anything else makes its object not empty. */
const char *reader_push_member(Reader *r, const char *p, bool *empty);
void reader_push_name(Reader *r, const JsonSlice *name);
/* The object on top, if it is a placeholder, becomes its attachment; false: there is
 * none.
 */
bool reader_fill(Reader *r, const char *p);
int reader_error(const Reader *r, const char *text, size_t len, Error *err);

#endif
