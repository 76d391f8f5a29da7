/* Watching folders with uv_fs_event. A change arms a short timer, and again at each
 * further one up to a ceiling; then each script with a changed folder is read anew, and
 * script_load compares content: so one save by several steps is one reload, and a touch
 * none. */
#include "script/watch.h"

#include <stdlib.h>
#include <string.h>

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
  bool dirty;
};

struct Watch {
  Runtime *rt;
  Dir *dirs;
  Timer timer;
  double first; /* when the oldest change came that was not acted on; 0: none */
  bool told;    /* that the system's limit is reached */
};

static void on_settled(Timer *timer) {
  Watch *watch = CONTAINER_OF(timer, Watch, timer);
  watch->first = 0;
  for (Script *s = watch->rt->scripts; s; s = s->next) {
    bool dirty = false;
    for (Dir *d = watch->dirs; d; d = d->next) {
      if (d->script != s) continue;
      dirty = dirty || d->dirty;
      d->dirty = false;
    }
    if (dirty) script_load(s);
  }
}

static void on_change(uv_fs_event_t *handle, const char *name, int events, int status) {
  (void)name, (void)events, (void)status;
  Dir *dir = handle->data;
  Watch *watch = dir->watch;
  double now = loop_now(watch->rt->loop);
  dir->dirty = true;
  if (watch->first == 0) watch->first = now;
  double due = now + SETTLE, latest = watch->first + CEILING;
  timer_start_at(watch->rt->loop, &watch->timer, due < latest ? due : latest);
}

static void on_closed(uv_handle_t *handle) {
  Dir *dir = handle->data;
  free(dir->path);
  free(dir);
}

static bool watched(const Watch *watch, const Script *script, const char *path) {
  for (Dir *d = watch->dirs; d; d = d->next)
    if (d->script == script && strcmp(d->path, path) == 0) return true;
  return false;
}

static void watch_dir(Watch *watch, Script *script, const char *path) {
  if (watched(watch, script, path)) return;
  Dir *dir = xcalloc(1, sizeof *dir);
  uv_fs_event_init(loop_uv(watch->rt->loop), &dir->handle);
  dir->handle.data = dir;
  dir->watch = watch;
  dir->script = script;
  dir->path = xstrdup(path);
  int rc = uv_fs_event_start(&dir->handle, on_change, path, 0);
  if (rc != 0) {
    if (!watch->told)
      log_write(watch->rt->log, LOG_WARN, "watch",
                "cannot watch %s, so saves there do not reload: %s (the limit is "
                "fs.inotify.max_user_watches)",
                path, uv_strerror(rc));
    watch->told = true;
    uv_close((uv_handle_t *)&dir->handle, on_closed);
    return;
  }
  uv_unref((uv_handle_t *)&dir->handle);
  dir->next = watch->dirs;
  watch->dirs = dir;
}

Watch *watch_new(Runtime *rt) {
  Watch *watch = xcalloc(1, sizeof *watch);
  watch->rt = rt;
  watch->timer.fire = on_settled;
  return watch;
}

void watch_sources(Watch *watch, Script *script, const Sources *sources) {
  for (size_t i = 0; sources->dirs && sources->dirs[i]; i++)
    watch_dir(watch, script, sources->dirs[i]);
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
