/* The functions of `table` for drafts. When argument 1 is a draft (of move: argument 5,
 * or 1 without it) they do the work and return how many results they pushed, else -1.
 * They may raise. */
#ifndef TIDELOCK_BRIDGE_DRAFT_TABLE_H
#define TIDELOCK_BRIDGE_DRAFT_TABLE_H

#include <lua.h>

int draft_insert(lua_State *L);
int draft_remove(lua_State *L);
int draft_move(lua_State *L);
int draft_sort(lua_State *L, int sort); /* `sort`: the stack index of Lua's own */

#endif
