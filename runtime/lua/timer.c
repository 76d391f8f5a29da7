/* tidelock.timer: after, every and now. An anonymous timer belongs to its generation and
 * ends with it; a named one is a resource of the script's and keeps its phase over a
 * reload. */
#include <lauxlib.h>
#include <stdlib.h>

#include "bridge/box.h"
#include "bridge/strict.h"
#include "lua/modules.h"
#include "lua/number.h"
#include "lua/options.h"
#include "resource/declare.h"
#include "resource/timer.h"

static int f_now(lua_State *L) {
  need_pure(L, "timer.now");
  lua_pushnumber(L, loop_now(vm_of(L)->host->loop));
  return 1;
}

static double check_seconds(lua_State *L, int index, bool repeats) {
  static const NumberRule once = {.least = 0, .most = NUMBER_SECONDS},
                          often = {.least = 0.001, .most = NUMBER_SECONDS};
  double seconds = number_argument(L, index, &once, "seconds, 0 or more");
  return repeats ? number_argument(L, index, &often,
                                   "a repeating timer takes at least 0.001 seconds")
                 : seconds;
}

/* A plain userdata without a finaliser: see TimerHandle. */
static const char timer_class[] = "timer";

static int f_stop(lua_State *L) {
  need_pure(L, "timer:stop");
  TimerHandle *handle = luaL_checkudata(L, 1, timer_class);
  timer_stop_anonymous(*handle);
  return 0;
}

static int add_timer(lua_State *L, bool repeats) {
  double seconds = check_seconds(L, 1, repeats);
  luaL_checktype(L, 2, LUA_TFUNCTION);
  options_none(L, 3, repeats ? "timer.every" : "timer.after");
  need_declaring(L, repeats ? "timer.every" : "timer.after");
  timer_reserve(L);
  TimerHandle *handle = lua_newuserdatauv(L, sizeof *handle, 0);
  lua_pushvalue(L, lua_upvalueindex(1)); /* the class */
  lua_setmetatable(L, -2);
  int function = timer_refer(L, 2);
  *handle = timer_start_anonymous(vm_of(L), seconds, repeats, function);
  return 1;
}

static int f_after(lua_State *L) {
  return add_timer(L, false);
}

static const BoxKind named_box = {"named timer", NULL};

static int f_stop_named(lua_State *L) {
  Declaration *decl = box_to(L, 1, &named_box)->object;
  need_loaded(L, "timer:stop");
  if (decl && decl->res) resource_close(decl->res);
  return 0;
}

static int add_named(lua_State *L) {
  const char *name = declared_name(L, 1);
  double seconds = check_seconds(L, 2, true);
  luaL_checktype(L, 3, LUA_TFUNCTION);
  options_none(L, 4, "timer.every");
  need_declaring(L, "timer.every");
  Error err;
  Box *box = box_new(L, &named_box);
  lua_pushvalue(L, 3);
  int function = luaL_ref(L, LUA_REGISTRYINDEX); /* may raise: nothing is declared yet */
  double *options = xmalloc(sizeof *options);
  *options = seconds;
  Declaration *decl = declare_with(L, &timer_kind, name, options, &function, 1, &err);
  CHECK(decl != NULL); /* opening a timer cannot fail */
  box_refer(box, decl, &decl->boxes);
  return 1;
}

/* every(seconds, fn) or every(name, seconds, fn) */
static int f_every(lua_State *L) {
  return lua_type(L, 1) == LUA_TSTRING ? add_named(L) : add_timer(L, true);
}

int luaopen_tidelock_timer(lua_State *L) {
  static const luaL_Reg methods[] = {{"stop", f_stop}, {NULL, NULL}};
  static const luaL_Reg named_methods[] = {{"stop", f_stop_named}, {NULL, NULL}};
  static const luaL_Reg functions[] = {
      {"now", f_now}, {"after", f_after}, {"every", f_every}, {NULL, NULL}};
  lua_newtable(L);
  luaL_newlib(L, methods);
  strict_make(L, "a timer", "method");
  lua_setfield(L, -2, "__index");
  lua_pushstring(L, timer_class);
  lua_setfield(L, -2, "__metatable");
  lua_pushstring(L, timer_class);
  lua_setfield(L, -2, "__name");
  lua_pushvalue(L, -1);
  lua_setfield(L, LUA_REGISTRYINDEX, timer_class); /* when it is whole: all may raise */
  box_class(L, &named_box, named_methods, NULL);
  luaL_newlibtable(L, functions);
  lua_insert(L, -2);
  luaL_setfuncs(L, functions, 1);
  return 1;
}
