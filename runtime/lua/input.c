/* tidelock.input: on_line and on_end. */
#include <lauxlib.h>
#include <string.h>

#include "bridge/luaerror.h"
#include "lua/modules.h"
#include "lua/options.h"
#include "resource/input.h"
#include "script/notice.h"
#include "script/runtime.h"

/* Pushes the handle, or nil and an error. */
static int add_handler(lua_State *L, const char *event) {
  Error err;
  Declaration *decl = input_declare(L, &err);
  if (!decl) return luaerror_return(L, &err);
  handler_add(L, &decl->handlers, 1,
              (HandlerOptions){.event = event, .len = strlen(event)});
  input_handler_added(decl);
  if (decl->res && declaration_live(decl)) notice_find_screen(runtime_of(L));
  return 1;
}

static bool is_serial(lua_State *L) {
  static const char *const known[] = {"serial", NULL};
  if (!options_given(L, 2, "input.on_line", known)) return true;
  return lua_getfield(L, 2, "serial") == LUA_TNIL || lua_toboolean(L, -1);
}

/* on_line(fn(line), {serial = true}?) → handle | nil, err */
static int f_on_line(lua_State *L) {
  luaL_checktype(L, 1, LUA_TFUNCTION);
  bool serial = is_serial(L);
  need_declaring(L, "input.on_line");
  return add_handler(L, serial ? INPUT_SERIAL : INPUT_LOOSE);
}

/* on_end(fn()) → handle | nil, err */
static int f_on_end(lua_State *L) {
  luaL_checktype(L, 1, LUA_TFUNCTION);
  options_none(L, 2, "input.on_end");
  need_declaring(L, "input.on_end");
  return add_handler(L, INPUT_END);
}

int luaopen_tidelock_input(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"on_line", f_on_line}, {"on_end", f_on_end}, {NULL, NULL}};
  luaL_newlib(L, functions);
  return 1;
}
