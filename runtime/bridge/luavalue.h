/* Lua values into immutable ones: how state gets into a store. */
#ifndef TIDELOCK_BRIDGE_LUAVALUE_H
#define TIDELOCK_BRIDGE_LUAVALUE_H

#include <lua.h>

#include "bridge/luajson.h"
#include "core/value.h"

/* Reads a scalar, a string, json.null, a table of these, a view or a draft into *out,
 * which the caller owns. The value of a view or draft is shared, not copied. Never
 * raises, reads tables raw. Errors: INVALID with the path to a function, a hole, a wrong
 * key, or a table that contains itself; TOO_LARGE; MEMORY. */
int luavalue_read(lua_State *L, int index, ValueAccount *account, Value *out, Error *err);

/* The value that a view or a draft shows now, owned by the caller. Absent when it is
 * neither, or a draft whose change is over. Never raises. */
Value luavalue_shared(lua_State *L, int index);

/* The mark of a table, or the kind of the value of a view or draft. Never raises. */
JsonMark luavalue_mark(lua_State *L, int index);

#endif
