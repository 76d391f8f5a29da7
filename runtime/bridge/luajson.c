/* Items to Lua values, and what each state keeps for JSON: the marks, an arena, a buffer.
 * Runs on the loop's thread, protected by the caller: pushes may raise. */
#include "bridge/luajson.h"

#include <lauxlib.h>
#include <string.h>

#include "bridge/binary.h"
#include "bridge/luavalue.h"

enum { SCRATCH_KEEP = 64 << 10 };

/* Their addresses are keys in the registry. */
static const char array_key, object_key, tools_key;

typedef struct Tools {
  JsonArena *arena;
  Buffer scratch;
} Tools;

/* --- marks and null --------------------------------------------------------------- */

static const void *mark_key(JsonMark mark) {
  return mark == JSON_ARRAY ? &array_key : &object_key;
}

static void push_new_mark(lua_State *L, JsonMark mark) {
  const char *name = mark == JSON_ARRAY ? "json.array" : "json.object";
  lua_createtable(L, 0, 2);
  lua_pushstring(L, name);
  lua_setfield(L, -2, "__metatable");
  lua_pushstring(L, name);
  lua_setfield(L, -2, "__name");
  lua_pushvalue(L, -1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, mark_key(mark));
}

void luajson_set_mark(lua_State *L, int index, JsonMark mark) {
  index = lua_absindex(L, index);
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, mark_key(mark)) == LUA_TNIL) {
    lua_pop(L, 1);
    push_new_mark(L, mark);
  }
  lua_setmetatable(L, index);
}

static bool is_mark(lua_State *L, const void *metatable, JsonMark mark) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, mark_key(mark));
  bool same = lua_topointer(L, -1) == metatable;
  lua_pop(L, 1);
  return same;
}

static JsonMark shared_mark(lua_State *L, int index) {
  Value v = luavalue_shared(L, index);
  value_release(v);
  if (v.type == VALUE_ARRAY) return JSON_ARRAY;
  return v.type == VALUE_OBJECT ? JSON_OBJECT : JSON_UNMARKED;
}

JsonMark luajson_mark(lua_State *L, int index) {
  if (lua_type(L, index) == LUA_TUSERDATA) return shared_mark(L, index);
  if (lua_type(L, index) != LUA_TTABLE || !lua_checkstack(L, 2) ||
      !lua_getmetatable(L, index))
    return JSON_UNMARKED;
  const void *metatable = lua_topointer(L, -1);
  lua_pop(L, 1);
  if (is_mark(L, metatable, JSON_ARRAY)) return JSON_ARRAY;
  return is_mark(L, metatable, JSON_OBJECT) ? JSON_OBJECT : JSON_UNMARKED;
}

void luajson_push_null(lua_State *L) {
  lua_pushlightuserdata(L, NULL);
}

bool luajson_is_null(lua_State *L, int index) {
  return lua_islightuserdata(L, index) && lua_touserdata(L, index) == NULL;
}

/* --- pushing ---------------------------------------------------------------------- */

enum { LEVEL_SLOTS = 4 }; /* a table, a key, a value, a mark */

static void push_item(lua_State *L, const JsonArena *arena, const cJSON *item);

static inline void push_string(lua_State *L, const JsonArena *arena, const cJSON *item,
                               bool key) {
  size_t len;
  const char *text = json_string(arena, item, key, &len);
  lua_pushlstring(L, text, len);
}

/* A key that comes twice has its last value, null included. */
static void push_object(lua_State *L, const JsonArena *arena, const cJSON *item) {
  luaL_checkstack(L, LEVEL_SLOTS, "JSON nested too deeply");
  lua_createtable(L, 0, json_count(item));
  bool empty = true;
  for (const cJSON *child = item->child; child; child = child->next) {
    push_string(L, arena, child, true);
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

static void push_array(lua_State *L, const JsonArena *arena, const cJSON *item) {
  luaL_checkstack(L, LEVEL_SLOTS, "JSON nested too deeply");
  lua_createtable(L, json_count(item), 0);
  lua_Integer i = 0;
  for (const cJSON *child = item->child; child; child = child->next) {
    push_item(L, arena, child);
    lua_rawseti(L, -2, ++i);
  }
  luajson_set_mark(L, -1, JSON_ARRAY);
}

static void push_number(lua_State *L, const cJSON *item) {
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
    push_number(L, item);
    return;
  case cJSON_String:
  case JSON_BYTES:
    push_string(L, arena, item, false);
    return;
  case JSON_BINARY:
    push_string(L, arena, item, false);
    binary_push(L, -1);
    lua_remove(L, -2);
    return;
  case cJSON_Array:
    push_array(L, arena, item);
    return;
  case cJSON_Object:
    push_object(L, arena, item);
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

/* --- what the state keeps --------------------------------------------------------- */

static int tools_gc(lua_State *L) {
  Tools *tools = lua_touserdata(L, 1);
  json_arena_free(tools->arena);
  buffer_free(&tools->scratch);
  *tools = (Tools){0};
  return 0;
}

static Tools *tools_new(lua_State *L) {
  Tools *tools = lua_newuserdatauv(L, sizeof *tools, 0);
  *tools = (Tools){0};
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, tools_gc);
  lua_setfield(L, -2, "__gc");
  lua_setmetatable(L, -2);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &tools_key);
  return tools;
}

static Tools *tools_of(lua_State *L) {
  luaL_checkstack(L, 4, NULL);
  lua_rawgetp(L, LUA_REGISTRYINDEX, &tools_key);
  Tools *tools = lua_touserdata(L, -1);
  lua_pop(L, 1);
  return tools ? tools : tools_new(L);
}

JsonArena *luajson_arena(lua_State *L) {
  Tools *tools = tools_of(L);
  if (!tools->arena) tools->arena = json_arena_new();
  return tools->arena;
}

Buffer *luajson_scratch(lua_State *L) {
  Buffer *scratch = &tools_of(L)->scratch;
  if (scratch->cap > SCRATCH_KEEP) buffer_free(scratch);
  buffer_clear(scratch);
  return scratch;
}
