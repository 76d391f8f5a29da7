/* See number.h. */
#include "lua/number.h"

#include <lauxlib.h>
#include <math.h>
#include <stdio.h>

#include "core/json.h"
#include "lua/options.h"

static void push_shortest(lua_State *L, double value) {
  Buffer out = {0};
  char text[64];
  json_put_number(&out, value);
  snprintf(text, sizeof text, "%s", buffer_text(&out));
  buffer_free(&out);
  lua_pushstring(L, text);
}

bool number_push_text(lua_State *L, int index) {
  double value = lua_tonumber(L, index);
  char text[32];
  if (!isfinite(value)) return false;
  if (lua_isinteger(L, index)) {
    lua_pushfstring(L, "%I", lua_tointeger(L, index));
  } else if (value == floor(value) && fabs(value) < 1e21) {
    snprintf(text, sizeof text, "%.0f", value + 0.0);
    lua_pushstring(L, text);
  } else {
    push_shortest(L, value);
  }
  return true;
}

/* --- the rule --------------------------------------------------------------------- */

static bool is_in_range(double value, const NumberRule *rule) {
  if (isinf(value)) return value > 0 && rule->huge;
  return value <= rule->most &&
         (rule->above ? value > rule->least : value >= rule->least);
}

static void push_double(lua_State *L, double value) {
  lua_pushnumber(L, value);
  if (number_push_text(L, -1)) lua_remove(L, -2);
  else {
    lua_pop(L, 1);
    lua_pushstring(L, isnan(value) ? "nan" : value > 0 ? "inf" : "-inf");
  }
}

static void push_range(lua_State *L, const NumberRule *rule) {
  lua_pushstring(L, rule->above ? "more than " : "");
  push_double(L, rule->least);
  lua_pushstring(L, rule->above ? " and at most " : " to ");
  push_double(L, rule->most);
  lua_pushstring(L, rule->huge ? " or math.huge" : "");
  lua_concat(L, 5);
}

bool number_push_problem(lua_State *L, int index, const NumberRule *rule) {
  index = lua_absindex(L, index);
  if (lua_type(L, index) != LUA_TNUMBER) {
    lua_pushfstring(L, "must be a number, not a %s", luaL_typename(L, index));
    return true;
  }
  double value = lua_tonumber(L, index);
  bool whole = !rule->whole || isinf(value) || value == floor(value);
  if (whole && is_in_range(value, rule)) return false;
  lua_pushstring(L, "must be ");
  if (whole || isnan(value)) push_range(L, rule);
  else lua_pushstring(L, "a whole number");
  lua_pushstring(L, ", not ");
  push_double(L, value);
  lua_concat(L, 4);
  return true;
}

double number_argument(lua_State *L, int index, const NumberRule *rule,
                       const char *words) {
  luaL_checktype(L, index, LUA_TNUMBER);
  if (number_push_problem(L, index, rule)) {
    push_double(L, lua_tonumber(L, index));
    lua_pushfstring(L, "%s, not %s", words, lua_tostring(L, -1));
    luaL_argerror(L, index, lua_tostring(L, -1));
  }
  return lua_tonumber(L, index);
}

double number_option(lua_State *L, int t, int level, const char *what, const char *key,
                     const NumberRule *rule, double standard) {
  bool given = lua_getfield(L, t, key) != LUA_TNIL;
  if (given && number_push_problem(L, -1, rule))
    options_raise(L, level, "%s: %s %s", what, key, lua_tostring(L, -1));
  double value = given ? lua_tonumber(L, -1) : standard;
  lua_pop(L, 1);
  return value;
}
