/* A tree of JSON to Lua values: a second reading of the same text, to compare with what
 * bridge/luadecode.c makes of it. */
#ifndef TIDELOCK_TESTS_LUA_TREE_H
#define TIDELOCK_TESTS_LUA_TREE_H

#include <lauxlib.h>

#include "bridge/binary.h"
#include "bridge/luajson.h"

enum { ITEM_SLOTS = 4 }; /* a table, a key, a value, a mark */

static inline void push_item(lua_State *L, const JsonArena *arena, const cJSON *item);

static inline void push_item_string(lua_State *L, const JsonArena *arena,
                                    const cJSON *item, bool key) {
  size_t len;
  const char *text = json_string(arena, item, key, &len);
  lua_pushlstring(L, text, len);
}

/* A key that comes twice has its last value, null included. */
static inline void push_item_object(lua_State *L, const JsonArena *arena,
                                    const cJSON *item) {
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

static inline void push_item_array(lua_State *L, const JsonArena *arena,
                                   const cJSON *item) {
  luaL_checkstack(L, ITEM_SLOTS, "JSON nested too deeply");
  lua_createtable(L, json_count(item), 0);
  lua_Integer i = 0;
  for (const cJSON *child = item->child; child; child = child->next) {
    push_item(L, arena, child);
    lua_rawseti(L, -2, ++i);
  }
  luajson_set_mark(L, -1, JSON_ARRAY);
}

static inline void push_item_number(lua_State *L, const cJSON *item) {
  int64_t integer;
  if (json_integer(item, &integer)) lua_pushinteger(L, integer);
  else lua_pushnumber(L, item->valuedouble);
}

/* There is room for the item itself. */
static inline void push_item(lua_State *L, const JsonArena *arena, const cJSON *item) {
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

static inline void push_tree(lua_State *L, const JsonArena *arena, const cJSON *item) {
  luaL_checkstack(L, 1, "JSON nested too deeply");
  push_item(L, arena, item);
}

#endif
