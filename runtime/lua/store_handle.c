/* See store_handle.h. */
#include "lua/store_handle.h"

#include <lauxlib.h>

const BoxKind store_box = {"store", NULL};

Declaration *store_handle(lua_State *L, int index) {
  return box_check(L, index, &store_box);
}

Declaration *store_need(lua_State *L, int index, const char *what, Share need) {
  Declaration *decl = box_check(L, index, &store_box);
  need_loaded(L, what);
  if (!store_of(decl))
    luaL_error(L, "%s: the store %s is not there%s", what, decl->name,
               decl->attached ? ": no script has defined it, or it was closed" : "");
  if (store_share(decl) < need)
    luaL_error(L,
               "%s: the store %s is not shared for that (its owner says so with share = "
               "%s\"write\")",
               what, decl->name, need == SHARE_READ ? "\"read\" or " : "");
  return decl;
}
