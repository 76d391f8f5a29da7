/* See http_cookies.h; stdlib/http/cookies.lua checks the arguments. */
#include "lua/http_cookies.h"

#include <lauxlib.h>
#include <math.h>

#include "bridge/luajson.h"
#include "core/clock.h"
#include "resource/cookie_jars.h"
#include "vm/vm.h"

Cookies *http_cookies_field(lua_State *L, Error *err) {
  Cookies *cookies = NULL;
  lua_getfield(L, 1, "jar");
  lua_getfield(L, 1, "jar_kept");
  if (!lua_isnil(L, -2))
    cookies =
        cookie_jar(vm_of(L)->owner, luaL_checkstring(L, -2), lua_toboolean(L, -1), err);
  lua_pop(L, 2);
  return cookies;
}

static Cookies *check_jar(lua_State *L) {
  Error err;
  Cookies *cookies =
      cookie_jar(vm_of(L)->owner, luaL_checkstring(L, 1), lua_toboolean(L, 2), &err);
  if (!cookies) luaL_error(L, "%s", err.message);
  return cookies;
}

static void set_flag(lua_State *L, const char *name, bool value) {
  lua_pushboolean(L, value);
  lua_setfield(L, -2, name);
}

static void push_cookie(lua_State *L, const CookieView *c) {
  lua_createtable(L, 0, 8);
  lua_pushlstring(L, c->pair, c->name_len);
  lua_setfield(L, -2, "name");
  lua_pushstring(L, c->pair + c->name_len + 1);
  lua_setfield(L, -2, "value");
  lua_pushstring(L, c->domain);
  lua_setfield(L, -2, "domain");
  lua_pushstring(L, c->path);
  lua_setfield(L, -2, "path");
  if (!isinf(c->until)) {
    lua_pushnumber(L, c->until);
    lua_setfield(L, -2, "expires");
  }
  set_flag(L, "host_only", c->host_only);
  set_flag(L, "secure", c->secure);
  set_flag(L, "http_only", c->http_only);
}

int http_cookies_list(lua_State *L) {
  Cookies *cookies = check_jar(L);
  cookies_sort(cookies, clock_wall());
  lua_newtable(L);
  luajson_set_mark(L, -1, JSON_ARRAY);
  for (size_t i = 0; i < cookies_count(cookies); i++) {
    CookieView view = cookies_at(cookies, i);
    push_cookie(L, &view);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  return 1;
}

int http_cookies_clear(lua_State *L) {
  need_loaded(L, "clearing cookies");
  cookie_jar_clear(vm_of(L)->owner, check_jar(L));
  return 0;
}
