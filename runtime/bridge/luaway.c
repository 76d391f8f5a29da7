/* Where in a Lua value an encoder is, what it may not meet there, and how tables are
 * read: raw, with room on the stack asked for, so that nothing raises. */
#include "bridge/luaway.h"

#include <stdio.h>
#include <string.h>

#include "core/buffer.h"
#include "core/json.h"

/* --- errors with the way to them -------------------------------------------------- */

static bool is_name(const char *key, size_t len) {
  static const char letters[] =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";
  if (len == 0 || (*key >= '0' && *key <= '9')) return false;
  for (size_t i = 0; i < len; i++)
    if (!key[i] || !strchr(letters, key[i])) return false;
  return true;
}

static void put_key(Buffer *way, const char *key, size_t len) {
  if (is_name(key, len)) {
    if (way->len) buffer_putc(way, '.');
    buffer_put(way, key, len);
    return;
  }
  buffer_puts(way, "[\"");
  for (size_t i = 0; i < len && i < 60; i++)
    buffer_putc(way, key[i] >= 0x20 && key[i] < 0x7F ? key[i] : '?');
  buffer_puts(way, "\"]");
}

static void put_way(Buffer *way, const LuaWay *at) {
  if (!at) return;
  put_way(way, at->up);
  if (at->key) put_key(way, at->key, at->key_len);
  else if (at->index) buffer_printf(way, "[%lld]", (long long)at->index);
}

/* The end of a long way says more than its beginning. */
int luaway_refuse(const LuaWay *at, const char *what, Error *err) {
  enum { MOST = 200 };
  Buffer way = {0};
  put_way(&way, at);
  const char *text = way.len ? buffer_text(&way) : "the value", *dots = "";
  if (way.len > MOST) dots = "...", text += way.len - MOST;
  error_set(err, ERR_DECODE, "%s%s: %s", dots, text, what);
  buffer_free(&way);
  return ERR_DECODE;
}

int luaway_refuse_type(lua_State *L, int index, const LuaWay *at, Error *err) {
  char what[80];
  const char *kind = "userdata";
  switch (lua_type(L, index)) {
  case LUA_TNIL:
    snprintf(what, sizeof what, "nil is no JSON value; json.null is");
    return luaway_refuse(at, what, err);
  case LUA_TFUNCTION:
    kind = "a function";
    break;
  case LUA_TTHREAD:
    kind = "a coroutine";
    break;
  default:
    break;
  }
  snprintf(what, sizeof what, "%s is no JSON value", kind);
  return luaway_refuse(at, what, err);
}

int luaway_refuse_key(lua_State *L, const LuaWay *at, bool array, Error *err) {
  int index = -2;
  int type = lua_type(L, index);
  LuaWay key = *at;
  if (type == LUA_TSTRING) {
    key.key = lua_tolstring(L, index, &key.key_len);
    return luaway_refuse(&key, "a string key in an array", err);
  }
  if (type == LUA_TNUMBER && lua_isinteger(L, index)) {
    key.index = lua_tointeger(L, index);
    if (!array) return luaway_refuse(&key, "an array item in an object", err);
  }
  return luaway_refuse(at->up, "a key that is neither a string nor an array's index",
                       err);
}
