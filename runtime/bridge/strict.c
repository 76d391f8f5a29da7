/* Names that a module or a handle does not have: see strict.h. */
#include "bridge/strict.h"

#include <lauxlib.h>

#include "bridge/luatext.h"
#include "bridge/source_line.h"
#include "core/suggest.h"

/* (table, key). Upvalues: the name of the table, and of its entries ("method"). */
static int f_missing(lua_State *L) {
  char shown[LUATEXT_SHOWN];
  Suggestion near;
  if (lua_type(L, 2) != LUA_TSTRING) return 0;
  suggest_begin(&near, luatext_show(L, 2, shown));
  for (lua_pushnil(L); lua_next(L, 1); lua_pop(L, 1))
    if (lua_type(L, -2) == LUA_TSTRING) suggest_offer(&near, lua_tostring(L, -2));
  return source_line_raise(L, "%s has no %s '%s'%s", lua_tostring(L, lua_upvalueindex(1)),
                           lua_tostring(L, lua_upvalueindex(2)), shown,
                           suggest_text(&near));
}

void strict_make(lua_State *L, const char *what, const char *kind) {
  if (lua_type(L, -1) != LUA_TTABLE) return;
  if (lua_getmetatable(L, -1)) {
    lua_pop(L, 1);
    return;
  }
  lua_createtable(L, 0, 1);
  lua_pushstring(L, what);
  lua_pushstring(L, kind);
  lua_pushcclosure(L, f_missing, 2);
  lua_setfield(L, -2, "__index");
  lua_setmetatable(L, -2);
}
