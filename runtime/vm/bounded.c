/* string.rep and the table functions that loop: see bounded.h. The loops are those of
 * Lua 5.4 (Copyright 1994-2022 Lua.org, PUC-Rio; MIT licence). */
#include "vm/bounded.h"

#include <lauxlib.h>
#include <limits.h>
#include <lualib.h>
#include <stdint.h>
#include <string.h>

#include "bridge/draft_table.h"
#include "vm/bounded_sort.h"
#include "vm/bounded_text.h"
#include "vm/pattern.h"
#include "vm/watchdog.h"

enum { STRIDE = 1024 };

/* Looks at the CPU limit in one step of many. */
static void poll_limit(lua_State *L, lua_Integer i) {
  if (i % STRIDE == 0) watchdog_poll(L);
}

/* --- string ----------------------------------------------------------------------- */

/* The first `len` bytes, again and again: each copy is as long as all before. */
static void repeat_bytes(lua_State *L, char *to, size_t len, size_t total) {
  for (size_t done = len; done < total; done *= 2) {
    watchdog_poll(L);
    memcpy(to + done, to, done < total - done ? done : total - done);
  }
}

static int f_rep(lua_State *L) {
  size_t len, gap;
  const char *text = luaL_checklstring(L, 1, &len);
  lua_Integer n = luaL_checkinteger(L, 2);
  const char *between = luaL_optlstring(L, 3, "", &gap);
  if (n <= 0 || len + gap == 0) {
    lua_pushliteral(L, "");
    return 1;
  }
  if (len + gap < len || len + gap > (size_t)(INTPTR_MAX / n))
    return luaL_error(L, "resulting string too large");
  size_t total = (size_t)n * len + (size_t)(n - 1) * gap;
  luaL_Buffer b;
  char *to = luaL_buffinitsize(L, &b, total);
  memcpy(to, text, len);
  if (n > 1) memcpy(to + len, between, gap);
  repeat_bytes(L, to, len + gap, total);
  luaL_pushresultsize(&b, total);
  return 1;
}

/* --- table ------------------------------------------------------------------------ */

/* A table, or what has these metamethods. */
static void check_table(lua_State *L, int index, const char *const *needs) {
  if (lua_type(L, index) == LUA_TTABLE) return;
  for (; *needs; needs++) {
    if (luaL_getmetafield(L, index, *needs) == LUA_TNIL)
      luaL_checktype(L, index, LUA_TTABLE);
    lua_pop(L, 1);
  }
}

static const char *const reads[] = {"__index", NULL};
static const char *const writes[] = {"__newindex", NULL};
static const char *const reads_len[] = {"__index", "__len", NULL};
static const char *const all[] = {"__index", "__newindex", "__len", NULL};

static void copy_item(lua_State *L, lua_Integer from, int to_table, lua_Integer to) {
  lua_geti(L, 1, from);
  lua_seti(L, to_table, to);
}

static int f_insert(lua_State *L) {
  int done = draft_insert(L);
  if (done >= 0) return done;
  check_table(L, 1, all);
  lua_Integer end = (lua_Integer)((lua_Unsigned)luaL_len(L, 1) + 1);
  int n = lua_gettop(L);
  if (n == 2) {
    lua_seti(L, 1, end);
    return 0;
  }
  if (n != 3) return luaL_error(L, "wrong number of arguments to 'insert'");
  lua_Integer at = luaL_checkinteger(L, 2);
  luaL_argcheck(L, (lua_Unsigned)at - 1u < (lua_Unsigned)end, 2,
                "position out of bounds");
  for (lua_Integer i = end; i > at; i--) {
    poll_limit(L, i);
    copy_item(L, i - 1, 1, i);
  }
  lua_seti(L, 1, at);
  return 0;
}

static int f_remove(lua_State *L) {
  int done = draft_remove(L);
  if (done >= 0) return done;
  check_table(L, 1, all);
  lua_Integer size = luaL_len(L, 1), at = luaL_optinteger(L, 2, size);
  if (at != size)
    luaL_argcheck(L, (lua_Unsigned)at - 1u <= (lua_Unsigned)size, 2,
                  "position out of bounds");
  lua_geti(L, 1, at);
  for (; at < size; at++) {
    poll_limit(L, at);
    copy_item(L, at + 1, 1, at);
  }
  lua_pushnil(L);
  lua_seti(L, 1, at);
  return 1;
}

static int f_move(lua_State *L) {
  int done = draft_move(L);
  if (done >= 0) return done;
  lua_Integer from = luaL_checkinteger(L, 2), end = luaL_checkinteger(L, 3);
  lua_Integer to = luaL_checkinteger(L, 4);
  int target = lua_isnoneornil(L, 5) ? 1 : 5;
  check_table(L, 1, reads);
  check_table(L, target, writes);
  if (end >= from) {
    luaL_argcheck(L, from > 0 || end < LUA_MAXINTEGER + from, 3,
                  "too many elements to move");
    lua_Integer n = end - from + 1;
    luaL_argcheck(L, to <= LUA_MAXINTEGER - n + 1, 4, "destination wrap around");
    bool up =
        to > end || to <= from || (target != 1 && !lua_compare(L, 1, target, LUA_OPEQ));
    for (lua_Integer i = 0; i < n; i++) {
      lua_Integer offset = up ? i : n - 1 - i;
      poll_limit(L, i + 1);
      copy_item(L, from + offset, target, to + offset);
    }
  }
  lua_pushvalue(L, target);
  return 1;
}

static void add_item(lua_State *L, luaL_Buffer *b, lua_Integer i) {
  lua_geti(L, 1, i);
  if (!lua_isstring(L, -1))
    luaL_error(L, "invalid value (%s) at index %I in table for 'concat'",
               luaL_typename(L, -1), (LUAI_UACINT)i);
  luaL_addvalue(b);
}

static int f_concat(lua_State *L) {
  check_table(L, 1, reads_len);
  lua_Integer last = luaL_len(L, 1);
  size_t len;
  const char *between = luaL_optlstring(L, 2, "", &len);
  lua_Integer i = luaL_optinteger(L, 3, 1);
  last = luaL_optinteger(L, 4, last);
  luaL_Buffer b;
  luaL_buffinit(L, &b);
  for (; i < last; i++) {
    poll_limit(L, i);
    add_item(L, &b, i);
    luaL_addlstring(&b, between, len);
  }
  if (i == last) add_item(L, &b, i);
  luaL_pushresult(&b);
  return 1;
}

/* Upvalue 1: Lua's own, for drafts. */
static int f_sort(lua_State *L) {
  int done = draft_sort(L, lua_upvalueindex(1));
  if (done >= 0) return done;
  check_table(L, 1, all);
  lua_Integer n = luaL_len(L, 1);
  if (n <= 1) return 0;
  luaL_argcheck(L, n < INT_MAX, 1, "array too big");
  if (!lua_isnoneornil(L, 2)) luaL_checktype(L, 2, LUA_TFUNCTION);
  lua_settop(L, 2);
  bounded_sort(L, n);
  return 0;
}

void bounded_open(lua_State *L) {
  static const luaL_Reg strings[] = {{"rep", f_rep}, {NULL, NULL}};
  static const luaL_Reg tables[] = {{"insert", f_insert},
                                    {"remove", f_remove},
                                    {"move", f_move},
                                    {"concat", f_concat},
                                    {NULL, NULL}};
  lua_getglobal(L, LUA_STRLIBNAME);
  luaL_setfuncs(L, strings, 0);
  pattern_open(L);
  lua_getglobal(L, LUA_TABLIBNAME);
  luaL_setfuncs(L, tables, 0);
  lua_getfield(L, -1, "sort");
  lua_pushcclosure(L, f_sort, 1);
  lua_setfield(L, -2, "sort");
  lua_pop(L, 2);
  bounded_open_text(L);
}
