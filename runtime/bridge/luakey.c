/* See luakey.h. Short keys (a string, a number, a list of these) are written at once;
 * others become a Value first, which finds all that is wrong with them. */
#include "bridge/luakey.h"

#include <string.h>

#include "bridge/luajson.h"
#include "bridge/luavalue.h"
#include "bridge/view.h"
#include "core/value_key.h"

enum { MOST_NODES = 4 << 20 }; /* bytes of the Value of a key */

/* --- short ones ------------------------------------------------------------------- */

typedef struct Short {
  char *at, *end;
} Short;

static bool put_short_string(lua_State *L, int index, Short *s) {
  size_t len;
  const char *bytes = lua_tolstring(L, index, &len);
  if (len > (size_t)(s->end - s->at) || (size_t)(s->end - s->at) - len < KEY_LENGTH + 1)
    return false;
  s->at = key_put_length(s->at, (uint32_t)len);
  memcpy(s->at, bytes, len);
  s->at += len;
  return true;
}

static bool put_short_number(lua_State *L, int index, Short *s) {
  lua_Number n = lua_tonumber(L, index);
  Value v =
      lua_isinteger(L, index) ? value_int(lua_tointeger(L, index)) : value_double(n);
  if (n != n || s->end - s->at < KEY_NUMBER) return false;
  s->at = key_put_number(s->at, v);
  return true;
}

static bool put_short_item(lua_State *L, int index, Short *s) {
  switch (lua_type(L, index)) {
  case LUA_TSTRING:
    return put_short_string(L, index, s);
  case LUA_TNUMBER:
    return put_short_number(L, index, s);
  case LUA_TBOOLEAN:
    if (s->at == s->end) return false;
    s->at = key_put_bool(s->at, lua_toboolean(L, index));
    return true;
  default:
    return false;
  }
}

/* A plain table whose keys come as 1, 2, 3, ... */
static bool put_short_list(lua_State *L, int index, Short *s) {
  if (lua_getmetatable(L, index)) return lua_pop(L, 1), false;
  if (!lua_checkstack(L, 3)) return false;
  *s->at++ = KEY_LIST;
  lua_Integer n = 1;
  for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1), n++) {
    bool next = lua_isinteger(L, -2) && lua_tointeger(L, -2) == n;
    if (next && put_short_item(L, -1, s)) continue;
    lua_pop(L, 2);
    return false;
  }
  return true;
}

static bool put_short(lua_State *L, int index, Short *s) {
  size_t len;
  if (lua_type(L, index) == LUA_TTABLE) return put_short_list(L, index, s);
  if (lua_type(L, index) != LUA_TSTRING) return put_short_item(L, index, s);
  const char *bytes = lua_tolstring(L, index, &len);
  if (len >= (size_t)(s->end - s->at)) return false;
  *s->at++ = KEY_STRING;
  memcpy(s->at, bytes, len);
  s->at += len;
  return true;
}

/* --- all --------------------------------------------------------------------------- */

static int refuse_large(Error *err) {
  return error_set(err, ERR_TOO_LARGE, "a key of more than %d bytes", KEY_MOST);
}

static int read_long(lua_State *L, int index, LuaKey *key, Error *err) {
  size_t len = 0;
  if (lua_type(L, index) == LUA_TSTRING) lua_tolstring(L, index, &len);
  if (len > KEY_MOST) return refuse_large(err);
  Buffer *out = luajson_scratch(L);
  ValueAccount *account = value_account_new(MOST_NODES);
  Value v;
  int code = luavalue_read(L, index, account, &v, err);
  if (code == 0) code = value_key_put(out, v, err);
  else if (code == ERR_MEMORY) code = refuse_large(err);
  value_release(v);
  value_account_close(account);
  key->bytes = out->data;
  key->len = out->len;
  return code;
}

int luakey_read(lua_State *L, int index, LuaKey *key, Error *err) {
  Short s = {key->room, key->room + sizeof key->room};
  index = lua_absindex(L, index);
  if (!put_short(L, index, &s)) return read_long(L, index, key, err);
  key->bytes = key->room;
  key->len = (size_t)(s.at - key->room);
  return 0;
}

/* The view owns the value, should the copy raise. */
void luakey_push(lua_State *L, ValueAccount *account, const char *bytes, size_t len) {
  Value v = value_key_read(account, bytes, len);
  view_push(L, v);
  value_release(v);
  if (!value_is_container(v)) return;
  view_push_copy(L, view_value(L, -1));
  lua_remove(L, -2);
}
