/* find, match, gmatch and gsub: those of Lua 5.4's lstrlib.c (Copyright 1994-2022
 * Lua.org, PUC-Rio; MIT licence), around a matcher that looks at the CPU limit. */
#include "vm/pattern.h"

#include <ctype.h>
#include <lauxlib.h>
#include <stdbool.h>
#include <string.h>

#include "vm/pattern_match.h"

/* --- results ---------------------------------------------------------------------- */

/* Pushes capture i of the match from s to e; without captures the first is the whole. */
static void push_capture(Match *m, int i, const char *s, const char *e) {
  if (i >= m->level) {
    if (i != 0) luaL_error(m->L, "invalid capture index %%%d", i + 1);
    lua_pushlstring(m->L, s, (size_t)(e - s));
    return;
  }
  const Capture *capture = &m->captures[i];
  if (capture->len == UNFINISHED) luaL_error(m->L, "unfinished capture");
  if (capture->len == POSITION) lua_pushinteger(m->L, capture->at - m->start + 1);
  else lua_pushlstring(m->L, capture->at, (size_t)capture->len);
}

static int push_captures(Match *m, const char *s, const char *e) {
  int n = m->level == 0 && s ? 1 : m->level;
  luaL_checkstack(m->L, n, "too many captures");
  for (int i = 0; i < n; i++) push_capture(m, i, s, e);
  return n;
}

/* --- find, match ------------------------------------------------------------------ */

/* The third argument, from the end when negative, as an offset; len + 1: behind the end.
 */
static size_t start_offset(lua_State *L, size_t len) {
  lua_Integer at = luaL_optinteger(L, 3, 1);
  if (at < 0) at = at < -(lua_Integer)len ? 1 : (lua_Integer)len + at + 1;
  if (at == 0) at = 1;
  return at > (lua_Integer)len + 1 ? len + 1 : (size_t)at - 1;
}

static bool is_plain(const char *p, size_t len) {
  for (size_t i = 0; i < len; i++)
    if (p[i] && strchr("^$*+?.([%-", p[i])) return false;
  return true;
}

static int find_plain(lua_State *L, const char *s, size_t ls, size_t from, const char *p,
                      size_t lp) {
  const char *at = memmem(s + from, ls - from, p, lp);
  if (!at) {
    luaL_pushfail(L);
    return 1;
  }
  lua_pushinteger(L, at - s + 1);
  lua_pushinteger(L, at - s + (lua_Integer)lp);
  return 2;
}

static int search_pattern(lua_State *L, bool find) {
  size_t ls, lp;
  const char *s = luaL_checklstring(L, 1, &ls), *p = luaL_checklstring(L, 2, &lp);
  size_t from = start_offset(L, ls);
  if (from > ls) {
    luaL_pushfail(L);
    return 1;
  }
  if (find && (lua_toboolean(L, 4) || is_plain(p, lp)))
    return find_plain(L, s, ls, from, p, lp);
  Match m;
  match_begin(&m, L, s, ls, p, lp);
  bool anchored = *p == '^';
  if (anchored) p++;
  for (const char *at = s + from; at <= m.end; at++) {
    const char *end = match_at(&m, at, p);
    if (end && !find) return push_captures(&m, at, end);
    if (end) {
      lua_pushinteger(L, at - s + 1);
      lua_pushinteger(L, end - s);
      return push_captures(&m, NULL, NULL) + 2;
    }
    if (anchored) break;
  }
  luaL_pushfail(L);
  return 1;
}

static int f_find(lua_State *L) {
  return search_pattern(L, true);
}

static int f_match(lua_State *L) {
  return search_pattern(L, false);
}

/* --- gmatch ----------------------------------------------------------------------- */

typedef struct Iterator {
  const char *at, *pattern, *last; /* last: the end of the last match */
  Match m;
} Iterator;

static int f_next_match(lua_State *L) {
  Iterator *it = lua_touserdata(L, lua_upvalueindex(3));
  it->m.L = L;
  for (const char *at = it->at; at <= it->m.end; at++) {
    const char *end = match_at(&it->m, at, it->pattern);
    if (!end || end == it->last) continue;
    it->at = it->last = end;
    return push_captures(&it->m, at, end);
  }
  return 0;
}

static int f_gmatch(lua_State *L) {
  size_t ls, lp;
  const char *s = luaL_checklstring(L, 1, &ls), *p = luaL_checklstring(L, 2, &lp);
  size_t from = start_offset(L, ls);
  lua_settop(L, 2); /* the closure keeps both strings */
  Iterator *it = lua_newuserdatauv(L, sizeof *it, 0);
  match_begin(&it->m, L, s, ls, p, lp);
  it->at = s + from;
  it->pattern = p;
  it->last = NULL;
  lua_pushcclosure(L, f_next_match, 3);
  return 1;
}

/* --- gsub ------------------------------------------------------------------------- */

/* Adds the replacement text at index 3, with %0 to %9 filled in. */
static void add_text(Match *m, luaL_Buffer *b, const char *s, const char *e) {
  size_t len;
  const char *text = lua_tolstring(m->L, 3, &len), *p;
  while ((p = memchr(text, ESCAPE, len)) != NULL) {
    luaL_addlstring(b, text, (size_t)(p - text));
    p++;
    if (*p == ESCAPE) luaL_addchar(b, *p);
    else if (*p == '0') luaL_addlstring(b, s, (size_t)(e - s));
    else if (isdigit((unsigned char)*p)) {
      push_capture(m, *p - '1', s, e);
      luaL_tolstring(m->L, -1, NULL);
      lua_remove(m->L, -2);
      luaL_addvalue(b);
    } else {
      luaL_error(m->L, "invalid use of '%c' in replacement string", ESCAPE);
    }
    len -= (size_t)(p + 1 - text);
    text = p + 1;
  }
  luaL_addlstring(b, text, len);
}

/* Adds what stands for the match from s to e; false when it stays as it was. */
static bool add_value(Match *m, luaL_Buffer *b, const char *s, const char *e) {
  lua_State *L = m->L;
  int type = lua_type(L, 3);
  if (type == LUA_TFUNCTION) {
    lua_pushvalue(L, 3);
    int n = push_captures(m, s, e);
    lua_call(L, n, 1);
  } else if (type == LUA_TTABLE) {
    push_capture(m, 0, s, e);
    lua_gettable(L, 3);
  } else {
    add_text(m, b, s, e);
    return true;
  }
  if (!lua_toboolean(L, -1)) {
    lua_pop(L, 1);
    luaL_addlstring(b, s, (size_t)(e - s));
    return false;
  }
  if (!lua_isstring(L, -1))
    luaL_error(L, "invalid replacement value (a %s)", luaL_typename(L, -1));
  luaL_addvalue(b);
  return true;
}

/* Replaces at most max matches; returns how many, and in *changed whether any text is
 * another now. */
static lua_Integer replace_matches(Match *m, luaL_Buffer *b, const char *p,
                                   lua_Integer max, bool *changed) {
  const char *at = m->start, *last = NULL;
  bool anchored = *p == '^';
  lua_Integer n = 0;
  if (anchored) p++;
  while (n < max) {
    const char *end = match_at(m, at, p);
    if (end && end != last) {
      n++;
      if (add_value(m, b, at, end)) *changed = true;
      at = last = end;
    } else if (at < m->end) {
      luaL_addchar(b, *at);
      at++;
    } else {
      break;
    }
    if (anchored) break;
  }
  if (*changed) luaL_addlstring(b, at, (size_t)(m->end - at));
  return n;
}

static int f_gsub(lua_State *L) {
  size_t ls, lp;
  const char *s = luaL_checklstring(L, 1, &ls), *p = luaL_checklstring(L, 2, &lp);
  int type = lua_type(L, 3);
  luaL_argexpected(L,
                   type == LUA_TNUMBER || type == LUA_TSTRING || type == LUA_TFUNCTION ||
                       type == LUA_TTABLE,
                   3, "string/function/table");
  lua_Integer max = luaL_optinteger(L, 4, (lua_Integer)ls + 1);
  Match m;
  luaL_Buffer b;
  bool changed = false;
  match_begin(&m, L, s, ls, p, lp);
  luaL_buffinit(L, &b);
  lua_Integer n = replace_matches(&m, &b, p, max, &changed);
  if (changed) luaL_pushresult(&b);
  else lua_pushvalue(L, 1);
  lua_pushinteger(L, n);
  return 2;
}

void pattern_open(lua_State *L) {
  static const luaL_Reg functions[] = {{"find", f_find},
                                       {"match", f_match},
                                       {"gmatch", f_gmatch},
                                       {"gsub", f_gsub},
                                       {NULL, NULL}};
  luaL_setfuncs(L, functions, 0);
}
