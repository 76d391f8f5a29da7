/* JSON text to Lua values: whatever the text, what comes out is what comes out by way of
 * the tree, or the same error; as a list, too. One state for all inputs, so that the
 * names and sizes that it remembers are those of others. */
#include <lauxlib.h>
#include <lualib.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/bridge.h"
#include "bridge/luajson.h"
#include "bridge/luadecode.h"
#include "../c/lua_tree.h"

typedef struct Input {
  const char *text;
  size_t len;
  JsonArena *arena;
} Input;

static bool same(lua_State *L, int a, int b);

/* All of a is in b. */
static bool within(lua_State *L, int a, int b) {
  bool yes = true;
  for (lua_pushnil(L); yes && lua_next(L, a); lua_pop(L, 1)) {
    lua_pushvalue(L, -2);
    lua_rawget(L, b);
    yes = same(L, lua_gettop(L) - 1, lua_gettop(L));
    lua_pop(L, 1);
    if (!yes) lua_pop(L, 1);
    if (!yes) break;
  }
  return yes;
}

static bool same(lua_State *L, int a, int b) {
  luaL_checkstack(L, 8, NULL);
  if (lua_type(L, a) != lua_type(L, b)) return false;
  if (!lua_istable(L, a))
    return lua_rawequal(L, a, b) && lua_isinteger(L, a) == lua_isinteger(L, b);
  return luajson_mark(L, a) == luajson_mark(L, b) &&
         lua_rawlen(L, a) == lua_rawlen(L, b) && within(L, a, b) && within(L, b, a);
}

static void compare_lists(lua_State *L, const Input *in, int table) {
  Error err;
  int count =
      luajson_decode_list(L, &(LuaJsonList){in->text, in->len, 0, NULL, 0, false}, &err);
  CHECK(count == (int)lua_rawlen(L, table));
  for (int i = 1; i <= count; i++) {
    lua_rawgeti(L, table, i);
    CHECK(same(L, table + i, lua_gettop(L)));
    lua_pop(L, 1);
  }
}

static int compare(lua_State *L) {
  const Input *in = lua_touserdata(L, 1);
  Error by_tree = {0}, by_text = {0};
  const cJSON *root = json_parse(in->arena, in->text, in->len, &by_tree);
  int code = luajson_decode(L, in->text, in->len, &by_text);
  if (!root) {
    CHECK(code == (int)by_tree.code && strcmp(by_text.message, by_tree.message) == 0);
    CHECK(lua_gettop(L) == 1);
    return 0;
  }
  CHECK(code == 0 && lua_gettop(L) == 2);
  push_tree(L, in->arena, root);
  CHECK(same(L, 2, 3));
  if (cJSON_IsArray(root)) compare_lists(L, in, 3);
  return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static lua_State *L;
  static Bridge bridge;
  if (!L) bridge_open(&bridge, L = luaL_newstate());
  char *text = xmalloc(size); /* its end is the end of the memory */
  if (size) memcpy(text, data, size);
  Input in = {text, size, json_arena_new(NULL)};
  lua_pushcfunction(L, compare);
  lua_pushlightuserdata(L, &in);
  CHECK(lua_pcall(L, 1, 0, 0) == LUA_OK);
  lua_gc(L, LUA_GCSTEP, 1);
  json_arena_free(in.arena);
  free(text);
  return 0;
}
