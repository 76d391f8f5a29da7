/* Large JSON for a task: it is read inside the task, a slice in each of its turns, so
 * that others have theirs between two (bridge/luaslices.h). */
#ifndef TIDELOCK_VM_SLICED_H
#define TIDELOCK_VM_SLICED_H

#include "vm/vm.h"

/* A C function for `Firing.through`: called with a function, a number that sliced_kind
 * gives, values, and a text (luaslices_push) as the last, it calls the function with the
 * values before, those of the text, and the values behind. */
int sliced_call(lua_State *L);
/* `behind`: how many of the values before the text go behind its own. A text that cannot
 * be read raises, or (silent) the function is not called. */
lua_Integer sliced_kind(int behind, bool silent);

/* For what a binding returns when its wait is over: n values are on top. If that is a
 * text, its values take its place: those of a list (true if it has none), or nil and an
 * error. To be returned by the continuation. May yield, and raise. */
int sliced_return(lua_State *L, int n);

#endif
