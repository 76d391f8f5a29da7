/* Boxes: see box.h. A box is valid (closed) before anything can fail. */
#include "bridge/box.h"

#include <lauxlib.h>
#include <stdio.h>

#include "bridge/bridge.h"
#include "bridge/strict.h"

static void forget_object(Box *box) {
  box->object = NULL;
  if (!box->at_same) return;
  *box->at_same = box->next_same;
  if (box->next_same) box->next_same->at_same = box->at_same;
  box->at_same = NULL;
}

void box_release(Box *box) {
  if (!box->object) return;
  if (box->kind->release) box->kind->release(box);
  forget_object(box);
}

void box_refer(Box *box, void *object, Box **boxes) {
  box->object = object;
  box->next_same = *boxes;
  box->at_same = boxes;
  if (box->next_same) box->next_same->at_same = &box->next_same;
  *boxes = box;
}

void boxes_close(Box **boxes) {
  while (*boxes) forget_object(*boxes);
}

static void unlink_box(Box *box) {
  *box->at = box->next;
  if (box->next) box->next->at = box->at;
  box->next = NULL;
  box->at = NULL;
}

static int box_gc(lua_State *L) {
  Box *box = lua_touserdata(L, 1);
  if (!box->at) return 0; /* severed */
  unlink_box(box);
  box_release(box);
  return 0;
}

static int box_close(lua_State *L) {
  box_release(lua_touserdata(L, 1));
  return 0;
}

static int box_tostring(lua_State *L) {
  Box *box = lua_touserdata(L, 1);
  lua_pushfstring(L, "%s%s: %p", box->object ? "" : "closed ", box->kind->name, box);
  return 1;
}

static void make_strict(lua_State *L, const BoxKind *kind) {
  char what[64];
  snprintf(what, sizeof what, "a %s", kind->name);
  strict_make(L, what, "method");
}

void box_class(lua_State *L, const BoxKind *kind, const luaL_Reg *methods,
               lua_CFunction index) {
  static const luaL_Reg meta[] = {{"__gc", box_gc},
                                  {"__close", box_close},
                                  {"__tostring", box_tostring},
                                  {NULL, NULL}};
  if (luaL_getmetatable(L, kind->name) == LUA_TNIL) {
    lua_newtable(L); /* registered when it is whole: any of these may raise */
    luaL_setfuncs(L, meta, 0);
    lua_newtable(L);
    luaL_setfuncs(L, methods, 0);
    if (index) lua_pushcclosure(L, index, 1);
    else make_strict(L, kind);
    lua_setfield(L, -2, "__index");
    lua_pushstring(L, kind->name);
    lua_setfield(L, -2, "__metatable");
    lua_pushstring(L, kind->name);
    lua_setfield(L, -2, "__name");
    lua_setfield(L, LUA_REGISTRYINDEX, kind->name);
  }
  lua_pop(L, 1);
}

Box *box_new(lua_State *L, const BoxKind *kind) {
  Box *box = lua_newuserdatauv(L, sizeof *box, 1);
  Box **all = &bridge_of(L)->boxes;
  *box = (Box){.kind = kind, .next = *all, .at = all};
  if (box->next) box->next->at = &box->next;
  *all = box;
  luaL_setmetatable(L, kind->name);
  return box;
}

/* A method that is called with a dot gets its first argument instead of the handle. */
static int refuse_handle(lua_State *L, int index, const BoxKind *kind) {
  lua_pushfstring(L, "%s expected, got %s%s", kind->name, luaL_typename(L, index),
                  index == 1 ? ": its methods are called with a colon" : "");
  return luaL_argerror(L, index, lua_tostring(L, -1));
}

Box *box_to(lua_State *L, int index, const BoxKind *kind) {
  Box *box = luaL_testudata(L, index, kind->name);
  if (!box) refuse_handle(L, index, kind);
  return box;
}

void *box_check(lua_State *L, int index, const BoxKind *kind) {
  Box *box = box_to(L, index, kind);
  if (!box->object) luaL_error(L, "closed %s", kind->name);
  return box->object;
}

/* --- holders ---------------------------------------------------------------------- */

static int holder_gc(lua_State *L) {
  Holder *holder = lua_touserdata(L, 1);
  if (holder->object) holder->release(holder_take(holder));
  return 0;
}

/* Its metatable is its own: one that is shared could be left without __gc by a lack of
 * memory, for all that come after. */
Holder *holder_push(lua_State *L, void (*release)(void *object)) {
  Holder *holder = lua_newuserdatauv(L, sizeof *holder, 0);
  *holder = (Holder){.release = release};
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, holder_gc);
  lua_setfield(L, -2, "__gc");
  lua_setmetatable(L, -2);
  return holder;
}

void *holder_take(Holder *holder) {
  void *object = holder->object;
  holder->object = NULL;
  return object;
}

/* --- severing --------------------------------------------------------------------- */

void boxes_sever(lua_State *L) {
  Bridge *bridge = bridge_of(L);
  while (bridge->boxes) {
    Box *box = bridge->boxes;
    unlink_box(box);
    box_release(box);
  }
}
