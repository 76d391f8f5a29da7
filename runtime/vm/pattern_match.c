/* The matcher of Lua 5.4's lstrlib.c (Copyright 1994-2022 Lua.org, PUC-Rio; MIT licence),
 * with the CPU limit looked at between steps: some patterns take time exponential in
 * their length. */
#include "vm/pattern_match.h"

#include <ctype.h>
#include <lauxlib.h>
#include <stdbool.h>
#include <string.h>

#include "vm/watchdog.h"

enum {
  MAX_DEPTH = 200, /* of match_here calling itself */
  STRIDE = 4096    /* steps between looks at the limit */
};

static const char *match_here(Match *m, const char *s, const char *p);

static inline void count_steps(Match *m, size_t steps) {
  m->steps += steps;
  if (m->steps < STRIDE) return;
  m->steps = 0;
  watchdog_poll(m->L);
}

/* --- single characters ------------------------------------------------------------ */

static int byte_at(const char *p) {
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
  count_steps(m, (size_t)(p - from) / 8);
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
      if (in_class(c, byte_at(p))) return inside;
    } else if (p[1] == '-' && p + 2 < end) {
      p += 2;
      if (byte_at(p - 2) <= c && c <= byte_at(p)) return inside;
    } else if (byte_at(p) == c) {
      return inside;
    }
  }
  return !inside;
}

/* A set may be as long as the pattern: it is counted for what it is. */
static bool match_single(Match *m, const char *s, const char *p, const char *end) {
  if (s >= m->end) return false;
  count_steps(m, 1 + (size_t)(end - p) / 8);
  int c = byte_at(s);
  switch (*p) {
  case '.':
    return true;
  case ESCAPE:
    return in_class(c, byte_at(p + 1));
  case '[':
    return in_set(c, p, end - 1);
  default:
    return byte_at(p) == c;
  }
}

/* --- repetition, balance, captures ------------------------------------------------ */

static const char *match_balance(Match *m, const char *s, const char *p) {
  if (p >= m->pattern_end - 1)
    luaL_error(m->L, "malformed pattern (missing arguments to '%%b')");
  if (s >= m->end || *s != *p) return NULL;
  int open = *p, close = p[1], depth = 1;
  while (++s < m->end) {
    count_steps(m, 1);
    if (*s == close) {
      if (--depth == 0) return s + 1;
    } else if (*s == open) {
      depth++;
    }
  }
  return NULL;
}

static const char *match_most(Match *m, const char *s, const char *p, const char *end) {
  ptrdiff_t i = 0;
  while (match_single(m, s + i, p, end)) i++;
  for (; i >= 0; i--) {
    const char *found = match_here(m, s + i, end + 1);
    if (found) return found;
  }
  return NULL;
}

static const char *match_least(Match *m, const char *s, const char *p, const char *end) {
  for (;; s++) {
    const char *found = match_here(m, s, end + 1);
    if (found) return found;
    if (!match_single(m, s, p, end)) return NULL;
  }
}

static const char *open_capture(Match *m, const char *s, const char *p, int what) {
  if (m->level >= MAX_CAPTURES) luaL_error(m->L, "too many captures");
  m->captures[m->level++] = (Capture){s, what};
  const char *found = match_here(m, s, p);
  if (!found) m->level--;
  return found;
}

static const char *close_capture(Match *m, const char *s, const char *p) {
  int i = m->level - 1;
  while (i >= 0 && m->captures[i].len != UNFINISHED) i--;
  if (i < 0) luaL_error(m->L, "invalid pattern capture");
  m->captures[i].len = s - m->captures[i].at;
  const char *found = match_here(m, s, p);
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
  count_steps(m, len / 64);
  return memcmp(m->captures[i].at, s, len) == 0 ? s + len : NULL;
}

/* %f[set]: between a character outside of the set and one inside. */
static bool at_frontier(Match *m, const char *s, const char *p, const char *end) {
  count_steps(m, (size_t)(end - p) / 8);
  int before = s == m->start ? 0 : byte_at(s - 1);
  return !in_set(before, p, end - 1) && in_set(byte_at(s), p, end - 1);
}

/* --- matching --------------------------------------------------------------------- */

/* One item of class, with its suffix. Sets *next to where matching goes on in the
 * pattern, at the returned place, or to NULL when the returned place is the end. */
static const char *match_item(Match *m, const char *s, const char *p, const char **next) {
  const char *end = class_end(m, p);
  bool once = match_single(m, s, p, end);
  char suffix = end < m->pattern_end ? *end : '\0';
  if (!once && (suffix == '*' || suffix == '-')) suffix = '?';
  switch (suffix) {
  case '?': {
    const char *found = once ? match_here(m, s + 1, end + 1) : NULL;
    if (found) return found;
    *next = end + 1;
    return s;
  }
  case '+':
    return once ? match_most(m, s + 1, p, end) : NULL;
  case '*':
    return match_most(m, s, p, end);
  case '-':
    return match_least(m, s, p, end);
  default:
    *next = end;
    return once ? s + 1 : NULL;
  }
}

/* An item that begins with %: sets *next as match_item does. */
static const char *match_escaped(Match *m, const char *s, const char *p,
                                 const char **next) {
  char what = p + 1 < m->pattern_end ? p[1] : '\0';
  if (what == 'b') {
    *next = p + 4;
    return match_balance(m, s, p + 2);
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
  return match_item(m, s, p, next);
}

/* Matches the pattern from p on at s: the end of what matched, or NULL. */
static const char *match_here(Match *m, const char *s, const char *p) {
  if (m->depth-- == 0) luaL_error(m->L, "pattern too complex");
  while (s && p && p != m->pattern_end) {
    const char *next = NULL;
    count_steps(m, 1);
    if (*p == '(')
      s = p[1] == ')' ? open_capture(m, s, p + 2, POSITION)
                      : open_capture(m, s, p + 1, UNFINISHED);
    else if (*p == ')') s = close_capture(m, s, p + 1);
    else if (*p == '$' && p + 1 == m->pattern_end) s = s == m->end ? s : NULL;
    else if (*p == ESCAPE) s = match_escaped(m, s, p, &next);
    else s = match_item(m, s, p, &next);
    p = next;
  }
  m->depth++;
  return s;
}

/* --- the door --------------------------------------------------------------------- */

void match_begin(Match *m, lua_State *L, const char *s, size_t ls, const char *p,
                 size_t lp) {
  m->L = L;
  m->start = s;
  m->end = s + ls;
  m->pattern_end = p + lp;
  m->steps = 0;
}

const char *match_at(Match *m, const char *s, const char *p) {
  m->level = 0;
  m->depth = MAX_DEPTH;
  return match_here(m, s, p);
}
