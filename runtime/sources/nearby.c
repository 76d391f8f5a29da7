/* A script that there is not: see nearby.h. */
#include "sources/nearby.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base.h"
#include "core/suggest.h"

static bool is_file(const char *path) {
  struct stat st;
  return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

/* A Lua file, or a folder with main.lua. */
static bool is_script(const char *dir, const char *name) {
  size_t len = strlen(name);
  char *path = xasprintf("%s/%s", dir, name), *main_file = xasprintf("%s/main.lua", path);
  bool found = is_file(main_file) ||
               (len > 4 && strcmp(name + len - 4, ".lua") == 0 && is_file(path));
  free(path);
  free(main_file);
  return found;
}

/* The scripts of the folder; the nearest is in *s. */
static void offer_scripts(const char *dir, Suggestion *s) {
  DIR *open = opendir(dir);
  struct dirent *entry;
  while (open && (entry = readdir(open)))
    if (entry->d_name[0] != '.' && is_script(dir, entry->d_name))
      suggest_offer(s, entry->d_name);
  if (open) closedir(open);
}

char *nearby_script(const char *path) {
  const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
  int before = (int)(name - path);
  char *dir = before ? xstrndup(path, (size_t)before) : xstrdup(".");
  char *whole = xasprintf("%s.lua", name);
  Suggestion s;
  suggest_begin(&s, name);
  offer_scripts(dir, &s);
  const char *meant = is_script(dir, whole) ? whole : suggest_name(&s);
  char *text =
      meant ? xasprintf(" (did you mean \"%.*s%s\"?)", before, path, meant) : xstrdup("");
  free(dir);
  free(whole);
  return text;
}
