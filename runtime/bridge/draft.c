/* Drafts as scripts see them: see draft.h. All drafts of a change are kept in one table,
 * the user value of each, so that a container that is read twice gives the same draft;
 * item 1 of the table owns the nodes. */
#include "bridge/draft.h"

#include <lauxlib.h>
#include <string.h>

#include "bridge/draft_handle.h"
#include "bridge/luaerror.h"
#include "bridge/luajson.h"
#include "bridge/luavalue.h"
#include "bridge/view.h"

enum { SHOWN = 200 };

/* Its address is the key in the registry of the metatable. */
static const char change_key;

/* For metamethods: scripts cannot call them with anything else. */
static DraftNode *own_node(lua_State *L) {
  DraftNode *node = *(DraftNode **)lua_touserdata(L, 1);
  if (!node) luaL_error(L, "this draft is of a change that has ended");
  return node;
}

int draft_raise(lua_State *L, int code) {
  Error err;
  value_error(&err, code);
  return code == ERR_MEMORY ? luaerror_raise(L, &err) : luaL_error(L, "%s", err.message);
}

/* --- making drafts ---------------------------------------------------------------- */

/* Pushes the draft of a new node, which holds `v`. `anchors` and `meta` are indexes. */
static DraftNode *push_new(lua_State *L, Change *change, int anchors, int meta, Value v) {
  DraftNode **handle = lua_newuserdatauv(L, sizeof *handle, 1);
  *handle = NULL;
  lua_pushvalue(L, meta);
  lua_setmetatable(L, -2);
  lua_pushvalue(L, anchors);
  lua_setiuservalue(L, -2, 1);
  lua_pushvalue(L, -1);
  lua_rawseti(L, anchors, change->anchors + 1);
  DraftNode *node = *handle = draftnode_new(change, v);
  node->handle = handle;
  node->anchor = ++change->anchors;
  return node;
}

/* Pushes the draft of a new node of the change of the draft at `index`. */
static DraftNode *push_beside(lua_State *L, int index, const DraftNode *of, Value v) {
  lua_getiuservalue(L, index, 1);
  lua_getmetatable(L, index);
  DraftNode *node = push_new(L, of->change, lua_gettop(L) - 1, lua_gettop(L), v);
  lua_replace(L, -3);
  lua_pop(L, 1);
  return node;
}

DraftNode *draft_push_item(lua_State *L, int index, DraftNode *node, size_t place,
                           Value key, Value item) {
  if (!value_is_container(item)) {
    view_push(L, item);
    return NULL;
  }
  luaL_checkstack(L, 6, NULL);
  DraftNode *child = draftnode_child(node, place);
  if (child) {
    lua_getiuservalue(L, index, 1);
    lua_rawgeti(L, -1, child->anchor);
    lua_remove(L, -2);
    return child;
  }
  child = push_beside(L, index, node, item);
  draftnode_attach(node, place, key, child);
  return child;
}

/* --- reading ---------------------------------------------------------------------- */

/* The place in an array, from 0, of the key at `index`; false when it is none. */
static bool array_place(lua_State *L, int index, size_t *place) {
  int exact;
  if (lua_type(L, index) != LUA_TNUMBER) return false;
  lua_Integer n = lua_tointegerx(L, index, &exact);
  *place = (size_t)n - 1;
  return exact && n >= 1;
}

static int m_index(lua_State *L) {
  DraftNode *node = own_node(L);
  size_t place = 0;
  Value key = {0}, item = {0};
  if (node->value.type == VALUE_ARRAY) {
    if (array_place(L, 2, &place)) item = value_array_at(node->value, place);
  } else if (lua_type(L, 2) == LUA_TSTRING) {
    size_t len;
    const char *text = lua_tolstring(L, 2, &len);
    if (value_object_find(node->value, text, len, &place))
      value_object_at(node->value, place, &key, &item);
  }
  draft_push_item(L, 1, node, place, key, item);
  return 1;
}

static int m_len(lua_State *L) {
  const DraftNode *node = own_node(L);
  bool array = node->value.type == VALUE_ARRAY;
  lua_pushinteger(L, array ? (lua_Integer)value_count(node->value) : 0);
  return 1;
}

/* Upvalues: a view of the keys as they were when the loop began; the next place in it.
 * Keys that were removed since are left out. */
static int next_field(lua_State *L) {
  DraftNode *node = own_node(L);
  Value keys = view_value(L, lua_upvalueindex(1)), key, item;
  size_t at = (size_t)lua_tointeger(L, lua_upvalueindex(2)), place, len;
  lua_settop(L, 1);
  for (; value_object_at(keys, at, &key, &item); at++) {
    const char *text = value_bytes(key, &len);
    if (!value_object_find(node->value, text, len, &place)) continue;
    lua_pushinteger(L, (lua_Integer)at + 1);
    lua_replace(L, lua_upvalueindex(2));
    view_push(L, key);
    value_object_at(node->value, place, &key, &item);
    draft_push_item(L, 1, node, place, key, item);
    return 2;
  }
  return 0;
}

static int next_item(lua_State *L) {
  DraftNode *node = own_node(L);
  size_t place = (size_t)lua_tointeger(L, lua_upvalueindex(1));
  lua_settop(L, 1);
  Value item = value_array_at(node->value, place);
  if (item.type == VALUE_ABSENT) return 0;
  lua_pushinteger(L, (lua_Integer)place + 1);
  lua_copy(L, 2, lua_upvalueindex(1));
  draft_push_item(L, 1, node, place, (Value){0}, item);
  return 2;
}

static int m_pairs(lua_State *L) {
  const DraftNode *node = own_node(L);
  bool array = node->value.type == VALUE_ARRAY;
  if (!array) view_push(L, node->value);
  lua_pushinteger(L, 0);
  lua_pushcclosure(L, array ? next_item : next_field, array ? 1 : 2);
  lua_pushvalue(L, 1);
  lua_pushnil(L);
  return 3;
}

static int m_tostring(lua_State *L) {
  own_node(L);
  Buffer *out = luajson_scratch(L);
  Value v = draft_value(L, 1);
  value_show(out, v, SHOWN);
  value_release(v);
  lua_pushlstring(L, out->data, out->len);
  return 1;
}

/* --- writing ---------------------------------------------------------------------- */

/* A draft that was taken out moves in, so that later writes to it and its parts count;
 * but not into itself. */
static bool moves_in(const DraftNode *node, const DraftNode *other) {
  if (!other || other->change != node->change || other->parent) return false;
  while (node->parent) node = node->parent;
  return other != node && other != node->change->root;
}

/* Reads what is to be put into `node`, or raises; the caller owns it. *moving: the draft
 * that was taken out, which is to be attached where it is put; NULL: none. */
static Value read_item(lua_State *L, int index, DraftNode *node, DraftNode **moving) {
  Error err;
  Value item;
  DraftNode *other = draft_node_at(L, index);
  *moving = moves_in(node, other) ? other : NULL;
  int code = luavalue_read(L, index, node->change->account, &item, &err);
  if (code == ERR_MEMORY) luaerror_raise(L, &err);
  if (code) luaL_error(L, "cannot be put into the state: %s", err.message);
  return item;
}

static int set_key(lua_State *L, DraftNode *node) {
  size_t len, place = 0;
  const char *text = lua_tolstring(L, 2, &len);
  bool known = value_object_find(node->value, text, len, &place);
  if (lua_isnil(L, 3) || luajson_is_null(L, 3))
    return known ? draftnode_remove(node, place) : 0;
  DraftNode *child = known ? draftnode_child(node, place) : NULL, *moving;
  if (child && child == draft_node_at(L, 3)) return 0;
  Value item = read_item(L, 3, node, &moving), key;
  int code = draftnode_put_key(node, text, len, item);
  if (code || !moving) return code;
  CHECK(value_object_find(node->value, text, len, &place));
  value_object_at(node->value, place, &key, &item);
  draftnode_attach(node, place, key, moving);
  return 0;
}

int draft_insert_at(lua_State *L, int index, DraftNode *node, size_t place) {
  DraftNode *moving;
  Value item = read_item(L, index, node, &moving);
  int code = draftnode_insert(node, place, item);
  if (!code && moving) draftnode_attach(node, place, (Value){0}, moving);
  return code;
}

static int set_item(lua_State *L, DraftNode *node, size_t place) {
  size_t count = value_count(node->value);
  if (lua_isnil(L, 3) && place >= count) return 0;
  if (lua_isnil(L, 3) && place + 1 == count) return draftnode_remove(node, place);
  if (lua_isnil(L, 3) || place > count)
    return luaL_error(L,
                      "item %I of %I: that would leave a hole in an array; "
                      "table.remove closes it, json.null fills it",
                      (LUAI_UACINT)place + 1, (LUAI_UACINT)count);
  if (place == count) return draft_insert_at(L, 3, node, place);
  DraftNode *child = draftnode_child(node, place), *moving;
  if (child && child == draft_node_at(L, 3)) return 0;
  Value item = read_item(L, 3, node, &moving);
  int code = draftnode_put(node, place, item);
  if (!code && moving) draftnode_attach(node, place, (Value){0}, moving);
  return code;
}

bool draft_array(lua_State *L, DraftNode *node) {
  if (node->value.type == VALUE_ARRAY) return true;
  if (!value_is_undecided(node->value)) return false;
  Value empty = value_array(node->change->account, NULL, 0);
  if (empty.type == VALUE_ABSENT) draft_raise(L, ERR_MEMORY);
  draftnode_become_array(node, empty);
  return true;
}

static int m_newindex(lua_State *L) {
  DraftNode *node = own_node(L);
  int type = lua_type(L, 2), code;
  bool array = node->value.type == VALUE_ARRAY;
  size_t place;
  if (type == LUA_TSTRING && !array) {
    code = set_key(L, node);
  } else if (array_place(L, 2, &place) && (array || value_is_undecided(node->value))) {
    if (!array && !lua_isnil(L, 3)) draft_array(L, node);
    code = set_item(L, node, place);
  } else {
    return luaL_error(L, array ? "%s as a key in an array" : "%s as a key in an object",
                      type == LUA_TSTRING   ? "a string"
                      : type == LUA_TNUMBER ? "this number"
                                            : luaL_typename(L, 2));
  }
  return code ? draft_raise(L, code) : 0;
}

/* --- the change ------------------------------------------------------------------- */

static int change_gc(lua_State *L) {
  change_free(lua_touserdata(L, 1));
  return 0;
}

static void push_meta(lua_State *L, const void *key, const luaL_Reg *functions,
                      const char *name) {
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, key) != LUA_TNIL) return;
  lua_pop(L, 1);
  lua_newtable(L);
  luaL_setfuncs(L, functions, 0);
  lua_pushstring(L, name);
  lua_setfield(L, -2, "__name");
  lua_pushstring(L, name);
  lua_setfield(L, -2, "__metatable");
  lua_pushvalue(L, -1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, key);
}

static Change *push_change(lua_State *L, ValueAccount *account) {
  static const luaL_Reg meta[] = {{"__gc", change_gc}, {NULL, NULL}};
  Change *change = lua_newuserdatauv(L, sizeof *change, 0);
  *change = (Change){.account = account};
  push_meta(L, &change_key, meta, "change");
  lua_setmetatable(L, -2);
  return change;
}

void draft_push(lua_State *L, ValueAccount *account, Value root) {
  static const luaL_Reg meta[] = {{"__index", m_index},       {"__newindex", m_newindex},
                                  {"__len", m_len},           {"__pairs", m_pairs},
                                  {"__tostring", m_tostring}, {NULL, NULL}};
  luaL_checkstack(L, 8, NULL);
  int top = lua_gettop(L);
  lua_newtable(L);
  Change *change = push_change(L, account);
  change->anchors = 1;
  lua_rawseti(L, top + 1, 1);
  push_meta(L, draft_class_key(), meta, "draft");
  change->root = push_new(L, change, top + 1, top + 2, root);
  lua_replace(L, top + 1);
  lua_settop(L, top + 1);
}

int draft_end(lua_State *L, int index, Value *result, Error *err) {
  DraftNode *node = draft_node_at(L, index);
  CHECK(node && node == node->change->root);
  int code = result ? draftnode_flush(node) : 0;
  if (result) *result = code ? (Value){0} : value_retain(node->value);
  change_free(node->change);
  return code ? value_error(err, code) : 0;
}

int draft_refuse_result(lua_State *L, const char *what) {
  return luaL_error(
      L,
      "%s: its function returned a value, which would be lost: it edits its "
      "draft, and returns nothing",
      what);
}
