/* Lua values into immutable ones: see luavalue.h. The path to the value at hand is a
 * chain of frames on the C stack, spelled out only for an error. Values that were read
 * wait in two stacks until the whole of their table has been read. */
#include "bridge/luavalue.h"

#include <string.h>

#include "bridge/bridge.h"
#include "bridge/draft_handle.h"
#include "bridge/luajson.h"
#include "bridge/luapath.h"
#include "bridge/view.h"

typedef struct Frame Frame;
struct Frame {
  ValuePath path; /* first: `up` is that of the frame above */
  const Frame *above;
  const void *table;
  int depth;
};

enum { COUNTED = 4096 }; /* items that are counted between two looks at the limit */

typedef struct Reader {
  lua_State *L;
  ValueAccount *account;
  Error *err;
  Buffer items, fields; /* of Value, of ValueField */
  unsigned steps;
} Reader;

static int read_value(Reader *r, int index, const Frame *at, Value *out);

/* --- errors ----------------------------------------------------------------------- */

static int refuse_late(const Reader *r) {
  return error_set(r->err, ERR_TIMEOUT, "the limit of the turn is reached");
}

static int refuse_value(const Reader *r, const Frame *at, const char *what) {
  Buffer path = {0};
  if (at) value_path_put(&path, &at->path);
  return luapath_error(&path, ERR_INVALID, what, r->err);
}

static int refuse_type(const Reader *r, int index, const Frame *at) {
  switch (lua_type(r->L, index)) {
  case LUA_TNIL:
    return refuse_value(r, at, "nil cannot be kept; json.null can");
  case LUA_TFUNCTION:
    return refuse_value(r, at, "a function cannot be kept");
  case LUA_TTHREAD:
    return refuse_value(r, at, "a coroutine cannot be kept");
  default:
    return refuse_value(r, at, "userdata cannot be kept");
  }
}

static int refuse_key(const Reader *r, int index, const Frame *at, bool array) {
  int type = lua_type(r->L, index);
  Frame key = *at;
  if (type == LUA_TSTRING) {
    key.path.step.key = lua_tolstring(r->L, index, &key.path.step.key_len);
    return refuse_value(r, &key, "a string key in an array");
  }
  if (!array && type == LUA_TNUMBER && lua_isinteger(r->L, index)) {
    key.path.step.key = NULL;
    key.path.step.index = (size_t)lua_tointeger(r->L, index) - 1;
    return refuse_value(r, &key, "an array item in an object");
  }
  return refuse_value(r, at->above,
                      "a key that is neither a string nor an array's index");
}

/* --- tables ----------------------------------------------------------------------- */

static void drop_items(Reader *r, size_t from) {
  for (; r->items.len > from; r->items.len -= sizeof(Value))
    value_release(((Value *)(void *)(r->items.data + r->items.len))[-1]);
}

static void drop_fields(Reader *r, size_t from) {
  for (; r->fields.len > from; r->fields.len -= sizeof(ValueField))
    value_release(((ValueField *)(void *)(r->fields.data + r->fields.len))[-1].item);
}

/* How many items, when every key is an integer; else -1. */
static lua_Integer count_items(const Reader *r, int table, const Frame *at) {
  lua_State *L = r->L;
  lua_Integer n = 0;
  for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1), n++) {
    if (!lua_isinteger(L, -2)) return refuse_key(r, -2, at, true), -1;
    if (n % COUNTED == 0 && bridge_of(L)->is_late()) return refuse_late(r), -1;
  }
  return n;
}

static int read_items(Reader *r, int table, lua_Integer n, Frame *at) {
  for (lua_Integer i = 1; i <= n; i++) {
    at->path.step.index = (size_t)i - 1;
    if (lua_rawgeti(r->L, table, i) == LUA_TNIL)
      return refuse_value(r, at, "a hole in an array; json.null can fill it");
    Value item;
    int code = read_value(r, lua_gettop(r->L), at, &item);
    if (code) return code;
    buffer_put(&r->items, &item, sizeof item);
    lua_pop(r->L, 1);
  }
  return 0;
}

static int read_array(Reader *r, int table, Frame *at, Value *out) {
  lua_Integer n = count_items(r, table, at);
  if (n < 0) return r->err->code;
  size_t from = r->items.len;
  int code = read_items(r, table, n, at);
  if (code) return drop_items(r, from), code;
  r->items.len = from;
  *out = value_array(r->account, (Value *)(void *)(r->items.data + from), (size_t)n);
  return out->type == VALUE_ABSENT ? value_error(r->err, ERR_MEMORY) : 0;
}

static int read_fields(Reader *r, int table, Frame *at) {
  lua_State *L = r->L;
  for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1)) {
    if (lua_type(L, -2) != LUA_TSTRING) return refuse_key(r, -2, at, false);
    ValueField field;
    field.key = lua_tolstring(L, -2, &field.key_len);
    at->path.step.key = field.key, at->path.step.key_len = field.key_len;
    int code = read_value(r, lua_gettop(L), at, &field.item);
    if (code) return code;
    if (field.item.type != VALUE_NULL) buffer_put(&r->fields, &field, sizeof field);
  }
  return 0;
}

static int read_object(Reader *r, int table, Frame *at, Value *out) {
  size_t from = r->fields.len;
  int code = read_fields(r, table, at);
  if (code) return drop_fields(r, from), code;
  ValueField *fields = (ValueField *)(void *)(r->fields.data + from);
  size_t count = (r->fields.len - from) / sizeof *fields;
  bool (*is_late)(void) = bridge_of(r->L)->is_late;
  *out = value_object_within(r->account, fields, count, is_late);
  r->fields.len = from;
  if (out->type != VALUE_ABSENT) return 0;
  return is_late() ? refuse_late(r) : value_error(r->err, ERR_MEMORY);
}

static int read_empty(Reader *r, JsonMark mark, Value *out) {
  *out = mark == JSON_ARRAY    ? value_array(r->account, NULL, 0)
         : mark == JSON_OBJECT ? value_object(r->account)
                               : value_undecided(r->account);
  return out->type == VALUE_ABSENT ? value_error(r->err, ERR_MEMORY) : 0;
}

static int read_table(Reader *r, int table, const Frame *above, Value *out) {
  lua_State *L = r->L;
  Frame at = {.path.up = above ? &above->path : NULL,
              .above = above,
              .table = lua_topointer(L, table),
              .depth = above ? above->depth + 1 : 1};
  for (const Frame *f = above; f; f = f->above)
    if (f->table == at.table)
      return refuse_value(r, above, "a table that contains itself");
  if (at.depth > VALUE_DEPTH) return value_error(r->err, ERR_TOO_LARGE);
  if (!lua_checkstack(L, 8)) return error_set(r->err, ERR_MEMORY, "no room to read in");
  JsonMark mark = luajson_mark(L, table);
  lua_pushnil(L);
  if (!lua_next(L, table)) return read_empty(r, mark, out);
  bool array = mark == JSON_ARRAY || (!mark && lua_type(L, -2) == LUA_TNUMBER);
  lua_pop(L, 2);
  return array ? read_array(r, table, &at, out) : read_object(r, table, &at, out);
}

/* --- values ----------------------------------------------------------------------- */

static int read_string(Reader *r, int index, Value *out) {
  size_t len;
  const char *bytes = lua_tolstring(r->L, index, &len);
  *out = value_text(r->account, bytes, len);
  return out->type == VALUE_ABSENT ? value_error(r->err, ERR_MEMORY) : 0;
}

static int read_shared(Reader *r, int index, const Frame *at, Value *out) {
  *out = luavalue_shared(r->L, index);
  if (out->type == VALUE_ABSENT) return refuse_type(r, index, at);
  int depth = at ? at->depth : 0;
  if (depth + value_height(*out) <= VALUE_DEPTH) return 0;
  value_release(*out);
  return value_error(r->err, ERR_TOO_LARGE);
}

static int read_value(Reader *r, int index, const Frame *at, Value *out) {
  enum { STRIDE = 256 };
  lua_State *L = r->L;
  if (++r->steps % STRIDE == 0 && bridge_of(L)->is_late()) return refuse_late(r);
  switch (lua_type(L, index)) {
  case LUA_TSTRING:
    return read_string(r, index, out);
  case LUA_TNUMBER:
    *out = lua_isinteger(L, index) ? value_int(lua_tointeger(L, index))
                                   : value_double(lua_tonumber(L, index));
    return 0;
  case LUA_TBOOLEAN:
    *out = value_bool(lua_toboolean(L, index));
    return 0;
  case LUA_TTABLE:
    return read_table(r, index, at, out);
  case LUA_TUSERDATA:
    return read_shared(r, index, at, out);
  case LUA_TLIGHTUSERDATA:
    if (!luajson_is_null(L, index)) return refuse_type(r, index, at);
    *out = value_null();
    return 0;
  default:
    return refuse_type(r, index, at);
  }
}

int luavalue_read(lua_State *L, int index, ValueAccount *account, Value *out,
                  Error *err) {
  Reader r = {.L = L, .account = account, .err = err};
  int top = lua_gettop(L);
  *out = (Value){0};
  int code = read_value(&r, lua_absindex(L, index), NULL, out);
  if (code) *out = (Value){0};
  lua_settop(L, top);
  buffer_free(&r.items);
  buffer_free(&r.fields);
  return code;
}

JsonMark luavalue_mark(lua_State *L, int index) {
  if (lua_type(L, index) != LUA_TUSERDATA) return luajson_mark(L, index);
  Value v = luavalue_shared(L, index);
  value_release(v);
  if (v.type == VALUE_ARRAY) return JSON_ARRAY;
  return v.type == VALUE_OBJECT ? JSON_OBJECT : JSON_UNMARKED;
}

Value luavalue_shared(lua_State *L, int index) {
  if (lua_type(L, index) != LUA_TUSERDATA) return (Value){0};
  Value v = view_value(L, index);
  return v.type == VALUE_ABSENT ? draft_value(L, index) : value_retain(v);
}
