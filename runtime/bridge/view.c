/* Views: see view.h. The view of a container that holds containers keeps views of a few
 * of them as user values, so that state.a.b in a loop makes no new view. */
#include "bridge/view.h"

#include <lauxlib.h>
#include <string.h>

#include "bridge/bridge.h"
#include "bridge/luajson.h"

enum { CACHED = 4, SHOWN = 200, COPY_STRIDE = 1024 };

typedef struct View View;
struct View {
  View *prev, *next; /* NULL: severed */
  Value value;       /* owned; absent when severed */
  size_t number;
  const ValueNode *cached[]; /* of the views in the user values: borrowed from them */
};

/* Its address is the key in the registry of the head of the ring, a userdata whose user
 * value is the metatable. */
static const char home_key;

/* --- making ----------------------------------------------------------------------- */

/* The children of a node lie at least some 16 bytes apart. */
static int cache_place(const ValueNode *node) {
  uintptr_t bits = (uintptr_t)node >> 4;
  return (int)((bits ^ bits >> 3 ^ bits >> 7) % CACHED);
}

static bool has_cache(Value v) {
  return value_height(v) > 1;
}

static View *push_new(lua_State *L, View *home, int meta, Value v) {
  int places = has_cache(v) ? CACHED : 0;
  size_t size = sizeof(View) + (size_t)places * sizeof(ValueNode *);
  View *view = lua_newuserdatauv(L, size, places);
  memset(view, 0, size);
  lua_pushvalue(L, meta);
  lua_setmetatable(L, -2);
  view->value = value_retain(v);
  view->prev = home, view->next = home->next;
  home->next->prev = view;
  home->next = view;
  return view;
}

static void push_scalar(lua_State *L, Value v) {
  size_t len;
  const char *bytes;
  switch (v.type) {
  case VALUE_NULL:
    luajson_push_null(L);
    return;
  case VALUE_BOOL:
    lua_pushboolean(L, v.boolean);
    return;
  case VALUE_INT:
    lua_pushinteger(L, v.integer);
    return;
  case VALUE_DOUBLE:
    lua_pushnumber(L, v.number);
    return;
  case VALUE_TEXT:
    bytes = value_bytes(v, &len);
    lua_pushlstring(L, bytes, len);
    return;
  default:
    lua_pushnil(L);
  }
}

/* --- reading: the metamethods have the head and the metatable as upvalues --------- */

static View *home_of(lua_State *L) {
  return lua_touserdata(L, lua_upvalueindex(1));
}

static void push_item(lua_State *L, View *view, Value item) {
  if (!value_is_container(item)) {
    push_scalar(L, item);
    return;
  }
  int place = cache_place(item.node);
  if (view->cached[place] == item.node) {
    lua_getiuservalue(L, 1, place + 1);
    return;
  }
  push_new(L, home_of(L), lua_upvalueindex(2), item);
  lua_pushvalue(L, -1);
  lua_setiuservalue(L, 1, place + 1);
  view->cached[place] = item.node;
}

static Value look_up(lua_State *L, const View *view) {
  int type = lua_type(L, 2), exact;
  if (view->value.type == VALUE_OBJECT) {
    if (type != LUA_TSTRING) return (Value){0};
    size_t len;
    const char *key = lua_tolstring(L, 2, &len);
    return value_object_get(view->value, key, len);
  }
  if (type != LUA_TNUMBER) return (Value){0};
  lua_Integer index = lua_tointegerx(L, 2, &exact);
  if (!exact || index < 1) return (Value){0};
  return value_array_at(view->value, (size_t)index - 1);
}

static int m_index(lua_State *L) {
  View *view = lua_touserdata(L, 1);
  push_item(L, view, look_up(L, view));
  return 1;
}

static int m_newindex(lua_State *L) {
  const char *key = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "an item";
  return luaL_error(L,
                    "cannot set %s: this is a view, which only shows a store's state; "
                    "store:change(function(draft) ... end) changes it",
                    key);
}

static int m_len(lua_State *L) {
  const View *view = lua_touserdata(L, 1);
  bool array = view->value.type == VALUE_ARRAY;
  lua_pushinteger(L, array ? (lua_Integer)value_count(view->value) : 0);
  return 1;
}

/* Upvalue 3: how many there were. */
static int next_item(lua_State *L) {
  View *view = lua_touserdata(L, 1);
  size_t at = (size_t)lua_tointeger(L, lua_upvalueindex(3));
  Value key, item;
  lua_settop(L, 1);
  lua_pushinteger(L, (lua_Integer)at + 1);
  if (view->value.type == VALUE_ARRAY) {
    item = value_array_at(view->value, at);
    if (item.type == VALUE_ABSENT) return 0;
    lua_copy(L, 2, lua_upvalueindex(3));
  } else {
    if (!value_object_at(view->value, at, &key, &item)) return 0;
    lua_replace(L, lua_upvalueindex(3));
    push_scalar(L, key);
  }
  push_item(L, view, item);
  return 2;
}

static int m_pairs(lua_State *L) {
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_pushvalue(L, lua_upvalueindex(2));
  lua_pushinteger(L, 0);
  lua_pushcclosure(L, next_item, 3);
  lua_pushvalue(L, 1);
  lua_pushnil(L);
  return 3;
}

static int m_eq(lua_State *L) {
  Value a = view_value(L, 1), b = view_value(L, 2);
  bool views = a.type != VALUE_ABSENT && b.type != VALUE_ABSENT;
  lua_pushboolean(L, views && value_same(a, b));
  return 1;
}

static int m_tostring(lua_State *L) {
  const View *view = lua_touserdata(L, 1);
  Buffer *out = luajson_scratch(L);
  value_show(out, view->value, SHOWN);
  lua_pushlstring(L, out->data, out->len);
  return 1;
}

static void sever_view(View *view) {
  Value v = view->value;
  view->prev->next = view->next;
  view->next->prev = view->prev;
  view->prev = view->next = NULL;
  view->value = (Value){0};
  value_release(v);
}

static int m_gc(lua_State *L) {
  View *view = lua_touserdata(L, 1);
  if (view->next) sever_view(view);
  return 0;
}

/* --- the door --------------------------------------------------------------------- */

static View *push_home(lua_State *L) {
  static const luaL_Reg meta[] = {{"__index", m_index}, {"__newindex", m_newindex},
                                  {"__len", m_len},     {"__pairs", m_pairs},
                                  {"__eq", m_eq},       {"__tostring", m_tostring},
                                  {"__gc", m_gc},       {NULL, NULL}};
  View *home = lua_newuserdatauv(L, sizeof *home, 1);
  memset(home, 0, sizeof *home);
  home->prev = home->next = home;
  lua_newtable(L);
  lua_pushvalue(L, -2); /* the metamethods' upvalues */
  lua_pushvalue(L, -2);
  luaL_setfuncs(L, meta, 2);
  lua_pushliteral(L, "view");
  lua_setfield(L, -2, "__name");
  lua_pushliteral(L, "view");
  lua_setfield(L, -2, "__metatable");
  lua_setiuservalue(L, -2, 1);
  lua_pushvalue(L, -1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &home_key);
  return home;
}

static View *push_new_outside(lua_State *L, Value v) {
  luaL_checkstack(L, 6, NULL);
  lua_rawgetp(L, LUA_REGISTRYINDEX, &home_key);
  View *home = lua_touserdata(L, -1);
  if (!home) {
    lua_pop(L, 1);
    home = push_home(L);
  }
  lua_getiuservalue(L, -1, 1);
  View *view = push_new(L, home, lua_gettop(L), v);
  lua_replace(L, -3);
  lua_pop(L, 1);
  return view;
}

void view_push(lua_State *L, Value v) {
  if (value_is_container(v)) push_new_outside(L, v);
  else push_scalar(L, v);
}

void view_push_numbered(lua_State *L, Value v, size_t number) {
  push_new_outside(L, v)->number = number;
}

static View *to_view(lua_State *L, int index) {
  if (lua_type(L, index) != LUA_TUSERDATA || !lua_checkstack(L, 3)) return NULL;
  index = lua_absindex(L, index);
  if (!lua_getmetatable(L, index)) return NULL;
  View *view = NULL;
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &home_key) == LUA_TUSERDATA) {
    lua_getiuservalue(L, -1, 1);
    if (lua_rawequal(L, -1, -3)) view = lua_touserdata(L, index);
    lua_pop(L, 1);
  }
  lua_pop(L, 2);
  return view;
}

Value view_value(lua_State *L, int index) {
  const View *view = to_view(L, index);
  return view ? view->value : (Value){0};
}

size_t view_number(lua_State *L, int index) {
  const View *view = to_view(L, index);
  return view ? view->number : 0;
}

void views_sever(lua_State *L) {
  if (!lua_checkstack(L, 1)) return;
  lua_rawgetp(L, LUA_REGISTRYINDEX, &home_key);
  View *home = lua_touserdata(L, -1);
  lua_pop(L, 1);
  while (home && home->next != home) sever_view(home->next);
}

/* --- plain tables ----------------------------------------------------------------- */

static void copy_array(lua_State *L, Value v) {
  size_t count = value_count(v);
  lua_createtable(L, count < INT32_MAX ? (int)count : 0, 0);
  for (size_t i = 0; i < count; i++) {
    if (i % COPY_STRIDE == 0) bridge_of(L)->poll(L);
    view_push_copy(L, value_array_at(v, i));
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  luajson_set_mark(L, -1, JSON_ARRAY);
}

static void copy_object(lua_State *L, Value v) {
  size_t count = value_count(v);
  Value key, item;
  lua_createtable(L, 0, count < INT32_MAX ? (int)count : 0);
  for (size_t i = 0; value_object_at(v, i, &key, &item); i++) {
    if (i % COPY_STRIDE == 0) bridge_of(L)->poll(L);
    push_scalar(L, key);
    view_push_copy(L, item);
    lua_rawset(L, -3);
  }
  if (count == 0 && !value_is_undecided(v)) luajson_set_mark(L, -1, JSON_OBJECT);
}

void view_push_copy(lua_State *L, Value v) {
  luaL_checkstack(L, 4, "a value nested too deeply");
  if (v.type == VALUE_ARRAY) copy_array(L, v);
  else if (v.type == VALUE_OBJECT) copy_object(L, v);
  else push_scalar(L, v);
}
