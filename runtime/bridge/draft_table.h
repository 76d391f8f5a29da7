/* Between draft.c and draft_table.c, which has the functions of `table` for drafts. */
#ifndef TIDELOCK_BRIDGE_DRAFT_TABLE_H
#define TIDELOCK_BRIDGE_DRAFT_TABLE_H

#include <lua.h>

#include "bridge/draft_node.h"

/* Whether it is a draft; raises when its change is over. */
bool draft_is(lua_State *L, int index, DraftNode **node);
int draft_raise(lua_State *L, int code);
/* Pushes an item as a script sees it: a container as its draft. `index` is where the
 * draft of `node` is. Returns the node of what it pushed, or NULL. */
DraftNode *draft_push_item(lua_State *L, int index, DraftNode *node, size_t place,
                           Value key, Value item);
/* Reads what is to be put into `node`, to own, or raises. *moving: it is a draft that was
 * taken out and is to be attached where it is put. */
Value draft_read(lua_State *L, int index, DraftNode *node, DraftNode **moving);
int draft_insert_at(lua_State *L, int index, DraftNode *node, size_t place);
bool draft_array(lua_State *L, DraftNode *node); /* makes an undecided one an array */

#endif
