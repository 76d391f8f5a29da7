/* Lua values to JSON text. Nothing here may raise, so that the buffer cannot leak: tables
 * are read raw, room on the stack is asked for, strings are never converted. */
#include "bridge/luaencode.h"

#include <lua.h>
#include <string.h>

#include "bridge/binary.h"
#include "bridge/bridge.h"
#include "bridge/luajson.h"
#include "bridge/luapath.h"
#include "bridge/luavalue.h"

typedef struct Encoder {
  lua_State *L;
  Buffer *out;
  LuaBinaries *binaries; /* NULL: binary data is refused */
  Error *err;
  unsigned steps;
} Encoder;

static int encode_value(Encoder *e, int index, const LuaPath *at);

static int refuse_value(Encoder *e, const LuaPath *at, const char *what) {
  return luapath_refuse(at, what, e->err);
}

static int refuse_size(Encoder *e) {
  return error_set(e->err, ERR_TOO_LARGE, "more than %d MiB of JSON", LUAJSON_MOST >> 20);
}

enum { PIECE = 64 << 10, ROOM = 4096 }; /* of a long string; for a short value */

/* The limits of the text, to which `next` bytes may be added, and of the turn: a script
 * that is late is stopped at its next instruction. */
static int check_limits(Encoder *e, size_t next) {
  enum { STRIDE = 256 };
  if (e->out->len > LUAJSON_MOST) return refuse_size(e);
  if (!buffer_can_grow(e->out, next))
    return error_set(e->err, ERR_MEMORY, "no memory for so much JSON");
  if (++e->steps % STRIDE || !bridge_of(e->L)->is_late()) return 0;
  return error_set(e->err, ERR_TIMEOUT, "the limit of the turn is reached");
}

/* Before a string: a byte of it may become six. For a short one there is ROOM. */
static int check_string(Encoder *e, size_t len) {
  return len > ROOM / 6 ? check_limits(e, 6 * len + ROOM) : 0;
}

static int refuse_type(Encoder *e, int index, const LuaPath *at) {
  return luapath_refuse_type(e->L, index, at, e->err);
}

/* --- tables ----------------------------------------------------------------------- */

static int encode_object(Encoder *e, int table, LuaPath *at) {
  lua_State *L = e->L;
  char before = '{';
  for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1)) {
    if (luapath_key(L, at, e->err)) return ERR_DECODE;
    int code = check_string(e, at->key_len);
    if (code) return code;
    buffer_putc(e->out, before);
    if (json_put_string(e->out, at->key, at->key_len) != 0)
      return refuse_value(e, at, "a key that is not UTF-8");
    buffer_putc(e->out, ':');
    code = encode_value(e, lua_gettop(L), at);
    if (code) return code;
    before = ',';
  }
  buffer_putc(e->out, '}');
  return 0;
}

static int encode_array(Encoder *e, int table, LuaPath *at) {
  lua_State *L = e->L;
  lua_Integer n = luapath_count_items(L, table, at, e->err);
  if (n < 0) return ERR_DECODE;
  buffer_putc(e->out, '[');
  for (at->index = 1; at->index <= n; at->index++) {
    if (at->index > 1) buffer_putc(e->out, ',');
    if (luapath_push_item(L, table, at, e->err)) return ERR_DECODE;
    int code = encode_value(e, lua_gettop(L), at);
    if (code) return code;
    lua_pop(L, 1);
  }
  buffer_putc(e->out, ']');
  return 0;
}

static int encode_table(Encoder *e, int table, const LuaPath *up) {
  LuaPath at;
  int code = luapath_enter(e->L, table, up, &at, e->err);
  if (code) return code;
  switch (luapath_kind(e->L, table)) {
  case TABLE_ARRAY:
    return encode_array(e, table, &at);
  case TABLE_OBJECT:
    return encode_object(e, table, &at);
  case TABLE_EMPTY_ARRAY:
    buffer_put(e->out, "[]", 2);
    return 0;
  default:
    buffer_put(e->out, "{}", 2);
    return 0;
  }
}

/* --- values ----------------------------------------------------------------------- */

static int encode_number(Encoder *e, int index, const LuaPath *at) {
  if (lua_isinteger(e->L, index)) {
    json_put_integer(e->out, lua_tointeger(e->L, index));
    return 0;
  }
  if (json_put_number(e->out, lua_tonumber(e->L, index)) == 0) return 0;
  return refuse_value(e, at, "NaN and infinity are no JSON numbers");
}

/* Appends to a piece of the same string: the quotes between the two are taken out. */
static int put_further(Buffer *out, const char *text, size_t len) {
  size_t last = out->len - 2;
  char byte = out->data[last];
  out->len = last;
  int code = json_put_string(out, text, len);
  out->data[last] = byte;
  return code;
}

/* How long the next piece is: it ends between two characters. */
static size_t next_piece(const char *text, size_t len) {
  if (len <= PIECE) return len;
  size_t end = PIECE;
  while (end > PIECE - 4 && ((unsigned char)text[end] & 0xC0) == 0x80) end--;
  return end;
}

static int encode_string(Encoder *e, int index, const LuaPath *at) {
  size_t len, piece;
  const char *text = lua_tolstring(e->L, index, &len);
  if (len > LUAJSON_MOST) return refuse_size(e);
  for (bool first = true; first || len > 0; first = false) {
    piece = next_piece(text, len);
    int code = check_string(e, piece);
    if (code) return code;
    code =
        first ? json_put_string(e->out, text, piece) : put_further(e->out, text, piece);
    if (code) return refuse_value(e, at, "a string that is not UTF-8");
    text += piece;
    len -= piece;
  }
  return 0;
}

/* Adds an attachment, and puts a placeholder into the text. */
static int encode_binary(Encoder *e, const char *bytes, size_t len, const LuaPath *at) {
  LuaBinaries *b = e->binaries;
  if (!b) return refuse_value(e, at, "binary data is no JSON value");
  if (b->count == SIO_MOST_SENT)
    return refuse_value(e, at,
                        "more than 10 binary values: the server would not take them");
  sio_put_placeholder(e->out, b->count);
  b->items[b->count++] = (SioBytes){bytes, len};
  return 0;
}

/* A view, a draft, or binary data. */
static int encode_shared(Encoder *e, int index, const LuaPath *at) {
  Value v = luavalue_shared(e->L, index);
  size_t len;
  const char *bytes;
  if (v.type == VALUE_ABSENT && (bytes = binary_bytes(e->L, index, &len)))
    return encode_binary(e, bytes, len, at);
  if (v.type == VALUE_ABSENT) return refuse_type(e, index, at);
  Error err;
  int code = value_to_json(v, e->out, &err);
  value_release(v);
  return code ? refuse_value(e, at, err.message) : 0;
}

static int encode_value(Encoder *e, int index, const LuaPath *at) {
  int code = check_limits(e, ROOM);
  if (code) return code;
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

int luajson_encode_binaries(lua_State *L, int index, Buffer *out, LuaBinaries *binaries,
                            Error *err) {
  Encoder e = {.L = L, .out = out, .binaries = binaries, .err = err};
  size_t before = out->len;
  int had = binaries ? binaries->count : 0;
  int top = lua_gettop(L);
  int code = encode_value(&e, lua_absindex(L, index), NULL);
  lua_settop(L, top);
  if (code) out->len = before;
  if (code && binaries) binaries->count = had;
  return code;
}

int luajson_encode_list(lua_State *L, int first, int last, Buffer *out,
                        LuaBinaries *binaries, int *wrong, Error *err) {
  size_t before = out->len;
  binaries->count = 0;
  buffer_putc(out, '[');
  for (int i = first; i <= last; i++) {
    if (i > first) buffer_putc(out, ',');
    *wrong = i;
    if (lua_isnil(L, i)) buffer_puts(out, "null");
    else if (luajson_encode_binaries(L, i, out, binaries, err) != 0)
      return (int)err->code;
  }
  buffer_putc(out, ']');
  *wrong = 0;
  if (binaries->count == 0) return 0;
  return sio_check_placeholders(out->data + before, out->len - before, binaries->count,
                                err);
}

int luajson_encode(lua_State *L, int index, Buffer *out, Error *err) {
  return luajson_encode_binaries(L, index, out, NULL, err);
}
