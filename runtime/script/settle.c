/* Comparing by path, whatever the script has required so far: a file that is about to be
 * required counts too. What compiles is compiled in a Lua state of its own, which runs
 * nothing. */
#include "script/settle.h"

#include <lauxlib.h>
#include <string.h>

#include "script/parts.h"

enum { MOST_COMPILED = 1 << 20 }; /* bytes of a file: a larger one is waited for longer */

static const SourceFile *find_path(const Sources *sources, size_t near,
                                   const char *path) {
  if (near < sources->count && strcmp(sources->files[near].path, path) == 0)
    return &sources->files[near];
  for (size_t i = 0; i < sources->count; i++)
    if (strcmp(sources->files[i].path, path) == 0) return &sources->files[i];
  return NULL;
}

static bool same_text(const SourceFile *a, const SourceFile *b) {
  return a->len == b->len && memcmp(a->text, b->text, a->len) == 0;
}

static bool can_compile(const SourceFile *file) {
  size_t len;
  const char *code = source_code(file, &len);
  if (len > MOST_COMPILED) return false;
  lua_State *L = luaL_newstate();
  if (!L) return true;
  int status = luaL_loadbufferx(L, code, len, "=", "t");
  lua_close(L);
  return status != LUA_ERRSYNTAX;
}

/* What fresh adds to the count of files that differ, and what is to be said of them. */
static Settled look_at(const Sources *old, const Sources *fresh, size_t i,
                       size_t *differ) {
  const SourceFile *now = &fresh->files[i], *was = find_path(old, i, now->path);
  if (was && same_text(was, now)) return SETTLED;
  if (was && source_is_empty(now) && !source_is_empty(was)) return SETTLED_EMPTY;
  if (++*differ > 1 || !can_compile(now)) return SETTLED_PARTLY;
  return SETTLED;
}

static bool has_lost(const Sources *old, const Sources *fresh) {
  for (size_t i = 0; i < old->count; i++)
    if (!find_path(fresh, i, old->files[i].path)) return true;
  return false;
}

Settled sources_settled(const Sources *old, const Sources *fresh) {
  Settled worst = SETTLED;
  size_t differ = 0;
  for (size_t i = 0; i < fresh->count && worst != SETTLED_EMPTY; i++) {
    Settled one = look_at(old, fresh, i, &differ);
    if (one > worst) worst = one;
  }
  if (worst == SETTLED && has_lost(old, fresh)) worst = SETTLED_PARTLY;
  return worst;
}
