/* Plain Lua values as bytes: nil, booleans, numbers, strings (any bytes), json.null, and
 * tables of these (views and drafts as tables); marks of arrays and objects are kept. For
 * carrying values from one Lua state to another; not a file format. */
#ifndef TIDELOCK_SCRIPT_PACK_H
#define TIDELOCK_SCRIPT_PACK_H

#include <lua.h>

#include "core/buffer.h"
#include "core/error.h"

/* Appends; never raises. 0, or ERR_INVALID with the path of what cannot be packed. */
int pack_value(lua_State *L, int index, Buffer *out, Error *err);
/* Pushes the value; *at is moved behind it. May raise (memory): call protected. */
void unpack_value(lua_State *L, const char **at);

#endif
