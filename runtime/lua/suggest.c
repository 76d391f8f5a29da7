/* tidelock.suggest.core: did you mean …? for modules written in Lua. */
#include <lauxlib.h>

#include "core/suggest.h"
#include "lua/modules.h"

/* suggest(word, names) → ` (did you mean "name"?)` or ""; names are the keys of the table
 * that are strings. */
static int f_suggest(lua_State *L) {
  Suggestion s;
  suggest_begin(&s, luaL_checkstring(L, 1));
  luaL_checktype(L, 2, LUA_TTABLE);
  for (lua_pushnil(L); lua_next(L, 2); lua_pop(L, 1))
    if (lua_type(L, -2) == LUA_TSTRING) suggest_offer(&s, lua_tostring(L, -2));
  lua_pushstring(L, suggest_text(&s));
  return 1;
}

int luaopen_tidelock_suggest_core(lua_State *L) {
  static const luaL_Reg functions[] = {{"suggest", f_suggest}, {NULL, NULL}};
  luaL_newlib(L, functions);
  return 1;
}
