/* See session_options.h. */
#include "resource/session_options.h"

#include <stdlib.h>
#include <string.h>

#include "net/net_url.h"

char *session_origin(const char *url) {
  Error ignored;
  NetUrl parts;
  if (!url || net_url_parse(&parts, url, true, &ignored) != 0) return NULL;
  char *origin = xstrdup(parts.origin);
  net_url_free(&parts);
  size_t len = strlen(origin);
  const char *usual = strncmp(origin, "https:", 6) == 0 ? ":443" : ":80";
  size_t tail = strlen(usual);
  if (len > tail && strcmp(origin + len - tail, usual) == 0) origin[len - tail] = '\0';
  return origin;
}

static bool same_text(const char *a, const char *b) {
  return a && b ? strcmp(a, b) == 0 : a == b;
}

bool session_options_same(const void *a, const void *b) {
  const SessionOptions *x = a, *y = b;
  if (x->remember != y->remember || x->shared != y->shared || x->count != y->count)
    return false;
  for (size_t i = 0; i < x->count; i++)
    if (strcmp(x->origins[i], y->origins[i]) != 0) return false;
  return same_text(x->account, y->account);
}

/* Another account, or another place for the tokens, is another session. */
bool session_options_in_place(const void *a, const void *b) {
  const SessionOptions *x = a, *y = b;
  const char *first = x->count ? x->origins[0] : NULL;
  return x->remember == y->remember && same_text(x->account, y->account) &&
         same_text(first, y->count ? y->origins[0] : NULL);
}

void session_options_free(void *options) {
  SessionOptions *o = options;
  if (!o) return;
  for (size_t i = 0; i < o->count; i++) free(o->origins[i]);
  free(o->origins);
  free(o->account);
  free(o);
}
