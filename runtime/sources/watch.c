/* Watching folders with uv_fs_event. A change arms a short timer, and again at each
 * further one up to a ceiling; then all scripts that it may concern are read anew as one
 * batch, and their content is compared: so one save by several steps is one reload,
 * and a touch none.
 *
 * - One file that compiles counts after QUIET. What several files are changed by, or what
 *   does not compile (yet), is waited for for SETTLE: git writes them one by one. A file
 *   whose code is gone counts after EMPTY: who saves in place truncates first. All
 *   scripts that changed wait for the slowest, so that what belongs together stays
 *   together.
 * - Where the system gives no more watches, or --watch-poll asks for it, stat is asked
 *   once a second instead.
 * - The system's queue of changes is finite, and libuv does not say when it was full.
 *   But then very many came at once: all scripts are read anew.
 * - A folder that is new may still be filled, as by cp -r. Then nothing is loaded until
 *   the next reading finds no further one; and while files come and go, not only change,
 *   it is waited for longer.
 * - A script that is gone is not read: editors and git take files away for a moment.
 *   After LEAVE seconds it is logged, once. Until it is back the nearest folder is
 *   watched.
 */
#include "sources/watch.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "sources/stamps.h"

#define QUIET 0.01
#define SETTLE 0.06
#define EMPTY 1.0
#define CEILING 0.5
#define CEILING_FILLED 2.0
#define POLL 1.0
#define LEAVE 1.0
enum { BURST = 1000 }; /* far below fs.inotify.max_queued_events */
enum { MAX_AGAIN = 8 };

typedef struct Dir Dir;
typedef struct Watched Watched;

/* One name in a folder, or all sources there. */
struct Dir {
  uv_fs_event_t handle;
  Dir *next;
  Watched *owner;
  WatchPoint point;
  dev_t device; /* of the folder that is watched: another may come under its path */
  ino_t inode;
  bool wanted;
};

/* What is watched for one script. */
struct Watched {
  Watched *next;
  Watch *watch;
  Script *script;
  char *name, *path; /* owned */
  Dir *dirs;
  Stamps stamps;
  double gone;  /* since when the script is; 0: it is there */
  double empty; /* since when a file of it that held code holds none; 0: none is */
  int again;    /* how often on end it was not loaded, to be read again */
  bool begun;   /* a watch, with the last reading */
  bool dirty, polled, gone_logged;
};

struct Watch {
  Loop *loop;
  Log *log;
  WatchOptions options;
  Watched *scripts;
  Timer timer, look;
  double first;      /* when the oldest change came that was not acted on; 0: none */
  double last;       /* when the newest did */
  bool filled;       /* since then files came or went */
  uint64_t poll_at;  /* the loop's poll that the last change came with */
  int burst;         /* how many came with it */
  bool limit_logged; /* that the system gives no more watches */
};

static void watch_all(Watched *w, const WatchPoints *points, const Sources *sources);

/* --- what changed ----------------------------------------------------------------- */

/* When the last change is `quiet` seconds old, but no later than the ceiling. */
static double settled_at(const Watch *watch, double quiet) {
  double due = watch->last + quiet;
  double latest = watch->first + (watch->filled ? CEILING_FILLED : CEILING);
  return due < latest ? due : latest;
}

static void mark_changed(Watched *w) {
  Watch *watch = w->watch;
  double now = loop_real_now();
  w->dirty = true;
  if (watch->first == 0) watch->first = now;
  watch->last = now;
  timer_start_at(watch->loop, &watch->timer,
                 settled_at(watch, w->begun ? SETTLE : QUIET));
}

static const char *last_part(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash ? slash + 1 : path;
}

static bool is_folder(const WatchPoint *point, const char *name) {
  char *path = xasprintf("%s/%s", point->dir, name);
  struct stat st;
  bool is = stat(path, &st) == 0 && S_ISDIR(st.st_mode);
  free(path);
  return is;
}

/* Whether the change may be one of sources: a log that grows beside them is none. A name
 * without a dot may be that of a folder that was; the folder's own name says that it was
 * moved or removed itself. */
static bool is_concerned(const WatchPoint *point, const char *name) {
  if (!name || strcmp(name, last_part(point->dir)) == 0) return true;
  const char *dot = strrchr(name, '.');
  if (point->name && strcmp(point->name, POINT_SOURCES) == 0)
    return *name != '.' && dot && strcmp(dot, ".lua") == 0;
  if (point->name) return strcmp(name, point->name) == 0;
  if (*name == '.') return false;
  return !dot || strcmp(dot, ".lua") == 0 || is_folder(point, name);
}

/* Changes that come with one poll of the loop have the same uv_now. */
static void count_burst(Watch *watch) {
  uint64_t now = uv_now(loop_uv(watch->loop));
  if (now != watch->poll_at) watch->burst = 0;
  watch->poll_at = now;
  if (++watch->burst != BURST) return;
  for (Watched *w = watch->scripts; w; w = w->next) mark_changed(w);
}

static void on_change(uv_fs_event_t *handle, const char *name, int events, int status) {
  (void)status;
  Dir *dir = handle->data;
  Watch *watch = dir->owner->watch;
  count_burst(watch);
  if (!is_concerned(&dir->point, name)) return;
  if (events & UV_RENAME) watch->filled = true;
  mark_changed(dir->owner);
}

/* --- scripts that are gone -------------------------------------------------------- */

static void look_later(Watch *watch, double seconds) {
  if (!timer_active(&watch->look)) timer_start(watch->loop, &watch->look, seconds);
}

/* Not before the first load is over: that one fails. */
static bool is_gone(const Watched *w) {
  return w->watch->options.has_loaded(w->script) && sources_gone(w->path);
}

static void watch_for_return(Watched *w) {
  if (w->gone == 0) w->gone = loop_real_now();
  WatchPoints points = {0};
  watch_points_follow(&points, w->path);
  char *main_file = xasprintf("%s/main.lua", w->path);
  watch_points_follow(&points, main_file);
  free(main_file);
  watch_all(w, &points, NULL);
  watch_points_free(&points);
  look_later(w->watch, LEAVE);
}

static void log_gone(Watched *w) {
  w->gone_logged = true;
  log_write(
      w->watch->log, LOG_WARN, w->name,
      "%s is gone: the generation that runs goes on. Bring it back, and it is loaded "
      "if it differs; SIGHUP tries at once",
      w->path);
}

static void come_back(Watched *w) {
  if (w->gone_logged) log_write(w->watch->log, LOG_INFO, w->name, "%s is back", w->path);
  w->gone = 0;
  w->gone_logged = false;
}

/* --- acting on it ----------------------------------------------------------------- */

static Watched *find_watched(const Watch *watch, const Script *script) {
  Watched *w = watch->scripts;
  while (w && w->script != script) w = w->next;
  return w;
}

/* Whether the script is to be read now. */
static bool take_change(Watched *w) {
  if (!w->dirty) return false;
  w->dirty = false;
  if (!is_gone(w)) return true;
  watch_for_return(w);
  return false;
}

static void report_changes(Watch *watch) {
  size_t count = 0;
  for (Watched *w = watch->scripts; w; w = w->next) count++;
  Script **scripts = xcalloc(count + 1, sizeof *scripts);
  count = 0;
  for (Watched *w = watch->scripts; w; w = w->next)
    if (take_change(w)) scripts[count++] = w->script;
  watch->options.changed(watch->options.ctx, scripts, count);
  free(scripts);
}

static bool waits_for(Watched *w, Settled settled, double now, double *due) {
  *due = 0;
  if (settled != SETTLED_EMPTY) w->empty = 0;
  else if (w->empty == 0) w->empty = now;
  if (settled == SETTLED_EMPTY) *due = w->empty + EMPTY;
  if (settled == SETTLED_PARTLY) *due = settled_at(w->watch, SETTLE);
  return *due > now;
}

bool watch_waits(Watch *watch, const Script *script, Settled settled) {
  Watched *w = find_watched(watch, script);
  double due, now = loop_real_now();
  if (!w || watch->first == 0) return false;
  if (!waits_for(w, settled, now, &due)) return false;
  if (!timer_active(&watch->timer) || due > watch->timer.due)
    timer_start_at(watch->loop, &watch->timer, due);
  return true;
}

void watch_again(Watch *watch, const Script *script) {
  Watched *w = find_watched(watch, script);
  if (w) w->dirty = true;
}

/* Unless some of it is waited for. */
static void forget_changes(Watch *watch) {
  if (timer_active(&watch->timer)) return;
  watch->first = 0;
  watch->filled = false;
}

static void on_settled(Timer *timer) {
  Watch *watch = CONTAINER_OF(timer, Watch, timer);
  report_changes(watch);
  forget_changes(watch);
}

/* Once a second, while there is something to look for. */
static void on_look(Timer *timer) {
  Watch *watch = CONTAINER_OF(timer, Watch, look);
  double now = loop_real_now();
  for (Watched *w = watch->scripts; w; w = w->next) {
    if (w->polled && stamps_changed(&w->stamps)) mark_changed(w);
    if (w->gone > 0 && !w->gone_logged) {
      if (!is_gone(w)) mark_changed(w);
      else if (now >= w->gone + LEAVE) log_gone(w);
    }
    if (w->polled) look_later(watch, POLL);
    else if (w->gone > 0 && !w->gone_logged) look_later(watch, LEAVE / 4);
  }
}

/* --- watching --------------------------------------------------------------------- */

static void on_closed(uv_handle_t *handle) {
  Dir *dir = handle->data;
  free(dir->point.dir);
  free(dir->point.name);
  free(dir);
}

static void log_limit(Watch *watch, const char *path, int rc) {
  bool limit = rc == UV_ENOSPC || rc == UV_EMFILE;
  if (!watch->limit_logged)
    log_write(watch->log, LOG_WARN, "watch",
              "cannot watch %s: %s; saves are looked for once a second instead%s", path,
              uv_strerror(rc),
              limit ? " (the limits are fs.inotify.max_user_watches and "
                      "max_user_instances)"
                    : "");
  watch->limit_logged = true;
}

static Dir *dir_new(Watched *w, const WatchPoint *point) {
  Dir *dir = xcalloc(1, sizeof *dir);
  uv_fs_event_init(loop_uv(w->watch->loop), &dir->handle);
  uv_unref((uv_handle_t *)&dir->handle);
  dir->handle.data = dir;
  dir->owner = w;
  dir->point =
      (WatchPoint){xstrdup(point->dir), point->name ? xstrdup(point->name) : NULL};
  dir->next = w->dirs;
  w->dirs = dir;
  return dir;
}

static Dir *find_dir(const Watched *w, const WatchPoint *point) {
  for (Dir *d = w->dirs; d; d = d->next)
    if (strcmp(d->point.dir, point->dir) == 0 && !d->point.name == !point->name &&
        (!point->name || strcmp(d->point.name, point->name) == 0))
      return d;
  return NULL;
}

/* Whether its folder is no longer the one at the path: moved away, or made anew. */
static bool is_stale(const Dir *dir) {
  struct stat st;
  return stat(dir->point.dir, &st) != 0 || st.st_ino != dir->inode ||
         st.st_dev != dir->device;
}

/* What changed before the watch stood is seen by reading once more. A folder that went
 * meanwhile is one that its parent's watch reports. */
static int start_dir(Dir *dir) {
  struct stat st;
  if (stat(dir->point.dir, &st) != 0) return 0;
  dir->device = st.st_dev;
  dir->inode = st.st_ino;
  int rc = uv_fs_event_start(&dir->handle, on_change, dir->point.dir, 0);
  if (rc == 0) {
    dir->owner->begun = true;
    mark_changed(dir->owner);
  }
  return rc == UV_ENOENT || rc == UV_ENOTDIR ? 0 : rc;
}

static void watch_one(Watched *w, const WatchPoint *point) {
  Dir *dir = find_dir(w, point);
  if (dir && is_stale(dir)) uv_fs_event_stop(&dir->handle);
  if (!dir) dir = dir_new(w, point);
  dir->wanted = true;
  if (uv_is_active((uv_handle_t *)&dir->handle) || w->watch->options.poll) return;
  int rc = start_dir(dir);
  if (rc == 0) return;
  log_limit(w->watch, point->dir, rc);
  w->polled = true;
}

/* Closes what is not wanted any more. */
static void close_unwanted(Watched *w) {
  Dir **at = &w->dirs;
  while (*at) {
    Dir *dir = *at;
    if (dir->wanted) {
      at = &dir->next;
      continue;
    }
    *at = dir->next;
    uv_close((uv_handle_t *)&dir->handle, on_closed);
  }
}

/* These, and no others any more. Also where stat is asked, what differs from the last
 * time is read once more. */
static void watch_all(Watched *w, const WatchPoints *points, const Sources *sources) {
  for (Dir *d = w->dirs; d; d = d->next) d->wanted = false;
  w->begun = false;
  w->polled = w->watch->options.poll;
  for (size_t i = 0; i < points->count; i++) watch_one(w, &points->list[i]);
  close_unwanted(w);
  if (!w->polled) {
    stamps_free(&w->stamps);
    return;
  }
  stamps_set(&w->stamps, points, sources);
  if (stamps_changed(&w->stamps)) mark_changed(w);
  look_later(w->watch, POLL);
}

void watch_sources(Watch *watch, Script *script, const char *name, const char *path,
                   const Sources *sources) {
  Watched *w = find_watched(watch, script);
  if (!w) {
    w = xcalloc(1, sizeof *w);
    *w = (Watched){.next = watch->scripts,
                   .watch = watch,
                   .script = script,
                   .name = xstrdup(name),
                   .path = xstrdup(path)};
    watch->scripts = w;
  }
  come_back(w);
  watch_all(w, &sources->points, sources);
}

bool watch_reads_again(Watch *watch, const Script *script) {
  Watched *w = find_watched(watch, script);
  bool again = w && w->begun && w->again < MAX_AGAIN;
  if (w) w->again = again ? w->again + 1 : 0;
  return again;
}

/* --- life ------------------------------------------------------------------------- */

Watch *watch_new(Loop *loop, Log *log, const WatchOptions *options) {
  Watch *watch = xcalloc(1, sizeof *watch);
  watch->loop = loop;
  watch->log = log;
  watch->options = *options;
  watch->timer.fire = on_settled;
  watch->look.fire = on_look;
  watch->timer.real = watch->look.real = true;
  return watch;
}

void watch_free(Watch *watch) {
  timer_stop(watch->loop, &watch->timer);
  timer_stop(watch->loop, &watch->look);
  while (watch->scripts) {
    Watched *w = watch->scripts;
    watch->scripts = w->next;
    for (Dir *d = w->dirs; d; d = d->next) d->wanted = false;
    close_unwanted(w);
    stamps_free(&w->stamps);
    free(w->name);
    free(w->path);
    free(w);
  }
  free(watch);
}
