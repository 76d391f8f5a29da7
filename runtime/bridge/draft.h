/* Drafts: what a change gets to edit. A draft stands for one array or object at one place
 * of the tree; it is read, written, measured and looped over like a table, and
 * table.insert, remove, sort, move, concat and unpack know it. The tree it was made from
 * stays as it is; what was written is put together when the change ends. Runs on the
 * loop's thread.
 *
 *   - Reading a container gives its draft: the same one each time, which follows it when
 *     items before it come and go.
 *   - Assigning a draft puts what it holds at that moment there; the two then differ. One
 *     that was taken out (table.remove, or written over) moves in instead.
 *   - When the change is over all its drafts raise. */
#ifndef TIDELOCK_BRIDGE_DRAFT_H
#define TIDELOCK_BRIDGE_DRAFT_H

#include <lua.h>

#include "core/value.h"

/* Begins a change of a container: pushes the draft of it. Borrows `root`; what is made is
 * charged to the account, which must outlive the change. May raise (memory). */
void draft_push(lua_State *L, ValueAccount *account, Value root);

/* Ends the change, of which the draft at `index` is the root: revokes all its drafts and,
 * when `result` is given, fills it with the new root, to own: the very root it began with
 * if nothing was changed. Returns 0, or MEMORY with *err filled. Never raises; when it is
 * not called, the collector gives up the change. */
int draft_end(lua_State *L, int index, Value *result, Error *err);

/* What the draft at `index` holds now, to own; absent when it is none, or is revoked, or
 * when there is no memory. Never raises. */
Value draft_value(lua_State *L, int index);

/* The table functions. When argument 1 is a draft (of move: argument 5, or 1 without it)
 * these do the work and return how many results they pushed, else -1. They may raise.
 * draft_sort wants Lua's own sort at `sort`, a stack index. */
int draft_insert(lua_State *L);
int draft_remove(lua_State *L);
int draft_move(lua_State *L);
int draft_sort(lua_State *L, int sort);

/* Raises: what a function returned that was to edit a draft would be lost. */
int draft_refuse_result(lua_State *L, const char *what);

#endif
