/* Functions on text that run through it in C, slower than memory is read: each takes text
 * of a bounded length, or looks at the limit between pieces. The rest of the work is done
 * by Lua's own, upvalue 1. */
#include "vm/bounded_text.h"

#include <ctype.h>
#include <lauxlib.h>
#include <lualib.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "core/clock.h"
#include "vm/watchdog.h"

enum {
  MOST_QUOTED = 4 << 20, /* bytes that %q writes as a literal */
  MOST_FORMAT = 1 << 20, /* of string.pack and its sisters */
  MOST_DATE = 64 << 10,  /* of os.date: strftime may make much of little */
  PIECE = 256 << 10
};

/* In the same frame: its errors name the function as the script knows it. */
static int call_own(lua_State *L) {
  return lua_tocfunction(L, lua_upvalueindex(1))(L);
}

static void check_length(lua_State *L, int arg, size_t most) {
  size_t len;
  if (lua_type(L, arg) == LUA_TSTRING && lua_tolstring(L, arg, &len) && len > most)
    luaL_argerror(L, arg, lua_pushfstring(L, "longer than %d bytes", (int)most));
}

/* What follows a % up to its letter. */
static const char *skip_modifiers(const char *p, const char *end) {
  while (p < end && (isdigit((unsigned char)*p) || (*p && strchr("-+ #.", *p)))) p++;
  return p;
}

static int f_format(lua_State *L) {
  size_t len;
  const char *p = luaL_checklstring(L, 1, &len), *end = p + len;
  for (int arg = 1; (p = memchr(p, '%', (size_t)(end - p))) != NULL; p++) {
    p = skip_modifiers(p + 1, end);
    if (p >= end) break;
    if (*p != '%') arg++;
    if (*p == 'q') check_length(L, arg, MOST_QUOTED);
    if (arg % PIECE == 0) watchdog_poll(L);
  }
  return call_own(L);
}

static int f_pack(lua_State *L) {
  check_length(L, 1, MOST_FORMAT);
  return call_own(L);
}

static int f_date(lua_State *L) {
  check_length(L, 1, MOST_DATE);
  lua_settop(L, 2);
  if (lua_isnil(L, 1)) {
    lua_pushliteral(L, "%c");
    lua_replace(L, 1);
  }
  if (lua_isnil(L, 2)) {
    lua_pushinteger(L, (lua_Integer)floor(clock_wall()));
    lua_replace(L, 2);
  }
  return call_own(L);
}

static int f_time(lua_State *L) {
  if (!lua_isnoneornil(L, 1)) return call_own(L);
  lua_pushinteger(L, (lua_Integer)floor(clock_wall()));
  return 1;
}

/* --- utf8.len --------------------------------------------------------------------- */

static bool is_inside(char c) { /* of a character of several bytes */
  return ((unsigned char)c & 0xC0) == 0x80;
}

/* Calls Lua's own for the characters that begin in text[from] to text[to - 1]; false when
 * it has pushed where the text is wrong. */
static bool count_piece(lua_State *L, size_t from, size_t to, lua_Integer *n) {
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_pushvalue(L, 1);
  lua_pushinteger(L, (lua_Integer)from + 1);
  lua_pushinteger(L, (lua_Integer)to);
  lua_pushvalue(L, 4);
  lua_call(L, 4, 2);
  if (lua_isnil(L, -2)) return false;
  *n += lua_tointeger(L, -2);
  lua_pop(L, 2);
  return true;
}

static int count_long(lua_State *L, const char *text, size_t from, size_t to) {
  lua_Integer n = 0;
  lua_settop(L, 4);
  while (from < to) {
    watchdog_poll(L);
    size_t end = to - from > PIECE ? from + PIECE : to;
    if (!count_piece(L, from, end, &n)) return 2;
    for (from = end; from < to && is_inside(text[from]); from++) continue;
  }
  lua_pushinteger(L, n);
  return 1;
}

static int f_utf8_len(lua_State *L) {
  size_t len;
  const char *text = luaL_checklstring(L, 1, &len);
  lua_Integer from = luaL_optinteger(L, 2, 1), to = luaL_optinteger(L, 3, -1);
  if (from < 0) from += (lua_Integer)len + 1;
  if (to < 0) to += (lua_Integer)len + 1;
  bool plain = len <= PIECE || from < 1 || to > (lua_Integer)len || to - from <= PIECE;
  return plain ? call_own(L) : count_long(L, text, (size_t)from - 1, (size_t)to);
}

/* --- load ------------------------------------------------------------------------- */

const char *bounded_read(lua_State *L, void *ctx, size_t *size) {
  BoundedText *t = ctx;
  watchdog_poll(L);
  const char *piece = t->text;
  *size = t->len < PIECE ? t->len : PIECE;
  t->text += *size;
  t->len -= *size;
  return *size ? piece : NULL;
}

/* --- opening ---------------------------------------------------------------------- */

static void wrap_function(lua_State *L, const char *library, const char *name,
                          lua_CFunction f) {
  lua_getglobal(L, library);
  lua_getfield(L, -1, name);
  lua_pushcclosure(L, f, 1);
  lua_setfield(L, -2, name);
  lua_pop(L, 1);
}

void bounded_open_text(lua_State *L) {
  wrap_function(L, LUA_STRLIBNAME, "format", f_format);
  wrap_function(L, LUA_STRLIBNAME, "pack", f_pack);
  wrap_function(L, LUA_STRLIBNAME, "packsize", f_pack);
  wrap_function(L, LUA_STRLIBNAME, "unpack", f_pack);
  wrap_function(L, LUA_UTF8LIBNAME, "len", f_utf8_len);
  wrap_function(L, LUA_OSLIBNAME, "date", f_date);
  wrap_function(L, LUA_OSLIBNAME, "time", f_time);
}
