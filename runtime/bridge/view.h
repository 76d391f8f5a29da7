/* Views: how a script reads immutable values. A view is a userdata that holds one array
 * or object; index, #, pairs, ipairs, table.concat and table.unpack work on it, `==` is
 * true for two views of one node, writing raises. Runs on the loop's thread.
 *
 * All views of a state are linked, so that views_sever can take the values from them
 * before the state is closed on another thread. */
#ifndef TIDELOCK_BRIDGE_VIEW_H
#define TIDELOCK_BRIDGE_VIEW_H

#include <lua.h>

#include "core/value.h"

/* Pushes a view of a container, a scalar or text as itself, null as json.null, an absent
 * value as nil. Borrows the value. May raise (memory). */
void view_push(lua_State *L, Value v);
/* Pushes a copy in plain tables, as json.decode returns them. May raise. */
void view_push_copy(lua_State *L, Value v);

/* The value of the view at `index`, borrowed; absent when it is no view. Never raises. */
Value view_value(lua_State *L, int index);

void views_sever(lua_State *L); /* never raises */

/* For table.sort of a draft: a view that remembers a number. */
void view_push_numbered(lua_State *L, Value v, size_t number);
size_t view_number(lua_State *L, int index);

#endif
