/* Packing Lua values: a tag byte, then the content in the machine's own byte order. Raw
 * access only: no metamethod runs. */
#include "bridge/pack.h"

#include <lauxlib.h>
#include <string.h>

#include "bridge/luajson.h"
#include "bridge/luatext.h"
#include "bridge/luavalue.h"

/* A table that is reached by several ways is packed several times: without the limit 40
 * tables could make a terabyte. */
enum { MAX_DEPTH = 128, MAX_PACKED = 64 << 20 };

static void put_tagged(Buffer *out, char tag, const void *bytes, size_t len) {
  buffer_putc(out, tag);
  buffer_put(out, bytes, len);
}

static int refuse_value(Error *err, const char *what) {
  return error_set(err, ERR_INVALID, "%s cannot be carried over", what);
}

static void prefix_key(lua_State *L, Error *err) {
  char rest[sizeof err->message];
  memcpy(rest, err->message, sizeof rest);
  char shown[LUATEXT_SHOWN];
  if (lua_type(L, -2) == LUA_TSTRING)
    error_set(err, err->code, ".%.60s%.200s%.200s", luatext_show(L, -2, shown),
              rest[0] == '.' || rest[0] == '[' ? "" : ": ", rest);
  else
    error_set(err, err->code, "[%lld]%.200s%.200s", (long long)lua_tointeger(L, -2),
              rest[0] == '.' || rest[0] == '[' ? "" : ": ", rest);
}

typedef struct Packing {
  Buffer *out;
  size_t limit; /* of out->len */
  Error *err;
} Packing;

static int pack_at(lua_State *L, int index, const Packing *p, int depth);
static int pack_shared(Value v, const Packing *p, int depth);

static bool is_full(const Packing *p) {
  return p->out->len > p->limit;
}

static int too_large(const Packing *p) {
  return error_set(p->err, ERR_TOO_LARGE, "more than %zu KiB cannot be carried over",
                   p->limit >> 10);
}

static int no_memory(const Packing *p) {
  return error_set(p->err, ERR_MEMORY, "there is no memory to carry it over");
}

/* Asks for room for a long text first: an allocation that fails would end the process. */
static int put_text(const Packing *p, const char *text, size_t len) {
  if (!buffer_can_grow(p->out, len + sizeof len + 1)) return no_memory(p);
  put_tagged(p->out, 's', &len, sizeof len);
  buffer_put(p->out, text, len);
  return 0;
}

bool pack_is_key(lua_State *L, int index) {
  int type = lua_type(L, index);
  return type != LUA_TTABLE && type != LUA_TUSERDATA;
}

static int pack_table(lua_State *L, int index, const Packing *p, int depth) {
  if (depth > MAX_DEPTH)
    return refuse_value(p->err, "a table nested too deeply (a cycle?)");
  if (!lua_checkstack(L, 6)) return refuse_value(p->err, "a table nested too deeply");
  JsonMark mark = luajson_mark(L, index);
  if (mark == JSON_UNMARKED && lua_getmetatable(L, index)) {
    lua_pop(L, 1);
    return refuse_value(p->err, "a table with a metatable");
  }
  put_tagged(p->out, mark == JSON_ARRAY ? 'a' : mark == JSON_OBJECT ? 'o' : 't', NULL, 0);
  lua_pushnil(L);
  while (lua_next(L, index)) {
    int rc = pack_is_key(L, -2) ? 0 : refuse_value(p->err, "a table as a key");
    if (rc == 0) rc = pack_at(L, lua_gettop(L) - 1, p, depth + 1);
    if (rc == 0) rc = pack_at(L, lua_gettop(L), p, depth + 1);
    if (rc != 0) {
      prefix_key(L, p->err);
      lua_pop(L, 2);
      return rc;
    }
    lua_pop(L, 1);
  }
  buffer_putc(p->out, 'e');
  return 0;
}

static int pack_number(lua_State *L, int index, const Packing *p) {
  if (lua_isinteger(L, index)) {
    lua_Integer i = lua_tointeger(L, index);
    put_tagged(p->out, 'i', &i, sizeof i);
  } else {
    lua_Number n = lua_tonumber(L, index);
    put_tagged(p->out, 'd', &n, sizeof n);
  }
  return 0;
}

static int pack_parts(Value v, const Packing *p, int depth) {
  Value key, item;
  bool array = v.type == VALUE_ARRAY;
  if (depth > MAX_DEPTH) return refuse_value(p->err, "a view nested too deeply");
  put_tagged(p->out, array ? 'a' : value_count(v) ? 't' : 'o', NULL, 0);
  for (size_t i = 0; i < value_count(v); i++) {
    if (is_full(p)) return too_large(p);
    if (array) key = value_int((int64_t)i + 1), item = value_array_at(v, i);
    else value_object_at(v, i, &key, &item);
    int rc = pack_shared(key, p, depth);
    if (rc == 0) rc = pack_shared(item, p, depth + 1);
    if (rc != 0) return rc;
  }
  buffer_putc(p->out, 'e');
  return 0;
}

/* Packs the value of a view or a draft. */
static int pack_shared(Value v, const Packing *p, int depth) {
  size_t len;
  const char *text;
  switch (v.type) {
  case VALUE_BOOL:
    put_tagged(p->out, v.boolean ? 'T' : 'F', NULL, 0);
    return 0;
  case VALUE_INT:
    put_tagged(p->out, 'i', &v.integer, sizeof v.integer);
    return 0;
  case VALUE_DOUBLE:
    put_tagged(p->out, 'd', &v.number, sizeof v.number);
    return 0;
  case VALUE_TEXT:
    text = value_bytes(v, &len);
    return put_text(p, text, len);
  case VALUE_ARRAY:
  case VALUE_OBJECT:
    return pack_parts(v, p, depth);
  default:
    put_tagged(p->out, '0', NULL, 0);
    return 0;
  }
}

static int pack_userdata(lua_State *L, int index, const Packing *p, int depth) {
  Value v = luavalue_shared(L, index);
  int rc = v.type == VALUE_ABSENT ? refuse_value(p->err, "a userdata")
                                  : pack_shared(v, p, depth);
  value_release(v);
  return rc;
}

static int pack_at(lua_State *L, int index, const Packing *p, int depth) {
  if (is_full(p)) return too_large(p);
  if (!buffer_can_grow(p->out, sizeof(lua_Integer) + 1)) return no_memory(p);
  switch (lua_type(L, index)) {
  case LUA_TNIL:
    put_tagged(p->out, 'n', NULL, 0);
    return 0;
  case LUA_TBOOLEAN:
    put_tagged(p->out, lua_toboolean(L, index) ? 'T' : 'F', NULL, 0);
    return 0;
  case LUA_TNUMBER:
    return pack_number(L, index, p);
  case LUA_TSTRING: {
    size_t len;
    const char *text = lua_tolstring(L, index, &len);
    return len > p->limit ? too_large(p) : put_text(p, text, len);
  }
  case LUA_TTABLE:
    return pack_table(L, index, p, depth);
  case LUA_TUSERDATA:
    return pack_userdata(L, index, p, depth);
  case LUA_TLIGHTUSERDATA:
    if (lua_touserdata(L, index) == NULL) {
      put_tagged(p->out, '0', NULL, 0);
      return 0;
    }
    return refuse_value(p->err, "a pointer");
  default: {
    char what[40] = "a ";
    strncat(what, lua_typename(L, lua_type(L, index)), sizeof what - 3);
    return refuse_value(p->err, what);
  }
  }
}

int pack_bounded(lua_State *L, int index, Buffer *out, size_t limit, Error *err) {
  size_t start = out->len;
  Packing p = {out, limit, err};
  int rc = pack_at(L, lua_absindex(L, index), &p, 0);
  if (rc == 0 && is_full(&p)) rc = too_large(&p);
  if (rc != 0) out->len = start;
  return rc;
}

int pack_value(lua_State *L, int index, Buffer *out, Error *err) {
  return pack_bounded(L, index, out, out->len + MAX_PACKED, err);
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
    pack_take(at, &i, sizeof i);
    lua_pushinteger(L, i);
    break;
  case 'd':
    pack_take(at, &n, sizeof n);
    lua_pushnumber(L, n);
    break;
  case 's':
    pack_take(at, &len, sizeof len);
    lua_pushlstring(L, *at, len);
    *at += len;
    break;
  default:
    unpack_table(L, at, tag);
  }
}

/* --- bytes from elsewhere --------------------------------------------------------- */

typedef struct Checked {
  const char *at, *end;
} Checked;

static bool skip_bytes(Checked *c, size_t len) {
  if ((size_t)(c->end - c->at) < len) return false;
  c->at += len;
  return true;
}

static bool check_text(Checked *c) {
  size_t len;
  if ((size_t)(c->end - c->at) < sizeof len) return false;
  pack_take(&c->at, &len, sizeof len);
  return skip_bytes(c, len);
}

static bool check_value(Checked *c, int depth);

/* A key that Lua accepts, and that pack_value writes. */
static bool check_key(Checked *c) {
  lua_Number n;
  if (c->at == c->end || !strchr("TF0ids", *c->at)) return false;
  if (*c->at == 'd' && (size_t)(c->end - c->at) > sizeof n) {
    memcpy(&n, c->at + 1, sizeof n);
    if (n != n) return false;
  }
  return check_value(c, 0);
}

static bool check_table(Checked *c, int depth) {
  if (depth > MAX_DEPTH) return false;
  while (c->at < c->end && *c->at != 'e')
    if (!check_key(c) || !check_value(c, depth + 1)) return false;
  return skip_bytes(c, 1);
}

static bool check_value(Checked *c, int depth) {
  if (c->at == c->end) return false;
  switch (*c->at++) {
  case 'n':
  case 'T':
  case 'F':
  case '0':
    return true;
  case 'i':
    return skip_bytes(c, sizeof(lua_Integer));
  case 'd':
    return skip_bytes(c, sizeof(lua_Number));
  case 's':
    return check_text(c);
  case 't':
  case 'a':
  case 'o':
    return check_table(c, depth);
  default:
    return false;
  }
}

bool pack_check(const char *bytes, size_t len) {
  Checked c = {bytes, bytes + len};
  return check_value(&c, 0) && c.at == c.end;
}
