/* tidelock.rate.core: what stdlib/rate.lua needs for limiters with a name. */
#include <lauxlib.h>

#include "bridge/box.h"
#include "lua/modules.h"
#include "resource/declare.h"
#include "resource/rate.h"

static const BoxKind rate_box = {"limiter", NULL};

/* declare(name, what, snapshot, moved, adopt, settled) → its box */
static int f_declare(lua_State *L) {
  const char *name = declared_name(L, 1);
  int functions[RATE_FUNCTIONS];
  luaL_checktype(L, 2, LUA_TSTRING);
  for (int i = 0; i < RATE_FUNCTIONS; i++) luaL_checktype(L, 3 + i, LUA_TFUNCTION);
  need_declaring(L, "a limiter with a name");
  Box *box = box_new(L, &rate_box);
  for (int i = 0; i < RATE_FUNCTIONS; i++) {
    lua_pushvalue(L, 3 + i);
    functions[i] = luaL_ref(L, LUA_REGISTRYINDEX);
  }
  Error err;
  Declaration *decl =
      declare_with(L, &rate_kind, name, NULL, functions, RATE_FUNCTIONS, &err);
  CHECK(decl != NULL); /* opening one cannot fail */
  rate_describe(decl, lua_tostring(L, 2));
  box_refer(box, decl, &decl->boxes);
  return 1;
}

/* limiter:settle(outcome) → whether it is plain data and could be told */
static int f_settle(lua_State *L) {
  Declaration *decl = box_to(L, 1, &rate_box)->object;
  luaL_checkany(L, 2);
  lua_pushboolean(L, !decl || rate_settle(L, decl, 2));
  return 1;
}

/* limiter:owe(count) */
static int f_owe(lua_State *L) {
  const Declaration *decl = box_to(L, 1, &rate_box)->object;
  lua_Integer count = luaL_checkinteger(L, 2);
  if (decl) rate_owe(decl, count);
  return 0;
}

/* limiter:release() */
static int f_release(lua_State *L) {
  const Declaration *decl = box_to(L, 1, &rate_box)->object;
  if (decl) rate_release(decl);
  return 0;
}

int luaopen_tidelock_rate_core(lua_State *L) {
  static const luaL_Reg methods[] = {
      {"settle", f_settle}, {"owe", f_owe}, {"release", f_release}, {NULL, NULL}};
  static const luaL_Reg functions[] = {{"declare", f_declare}, {NULL, NULL}};
  box_class(L, &rate_box, methods, NULL);
  luaL_newlib(L, functions);
  return 1;
}
