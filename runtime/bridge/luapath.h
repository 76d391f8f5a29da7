/* The path to the value that an encoder is at: a chain of frames on the C stack, one for
 * each table around it, spelled out only for an error. Tables are read raw, with room on
 * the stack asked for: nothing here raises. */
#ifndef TIDELOCK_BRIDGE_LUAPATH_H
#define TIDELOCK_BRIDGE_LUAPATH_H

#include <lua.h>

#include "bridge/luajson.h"
#include "core/buffer.h"
#include "core/error.h"
#include "core/jsonscan.h"

typedef struct LuaPath LuaPath;
struct LuaPath {
  const LuaPath *up;
  const void *table;
  const char *key; /* kept alive by the table; NULL: the key is `index` */
  size_t key_len;
  lua_Integer index;
  int depth;
};

/* Fills *err with "payload.items[3].name: what" for a path spelled out, which it frees.
 * Returns the code. */
int luapath_error(Buffer *path, ErrorCode code, const char *what, Error *err);

/* Fill *err and return its code, DECODE: "payload.items[3].name: what". */
int luapath_refuse(const LuaPath *at, const char *what, Error *err);
/* For a value that has no place in JSON. */
int luapath_refuse_type(lua_State *L, int index, const LuaPath *at, Error *err);

/* For the key at -2. */
int luapath_refuse_key(lua_State *L, const LuaPath *at, bool array, Error *err);

/* --- tables, inlined: each event that is sent goes through here -------------------- */

static inline bool luapath_encloses(const LuaPath *at, const void *table) {
  for (; at; at = at->up)
    if (at->table == table) return true;
  return false;
}

/* Enters the table: makes its frame in *at, and asks for room on the stack. */
static inline int luapath_enter(lua_State *L, int table, const LuaPath *up, LuaPath *at,
                                Error *err) {
  *at = (LuaPath){
      .up = up, .table = lua_topointer(L, table), .depth = up ? up->depth + 1 : 1};
  if (luapath_encloses(up, at->table))
    return luapath_refuse(up, "a table that contains itself", err);
  if (at->depth > JSON_MAX_DEPTH) return luapath_refuse(up, "nested too deeply", err);
  if (!lua_checkstack(L, 4)) return error_set(err, ERR_MEMORY, "no room to encode in");
  return 0;
}

typedef enum TableKind {
  TABLE_EMPTY_OBJECT,
  TABLE_EMPTY_ARRAY,
  TABLE_ARRAY,
  TABLE_OBJECT
} TableKind;
static inline TableKind luapath_kind(lua_State *L, int table) {
  JsonMark mark = luajson_mark(L, table);
  lua_pushnil(L);
  if (!lua_next(L, table))
    return mark == JSON_ARRAY ? TABLE_EMPTY_ARRAY : TABLE_EMPTY_OBJECT;
  bool array = mark == JSON_ARRAY || (!mark && lua_type(L, -2) == LUA_TNUMBER);
  lua_pop(L, 2);
  return array ? TABLE_ARRAY : TABLE_OBJECT;
}

/* How many items an array has, when every key is an integer; else -1 with *err. */
static inline lua_Integer luapath_count_items(lua_State *L, int table, const LuaPath *at,
                                              Error *err) {
  lua_Integer n = 0;
  for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1), n++)
    if (!lua_isinteger(L, -2)) return luapath_refuse_key(L, at, true, err), -1;
  return n;
}

/* Sets the frame to the string key at -2 (lua_next). */
static inline int luapath_key(lua_State *L, LuaPath *at, Error *err) {
  if (lua_type(L, -2) != LUA_TSTRING) return luapath_refuse_key(L, at, false, err);
  at->key = lua_tolstring(L, -2, &at->key_len);
  return 0;
}

/* Pushes the item at->index. */
static inline int luapath_push_item(lua_State *L, int table, const LuaPath *at,
                                    Error *err) {
  if (lua_rawgeti(L, table, at->index) != LUA_TNIL) return 0;
  return luapath_refuse(at, "a hole in an array; json.null can fill it", err);
}

#endif
