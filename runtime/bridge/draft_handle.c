/* The userdata of drafts: see draft_handle.h. */
#include "bridge/draft_handle.h"

#include <lauxlib.h>

/* Its address is the key in the registry of the metatable. */
static const char draft_key;

const void *draft_class_key(void) {
  return &draft_key;
}

static bool is_draft(lua_State *L, int index) {
  if (lua_type(L, index) != LUA_TUSERDATA || !lua_checkstack(L, 2)) return false;
  if (!lua_getmetatable(L, index)) return false;
  lua_rawgetp(L, LUA_REGISTRYINDEX, &draft_key);
  bool draft = lua_rawequal(L, -1, -2);
  lua_pop(L, 2);
  return draft;
}

DraftNode *draft_node_at(lua_State *L, int index) {
  return is_draft(L, index) ? *(DraftNode **)lua_touserdata(L, index) : NULL;
}

bool draft_is(lua_State *L, int index, DraftNode **node) {
  if (!is_draft(L, index)) return false;
  *node = *(DraftNode **)lua_touserdata(L, index);
  if (!*node) luaL_error(L, "this draft is of a change that has ended");
  return true;
}

Value draft_value(lua_State *L, int index) {
  DraftNode *node = draft_node_at(L, index);
  if (!node || draftnode_flush(node) != 0) return (Value){0};
  return value_retain(node->value);
}
