/* Route options: see route.h. */
#include "lua/route.h"

#include <lauxlib.h>

#include "bridge/luatext.h"

static const char *text_field(lua_State *L, int t, const char *what, const char *key) {
  int type = lua_getfield(L, t, key);
  if (type != LUA_TNIL && type != LUA_TSTRING)
    luaL_error(L, "%s: %s must be a string, not a %s", what, key, lua_typename(L, type));
  const char *text = lua_tostring(L, -1);
  luatext_need_whole(L, 1, -1, what, key);
  lua_pop(L, 1);
  return text;
}

Route route_read(lua_State *L, int index, const char *what) {
  int t = lua_absindex(L, index);
  Route route = {.proxy = text_field(L, t, what, "proxy"),
                 .ca_file = text_field(L, t, what, "ca"),
                 .cert = text_field(L, t, what, "cert"),
                 .key = text_field(L, t, what, "key"),
                 .key_password = text_field(L, t, what, "key_password"),
                 .pin = text_field(L, t, what, "pin"),
                 .ciphers = text_field(L, t, what, "ciphers")};
  int type = lua_getfield(L, t, "insecure");
  if (type != LUA_TNIL && type != LUA_TBOOLEAN)
    luaL_error(L, "%s: insecure must be true or false, not a %s", what,
               lua_typename(L, type));
  route.insecure = lua_toboolean(L, -1);
  lua_pop(L, 1);
  return route;
}
