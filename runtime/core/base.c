/* Allocation that cannot fail. When the system has no memory left the reserve is freed,
 * once; work that can be given up (a reload) checks whether that has happened. When the
 * reserve is used up too, the process aborts. A script's memory does not come from here
 * but from the account of its Lua state. */
#include "core/base.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Noreturn void check_failed(const char *what, const char *file, int line) {
  fprintf(stderr, "tidelock: impossible state at %s:%d: %s\n", file, line, what);
  abort();
}

/* --- the reserve ------------------------------------------------------------------ */

enum { RESERVE = 1 << 20, LARGE = 256 << 10 };

static const size_t beyond_all = (size_t)1 << 39;

static _Atomic(void *) reserve;
static atomic_bool taken;

void memory_reserve(void) {
  if (atomic_load(&reserve)) return;
  void *p = malloc(RESERVE);
  if (!p) return;
  atomic_store(&taken, false);
  free(atomic_exchange(&reserve, p));
}

bool memory_is_short(void) {
  return atomic_load(&taken);
}

void memory_reserve_free(void) {
  free(atomic_exchange(&reserve, NULL));
  atomic_store(&taken, false);
}

bool memory_has(size_t bytes) {
  if (memory_is_short()) return false;
  if (bytes < LARGE) return true;
  if (bytes > beyond_all)
    return false; /* the sanitizer ends the process at such a size */
  void *p = malloc(bytes);
  free(p);
  return p != NULL;
}

bool memory_has_much(size_t bytes) {
  return bytes < LARGE || memory_has(bytes);
}

/* Whether there is reason to ask the system again. */
static bool take_reserve(void) {
  void *p = atomic_exchange(&reserve, NULL);
  if (!p) return false;
  atomic_store(&taken, true);
  free(p);
  return true;
}

/* --- allocation ------------------------------------------------------------------- */

void *xmalloc(size_t size) {
  void *p = malloc(size ? size : 1);
  if (!p && take_reserve()) p = malloc(size ? size : 1);
  CHECK(p != NULL);
  return p;
}

void *xcalloc(size_t count, size_t size) {
  void *p = calloc(count ? count : 1, size ? size : 1);
  if (!p && take_reserve()) p = calloc(count ? count : 1, size ? size : 1);
  CHECK(p != NULL);
  return p;
}

void *xrealloc(void *old, size_t size) {
  void *p = realloc(old, size ? size : 1);
  if (!p && take_reserve()) p = realloc(old, size ? size : 1);
  CHECK(p != NULL);
  return p;
}

char *xstrdup(const char *text) {
  return text ? xstrndup(text, strlen(text)) : NULL;
}

char *xstrndup(const char *text, size_t len) {
  char *copy = xmalloc(len + 1);
  memcpy(copy, text, len);
  copy[len] = '\0';
  return copy;
}

char *xasprintf(const char *fmt, ...) {
  va_list args;
  va_start(args, fmt);
  int len = vsnprintf(NULL, 0, fmt, args);
  va_end(args);
  CHECK(len >= 0);
  char *text = xmalloc((size_t)len + 1);
  va_start(args, fmt);
  vsnprintf(text, (size_t)len + 1, fmt, args);
  va_end(args);
  return text;
}
