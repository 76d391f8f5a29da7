/* Drafts: what the function of a change edits. A draft stands for one array or object of
 * the tree; it is read, written, measured and looped over like a table, and table.insert,
 * remove, sort, move, concat and unpack accept it. The tree from which it was made stays
 * as it is; the new tree is put together when the change ends. Runs on the loop's thread.
 *
 *   - Reading a container gives its draft: the same one each time, which follows the
 *     container when items before it come and go.
 *   - Assigning a draft stores a copy of its value; later writes to one do not change the
 *     other. A draft that was taken out (by table.remove, or written over) moves in
 * instead.
 *   - When the change is over all its drafts raise. */
#ifndef TIDELOCK_BRIDGE_DRAFT_H
#define TIDELOCK_BRIDGE_DRAFT_H

#include <lua.h>

#include "bridge/draft_node.h"

/* Begins a change of a container: pushes the draft of it. Borrows `root`; new values are
 * charged to the account, which must outlive the change. May raise (memory). */
void draft_push(lua_State *L, ValueAccount *account, Value root);

/* Ends the change, of which the draft at `index` is the root: revokes all its drafts and,
 * when `result` is given, sets it to the new root, owned by the caller: the root that it
 * began with if nothing was changed. Returns 0, or MEMORY with *err filled. Never raises;
 * when it is not called, the collector gives up the change. */
int draft_end(lua_State *L, int index, Value *result, Error *err);

/* Raises: the function of `what` returned a value, where it was to edit its draft. */
int draft_refuse_result(lua_State *L, const char *what);

/* For draft_table.c. */
int draft_raise(lua_State *L, int code);
/* Pushes an item as a script sees it: a container as its draft. `index` is where the
 * draft of `node` is. Returns the node of the pushed draft, or NULL. */
DraftNode *draft_push_item(lua_State *L, int index, DraftNode *node, size_t place,
                           Value key, Value item);
int draft_insert_at(lua_State *L, int index, DraftNode *node, size_t place);
bool draft_array(lua_State *L, DraftNode *node); /* makes an undecided one an array */

#endif
