/* How a load goes, the first one and every reload:
 *
 *   1 script_load      reads and hashes all sources; nothing to do when they are
 * unchanged 2 stage            a new generation runs its top level in slices: it only
 * declares. The current one goes on handling events meanwhile 3 on_staged        the top
 * level has ended. Failed: the new generation is killed and the error told; nothing else
 * has changed 4 swap             between two turns: resources_reconcile opens what is new
 * or changed (on failure: as 3); the old generation retires, the new one is current;
 *                      script.keep is brought up to date; resources and timers start
 *   5 start            on_start runs as the first task
 *   6                  what was not claimed gets the grace, then closes
 *
 * A save during 2 starts over at 1. */
#include "script/script.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "script/luaerror.h"
#include "script/resource.h"
#include "script/state.h"
#include "script/task.h"
#include "script/watch.h"
#include "script/watchdog.h"

/* --- names ------------------------------------------------------------------------ */

bool name_valid(const char *name) {
  size_t len = strlen(name);
  if (len == 0 || len > 64) return false;
  for (; *name; name++)
    if (!isalnum((unsigned char)*name) && !strchr("_.-", *name)) return false;
  return true;
}

/* Returns new: the last part of the path, without .lua. */
static char *last_part(const char *path) {
  size_t end = strlen(path);
  while (end > 1 && path[end - 1] == '/') end--;
  size_t start = end;
  while (start > 0 && path[start - 1] != '/') start--;
  if (end - start > 4 && strncmp(path + end - 4, ".lua", 4) == 0) end -= 4;
  return xstrndup(path + start, end - start);
}

static char *name_of(const char *path) {
  char *real = path[strspn(path, "./")] ? NULL : realpath(path, NULL); /* "." or ".." */
  char *name = last_part(real ? real : path);
  free(real);
  return name;
}

Script *script_find(Runtime *rt, const char *name, size_t len) {
  for (Script *s = rt->scripts; s; s = s->next)
    if (strlen(s->name) == len && memcmp(s->name, name, len) == 0) return s;
  return NULL;
}

/* --- failing ---------------------------------------------------------------------- */

/* How Lua shows a source's path: cut at its start when it is long. */
static void shown_path(const char *path, char out[LUA_IDSIZE]) {
  size_t len = strlen(path), room = LUA_IDSIZE - 1;
  if (len <= room) memcpy(out, path, len + 1);
  else snprintf(out, LUA_IDSIZE, "...%s", path + len - (room - 3));
}

/* Finds "path:line:" of one of the sources in a message; appends the lines around it. */
static void add_excerpt(Generation *gen, const char *message, Buffer *out) {
  const char *best = NULL, *path = NULL;
  int line = 0;
  for (size_t i = 0; i < gen->sources->count; i++) {
    const SourceFile *file = &gen->sources->files[i];
    char shown[LUA_IDSIZE];
    shown_path(file->path, shown);
    const char *at = strstr(message, shown);
    size_t len = strlen(shown);
    if (!at || at[len] != ':' || !isdigit((unsigned char)at[len + 1])) continue;
    if (best && at > best) continue;
    best = at;
    path = file->path;
    line = atoi(at + len + 1);
  }
  if (best) sources_excerpt(gen->sources, path, line, out);
}

static void tell_failure(Script *script, Generation *gen, const char *message) {
  Buffer text = {0};
  buffer_printf(&text, "%s\n", message);
  if (gen) add_excerpt(gen, message, &text);
  buffer_puts(&text, script->current
                         ? "  the reload is given up: the previous version goes on"
                         : "  the script could not be loaded");
  log_record(script->rt->log, LOG_ERROR, script->name, buffer_text(&text), NULL);
  buffer_free(&text);
}

static void load_failed(Script *script, Generation *gen, const char *message) {
  tell_failure(script, gen, message);
  if (gen) generation_kill(gen);
  if (script->current) return;
  script->failed = true;
  runtime_exit(script->rt, 1);
}

/* --- swapping --------------------------------------------------------------------- */

static int push_start(lua_State *L, void *ctx) {
  Generation *gen = generation_of(L);
  lua_rawgeti(L, LUA_REGISTRYINDEX, ctx == gen ? gen->on_start : gen->on_stop);
  lua_pushstring(L, ctx != gen ? "stop" : gen->number == 1 ? "start" : "reload");
  return 1;
}

/* A start that failed is a failure of the whole, if nothing comes after it. */
static void started(void *ctx, lua_State *co, int n, bool ok) {
  Runtime *rt = ctx;
  (void)n;
  if (!ok && co && !rt->stopping) rt->exit_code = 1;
}

static void swap(Generation *gen) {
  Script *script = gen->script;
  Generation *old = script->current;
  Error err;
  if (resources_reconcile(gen, &err) != 0) {
    load_failed(script, gen, err.message);
    return;
  }
  Keep after = keep_capture(old);
  if (old) keep_merge(gen, &script->keep_before, &after);
  keep_free(&after);
  keep_free(&script->keep_before);
  script->staging = NULL;
  if (old && gen->migrated) generation_cancel_tasks(old);
  if (old) generation_retire(old);
  script->current = gen;
  generation_start(gen);
  resources_start(gen);
  resources_orphan(script); /* before on_start, which may claim them */
  if (old)
    log_write(script->rt->log, LOG_INFO, script->name, "reloaded (version %u)",
              gen->number);
  if (gen->on_start != LUA_NOREF)
    task_start(gen, TASK_NAME("on_start", NULL), push_start, gen, started, gen->rt);
  if (script->rt->options.tests_only && !script->rt->has_tests)
    runtime_exit(script->rt, 1); /* whatever it connected to: there is nothing to run */
}

/* --- staging ---------------------------------------------------------------------- */

struct Staged {
  Event event;
  Script *script;
  Generation *gen; /* NULL: given up meanwhile */
  bool ok;
};

/* Between two turns: the stage's coroutine is off the C stack. */
static void on_staged(Event *event) {
  Staged *staged = CONTAINER_OF(event, Staged, event);
  Script *script = staged->script;
  Generation *gen = staged->gen;
  bool ok = staged->ok;
  free(staged);
  if (!gen) return;
  script->staged = NULL;
  if (script->rt->stopping || (ok && script->rt->options.check_only)) {
    generation_kill(gen);
  } else if (ok) {
    swap(gen);
  } else {
    generation_kill(gen);
    if (!script->current) {
      script->failed = true;
      runtime_exit(script->rt, 1);
    }
  }
}

static void stage_done(void *ctx, lua_State *co, int n, bool ok) {
  (void)n;
  Generation *gen = ctx;
  Script *script = gen->script;
  Task *stage = script->stage;
  script->stage = NULL;
  if (!co && script->staging != gen) return; /* killed: a newer save came */
  if (!ok) {
    char *message = co ? task_describe(gen, co, stage ? stage->trace : NULL)
                       : xstrdup("no memory to run the script");
    tell_failure(script, gen, message);
    free(message);
  }
  Staged *staged = xcalloc(1, sizeof *staged);
  *staged = (Staged){.event.run = on_staged, .script = script, .gen = gen, .ok = ok};
  script->staged = staged;
  inbox_push(script->rt->loop, &staged->event);
}

static int push_main(lua_State *L, void *ctx) {
  (void)ctx;
  Generation *gen = generation_of(L);
  lua_State *from = gen->L;
  lua_xmove(from, L, 1); /* state_load_main left it there */
  watchdog_stage(L);
  gen->script->stage = gen->rt->current;
  return 0;
}

static int f_make_keep(lua_State *L) {
  lua_newtable(L);
  lua_pushinteger(L, luaL_ref(L, LUA_REGISTRYINDEX));
  return 1;
}

static int make_keep(Generation *gen, Error *err) {
  lua_State *L = gen->L;
  lua_pushcfunction(L, f_make_keep);
  if (lua_pcall(L, 0, 1, 0) != LUA_OK) return error_set(err, ERR_MEMORY, "no memory");
  gen->keep = (int)lua_tointeger(L, -1);
  lua_pop(L, 1);
  Keep none = {0};
  gen->script->keep_before = keep_capture(gen->script->current);
  keep_merge(gen, &none, &gen->script->keep_before);
  return 0;
}

static void stage(Script *script, Sources *sources) {
  Error err;
  Generation *gen = generation_new(script, sources);
  script->staging = gen;
  script->stage_clock = (StageClock){0};
  keep_free(&script->keep_before);
  if (state_open(gen, &err) || make_keep(gen, &err) || state_load_main(gen, &err)) {
    load_failed(script, gen, err.message);
    return;
  }
  task_start(gen, TASK_NAME("the top level", NULL), push_main, NULL, stage_done, gen);
}

/* A load under way is given up, for a newer one or because all ends. */
static void give_up_staging(Script *script) {
  if (script->staged) script->staged->gen = NULL; /* the event is on its way */
  script->staged = NULL;
  if (script->staging) generation_kill(script->staging);
}

/* Sources that cannot be read are told once, until they can be. */
static void unreadable(Script *script, const Error *err) {
  if (script->unreadable == err->code) return;
  script->unreadable = err->code;
  load_failed(script, NULL, err->message);
}

void script_load(Script *script) {
  Error err;
  if (script->rt->stopping) return;
  Sources *sources = sources_read(script->path, &err);
  if (!sources) {
    unreadable(script, &err);
    return;
  }
  script->unreadable = ERR_NONE;
  if (script->rt->watch) watch_sources(script->rt->watch, script, sources);
  if (sources->hash == script->seen) {
    sources_free(sources);
    return;
  }
  script->seen = sources->hash;
  give_up_staging(script);
  stage(script, sources);
}

void scripts_load(Runtime *rt, Script *const *changed, size_t count) {
  (void)rt;
  for (size_t i = 0; i < count; i++) script_load(changed[i]);
}

/* --- life ------------------------------------------------------------------------- */

static char **copy_args(char *const *args) {
  size_t n = 0;
  while (args && args[n]) n++;
  char **copy = xcalloc(n + 1, sizeof *copy);
  for (size_t i = 0; i < n; i++) copy[i] = xstrdup(args[i]);
  return copy;
}

Script *script_add(Runtime *rt, const char *name, const char *path, char *const *args,
                   Error *err) {
  char *own = name ? xstrdup(name) : name_of(path);
  Script *script = NULL;
  if (!name_valid(own)) {
    error_set(err, ERR_INVALID,
              "the script name \"%s\" must be made of letters, digits, _ . - "
              "(give one with NAME=%s)",
              own, path);
  } else if (script_find(rt, own, strlen(own))) {
    error_set(err, ERR_BUSY,
              "two scripts are called \"%s\": give one another name with NAME=%s", own,
              path);
  } else {
    script = xcalloc(1, sizeof *script);
    *script = (Script){.rt = rt, .name = xstrdup(own), .path = xstrdup(path)};
    for (size_t n = strlen(path); n > 1 && path[n - 1] == '/'; n--)
      script->path[n - 1] = '\0';
    script->args = copy_args(args);
    Script **at = &rt->scripts;
    while (*at) at = &(*at)->next;
    *at = script;
    script_load(script);
  }
  free(own);
  return script;
}

void script_stop(Script *script) {
  Generation *gen = script->current;
  give_up_staging(script);
  if (gen && gen->on_stop != LUA_NOREF)
    task_start(gen, TASK_NAME("on_stop", NULL), push_start, NULL, NULL, NULL);
}

bool script_has_work(const Script *script) {
  return script->staging || script->retiring ||
         (script->current && generation_has_work(script->current));
}

void script_free(Script *script) {
  give_up_staging(script);
  while (script->retiring) generation_kill(script->retiring);
  if (script->current) generation_kill(script->current);
  keep_free(&script->keep_before);
}
