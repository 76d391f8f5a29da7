/* See luapath.h: the path spelled out, and the errors of values that JSON has no place
 * for. */
#include "bridge/luapath.h"

#include <stdio.h>
#include <string.h>

#include "core/buffer.h"
#include "core/json.h"
#include "core/value.h"

/* --- errors with the path to them -------------------------------------------------- */

static void put_path(Buffer *path, const LuaPath *at) {
  if (!at) return;
  put_path(path, at->up);
  if (at->key) value_path_put_key(path, 0, at->key, at->key_len);
  else if (at->index) buffer_printf(path, "[%lld]", (long long)at->index);
}

/* The end of a long path says more than its beginning. */
int luapath_error(Buffer *path, ErrorCode code, const char *what, Error *err) {
  enum { MOST = 200 };
  const char *text = path->len ? buffer_text(path) : "the value", *dots = "";
  if (path->len > MOST) dots = "...", text += path->len - MOST;
  error_set(err, code, "%s%s: %s", dots, text, what);
  buffer_free(path);
  return (int)code;
}

int luapath_refuse(const LuaPath *at, const char *what, Error *err) {
  Buffer path = {0};
  put_path(&path, at);
  return luapath_error(&path, ERR_DECODE, what, err);
}

int luapath_refuse_type(lua_State *L, int index, const LuaPath *at, Error *err) {
  char what[80];
  const char *kind = "userdata";
  switch (lua_type(L, index)) {
  case LUA_TNIL:
    snprintf(what, sizeof what, "nil is no JSON value; json.null is");
    return luapath_refuse(at, what, err);
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
  return luapath_refuse(at, what, err);
}

int luapath_refuse_key(lua_State *L, const LuaPath *at, bool array, Error *err) {
  int index = -2;
  int type = lua_type(L, index);
  LuaPath key = *at;
  if (type == LUA_TSTRING) {
    key.key = lua_tolstring(L, index, &key.key_len);
    return luapath_refuse(&key, "a string key in an array", err);
  }
  if (type == LUA_TNUMBER && lua_isinteger(L, index)) {
    key.index = lua_tointeger(L, index);
    if (!array) return luapath_refuse(&key, "an array item in an object", err);
  }
  return luapath_refuse(at->up, "a key that is neither a string nor an array's index",
                        err);
}
