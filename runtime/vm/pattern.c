/* Lua's patterns, with the CPU limit looked at between steps: some patterns take time
 * exponential in their length. The matcher is that of Lua 5.4's lstrlib.c (Copyright
 * 1994-2022 Lua.org, PUC-Rio; MIT licence), and matches what it matches. */
#include <ctype.h>
#include <lauxlib.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>

#include "vm/bounded.h"
#include "vm/watchdog.h"

enum {
  MAX_CAPTURES = 32,
  MAX_DEPTH = 200, /* of match calling itself */
  STRIDE = 4096,   /* steps between looks at the limit */
  UNFINISHED = -1,
  POSITION = -2,
  ESCAPE = '%'
};

typedef struct Capture {
  const char *at;
  ptrdiff_t len; /* or UNFINISHED, POSITION */
} Capture;

typedef struct Match {
  const char *start, *end, *pattern_end;
  lua_State *L;
  int depth;
  size_t steps;
  unsigned char level; /* captures, finished or not */
  Capture captures[MAX_CAPTURES];
} Match;

static const char *match(Match *m, const char *s, const char *p);

static inline void count(Match *m, size_t steps) {
  m->steps += steps;
  if (m->steps < STRIDE) return;
  m->steps = 0;
  watchdog_poll(m->L);
}

/* --- single characters ------------------------------------------------------------ */

static int byte(const char *p) {
  return (unsigned char)*p;
}

static const char *class_end(Match *m, const char *p) {
  if (*p == ESCAPE) {
    if (p + 1 == m->pattern_end) luaL_error(m->L, "malformed pattern (ends with '%%')");
    return p + 2;
  }
  const char *from = p;
  if (*p++ != '[') return p;
  if (*p == '^') p++;
  do { /* a "]" right here is a plain character */
    if (p == m->pattern_end) luaL_error(m->L, "malformed pattern (missing ']')");
    if (*p++ == ESCAPE && p < m->pattern_end) p++;
  } while (*p != ']');
  count(m, (size_t)(p - from) / 8);
  return p + 1;
}

/* clang-format off */
static bool in_class(int c, int class) {
  int is;
  switch (tolower(class)) {
  case 'a': is = isalpha(c); break;
  case 'c': is = iscntrl(c); break;
  case 'd': is = isdigit(c); break;
  case 'g': is = isgraph(c); break;
  case 'l': is = islower(c); break;
  case 'p': is = ispunct(c); break;
  case 's': is = isspace(c); break;
  case 'u': is = isupper(c); break;
  case 'w': is = isalnum(c); break;
  case 'x': is = isxdigit(c); break;
  default: return class == c;
  }
  return islower(class) ? is : !is;
}
/* clang-format on */

/* p is at "[", end at "]". */
static bool in_set(int c, const char *p, const char *end) {
  bool inside = true;
  if (p[1] == '^') {
    inside = false;
    p++;
  }
  while (++p < end) {
    if (*p == ESCAPE) {
      p++;
      if (in_class(c, byte(p))) return inside;
    } else if (p[1] == '-' && p + 2 < end) {
      p += 2;
      if (byte(p - 2) <= c && c <= byte(p)) return inside;
    } else if (byte(p) == c) {
      return inside;
    }
  }
  return !inside;
}

/* A set may be as long as the pattern: it is counted for what it is. */
static bool single(Match *m, const char *s, const char *p, const char *end) {
  if (s >= m->end) return false;
  count(m, 1 + (size_t)(end - p) / 8);
  int c = byte(s);
  switch (*p) {
  case '.':
    return true;
  case ESCAPE:
    return in_class(c, byte(p + 1));
  case '[':
    return in_set(c, p, end - 1);
  default:
    return byte(p) == c;
  }
}

/* --- repetition, balance, captures ------------------------------------------------ */

static const char *balance(Match *m, const char *s, const char *p) {
  if (p >= m->pattern_end - 1)
    luaL_error(m->L, "malformed pattern (missing arguments to '%%b')");
  if (s >= m->end || *s != *p) return NULL;
  int open = *p, close = p[1], depth = 1;
  while (++s < m->end) {
    count(m, 1);
    if (*s == close) {
      if (--depth == 0) return s + 1;
    } else if (*s == open) {
      depth++;
    }
  }
  return NULL;
}

static const char *most(Match *m, const char *s, const char *p, const char *end) {
  ptrdiff_t i = 0;
  while (single(m, s + i, p, end)) i++;
  for (; i >= 0; i--) {
    const char *found = match(m, s + i, end + 1);
    if (found) return found;
  }
  return NULL;
}

static const char *least(Match *m, const char *s, const char *p, const char *end) {
  for (;; s++) {
    const char *found = match(m, s, end + 1);
    if (found) return found;
    if (!single(m, s, p, end)) return NULL;
  }
}

static const char *open_capture(Match *m, const char *s, const char *p, int what) {
  if (m->level >= MAX_CAPTURES) luaL_error(m->L, "too many captures");
  m->captures[m->level++] = (Capture){s, what};
  const char *found = match(m, s, p);
  if (!found) m->level--;
  return found;
}

static const char *close_capture(Match *m, const char *s, const char *p) {
  int i = m->level - 1;
  while (i >= 0 && m->captures[i].len != UNFINISHED) i--;
  if (i < 0) luaL_error(m->L, "invalid pattern capture");
  m->captures[i].len = s - m->captures[i].at;
  const char *found = match(m, s, p);
  if (!found) m->captures[i].len = UNFINISHED;
  return found;
}

/* %1 to %9: the same text again. */
static const char *back_reference(Match *m, const char *s, int digit) {
  int i = digit - '1';
  if (i < 0 || i >= m->level || m->captures[i].len == UNFINISHED)
    luaL_error(m->L, "invalid capture index %%%d", i + 1);
  size_t len = (size_t)m->captures[i].len; /* a position is too long to match */
  if ((size_t)(m->end - s) < len) return NULL;
  count(m, len / 64);
  return memcmp(m->captures[i].at, s, len) == 0 ? s + len : NULL;
}

/* %f[set]: between a character outside of the set and one inside. */
static bool at_frontier(Match *m, const char *s, const char *p, const char *end) {
  count(m, (size_t)(end - p) / 8);
  int before = s == m->start ? 0 : byte(s - 1);
  return !in_set(before, p, end - 1) && in_set(byte(s), p, end - 1);
}

/* --- matching --------------------------------------------------------------------- */

/* One item of class, with its suffix. Sets *next to where matching goes on in the
 * pattern, at the returned place, or to NULL when the returned place is the end. */
static const char *item(Match *m, const char *s, const char *p, const char **next) {
  const char *end = class_end(m, p);
  bool once = single(m, s, p, end);
  char suffix = end < m->pattern_end ? *end : '\0';
  if (!once && (suffix == '*' || suffix == '-')) suffix = '?';
  switch (suffix) {
  case '?': {
    const char *found = once ? match(m, s + 1, end + 1) : NULL;
    if (found) return found;
    *next = end + 1;
    return s;
  }
  case '+':
    return once ? most(m, s + 1, p, end) : NULL;
  case '*':
    return most(m, s, p, end);
  case '-':
    return least(m, s, p, end);
  default:
    *next = end;
    return once ? s + 1 : NULL;
  }
}

/* What begins with %: sets *next as item does. */
static const char *escaped(Match *m, const char *s, const char *p, const char **next) {
  char what = p + 1 < m->pattern_end ? p[1] : '\0';
  if (what == 'b') {
    *next = p + 4;
    return balance(m, s, p + 2);
  }
  if (what == 'f') {
    p += 2;
    if (p >= m->pattern_end || *p != '[')
      luaL_error(m->L, "missing '[' after '%%f' in pattern");
    *next = class_end(m, p);
    return at_frontier(m, s, p, *next) ? s : NULL;
  }
  if (isdigit((unsigned char)what)) {
    *next = p + 2;
    return back_reference(m, s, what);
  }
  return item(m, s, p, next);
}

/* Matches the pattern from p on at s: the end of what matched, or NULL. */
static const char *match(Match *m, const char *s, const char *p) {
  if (m->depth-- == 0) luaL_error(m->L, "pattern too complex");
  while (s && p && p != m->pattern_end) {
    const char *next = NULL;
    count(m, 1);
    if (*p == '(')
      s = p[1] == ')' ? open_capture(m, s, p + 2, POSITION)
                      : open_capture(m, s, p + 1, UNFINISHED);
    else if (*p == ')') s = close_capture(m, s, p + 1);
    else if (*p == '$' && p + 1 == m->pattern_end) s = s == m->end ? s : NULL;
    else if (*p == ESCAPE) s = escaped(m, s, p, &next);
    else s = item(m, s, p, &next);
    p = next;
  }
  m->depth++;
  return s;
}

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

static void prepare(Match *m, lua_State *L, const char *s, size_t ls, const char *p,
                    size_t lp) {
  m->L = L;
  m->start = s;
  m->end = s + ls;
  m->pattern_end = p + lp;
  m->steps = 0;
}

static const char *try(Match *m, const char *s, const char *p) {
  m->level = 0;
  m->depth = MAX_DEPTH;
  return match(m, s, p);
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

static int search(lua_State *L, bool find) {
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
  prepare(&m, L, s, ls, p, lp);
  bool anchored = *p == '^';
  if (anchored) p++;
  for (const char *at = s + from; at <= m.end; at++) {
    const char *end = try(&m, at, p);
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

int f_find(lua_State *L) {
  return search(L, true);
}

int f_match(lua_State *L) {
  return search(L, false);
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
    const char *end = try(&it->m, at, it->pattern);
    if (!end || end == it->last) continue;
    it->at = it->last = end;
    return push_captures(&it->m, at, end);
  }
  return 0;
}

int f_gmatch(lua_State *L) {
  size_t ls, lp;
  const char *s = luaL_checklstring(L, 1, &ls), *p = luaL_checklstring(L, 2, &lp);
  size_t from = start_offset(L, ls);
  lua_settop(L, 2); /* the closure keeps both strings */
  Iterator *it = lua_newuserdatauv(L, sizeof *it, 0);
  prepare(&it->m, L, s, ls, p, lp);
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
static lua_Integer replace(Match *m, luaL_Buffer *b, const char *p, lua_Integer max,
                           bool *changed) {
  const char *at = m->start, *last = NULL;
  bool anchored = *p == '^';
  lua_Integer n = 0;
  if (anchored) p++;
  while (n < max) {
    const char *end = try(m, at, p);
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

int f_gsub(lua_State *L) {
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
  prepare(&m, L, s, ls, p, lp);
  luaL_buffinit(L, &b);
  lua_Integer n = replace(&m, &b, p, max, &changed);
  if (changed) luaL_pushresult(&b);
  else lua_pushvalue(L, 1);
  lua_pushinteger(L, n);
  return 2;
}
