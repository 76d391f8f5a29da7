/* Walking a path as the system does, link by link. */
#include "sources/ways.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base.h"

enum { MAX_LINKS = 40 }; /* as the system has it */

static bool same_name(const char *a, const char *b) {
  return a == b || (a && b && strcmp(a, b) == 0);
}

void ways_add(Ways *ways, const char *dir, const char *name) {
  for (size_t i = 0; i < ways->count; i++)
    if (same_name(ways->list[i].name, name) && strcmp(ways->list[i].dir, dir) == 0)
      return;
  ways->list = xrealloc(ways->list, (ways->count + 1) * sizeof *ways->list);
  ways->list[ways->count++] = (Way){xstrdup(dir), name ? xstrdup(name) : NULL};
}

/* Takes the first part off *rest. Returns new, or NULL at the end. */
static char *take_part(char **rest) {
  *rest += strspn(*rest, "/");
  size_t len = strcspn(*rest, "/");
  char *part = len ? xstrndup(*rest, len) : NULL;
  *rest += len;
  return part;
}

/* Returns new. */
static char *join(const char *dir, const char *name) {
  if (strcmp(dir, ".") == 0) return xstrdup(name);
  return xasprintf("%s/%s", strcmp(dir, "/") == 0 ? "" : dir, name);
}

static void replace(char **text, char *by) {
  free(*text);
  *text = by;
}

void ways_follow(Ways *ways, const char *path) {
  char *dir = xstrdup(*path == '/' ? "/" : "."), *text = xstrdup(path), *rest = text;
  char *name, target[PATH_MAX];
  bool missing = false;
  for (int links = 0; links < MAX_LINKS && !missing && (name = take_part(&rest));) {
    char *full = join(dir, name);
    ssize_t len = readlink(full, target, sizeof target - 1);
    missing = len < 0 && errno != EINVAL; /* EINVAL: it is no link */
    if (len >= 0 || missing || rest[strspn(rest, "/")] == '\0') ways_add(ways, dir, name);
    if (len >= 0) {
      links++;
      target[len] = '\0';
      if (*target == '/') replace(&dir, xstrdup("/"));
      replace(&text, xasprintf("%s/%s", target, rest));
      rest = text;
      free(full);
    } else {
      replace(&dir, full);
    }
    free(name);
  }
  free(dir);
  free(text);
}

bool ways_lie_below(const char *path, const struct stat *st) {
  char *up = xstrdup(path);
  struct stat here = {0}, above = {0};
  bool found = false, more = stat(up, &here) == 0;
  while (more && !found) {
    char *next = xasprintf("%s/..", up);
    free(up);
    up = next;
    found = here.st_dev == st->st_dev && here.st_ino == st->st_ino;
    more = stat(up, &above) == 0 &&
           (above.st_ino != here.st_ino || above.st_dev != here.st_dev);
    here = above;
  }
  free(up);
  return found;
}

void ways_free(Ways *ways) {
  for (size_t i = 0; i < ways->count; i++) {
    free(ways->list[i].dir);
    free(ways->list[i].name);
  }
  free(ways->list);
  *ways = (Ways){0};
}
