/* Watching folders with uv_fs_event. A change arms a short timer, and again at each
 * further one up to a ceiling; then each script with a changed folder is read anew, and
 * script_load compares content: so one save by several steps is one reload, and a touch
 * none. */
#include "script/watch.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "script/script.h"

#define SETTLE 0.06
#define CEILING 0.5

typedef struct Dir Dir;
struct Dir {
  uv_fs_event_t handle;
  Dir *next;
  Watch *watch;
  Script *script;
  char *path;
  dev_t device; /* of the folder that is watched: another may come under its path */
  ino_t inode;
  bool outer; /* it holds the script and lib/, and may hold anything else */
  bool dirty, wanted;
};

struct Watch {
  Runtime *rt;
  Dir *dirs;
  Timer timer;
  double first; /* when the oldest change came that was not acted on; 0: none */
  bool told;    /* that the system's limit is reached */
};

static bool take_dirty(Watch *watch, const Script *script) {
  bool dirty = false;
  for (Dir *d = watch->dirs; d; d = d->next) {
    if (d->script != script) continue;
    dirty = dirty || d->dirty;
    d->dirty = false;
  }
  return dirty;
}

static void on_settled(Timer *timer) {
  Watch *watch = CONTAINER_OF(timer, Watch, timer);
  size_t count = 0;
  watch->first = 0;
  for (Script *s = watch->rt->scripts; s; s = s->next) count++;
  Script **changed = xcalloc(count + 1, sizeof *changed);
  count = 0;
  for (Script *s = watch->rt->scripts; s; s = s->next)
    if (take_dirty(watch, s)) changed[count++] = s;
  scripts_load(watch->rt, changed, count);
  free(changed);
}

static void changed(Dir *dir) {
  Watch *watch = dir->watch;
  double now = loop_now(watch->rt->loop);
  dir->dirty = true;
  if (watch->first == 0) watch->first = now;
  double due = now + SETTLE, latest = watch->first + CEILING;
  timer_start_at(watch->rt->loop, &watch->timer, due < latest ? due : latest);
}

static const char *last_part(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash ? slash + 1 : path;
}

/* Whether the change may be one of sources: a log that grows beside them is none. A name
 * without a dot may be a folder's. */
static bool concerns(const Dir *dir, const char *name) {
  if (!name || strcmp(name, last_part(dir->path)) == 0) return true;
  if (dir->outer)
    return strcmp(name, "lib") == 0 || strcmp(name, last_part(dir->script->path)) == 0;
  size_t len = strlen(name);
  if (len > 4 && strcmp(name + len - 4, ".lua") == 0) return *name != '.';
  return !strchr(name, '.');
}

static void on_change(uv_fs_event_t *handle, const char *name, int events, int status) {
  (void)events, (void)status;
  Dir *dir = handle->data;
  if (concerns(dir, name)) changed(dir);
}

static void on_closed(uv_handle_t *handle) {
  Dir *dir = handle->data;
  free(dir->path);
  free(dir);
}

static void tell(Watch *watch, const char *path, int rc) {
  if (!watch->told)
    log_write(watch->rt->log, LOG_WARN, "watch",
              "cannot watch %s, so saves there do not reload: %s (the limits are "
              "fs.inotify.max_user_watches and max_user_instances)",
              path, uv_strerror(rc));
  watch->told = true;
}

/* What changed before the watch stood is seen by reading once more. */
static int start(Dir *dir) {
  struct stat st = {0};
  if (stat(dir->path, &st) != 0) return UV_ENOENT;
  dir->device = st.st_dev;
  dir->inode = st.st_ino;
  int rc = uv_fs_event_start(&dir->handle, on_change, dir->path, 0);
  if (rc == 0) changed(dir);
  return rc;
}

static Dir *dir_new(Watch *watch, Script *script, const char *path) {
  Dir *dir = xcalloc(1, sizeof *dir);
  uv_fs_event_init(loop_uv(watch->rt->loop), &dir->handle);
  uv_unref((uv_handle_t *)&dir->handle);
  dir->handle.data = dir;
  dir->watch = watch;
  dir->script = script;
  dir->path = xstrdup(path);
  dir->next = watch->dirs;
  watch->dirs = dir;
  return dir;
}

static Dir *find(const Watch *watch, const Script *script, const char *path) {
  for (Dir *d = watch->dirs; d; d = d->next)
    if (d->script == script && strcmp(d->path, path) == 0) return d;
  return NULL;
}

/* Whether its folder is no longer the one at the path: moved away, or made anew. */
static bool is_stale(const Dir *dir) {
  struct stat st;
  return stat(dir->path, &st) != 0 || st.st_ino != dir->inode || st.st_dev != dir->device;
}

static void watch_dir(Watch *watch, Script *script, const char *path, bool outer) {
  Dir *dir = find(watch, script, path);
  if (dir && is_stale(dir)) uv_fs_event_stop(&dir->handle);
  if (!dir) dir = dir_new(watch, script, path);
  dir->wanted = true;
  dir->outer = outer;
  if (uv_is_active((uv_handle_t *)&dir->handle)) return;
  int rc = start(dir);
  if (rc != 0) tell(watch, path, rc);
}

/* Folders that the script no longer has. */
static void sweep(Watch *watch, const Script *script) {
  Dir **at = &watch->dirs;
  while (*at) {
    Dir *dir = *at;
    if (dir->script != script || dir->wanted) {
      at = &dir->next;
      continue;
    }
    *at = dir->next;
    uv_close((uv_handle_t *)&dir->handle, on_closed);
  }
}

Watch *watch_new(Runtime *rt) {
  Watch *watch = xcalloc(1, sizeof *watch);
  watch->rt = rt;
  watch->timer.fire = on_settled;
  return watch;
}

void watch_sources(Watch *watch, Script *script, const Sources *sources) {
  for (Dir *d = watch->dirs; d; d = d->next)
    if (d->script == script) d->wanted = false;
  for (size_t i = 0; sources->dirs && sources->dirs[i]; i++)
    watch_dir(watch, script, sources->dirs[i], i == 0);
  sweep(watch, script);
}

void watch_free(Watch *watch) {
  timer_stop(watch->rt->loop, &watch->timer);
  while (watch->dirs) {
    Dir *dir = watch->dirs;
    watch->dirs = dir->next;
    uv_close((uv_handle_t *)&dir->handle, on_closed);
  }
  free(watch);
}
