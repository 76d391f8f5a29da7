/* What each state keeps for JSON: see luajson.h. */
#include "bridge/luajson.h"

#include <lauxlib.h>

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

JsonMark luajson_mark(lua_State *L, int index) {
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

/* --- arena and buffer ------------------------------------------------------------- */

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
  if (!tools->arena) tools->arena = json_arena_new(NULL);
  return tools->arena;
}

Buffer *luajson_scratch(lua_State *L) {
  Buffer *scratch = &tools_of(L)->scratch;
  if (scratch->cap > SCRATCH_KEEP) buffer_free(scratch);
  buffer_clear(scratch);
  return scratch;
}
