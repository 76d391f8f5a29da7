/* tidelock.errors: new, wrap, is, and the published list of codes. */
#include <lauxlib.h>
#include <string.h>

#include "bridge/luaerror.h"
#include "bridge/luatext.h"
#include "core/suggest.h"
#include "lua/modules.h"

/* The fields of a new error. `detail`, `cause` and `data` may be of any type. */
typedef struct Field {
  const char *name;
  int type; /* LUA_TNONE: any */
} Field;

static const Field fields[] = {
    {"code", LUA_TSTRING},         {"message", LUA_TSTRING},
    {"detail", LUA_TNONE},         {"severity", LUA_TSTRING},
    {"recoverable", LUA_TBOOLEAN}, {"retry_after", LUA_TNUMBER},
    {"phase", LUA_TSTRING},        {"sent", LUA_TSTRING},
    {"cause", LUA_TNONE},          {"data", LUA_TNONE},
};

static int field_type(lua_State *L, int key, const char *name) {
  for (size_t i = 0; i < COUNT_OF(fields); i++)
    if (luatext_is(L, key, fields[i].name)) return fields[i].type;
  Suggestion s;
  suggest_begin(&s, name);
  for (size_t i = 0; i < COUNT_OF(fields); i++) suggest_offer(&s, fields[i].name);
  return luaL_error(L, "errors.new: no field '%s'%s", name, suggest_text(&s));
}

static void check_field(lua_State *L, int key, int value) {
  if (lua_type(L, key) != LUA_TSTRING)
    luaL_error(L, "errors.new: a key that is a %s value", luaL_typename(L, key));
  char shown[LUATEXT_SHOWN];
  const char *name = luatext_show(L, key, shown);
  int type = field_type(L, key, name);
  if (type != LUA_TNONE && lua_type(L, value) != type)
    luaL_error(L, "errors.new: '%s' must be a %s, not a %s", name, lua_typename(L, type),
               luaL_typename(L, value));
}

static const char *check_code(lua_State *L, int index) {
  char shown[LUATEXT_SHOWN];
  const char *code = lua_tostring(L, index);
  size_t len = strspn(code, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
  if (code[len] || *code < 'A' || *code > 'Z' || !luatext_whole(L, index))
    luaL_error(L, "'%s' is no error code: codes are written LIKE_THIS",
               luatext_show(L, index, shown));
  return code;
}

static void check_severity(lua_State *L, int index) {
  static const char *const all[] = {"low", "medium", "high", "critical", NULL};
  char shown[LUATEXT_SHOWN];
  if (all[luatext_among(L, index, all)]) return;
  luaL_error(L, "'%s' is no severity: low, medium, high or critical",
             luatext_show(L, index, shown));
}

/* Sets a field of the table at 1 to the string, unless it is set. */
static void default_text(lua_State *L, const char *name, const char *text) {
  if (lua_getfield(L, 1, name) == LUA_TNIL) {
    lua_pushstring(L, text);
    lua_setfield(L, 1, name);
  }
  lua_pop(L, 1);
}

/* Adds the fields that the table at 1 lacks, from the entry of its code in the list. A
 * code of a script's own has medium severity and is not recoverable. */
static int complete_error(lua_State *L) {
  lua_getfield(L, 1, "code");
  if (lua_isnil(L, -1)) return luaL_error(L, "errors.new: the code is missing");
  const char *name = check_code(L, -1);
  ErrorCode code = error_code(name);
  default_text(L, "message", code ? error_meaning(code) : name);
  default_text(L, "severity", code ? error_severity(code) : "medium");
  lua_getfield(L, 1, "severity");
  check_severity(L, -1);
  if (lua_getfield(L, 1, "recoverable") == LUA_TNIL) {
    lua_pushboolean(L, code && error_recoverable(code));
    lua_setfield(L, 1, "recoverable");
  }
  lua_pushnumber(L, luaerror_time());
  lua_setfield(L, 1, "time");
  lua_settop(L, 1);
  luaerror_seal(L);
  return 1;
}

/* new{code =, message =, ...} → err; the table given is copied */
static int f_new(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  lua_createtable(L, 0, 8);
  for (lua_pushnil(L); lua_next(L, 1);) {
    check_field(L, -2, -1);
    lua_pushvalue(L, -2);
    lua_insert(L, -2);
    lua_rawset(L, 2);
  }
  lua_remove(L, 1);
  return complete_error(L);
}

/* wrap(err, code, message?) → a new error with err as its cause */
static int f_wrap(lua_State *L) {
  luaL_argcheck(L, luaerror_is(L, 1) || lua_type(L, 1) == LUA_TSTRING, 1,
                "an error or a string expected");
  luaL_checktype(L, 2, LUA_TSTRING);
  if (!lua_isnoneornil(L, 3)) luaL_checktype(L, 3, LUA_TSTRING);
  lua_settop(L, 3);
  lua_createtable(L, 0, 8);
  lua_insert(L, 1);
  if (!lua_isnil(L, 4)) lua_setfield(L, 1, "message");
  lua_settop(L, 3);
  lua_setfield(L, 1, "code");
  lua_setfield(L, 1, "cause");
  return complete_error(L);
}

/* is(value, code?): whether it is an error, and of that code */
static int f_is(lua_State *L) {
  luaL_checkany(L, 1);
  if (!lua_isnoneornil(L, 2)) luaL_checktype(L, 2, LUA_TSTRING);
  lua_settop(L, 2);
  bool is = luaerror_is(L, 1);
  if (is && !lua_isnil(L, 2)) {
    lua_getfield(L, 1, "code");
    is = lua_rawequal(L, 2, -1);
  }
  lua_pushboolean(L, is);
  return 1;
}

static void push_codes(lua_State *L) {
  lua_createtable(L, 0, ERR_COUNT - 1);
  for (ErrorCode code = 1; code < ERR_COUNT; code++) {
    lua_createtable(L, 0, 3);
    lua_pushstring(L, error_meaning(code));
    lua_setfield(L, -2, "meaning");
    lua_pushstring(L, error_severity(code));
    lua_setfield(L, -2, "severity");
    lua_pushboolean(L, error_recoverable(code));
    lua_setfield(L, -2, "recoverable");
    lua_setfield(L, -2, error_name(code));
  }
}

static const luaL_Reg functions[] = {
    {"new", f_new}, {"wrap", f_wrap}, {"is", f_is}, {NULL, NULL}};

int luaopen_tidelock_errors(lua_State *L) {
  luaL_newlib(L, functions);
  push_codes(L);
  lua_setfield(L, -2, "codes");
  return 1;
}
