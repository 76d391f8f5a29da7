/* What store:set gives: the keys of a table, put into a store's root one level deep. */
#ifndef TIDELOCK_LUA_STORE_MERGE_H
#define TIDELOCK_LUA_STORE_MERGE_H

#include <lua.h>

#include "core/value.h"

/* The table is at `index`; *root is the caller's, and is changed in place. 0, or an error
 * code: INVALID, MEMORY, TOO_LARGE, or TIMEOUT when the turn is late; *root may then have
 * some of the keys. */
int store_merge(lua_State *L, int index, ValueAccount *account, Value *root, Error *err);

#endif
