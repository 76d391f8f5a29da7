/* The data folder: --data DIR, else $XDG_DATA_HOME/tidelock, else ~/.local/share/tidelock
 * (XDG Base Directory Specification), and in it one folder per profile; the demo's is its
 * own, unless an option says otherwise. */
#include "main/data.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/name.h"
#include "script/runtime.h"
#include "script/script.h"

/* Returns new, or NULL when the environment names no place. */
static char *xdg_folder(const char *variable, const char *below_home) {
  const char *xdg = getenv(variable), *home = getenv("HOME");
  if (xdg && xdg[0] == '/') return xasprintf("%s/tidelock", xdg);
  if (home && home[0] == '/') return xasprintf("%s/%s/tidelock", home, below_home);
  return NULL;
}

static char *base_folder(const Options *options) {
  if (options->data) return xstrdup(options->data);
  return xdg_folder("XDG_DATA_HOME", ".local/share");
}

static const char *profile_of(const Options *options) {
  const char *own = options->command == COMMAND_DEMO ? "demo" : "default";
  return options->profile ? options->profile : own;
}

/* mkdir -p; parents that are made get 0700 as well. Returns 0 or errno. */
static int make_folders(char *path) {
  for (char *at = path + 1;; at++) {
    if (*at != '/' && *at != '\0') continue;
    char was = *at;
    *at = '\0';
    int rc = mkdir(path, 0700);
    int error = errno;
    *at = was;
    if (rc != 0 && error != EEXIST) return error;
    if (was == '\0') return 0;
  }
}

static int check_folder(char *path) {
  struct stat st;
  int error = make_folders(path);
  if (error == 0 && stat(path, &st) != 0) error = errno;
  else if (error == 0 && !S_ISDIR(st.st_mode)) error = ENOTDIR;
  else if (error == 0 && access(path, W_OK | X_OK) != 0) error = errno;
  return error;
}

int data_path(const Options *options, char **path) {
  const char *profile = profile_of(options);
  *path = NULL;
  if (!name_valid(profile) || strspn(profile, ".") == strlen(profile)) {
    fprintf(stderr,
            "tidelock: --profile \"%s\": a name is made of letters, digits, _ . -\n",
            profile);
    return 2;
  }
  if (options->memory) return 0;
  char *base = base_folder(options);
  if (base) *path = xasprintf("%s/%s", base, profile);
  free(base);
  if (*path) return 0;
  fputs("tidelock: no place for data: HOME is not set. Give one with --data DIR, or keep "
        "nothing with --memory\n",
        stderr);
  return 1;
}

int data_folder(const Options *options, char **path) {
  int status = data_path(options, path);
  if (status != 0 || !*path) return status;
  int error = check_folder(*path);
  if (error == 0) return 0;
  fprintf(stderr,
          "tidelock: cannot write to the data folder %s: %s. Give another with --data "
          "DIR, or "
          "keep nothing with --memory\n",
          *path, strerror(error));
  free(*path);
  *path = NULL;
  return 1;
}

/* --- the log ----------------------------------------------------------------------- */

enum { LONG_LOG = 8 << 20 };

/* Renames a log that has grown long, so that a new one begins. */
static void make_room(const char *path) {
  struct stat st;
  if (stat(path, &st) != 0 || st.st_size < LONG_LOG) return;
  char *old = xasprintf("%s.1", path);
  rename(path, old);
  free(old);
}

char *state_log(const Options *options) {
  char *folder = xdg_folder("XDG_STATE_HOME", ".local/state");
  char *path = NULL;
  if (folder && check_folder(folder) == 0)
    path = xasprintf("%s/%s.log", folder, profile_of(options));
  if (path) make_room(path);
  free(folder);
  return path;
}
