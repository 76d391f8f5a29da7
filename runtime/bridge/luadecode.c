/* JSON text to Lua values, without a tree between. Pushes may raise at any point, so all
 * that is held lies on the C stack and on Lua's.
 *
 * How large a table will be is known only at its end, and a table that grows costs more
 * than one that does not. So the first items of an array wait on the stack, and an object
 * gets the room that the last object of its kind took. That room is given once: objects
 * within each other, which all begin before any ends, would multiply it. */
#include "bridge/luadecode.h"

#include <lauxlib.h>

#include "bridge/binary.h"
#include "bridge/bridge.h"
#include "bridge/luareader.h"
#include "bridge/luajson.h"

enum { FIRST_ITEMS = 16, LEVEL_SLOTS = FIRST_ITEMS + 6, MOST_ROOM = 64 };

static const char no_attachment[] = "a placeholder for an attachment that there is not";

static const char *push_value(Reader *r, const char *p);

/* --- strings and numbers ---------------------------------------------------------- */

static void push_unescaped(lua_State *L, const JsonSlice *slice) {
  luaL_Buffer buffer;
  char *to = luaL_buffinitsize(L, &buffer, slice->len);
  luaL_pushresultsize(&buffer, json_unescape(to, slice));
}

static const char *push_string(Reader *r, const char *p) {
  JsonSlice slice;
  if (!(p = json_scan_string(&r->scan, p, &slice))) return NULL;
  if (slice.escaped) push_unescaped(r->L, &slice);
  else lua_pushlstring(r->L, slice.text, slice.len);
  return p;
}

static const char *push_number(Reader *r, const char *p) {
  JsonNumber number;
  int64_t integer;
  if (!(p = json_scan_number(&r->scan, p, false, &number))) return NULL;
  if (json_exact_integer(number.value, &integer)) lua_pushinteger(r->L, integer);
  else lua_pushnumber(r->L, number.value);
  return p;
}

static const char *push_word(Reader *r, const char *p) {
  if (*p == 'n') {
    luajson_push_null(r->L);
    return json_scan_word(&r->scan, p, "null", 4);
  }
  lua_pushboolean(r->L, *p == 't');
  return *p == 't' ? json_scan_word(&r->scan, p, "true", 4)
                   : json_scan_word(&r->scan, p, "false", 5);
}

/* --- objects ---------------------------------------------------------------------- */

static bool get_field(lua_State *L, const char *name) {
  lua_pushstring(L, name);
  return lua_rawget(L, -2) != LUA_TNIL;
}

bool reader_fill(Reader *r, const char *p) {
  lua_State *L = r->L;
  bool marked =
      get_field(L, "_placeholder") && lua_isboolean(L, -1) && lua_toboolean(L, -1);
  lua_pop(L, 1);
  if (!marked) return true;
  get_field(L, "num");
  int whole = 0;
  lua_Integer n = lua_type(L, -1) == LUA_TNUMBER ? lua_tointegerx(L, -1, &whole) : -1;
  lua_pop(L, 2);
  if (!whole || n < 0 || n >= r->count) {
    r->unfilled = true;
    json_fail(&r->scan, p, no_attachment);
    return false;
  }
  lua_pushlstring(L, r->parts[n].data, r->parts[n].len);
  if (!r->marks) return true;
  binary_push(L, -1);
  lua_remove(L, -2);
  return true;
}

void reader_push_name(Reader *r, const JsonSlice *name) {
  if (name->escaped) push_unescaped(r->L, name);
  else r->within = luakeys_push(r->L, r->keys, r->strings, name->text, name->len);
}

/* Null is an absent key: of a name that comes twice the last value counts, null included.
 */
const char *reader_push_member(Reader *r, const char *p, bool *empty) {
  if (p < r->scan.end && *p == 'n') {
    lua_pushnil(r->L);
    return json_scan_word(&r->scan, p, "null", 4);
  }
  *empty = false;
  return push_value(r, p);
}

static const char *push_object(Reader *r, const char *p) {
  lua_State *L = r->L;
  unsigned within = r->within;
  uint8_t *room = NULL;
  int count = 0;
  bool more, empty = true;
  JsonSlice name;
  if (!(p = json_open(&r->scan, p, '}', &more))) return NULL;
  if (!more) lua_createtable(L, 0, 0);
  for (; more; count++) {
    if (!(p = json_scan_name(&r->scan, p, &name))) return NULL;
    if (!room) {
      room = luakeys_room(r->keys, within, name.text, name.len);
      lua_createtable(L, 0, *room);
      *room = 0;
    }
    reader_push_name(r, &name);
    if (!(p = reader_push_member(r, p, &empty))) return NULL;
    lua_rawset(L, -3);
    p = json_more(&r->scan, p, &more);
  }
  if (room) *room = (uint8_t)(count < MOST_ROOM ? count : MOST_ROOM);
  if (empty) luajson_set_mark(L, -1, JSON_OBJECT);
  r->within = within;
  if (!(p = json_close(&r->scan, p, '}'))) return NULL;
  return r->count && !reader_fill(r, p) ? NULL : p;
}

/* --- arrays ----------------------------------------------------------------------- */

/* Puts the `count` items above `place` into a table there, with room for `room`. */
static void gather_items(lua_State *L, int place, int count, int room) {
  lua_createtable(L, room, 0);
  lua_replace(L, place);
  for (int i = count; i > 0; i--) lua_rawseti(L, place, i);
}

static const char *push_array(Reader *r, const char *p) {
  lua_State *L = r->L;
  int place = lua_gettop(L) + 1;
  lua_Integer count = 0;
  bool more;
  if (!(p = json_open(&r->scan, p, ']', &more))) return NULL;
  lua_pushnil(L);
  while (more) {
    if (!(p = push_value(r, p))) return NULL;
    if (++count == FIRST_ITEMS + 1)
      gather_items(L, place, FIRST_ITEMS + 1, 4 * FIRST_ITEMS);
    else if (count > FIRST_ITEMS) lua_rawseti(L, place, count);
    p = json_more(&r->scan, p, &more);
  }
  if (count <= FIRST_ITEMS) gather_items(L, place, (int)count, (int)count);
  luajson_set_mark(L, place, JSON_ARRAY);
  return json_close(&r->scan, p, ']');
}

/* --- values ----------------------------------------------------------------------- */

static const char *push_value(Reader *r, const char *p) {
  enum { STRIDE = 1024 };
  if (++r->steps % STRIDE == 0) bridge_of(r->L)->poll(r->L);
  switch (p < r->scan.end ? *p : '\0') {
  case '"':
    return push_string(r, p);
  case '{':
    luaL_checkstack(r->L, LEVEL_SLOTS, "JSON nested too deeply");
    return push_object(r, p);
  case '[':
    luaL_checkstack(r->L, LEVEL_SLOTS, "JSON nested too deeply");
    return push_array(r, p);
  case 't':
  case 'f':
  case 'n':
    return push_word(r, p);
  case '-':
  case '0' ... '9':
    return push_number(r, p);
  default:
    return json_fail(&r->scan, p, "not a value");
  }
}

const char *reader_push_value(Reader *r, const char *p) {
  luaL_checkstack(r->L, LEVEL_SLOTS, "JSON nested too deeply");
  return push_value(r, p);
}

const char *reader_start(Reader *r, lua_State *L, const char *text, size_t len) {
  luaL_checkstack(L, LEVEL_SLOTS, "JSON nested too deeply");
  *r = (Reader){.L = L};
  r->keys = luakeys_open(L);
  r->strings = lua_gettop(L);
  return json_scan_start(&r->scan, text, len);
}

int reader_error(const Reader *r, const char *text, size_t len, Error *err) {
  if (r->unfilled)
    return error_set(err, ERR_PROTOCOL, "the server sent %s", no_attachment);
  json_scan_error(&r->scan, text, len, err);
  return (int)err->code;
}

/* Pops what was pushed, and fills *err. */
static int fail_reading(Reader *r, const char *text, size_t len, Error *err) {
  reader_error(r, text, len, err);
  lua_settop(r->L, r->strings - 1);
  return (int)err->code;
}

int luajson_decode(lua_State *L, const char *text, size_t len, Error *err) {
  return luajson_decode_binaries(L, text, len, NULL, 0, err);
}

int luajson_decode_binaries(lua_State *L, const char *text, size_t len,
                            const SioBytes *attachments, int count, Error *err) {
  Reader r;
  const char *p = reader_start(&r, L, text, len);
  r.parts = attachments;
  r.count = count;
  if (!(p = push_value(&r, p)) || !json_scan_end(&r.scan, p))
    return fail_reading(&r, text, len, err);
  lua_replace(L, r.strings);
  return 0;
}

/* Passes over `skip` items, then pushes; returns how many it pushed, or -1. */
static int push_items(Reader *r, const char *p, int skip) {
  int count = 0;
  bool more;
  if (p == r->scan.end || *p != '[') return json_fail(&r->scan, p, "not a `[`"), -1;
  if (!(p = json_open(&r->scan, p, ']', &more))) return -1;
  for (; more; count++) {
    luaL_checkstack(r->L, LEVEL_SLOTS, "too many values");
    if (!(p = push_value(r, p))) return -1;
    if (count < skip) lua_pop(r->L, 1);
    p = json_more(&r->scan, p, &more);
  }
  p = json_close(&r->scan, p, ']');
  if (!p || !json_scan_end(&r->scan, p)) return -1;
  return count > skip ? count - skip : 0;
}

int luajson_decode_list(lua_State *L, const LuaJsonList *list, Error *err) {
  Reader r;
  const char *p = reader_start(&r, L, list->text, list->len);
  r.parts = list->parts;
  r.count = list->count;
  r.marks = list->marks;
  int count = push_items(&r, p, list->skip);
  if (count < 0) return fail_reading(&r, list->text, list->len, err), -1;
  lua_remove(L, r.strings);
  return count;
}
