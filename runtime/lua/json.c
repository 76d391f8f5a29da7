/* tidelock.json: encode, decode, null, array, object, is_array. */
#include <lauxlib.h>

#include "bridge/luadecode.h"
#include "bridge/luaencode.h"
#include "bridge/luaerror.h"
#include "bridge/luajson.h"
#include "bridge/luavalue.h"
#include "lua/modules.h"
#include "lua/options.h"

static bool wants_pretty(lua_State *L) {
  static const char *const known[] = {"pretty", NULL};
  if (!options_given(L, 2, "json.encode", known)) return false;
  lua_getfield(L, 2, "pretty");
  return lua_toboolean(L, -1);
}

/* encode(value, {pretty = bool}?) → text | nil, err */
static int f_encode(lua_State *L) {
  luaL_checkany(L, 1);
  bool pretty = wants_pretty(L);
  Buffer *out = luajson_scratch(L);
  Error err;
  if (luajson_encode(L, 1, out, &err) != 0) return luaerror_return(L, &err);
  if (pretty && json_lay_out(out, 0, LUAJSON_MOST) != 0) {
    error_set(&err, ERR_TOO_LARGE, "too much JSON to be laid out");
    return luaerror_return(L, &err);
  }
  lua_pushlstring(L, out->data, out->len);
  return 1;
}

/* decode(text) → value | nil, err */
static int f_decode(lua_State *L) {
  size_t len;
  luaL_checktype(L, 1, LUA_TSTRING);
  const char *text = lua_tolstring(L, 1, &len);
  Error err;
  return luajson_decode(L, text, len, &err) == 0 ? 1 : luaerror_return(L, &err);
}

static int set_mark(lua_State *L, JsonMark mark) {
  if (lua_isnoneornil(L, 1)) {
    lua_settop(L, 0);
    lua_newtable(L);
  }
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  bool foreign = luajson_mark(L, 1) == JSON_UNMARKED && lua_getmetatable(L, 1);
  luaL_argcheck(L, !foreign, 1, "the table has a metatable of its own");
  luajson_set_mark(L, 1, mark);
  return 1;
}

/* array{...} → the same table, which encodes as an array even when empty */
static int f_array(lua_State *L) {
  return set_mark(L, JSON_ARRAY);
}

/* object{...} → the same table, which encodes as an object */
static int f_object(lua_State *L) {
  return set_mark(L, JSON_OBJECT);
}

/* is_array(v): marked as one, or holding v[1] and not marked as an object */
static int f_is_array(lua_State *L) {
  luaL_checkany(L, 1);
  JsonMark mark = luavalue_mark(L, 1);
  bool array = mark == JSON_ARRAY;
  if (mark == JSON_UNMARKED && lua_istable(L, 1))
    array = lua_rawgeti(L, 1, 1) != LUA_TNIL;
  lua_pushboolean(L, array);
  return 1;
}

static const luaL_Reg functions[] = {{"encode", f_encode},     {"decode", f_decode},
                                     {"array", f_array},       {"object", f_object},
                                     {"is_array", f_is_array}, {NULL, NULL}};

int luaopen_tidelock_json(lua_State *L) {
  luaL_newlib(L, functions);
  luajson_push_null(L);
  lua_setfield(L, -2, "null");
  return 1;
}
