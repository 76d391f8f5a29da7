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
#include "bridge/luajson.h"
#include "bridge/luakeys.h"
#include "core/jsonscan.h"

enum { FIRST_ITEMS = 16, LEVEL_SLOTS = FIRST_ITEMS + 6, MOST_ROOM = 64 };

typedef struct Reader {
  lua_State *L;
  JsonScan scan;
  LuaKeys *keys;
  int strings;     /* of the keys: a place on the stack */
  unsigned within; /* the member whose value is read */
  unsigned steps;  /* values read */
} Reader;

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

static void push_name(Reader *r, const JsonSlice *name) {
  if (name->escaped) push_unescaped(r->L, name);
  else r->within = luakeys_push(r->L, r->keys, r->strings, name->text, name->len);
}

/* Null is an absent key: of a name that comes twice the last value counts, null included.
 */
static const char *push_member(Reader *r, const char *p, bool *empty) {
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
    push_name(r, &name);
    if (!(p = push_member(r, p, &empty))) return NULL;
    lua_rawset(L, -3);
    p = json_more(&r->scan, p, &more);
  }
  if (room) *room = (uint8_t)(count < MOST_ROOM ? count : MOST_ROOM);
  if (empty) luajson_set_mark(L, -1, JSON_OBJECT);
  r->within = within;
  return json_close(&r->scan, p, '}');
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

static const char *start_reading(Reader *r, lua_State *L, const char *text, size_t len) {
  luaL_checkstack(L, LEVEL_SLOTS, "JSON nested too deeply");
  r->L = L;
  r->within = r->steps = 0;
  r->keys = luakeys_open(L);
  r->strings = lua_gettop(L);
  return json_scan_start(&r->scan, text, len);
}

/* Pops what was pushed, and fills *err. */
static int fail_reading(Reader *r, const char *text, size_t len, Error *err) {
  json_scan_error(&r->scan, text, len, err);
  lua_settop(r->L, r->strings - 1);
  return (int)err->code;
}

int luajson_decode(lua_State *L, const char *text, size_t len, Error *err) {
  Reader r;
  const char *p = start_reading(&r, L, text, len);
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

int luajson_decode_list(lua_State *L, const char *text, size_t len, int skip,
                        Error *err) {
  Reader r;
  const char *p = start_reading(&r, L, text, len);
  int count = push_items(&r, p, skip);
  if (count < 0) return fail_reading(&r, text, len, err), -1;
  lua_remove(L, r.strings);
  return count;
}

/* --- items of an arena
 * ---------------------------------------------------------------------- */

enum { ITEM_SLOTS = 4 }; /* a table, a key, a value, a mark */

static void push_item(lua_State *L, const JsonArena *arena, const cJSON *item);

static inline void push_item_string(lua_State *L, const JsonArena *arena,
                                    const cJSON *item, bool key) {
  size_t len;
  const char *text = json_string(arena, item, key, &len);
  lua_pushlstring(L, text, len);
}

/* A key that comes twice has its last value, null included. */
static void push_item_object(lua_State *L, const JsonArena *arena, const cJSON *item) {
  luaL_checkstack(L, ITEM_SLOTS, "JSON nested too deeply");
  lua_createtable(L, 0, json_count(item));
  bool empty = true;
  for (const cJSON *child = item->child; child; child = child->next) {
    push_item_string(L, arena, child, true);
    if (child->type == cJSON_NULL) {
      lua_pushnil(L);
    } else {
      push_item(L, arena, child);
      empty = false;
    }
    lua_rawset(L, -3);
  }
  if (empty) luajson_set_mark(L, -1, JSON_OBJECT);
}

static void push_item_array(lua_State *L, const JsonArena *arena, const cJSON *item) {
  luaL_checkstack(L, ITEM_SLOTS, "JSON nested too deeply");
  lua_createtable(L, json_count(item), 0);
  lua_Integer i = 0;
  for (const cJSON *child = item->child; child; child = child->next) {
    push_item(L, arena, child);
    lua_rawseti(L, -2, ++i);
  }
  luajson_set_mark(L, -1, JSON_ARRAY);
}

static void push_item_number(lua_State *L, const cJSON *item) {
  int64_t integer;
  if (json_integer(item, &integer)) lua_pushinteger(L, integer);
  else lua_pushnumber(L, item->valuedouble);
}

/* There is room for the item itself. */
static void push_item(lua_State *L, const JsonArena *arena, const cJSON *item) {
  switch (item->type) {
  case cJSON_False:
    lua_pushboolean(L, 0);
    return;
  case cJSON_True:
    lua_pushboolean(L, 1);
    return;
  case cJSON_NULL:
    luajson_push_null(L);
    return;
  case cJSON_Number:
    push_item_number(L, item);
    return;
  case cJSON_String:
  case JSON_BYTES:
    push_item_string(L, arena, item, false);
    return;
  case JSON_BINARY:
    push_item_string(L, arena, item, false);
    binary_push(L, -1);
    lua_remove(L, -2);
    return;
  case cJSON_Array:
    push_item_array(L, arena, item);
    return;
  case cJSON_Object:
    push_item_object(L, arena, item);
    return;
  case JSON_INT64:
    lua_pushinteger(L, json_int64(item));
    return;
  default:
    CHECK(!"an item that no text gives");
  }
}

void luajson_push(lua_State *L, const JsonArena *arena, const cJSON *item) {
  luaL_checkstack(L, 1, "JSON nested too deeply");
  push_item(L, arena, item);
}

int luajson_decode_binaries(lua_State *L, const char *text, size_t len,
                            const SioBytes *attachments, int count, Error *err) {
  if (count == 0) return luajson_decode(L, text, len, err);
  JsonArena *arena = luajson_arena(L);
  const cJSON *root = json_parse(arena, text, len, err);
  if (!root) return (int)err->code;
  int code = sio_fill(arena, root, attachments, count, err);
  if (code == 0) luajson_push(L, arena, root);
  json_arena_reset(arena);
  return code;
}
