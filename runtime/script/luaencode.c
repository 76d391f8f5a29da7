/* Lua values to JSON text. Nothing here may raise, so that the buffer cannot leak: tables
 * are read raw, room on the stack is asked for, strings are never converted.
 *
 * The way to the value at hand is a chain of frames on the C stack; it is spelled out
 * only for an error. */
#include <lua.h>
#include <math.h>
#include <string.h>

#include "script/luajson.h"
#include "script/luavalue.h"

/* A table that is in another twice is written twice: few of them can make a text without
 * end, which no CPU limit would stop. */
enum { MOST_TEXT = 128 << 20 };

typedef struct Frame Frame;
struct Frame {
  const Frame *up;
  const void *table;
  const char *key; /* NULL: `index` says where; the table keeps it alive */
  size_t key_len;
  lua_Integer index;
  int depth;
};

typedef struct Encoder {
  lua_State *L;
  Buffer *out;
  Error *err;
} Encoder;

static int encode_value(Encoder *e, int index, const Frame *at);

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

static void put_way(Buffer *way, const Frame *at) {
  if (!at) return;
  put_way(way, at->up);
  if (at->key) put_key(way, at->key, at->key_len);
  else if (at->index) buffer_printf(way, "[%lld]", (long long)at->index);
}

/* The end of a long way says more than its beginning. */
static int refuse(Encoder *e, const Frame *at, const char *what) {
  enum { MOST = 200 };
  Buffer way = {0};
  put_way(&way, at);
  const char *text = way.len ? buffer_text(&way) : "the value", *dots = "";
  if (way.len > MOST) dots = "...", text += way.len - MOST;
  error_set(e->err, ERR_DECODE, "%s%s: %s", dots, text, what);
  buffer_free(&way);
  return ERR_DECODE;
}

static int refuse_size(Encoder *e) {
  return error_set(e->err, ERR_TOO_LARGE, "more than %d MiB of JSON", MOST_TEXT >> 20);
}

static int refuse_type(Encoder *e, int index, const Frame *at) {
  switch (lua_type(e->L, index)) {
  case LUA_TNIL:
    return refuse(e, at, "nil is no JSON value; json.null is");
  case LUA_TFUNCTION:
    return refuse(e, at, "a function is no JSON value");
  case LUA_TTHREAD:
    return refuse(e, at, "a coroutine is no JSON value");
  default:
    return refuse(e, at, "userdata is no JSON value");
  }
}

static int refuse_key(Encoder *e, int index, const Frame *at, bool array) {
  int type = lua_type(e->L, index);
  Frame key = *at;
  if (type == LUA_TSTRING) {
    key.key = lua_tolstring(e->L, index, &key.key_len);
    return refuse(e, &key, "a string key in an array");
  }
  if (type == LUA_TNUMBER && lua_isinteger(e->L, index)) {
    key.index = lua_tointeger(e->L, index);
    if (!array) return refuse(e, &key, "an array item in an object");
  }
  return refuse(e, at->up, "a key that is neither a string nor an array's index");
}

/* --- tables ----------------------------------------------------------------------- */

static int encode_object(Encoder *e, int table, Frame *at) {
  lua_State *L = e->L;
  char before = '{';
  for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1)) {
    if (lua_type(L, -2) != LUA_TSTRING) return refuse_key(e, -2, at, false);
    at->key = lua_tolstring(L, -2, &at->key_len);
    buffer_putc(e->out, before);
    if (json_put_string(e->out, at->key, at->key_len) != 0)
      return refuse(e, at, "a key that is not UTF-8");
    buffer_putc(e->out, ':');
    int code = encode_value(e, lua_gettop(L), at);
    if (code) return code;
    before = ',';
  }
  buffer_putc(e->out, '}');
  return 0;
}

/* How many items, when every key is an integer; else -1. */
static lua_Integer count_items(Encoder *e, int table, const Frame *at) {
  lua_State *L = e->L;
  lua_Integer n = 0;
  for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1), n++)
    if (!lua_isinteger(L, -2)) return refuse_key(e, -2, at, true), -1;
  return n;
}

static int encode_array(Encoder *e, int table, Frame *at) {
  lua_State *L = e->L;
  lua_Integer n = count_items(e, table, at);
  if (n < 0) return ERR_DECODE;
  buffer_putc(e->out, '[');
  for (at->index = 1; at->index <= n; at->index++) {
    if (at->index > 1) buffer_putc(e->out, ',');
    if (lua_rawgeti(L, table, at->index) == LUA_TNIL)
      return refuse(e, at, "a hole in an array; json.null can fill it");
    int code = encode_value(e, lua_gettop(L), at);
    if (code) return code;
    lua_pop(L, 1);
  }
  buffer_putc(e->out, ']');
  return 0;
}

static bool encloses(const Frame *at, const void *table) {
  for (; at; at = at->up)
    if (at->table == table) return true;
  return false;
}

static int encode_table(Encoder *e, int table, const Frame *up) {
  lua_State *L = e->L;
  Frame at = {
      .up = up, .table = lua_topointer(L, table), .depth = up ? up->depth + 1 : 1};
  if (encloses(up, at.table)) return refuse(e, up, "a table that contains itself");
  if (at.depth > JSON_MAX_DEPTH) return refuse(e, up, "nested too deeply");
  if (!lua_checkstack(L, 4)) return error_set(e->err, ERR_MEMORY, "no room to encode in");
  JsonMark mark = luajson_mark(L, table);
  lua_pushnil(L);
  if (!lua_next(L, table)) {
    buffer_put(e->out, mark == JSON_ARRAY ? "[]" : "{}", 2);
    return 0;
  }
  bool array = mark == JSON_ARRAY || (!mark && lua_type(L, -2) == LUA_TNUMBER);
  lua_pop(L, 2);
  return array ? encode_array(e, table, &at) : encode_object(e, table, &at);
}

/* --- values ----------------------------------------------------------------------- */

static int encode_number(Encoder *e, int index, const Frame *at) {
  if (lua_isinteger(e->L, index)) {
    json_put_integer(e->out, lua_tointeger(e->L, index));
    return 0;
  }
  if (json_put_number(e->out, lua_tonumber(e->L, index)) == 0) return 0;
  return refuse(e, at, "NaN and infinity are no JSON numbers");
}

static int encode_string(Encoder *e, int index, const Frame *at) {
  size_t len;
  const char *text = lua_tolstring(e->L, index, &len);
  if (len > MOST_TEXT) return refuse_size(e);
  if (json_put_string(e->out, text, len) == 0) return 0;
  return refuse(e, at, "a string that is not UTF-8");
}

/* A view or a draft. */
static int encode_shared(Encoder *e, int index, const Frame *at) {
  Value v = luavalue_shared(e->L, index);
  if (v.type == VALUE_ABSENT) return refuse_type(e, index, at);
  Error err;
  int code = value_to_json(v, e->out, &err);
  value_release(v);
  return code ? refuse(e, at, err.message) : 0;
}

static int encode_value(Encoder *e, int index, const Frame *at) {
  if (e->out->len > MOST_TEXT) return refuse_size(e);
  switch (lua_type(e->L, index)) {
  case LUA_TSTRING:
    return encode_string(e, index, at);
  case LUA_TNUMBER:
    return encode_number(e, index, at);
  case LUA_TTABLE:
    return encode_table(e, index, at);
  case LUA_TUSERDATA:
    return encode_shared(e, index, at);
  case LUA_TBOOLEAN:
    buffer_puts(e->out, lua_toboolean(e->L, index) ? "true" : "false");
    return 0;
  case LUA_TLIGHTUSERDATA:
    if (!luajson_is_null(e->L, index)) return refuse_type(e, index, at);
    buffer_put(e->out, "null", 4);
    return 0;
  default:
    return refuse_type(e, index, at);
  }
}

int luajson_encode(lua_State *L, int index, Buffer *out, Error *err) {
  Encoder e = {L, out, err};
  size_t before = out->len;
  int top = lua_gettop(L);
  int code = encode_value(&e, lua_absindex(L, index), NULL);
  lua_settop(L, top);
  if (code) out->len = before;
  return code;
}
