/* Packing Lua values: a tag byte, then the content in the machine's own byte order. Raw
 * access only: no metamethod runs. */
#include "script/pack.h"

#include <lauxlib.h>
#include <string.h>

#include "script/luajson.h"
#include "script/luavalue.h"

/* A table that is reached by several ways is packed several times: without the limit 40
 * tables could make a terabyte. */
enum { MAX_DEPTH = 128, MAX_PACKED = 64 << 20 };

static void put(Buffer *out, char tag, const void *bytes, size_t len) {
  buffer_putc(out, tag);
  buffer_put(out, bytes, len);
}

static int fail(Error *err, const char *what) {
  return error_set(err, ERR_INVALID, "%s cannot be carried over", what);
}

static void prefix(lua_State *L, Error *err) {
  char rest[sizeof err->message];
  memcpy(rest, err->message, sizeof rest);
  if (lua_type(L, -2) == LUA_TSTRING)
    error_set(err, ERR_INVALID, ".%.60s%.200s%.200s", lua_tostring(L, -2),
              rest[0] == '.' || rest[0] == '[' ? "" : ": ", rest);
  else
    error_set(err, ERR_INVALID, "[%lld]%.200s%.200s", (long long)lua_tointeger(L, -2),
              rest[0] == '.' || rest[0] == '[' ? "" : ": ", rest);
}

static int pack_at(lua_State *L, int index, Buffer *out, int depth, Error *err);

static int pack_table(lua_State *L, int index, Buffer *out, int depth, Error *err) {
  if (depth > MAX_DEPTH) return fail(err, "a table nested too deeply (a cycle?)");
  if (!lua_checkstack(L, 6)) return fail(err, "a table nested too deeply");
  if (out->len > MAX_PACKED) return fail(err, "more than 64 MiB");
  JsonMark mark = luajson_mark(L, index);
  if (mark == JSON_UNMARKED && lua_getmetatable(L, index)) {
    lua_pop(L, 1);
    return fail(err, "a table with a metatable");
  }
  put(out, mark == JSON_ARRAY ? 'a' : mark == JSON_OBJECT ? 'o' : 't', NULL, 0);
  lua_pushnil(L);
  while (lua_next(L, index)) {
    int rc = lua_type(L, -2) == LUA_TTABLE ? fail(err, "a table as a key") : 0;
    if (rc == 0) rc = pack_at(L, lua_gettop(L) - 1, out, depth + 1, err);
    if (rc == 0) rc = pack_at(L, lua_gettop(L), out, depth + 1, err);
    if (rc != 0) {
      prefix(L, err);
      lua_pop(L, 2);
      return rc;
    }
    lua_pop(L, 1);
  }
  buffer_putc(out, 'e');
  return 0;
}

static int pack_number(lua_State *L, int index, Buffer *out) {
  if (lua_isinteger(L, index)) {
    lua_Integer i = lua_tointeger(L, index);
    put(out, 'i', &i, sizeof i);
  } else {
    lua_Number n = lua_tonumber(L, index);
    put(out, 'd', &n, sizeof n);
  }
  return 0;
}

static int pack_shared(Value v, Buffer *out, int depth, Error *err);

static int pack_parts(Value v, Buffer *out, int depth, Error *err) {
  Value key, item;
  bool array = v.type == VALUE_ARRAY;
  if (depth > MAX_DEPTH) return fail(err, "a view nested too deeply");
  put(out, array ? 'a' : value_count(v) ? 't' : 'o', NULL, 0);
  for (size_t i = 0; i < value_count(v); i++) {
    if (out->len > MAX_PACKED) return fail(err, "more than 64 MiB");
    if (array) key = value_int((int64_t)i + 1), item = value_array_at(v, i);
    else value_object_at(v, i, &key, &item);
    int rc = pack_shared(key, out, depth, err);
    if (rc == 0) rc = pack_shared(item, out, depth + 1, err);
    if (rc != 0) return rc;
  }
  buffer_putc(out, 'e');
  return 0;
}

/* What a view or a draft shows. */
static int pack_shared(Value v, Buffer *out, int depth, Error *err) {
  size_t len;
  const char *text;
  switch (v.type) {
  case VALUE_BOOL:
    put(out, v.boolean ? 'T' : 'F', NULL, 0);
    return 0;
  case VALUE_INT:
    put(out, 'i', &v.integer, sizeof v.integer);
    return 0;
  case VALUE_DOUBLE:
    put(out, 'd', &v.number, sizeof v.number);
    return 0;
  case VALUE_TEXT:
    text = value_bytes(v, &len);
    put(out, 's', &len, sizeof len);
    buffer_put(out, text, len);
    return 0;
  case VALUE_ARRAY:
  case VALUE_OBJECT:
    return pack_parts(v, out, depth, err);
  default:
    put(out, '0', NULL, 0);
    return 0;
  }
}

static int pack_userdata(lua_State *L, int index, Buffer *out, int depth, Error *err) {
  Value v = luavalue_shared(L, index);
  int rc =
      v.type == VALUE_ABSENT ? fail(err, "a userdata") : pack_shared(v, out, depth, err);
  value_release(v);
  return rc;
}

static int pack_at(lua_State *L, int index, Buffer *out, int depth, Error *err) {
  switch (lua_type(L, index)) {
  case LUA_TNIL:
    put(out, 'n', NULL, 0);
    return 0;
  case LUA_TBOOLEAN:
    put(out, lua_toboolean(L, index) ? 'T' : 'F', NULL, 0);
    return 0;
  case LUA_TNUMBER:
    return pack_number(L, index, out);
  case LUA_TSTRING: {
    size_t len;
    const char *text = lua_tolstring(L, index, &len);
    put(out, 's', &len, sizeof len);
    buffer_put(out, text, len);
    return 0;
  }
  case LUA_TTABLE:
    return pack_table(L, index, out, depth, err);
  case LUA_TUSERDATA:
    return pack_userdata(L, index, out, depth, err);
  case LUA_TLIGHTUSERDATA:
    if (lua_touserdata(L, index) == NULL) {
      put(out, '0', NULL, 0);
      return 0;
    }
    return fail(err, "a pointer");
  default: {
    char what[40] = "a ";
    strncat(what, lua_typename(L, lua_type(L, index)), sizeof what - 3);
    return fail(err, what);
  }
  }
}

int pack_value(lua_State *L, int index, Buffer *out, Error *err) {
  size_t start = out->len;
  int rc = pack_at(L, lua_absindex(L, index), out, 0, err);
  if (rc != 0) out->len = start;
  return rc;
}

static void unpack_table(lua_State *L, const char **at, char tag) {
  luaL_checkstack(L, 4, "packed value");
  lua_newtable(L);
  if (tag != 't') luajson_set_mark(L, -1, tag == 'a' ? JSON_ARRAY : JSON_OBJECT);
  while (**at != 'e') {
    unpack_value(L, at);
    unpack_value(L, at);
    lua_rawset(L, -3);
  }
  (*at)++;
}

static void take(const char **at, void *bytes, size_t len) {
  memcpy(bytes, *at, len);
  *at += len;
}

void unpack_value(lua_State *L, const char **at) {
  char tag = *(*at)++;
  lua_Integer i;
  lua_Number n;
  size_t len;
  switch (tag) {
  case 'n':
    lua_pushnil(L);
    break;
  case 'T':
  case 'F':
    lua_pushboolean(L, tag == 'T');
    break;
  case '0':
    lua_pushlightuserdata(L, NULL);
    break;
  case 'i':
    take(at, &i, sizeof i);
    lua_pushinteger(L, i);
    break;
  case 'd':
    take(at, &n, sizeof n);
    lua_pushnumber(L, n);
    break;
  case 's':
    take(at, &len, sizeof len);
    lua_pushlstring(L, *at, len);
    *at += len;
    break;
  default:
    unpack_table(L, at, tag);
  }
}
