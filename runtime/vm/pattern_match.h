/* The matcher of Lua's patterns. It looks at the CPU limit between steps. */
#ifndef TIDELOCK_VM_PATTERN_MATCH_H
#define TIDELOCK_VM_PATTERN_MATCH_H

#include <lua.h>
#include <stddef.h>

enum { MAX_CAPTURES = 32, UNFINISHED = -1, POSITION = -2, ESCAPE = '%' };

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

/* Begins to match one string with one pattern, both borrowed. */
void match_begin(Match *m, lua_State *L, const char *s, size_t ls, const char *p,
                 size_t lp);
/* Matches the pattern from p on at s: the end of the matched text, or NULL. The captures
 * are in `m`. Raises on a wrong pattern. */
const char *match_at(Match *m, const char *s, const char *p);

#endif
