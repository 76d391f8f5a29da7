/* See options.h. */
#include "lua/options.h"

#include <lauxlib.h>
#include <stdarg.h>

#include "bridge/luatext.h"
#include "core/suggest.h"

int options_raise(lua_State *L, int level, const char *fmt, ...) {
  va_list args;
  luaL_where(L, level);
  va_start(args, fmt);
  lua_pushvfstring(L, fmt, args);
  va_end(args);
  lua_concat(L, 2);
  return lua_error(L);
}

int options_refuse(lua_State *L, int level, const char *what, const char *name,
                   Suggestion *near) {
  return options_raise(L, level, "%s: unknown option \"%s\"%s", what, name,
                       suggest_text(near));
}

static int refuse_listed(lua_State *L, const char *what, const char *name,
                         const char *const *known) {
  Suggestion near;
  suggest_begin(&near, name);
  for (int i = 0; known[i]; i++) suggest_offer(&near, known[i]);
  return options_refuse(L, 1, what, name, &near);
}

void options_check(lua_State *L, int index, const char *what, const char *const *known) {
  luaL_checktype(L, index, LUA_TTABLE);
  index = lua_absindex(L, index);
  for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
    char shown[LUATEXT_SHOWN];
    if (!known[luatext_among(L, -2, known)])
      refuse_listed(L, what, luatext_show(L, -2, shown), known);
  }
}

bool options_given(lua_State *L, int index, const char *what, const char *const *known) {
  if (lua_isnoneornil(L, index)) return false;
  options_check(L, index, what, known);
  return true;
}

void options_none(lua_State *L, int index, const char *what) {
  if (!lua_isnoneornil(L, index)) luaL_error(L, "%s takes no options", what);
}
