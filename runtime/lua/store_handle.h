/* The handle of a store: a box on its declaration. */
#ifndef TIDELOCK_LUA_STORE_HANDLE_H
#define TIDELOCK_LUA_STORE_HANDLE_H

#include "bridge/box.h"
#include "resource/stores.h"

extern const BoxKind store_box;

/* The declaration of the handle at `index`; raises where that is none, or closed. */
Declaration *store_handle(lua_State *L, int index);
/* The same; raises also where its store is closed, or not shared for that, and where the
 * script may not use it now. */
Declaration *store_need(lua_State *L, int index, const char *what, Share need);

#endif
