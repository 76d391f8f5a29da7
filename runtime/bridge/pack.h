/* Plain Lua values as bytes: nil, booleans, numbers, strings (any bytes), json.null, and
 * tables of these (views and drafts as tables), with the marks of arrays and objects. The
 * bytes carry values from one Lua state to another, or are kept on one machine: the byte
 * order and the sizes of numbers are the machine's own. */
#ifndef TIDELOCK_BRIDGE_PACK_H
#define TIDELOCK_BRIDGE_PACK_H

#include <lua.h>

#include <string.h>

#include "core/buffer.h"
#include "core/error.h"

/* Appends; never raises. 0, or ERR_INVALID with the path of the value that cannot be
 * packed. */
int pack_value(lua_State *L, int index, Buffer *out, Error *err);
/* The same; TOO_LARGE as soon as there would be more than `limit` bytes in out. */
int pack_bounded(lua_State *L, int index, Buffer *out, size_t limit, Error *err);
/* Whether it may be the key of a packed table: tables and userdata may not, as unpacking
 * makes copies of them. */
bool pack_is_key(lua_State *L, int index);
/* Whether the bytes are one packed value and nothing else: then they may be unpacked,
 * even bytes from elsewhere. */
bool pack_check(const char *bytes, size_t len);
/* Pushes the value; *at is moved behind it. May raise (memory): call protected. */
void unpack_value(lua_State *L, const char **at);

/* Copies the next bytes of a packed value, and moves *at behind them. */
static inline void pack_take(const char **at, void *bytes, size_t len) {
  memcpy(bytes, *at, len);
  *at += len;
}

#endif
