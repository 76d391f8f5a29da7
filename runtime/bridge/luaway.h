/* Where in a Lua value an encoder is: a chain of frames on the C stack, one a table,
 * spelled out only for an error. Nothing of it raises. */
#ifndef TIDELOCK_BRIDGE_LUAWAY_H
#define TIDELOCK_BRIDGE_LUAWAY_H

#include <lua.h>

#include "core/error.h"
#include "core/jsonscan.h"
#include "bridge/luajson.h"

typedef struct LuaWay LuaWay;
struct LuaWay {
  const LuaWay *up;
  const void *table;
  const char *key; /* NULL: `index` says where; the table keeps it alive */
  size_t key_len;
  lua_Integer index;
  int depth;
};

/* Fill *err and return its code, DECODE: "payload.items[3].name: what". */
int luaway_refuse(const LuaWay *at, const char *what, Error *err);
/* For a value that has no place in JSON. */
int luaway_refuse_type(lua_State *L, int index, const LuaWay *at, Error *err);

/* For the key at -2. */
int luaway_refuse_key(lua_State *L, const LuaWay *at, bool array, Error *err);

/* --- tables, inlined: each event that is sent goes through here -------------------- */

static inline bool luaway_encloses(const LuaWay *at, const void *table) {
  for (; at; at = at->up)
    if (at->table == table) return true;
  return false;
}

/* Enters the table: makes its frame in *at, and asks for room on the stack. */
static inline int luaway_enter(lua_State *L, int table, const LuaWay *up, LuaWay *at,
                               Error *err) {
  *at = (LuaWay){
      .up = up, .table = lua_topointer(L, table), .depth = up ? up->depth + 1 : 1};
  if (luaway_encloses(up, at->table))
    return luaway_refuse(up, "a table that contains itself", err);
  if (at->depth > JSON_MAX_DEPTH) return luaway_refuse(up, "nested too deeply", err);
  if (!lua_checkstack(L, 4)) return error_set(err, ERR_MEMORY, "no room to encode in");
  return 0;
}

typedef enum TableKind {
  TABLE_EMPTY_OBJECT,
  TABLE_EMPTY_ARRAY,
  TABLE_ARRAY,
  TABLE_OBJECT
} TableKind;
static inline TableKind luaway_kind(lua_State *L, int table) {
  JsonMark mark = luajson_mark(L, table);
  lua_pushnil(L);
  if (!lua_next(L, table))
    return mark == JSON_ARRAY ? TABLE_EMPTY_ARRAY : TABLE_EMPTY_OBJECT;
  bool array = mark == JSON_ARRAY || (!mark && lua_type(L, -2) == LUA_TNUMBER);
  lua_pop(L, 2);
  return array ? TABLE_ARRAY : TABLE_OBJECT;
}

/* How many items an array has, when every key is an integer; else -1 with *err. */
static inline lua_Integer luaway_count_items(lua_State *L, int table, const LuaWay *at,
                                             Error *err) {
  lua_Integer n = 0;
  for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1), n++)
    if (!lua_isinteger(L, -2)) return luaway_refuse_key(L, at, true, err), -1;
  return n;
}

/* Sets the frame to the string key at -2 (lua_next). */
static inline int luaway_key(lua_State *L, LuaWay *at, Error *err) {
  if (lua_type(L, -2) != LUA_TSTRING) return luaway_refuse_key(L, at, false, err);
  at->key = lua_tolstring(L, -2, &at->key_len);
  return 0;
}

/* Pushes the item at->index. */
static inline int luaway_push_item(lua_State *L, int table, const LuaWay *at,
                                   Error *err) {
  if (lua_rawgeti(L, table, at->index) != LUA_TNIL) return 0;
  return luaway_refuse(at, "a hole in an array; json.null can fill it", err);
}

#endif
