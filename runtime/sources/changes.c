/* Comparing two readings of sources: see changes.h. */
#include "sources/changes.h"

#include <stdlib.h>
#include <string.h>

static void add_change(Changes *changes, const char *path) {
  for (size_t i = 0; i < changes->count; i++)
    if (strcmp(changes->paths[i], path) == 0) return;
  changes->paths =
      xrealloc(changes->paths, (changes->count + 1) * sizeof *changes->paths);
  changes->paths[changes->count++] = path;
}

/* A module that is found in another file now counts as a change of both files. */
static void compare_module(Changes *changes, const Sources *old, const Sources *fresh,
                           const char *module) {
  const SourceFile *was = sources_find(old, module), *now = sources_find(fresh, module);
  if (was && now && strcmp(was->path, now->path) == 0 && was->len == now->len &&
      memcmp(was->text, now->text, now->len) == 0)
    return;
  if (now) add_change(changes, now->path);
  if (was) add_change(changes, was->path);
}

static void compare_used(Changes *changes, const Sources *old, const Sources *fresh,
                         const Sources *by) {
  for (size_t i = 0; i < by->uses.count; i++)
    compare_module(changes, old, fresh, by->uses.modules[i]);
  for (size_t i = 0; by->uses.all && i < by->count; i++)
    compare_module(changes, old, fresh, by->files[i].module);
}

Changes sources_changes(const Sources *old, const Sources *fresh) {
  Changes changes = {0};
  compare_used(&changes, old, fresh, old);
  compare_used(&changes, old, fresh, fresh);
  return changes;
}

void changes_free(Changes *changes) {
  free(changes->paths);
  *changes = (Changes){0};
}
