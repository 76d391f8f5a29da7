/* tidelock.options.core: what options.h and number.h check, for the modules of stdlib. */
#include <lauxlib.h>

#include "bridge/luatext.h"
#include "bridge/strict.h"
#include "core/suggest.h"
#include "lua/modules.h"
#include "lua/number.h"
#include "lua/options.h"

/* Whether the list at 3 has the value at `index`. */
static bool is_in_list(lua_State *L, int index) {
  bool found = false;
  for (lua_Integer i = 1; !found && lua_rawgeti(L, 3, i) != LUA_TNIL; i++) {
    found = lua_rawequal(L, -1, index);
    lua_pop(L, 1);
  }
  if (!found) lua_pop(L, 1);
  return found;
}

static int refuse_in_list(lua_State *L, const char *name) {
  Suggestion near;
  suggest_begin(&near, name);
  for (lua_Integer i = 1; lua_rawgeti(L, 3, i) == LUA_TSTRING; i++, lua_pop(L, 1))
    suggest_offer(&near, lua_tostring(L, -1));
  return options_refuse(L, (int)luaL_optinteger(L, 4, 2), lua_tostring(L, 1), name,
                        &near);
}

/* check(what, options, names, level?): options nil: nothing to check. level: whose line
 * the error names, 2 (the caller of the function that checks) unless given. */
static int f_check(lua_State *L) {
  luaL_checkstring(L, 1);
  luaL_checktype(L, 3, LUA_TTABLE);
  lua_settop(L, 4);
  if (lua_isnil(L, 2)) return 0;
  if (!lua_istable(L, 2))
    return options_raise(L, (int)luaL_optinteger(L, 4, 2),
                         "%s: options are a table, not a %s", lua_tostring(L, 1),
                         luaL_typename(L, 2));
  char shown[LUATEXT_SHOWN];
  for (lua_pushnil(L); lua_next(L, 2); lua_pop(L, 1))
    if (!is_in_list(L, lua_gettop(L) - 1))
      return refuse_in_list(L, luatext_show(L, -2, shown));
  return 0;
}

/* none(what, value): the function takes no options, so this is nil. */
static int f_none(lua_State *L) {
  const char *what = luaL_checkstring(L, 1);
  if (lua_isnoneornil(L, 2)) return 0;
  return options_raise(L, 2, "%s takes no options", what);
}

/* suggest(word, names) → ` (did you mean "name"?)` or ""; names are the keys of the table
 * that are strings. */
static int f_suggest(lua_State *L) {
  Suggestion s;
  suggest_begin(&s, luaL_checkstring(L, 1));
  luaL_checktype(L, 2, LUA_TTABLE);
  for (lua_pushnil(L); lua_next(L, 2); lua_pop(L, 1))
    if (lua_type(L, -2) == LUA_TSTRING) suggest_offer(&s, lua_tostring(L, -2));
  lua_pushstring(L, suggest_text(&s));
  return 1;
}

/* cut(value) → its text, for a message that quotes it */
static int f_cut(lua_State *L) {
  char shown[LUATEXT_SHOWN];
  luaL_tolstring(L, 1, NULL);
  lua_pushstring(L, luatext_show(L, -1, shown));
  return 1;
}

/* strict(what, table, kind?): a name that the table does not have raises from now on. */
static int f_strict(lua_State *L) {
  const char *what = luaL_checkstring(L, 1), *kind = luaL_optstring(L, 3, "function");
  luaL_checktype(L, 2, LUA_TTABLE);
  lua_pushvalue(L, 2);
  strict_make(L, what, kind);
  return 1;
}

static double rule_bound(lua_State *L, const char *key, double standard) {
  lua_getfield(L, 2, key);
  double value = luaL_optnumber(L, -1, standard);
  lua_pop(L, 1);
  return value;
}

static bool rule_flag(lua_State *L, const char *key) {
  lua_getfield(L, 2, key);
  bool set = lua_toboolean(L, -1);
  lua_pop(L, 1);
  return set;
}

/* number_problem(value, rule) → what is wrong with it, to follow its name, or nil. rule:
 * { least =, most =, above =, whole =, huge = }, see number.h. */
static int f_number_problem(lua_State *L) {
  luaL_checkany(L, 1);
  luaL_checktype(L, 2, LUA_TTABLE);
  NumberRule rule = {.least = rule_bound(L, "least", 0),
                     .most = rule_bound(L, "most", NUMBER_SECONDS),
                     .above = rule_flag(L, "above"),
                     .whole = rule_flag(L, "whole"),
                     .huge = rule_flag(L, "huge")};
  if (!number_push_problem(L, 1, &rule)) lua_pushnil(L);
  return 1;
}

int luaopen_tidelock_options_core(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"check", f_check}, {"none", f_none},     {"suggest", f_suggest},
      {"cut", f_cut},     {"strict", f_strict}, {"number_problem", f_number_problem},
      {NULL, NULL}};
  luaL_newlib(L, functions);
  return 1;
}
