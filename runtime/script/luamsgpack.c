/* Lua values to msgpack. As luaencode.c: nothing here may raise, tables are read raw. A
 * map says first how many keys it has, so they are counted before. */
#include "script/luamsgpack.h"

#include "proto/msgpack.h"
#include "script/binary.h"
#include "script/luavalue.h"
#include "script/luaway.h"

enum { MOST_BYTES = 128 << 20 };

typedef struct Encoder {
  lua_State *L;
  Buffer *out;
  Error *err;
} Encoder;

static int encode_value(Encoder *e, int index, const LuaWay *at);

static int refuse(Encoder *e, const LuaWay *at, const char *what) {
  return luaway_refuse(at, what, e->err);
}

static int refuse_size(Encoder *e) {
  return error_set(e->err, ERR_TOO_LARGE, "more than %d MiB of msgpack",
                   MOST_BYTES >> 20);
}

/* --- tables ----------------------------------------------------------------------- */

static int encode_object(Encoder *e, int table, LuaWay *at) {
  lua_State *L = e->L;
  size_t count = 0;
  for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1)) count++;
  msgpack_put_map(e->out, count);
  for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1)) {
    if (luaway_key(L, at, e->err)) return ERR_DECODE;
    if (msgpack_put_string(e->out, at->key, at->key_len))
      return refuse(e, at, "a key that is not UTF-8");
    int code = encode_value(e, lua_gettop(L), at);
    if (code) return code;
  }
  return 0;
}

static int encode_array(Encoder *e, int table, LuaWay *at) {
  lua_State *L = e->L;
  lua_Integer n = luaway_count_items(L, table, at, e->err);
  if (n < 0) return ERR_DECODE;
  msgpack_put_array(e->out, (size_t)n);
  for (at->index = 1; at->index <= n; at->index++) {
    if (luaway_push_item(L, table, at, e->err)) return ERR_DECODE;
    int code = encode_value(e, lua_gettop(L), at);
    if (code) return code;
    lua_pop(L, 1);
  }
  return 0;
}

static int encode_table(Encoder *e, int table, const LuaWay *up) {
  LuaWay at;
  int code = luaway_enter(e->L, table, up, &at, e->err);
  if (code) return code;
  switch (luaway_kind(e->L, table)) {
  case TABLE_ARRAY:
    return encode_array(e, table, &at);
  case TABLE_OBJECT:
    return encode_object(e, table, &at);
  case TABLE_EMPTY_ARRAY:
    msgpack_put_array(e->out, 0);
    return 0;
  default:
    msgpack_put_map(e->out, 0);
    return 0;
  }
}

/* --- views ------------------------------------------------------------------------ */

/* Nests VALUE_DEPTH deep at most. */
static int put_shared(Encoder *e, Value v, const LuaWay *at);

static int put_text(Encoder *e, Value v, const LuaWay *at) {
  size_t len;
  const char *bytes = value_bytes(v, &len);
  if (msgpack_put_string(e->out, bytes, len) == 0) return 0;
  return refuse(e, at, "a string that is not UTF-8");
}

static int put_array(Encoder *e, Value v, LuaWay *at) {
  size_t count = value_count(v);
  msgpack_put_array(e->out, count);
  for (size_t i = 0; i < count; i++) {
    at->index = (lua_Integer)i + 1;
    int code = put_shared(e, value_array_at(v, i), at);
    if (code) return code;
  }
  return 0;
}

static int put_object(Encoder *e, Value v, LuaWay *at) {
  Value key, item;
  msgpack_put_map(e->out, value_count(v));
  for (size_t i = 0; value_object_at(v, i, &key, &item); i++) {
    at->key = value_bytes(key, &at->key_len);
    if (msgpack_put_string(e->out, at->key, at->key_len))
      return refuse(e, at, "a key that is not UTF-8");
    int code = put_shared(e, item, at);
    if (code) return code;
  }
  return 0;
}

static int put_shared(Encoder *e, Value v, const LuaWay *up) {
  LuaWay at = {.up = up};
  if (e->out->len > MOST_BYTES) return refuse_size(e);
  switch (v.type) {
  case VALUE_BOOL:
    msgpack_put_bool(e->out, v.boolean);
    return 0;
  case VALUE_INT:
    msgpack_put_integer(e->out, v.integer);
    return 0;
  case VALUE_DOUBLE:
    msgpack_put_number(e->out, v.number);
    return 0;
  case VALUE_TEXT:
    return put_text(e, v, up);
  case VALUE_ARRAY:
    return put_array(e, v, &at);
  case VALUE_OBJECT:
    return put_object(e, v, &at);
  default:
    msgpack_put_nil(e->out);
    return 0;
  }
}

/* A view, a draft, or binary data. */
static int encode_userdata(Encoder *e, int index, const LuaWay *at) {
  size_t len;
  const char *bytes = binary_bytes(e->L, index, &len);
  if (bytes) return msgpack_put_binary(e->out, bytes, len) ? refuse_size(e) : 0;
  Value v = luavalue_shared(e->L, index);
  if (v.type == VALUE_ABSENT)
    return luaway_refuse_type(e->L, index, at, "msgpack", e->err);
  int code = put_shared(e, v, at);
  value_release(v);
  return code;
}

/* --- values ----------------------------------------------------------------------- */

static int encode_string(Encoder *e, int index, const LuaWay *at) {
  size_t len;
  const char *text = lua_tolstring(e->L, index, &len);
  if (len > MOST_BYTES) return refuse_size(e);
  if (msgpack_put_string(e->out, text, len) == 0) return 0;
  return refuse(e, at, "a string that is not UTF-8; socket.binary marks bytes");
}

static int encode_value(Encoder *e, int index, const LuaWay *at) {
  if (e->out->len > MOST_BYTES) return refuse_size(e);
  switch (lua_type(e->L, index)) {
  case LUA_TSTRING:
    return encode_string(e, index, at);
  case LUA_TNUMBER:
    if (lua_isinteger(e->L, index))
      msgpack_put_integer(e->out, lua_tointeger(e->L, index));
    else msgpack_put_number(e->out, lua_tonumber(e->L, index));
    return 0;
  case LUA_TTABLE:
    return encode_table(e, index, at);
  case LUA_TUSERDATA:
    return encode_userdata(e, index, at);
  case LUA_TBOOLEAN:
    msgpack_put_bool(e->out, lua_toboolean(e->L, index));
    return 0;
  case LUA_TLIGHTUSERDATA:
    if (!luajson_is_null(e->L, index)) break;
    msgpack_put_nil(e->out);
    return 0;
  default:
    break;
  }
  return luaway_refuse_type(e->L, index, at, "msgpack", e->err);
}

int luamsgpack_encode(lua_State *L, int index, Buffer *out, Error *err) {
  Encoder e = {L, out, err};
  size_t before = out->len;
  int top = lua_gettop(L);
  int code = encode_value(&e, lua_absindex(L, index), NULL);
  lua_settop(L, top);
  if (code) out->len = before;
  return code;
}
