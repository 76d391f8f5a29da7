/* Walking a path as the system does, link by link. */
#include "sources/watch_points.h"

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

void watch_points_add(WatchPoints *points, const char *dir, const char *name) {
  for (size_t i = 0; i < points->count; i++)
    if (same_name(points->list[i].name, name) && strcmp(points->list[i].dir, dir) == 0)
      return;
  points->list = xrealloc(points->list, (points->count + 1) * sizeof *points->list);
  points->list[points->count++] = (WatchPoint){xstrdup(dir), name ? xstrdup(name) : NULL};
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
static char *join_path(const char *dir, const char *name) {
  if (strcmp(dir, ".") == 0) return xstrdup(name);
  return xasprintf("%s/%s", strcmp(dir, "/") == 0 ? "" : dir, name);
}

static void replace_text(char **text, char *by) {
  free(*text);
  *text = by;
}

void watch_points_follow(WatchPoints *points, const char *path) {
  char *dir = xstrdup(*path == '/' ? "/" : "."), *text = xstrdup(path), *rest = text;
  char *name, target[PATH_MAX];
  bool missing = false;
  for (int links = 0; links < MAX_LINKS && !missing && (name = take_part(&rest));) {
    char *full = join_path(dir, name);
    ssize_t len = readlink(full, target, sizeof target - 1);
    missing = len < 0 && errno != EINVAL; /* EINVAL: it is no link */
    if (len >= 0 || missing || rest[strspn(rest, "/")] == '\0')
      watch_points_add(points, dir, name);
    if (len >= 0) {
      links++;
      target[len] = '\0';
      if (*target == '/') replace_text(&dir, xstrdup("/"));
      replace_text(&text, xasprintf("%s/%s", target, rest));
      rest = text;
      free(full);
    } else {
      replace_text(&dir, full);
    }
    free(name);
  }
  free(dir);
  free(text);
}

bool watch_points_lie_below(const char *path, const struct stat *st) {
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

void watch_points_free(WatchPoints *points) {
  for (size_t i = 0; i < points->count; i++) {
    free(points->list[i].dir);
    free(points->list[i].name);
  }
  free(points->list);
  *points = (WatchPoints){0};
}
