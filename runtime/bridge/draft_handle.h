/* The userdata of drafts: a pointer to the node, or to nothing once the change is over.
 */
#ifndef TIDELOCK_BRIDGE_DRAFT_HANDLE_H
#define TIDELOCK_BRIDGE_DRAFT_HANDLE_H

#include <lua.h>

#include "bridge/draft_node.h"

const void *draft_class_key(void); /* of the metatable in the registry */

/* The node of the draft at `index`; NULL when it is none, or its change is over. Never
 * raises. */
DraftNode *draft_node_at(lua_State *L, int index);
/* Whether it is a draft; raises when its change is over. */
bool draft_is(lua_State *L, int index, DraftNode **node);
/* The value that the draft at `index` holds now, owned by the caller; absent when it is
 * no draft, its change is over, or there is no memory. Never raises. */
Value draft_value(lua_State *L, int index);

#endif
