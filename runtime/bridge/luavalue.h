/* Lua values into immutable ones: how state gets into a store. */
#ifndef TIDELOCK_BRIDGE_LUAVALUE_H
#define TIDELOCK_BRIDGE_LUAVALUE_H

#include <lua.h>

#include "core/value.h"

/* Reads a scalar, a string, json.null, a table of these, a view or a draft; *out is to
 * own. What a view or draft shows is shared, not copied. Never raises, looks at tables
 * raw. INVALID with the way to it: a function, a hole, a key that is neither, a table
 * that contains itself; TOO_LARGE, MEMORY. */
int luavalue_read(lua_State *L, int index, ValueAccount *account, Value *out, Error *err);

/* What a view or a draft shows at the moment: to own. Absent when it is neither (or a
 * draft whose change is over). Never raises. */
Value luavalue_shared(lua_State *L, int index);

#endif
