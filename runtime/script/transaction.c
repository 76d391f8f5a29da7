/* How a load goes, the first one and every reload, of one script or of several that
 * share a file that changed: a transaction. It happens whole or not at all.
 *
 *   1 scripts_load     (batch.c) reads and compares all sources; nothing to do when they
 *                      are unchanged
 *   2 stage            (stage.c) each script's new generation runs its top level in
 *                      slices: it only declares. The current ones go on handling events
 *   3 on_staged        all top levels have ended, or one has failed
 *   4 prepare          between two turns: script.keep is carried over, what is declared
 *                      is opened beside what there is. All of it can be taken back, and
 *                      is when anything fails, in any of the scripts
 *   5 take over        the new generations claim, the old ones retire. Cannot fail
 *   6 start            on_start runs as the first task, owners before those who attach
 *   7                  what was not claimed gets the grace, then closes
 *
 * Memory that the system does not have is lent by the reserve (core/base.h): a load
 * during which that happens is given up, before 5.
 *
 * A save during 2 gives the transaction up and starts over at 1, with all that were part
 * of it. Those held back by a failure are tried again with whoever shares the file. */
#include "script/transaction.h"

#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

#include "script/parts.h"
#include "script/keep_file.h"
#include "script/lint.h"
#include "script/probation.h"
#include "script/screen.h"
#include "vm/task.h"
#include "script/version.h"

/* --- life ------------------------------------------------------------------------- */

static void reload_free(Reload *r) {
  free(r->scripts);
  free(r->shared);
  free(r);
}

/* It is over: what is still staged is killed. */
static void leave(Reload *r) {
  for (size_t i = 0; i < r->count; i++) {
    Script *script = r->scripts[i];
    script->reload = NULL;
    if (script->staging) {
      if (script->staging->sources->hash == script->seen)
        load_note_failed(script, script->staging->sources); /* else one from before */
      generation_kill(script->staging);
    }
    keep_free(&script->keep_before);
    probation_resume(script);
  }
}

void script_give_up_load(Script *script) {
  Reload *r = script->reload;
  if (!r) return;
  for (size_t i = 0; i < r->count; i++) r->scripts[i]->held = r->count > 1;
  leave(r);
  r->given_up = true;
  if (!r->queued) reload_free(r); /* else its event is on its way */
}

/* --- order ------------------------------------------------------------------------- */

/* Whether `from` attaches to something of the script's. */
static bool attaches(const Generation *from, const Script *to) {
  size_t len = strlen(to->owner.name);
  for (const Declaration *d = from->vm.decls; d; d = d->next)
    if (d->attached && strncmp(d->name, to->owner.name, len) == 0 && d->name[len] == ':')
      return true;
  return false;
}

/* Whether it attaches to none of those that are still to come, but itself. */
static bool is_free(const Reload *r, size_t placed, size_t n) {
  for (size_t i = placed; i < r->count; i++)
    if (i != n && attaches(r->scripts[n]->staging, r->scripts[i])) return false;
  return true;
}

/* Owners before those who attach to them; else in the order of adding, which also breaks
 * a circle. */
static void put_in_order(Reload *r) {
  for (size_t placed = 0; placed < r->count; placed++) {
    size_t n = placed;
    while (n < r->count && !is_free(r, placed, n)) n++;
    if (n == r->count) n = placed;
    Script *next = r->scripts[n];
    memmove(&r->scripts[placed + 1], &r->scripts[placed],
            (n - placed) * sizeof *r->scripts);
    r->scripts[placed] = next;
  }
}

/* --- preparing --------------------------------------------------------------------- */

/* What the old version keeps, as it is now. */
static int carry_keep(Script *script, Error *err) {
  if (!script_current(script)) return 0;
  Keep after;
  int code = keep_capture(script_current(script), true, &after, err);
  if (code == 0) code = keep_merge(script->staging, &script->keep_before, &after, err);
  keep_free(&after);
  return code;
}

/* Something, somewhere, got its memory from the reserve since the load began. */
static int check_memory(Reload *r, Error *err) {
  r->culprit = r->scripts[0];
  return memory_is_short() ? error_set(err, ERR_MEMORY, "MEMORY: no memory left") : 0;
}

static int prepare(Reload *r, Error *err) {
  if (check_memory(r, err)) return (int)err->code;
  for (size_t i = 0; i < r->count; i++) {
    r->culprit = r->scripts[i];
    Generation *gen = r->culprit->staging;
    gen->vm.memory_limit = r->rt->host.memory_limit; /* its top level is over */
    if (carry_keep(r->culprit, err) || version_prepare(r->culprit, err) ||
        resources_open(&gen->vm, err))
      return (int)err->code;
  }
  for (size_t i = 0; i < r->count; i++) {
    r->culprit = r->scripts[i];
    if (resources_replace(&r->culprit->staging->vm, err)) return (int)err->code;
  }
  if (check_memory(r, err)) return (int)err->code;
  r->culprit = NULL;
  return 0;
}

/* --- taking over ------------------------------------------------------------------- */

static void retire(Script *script) {
  Generation *old = script_current(script);
  for (Generation *g = script->retiring; g; g = g->next) generation_cut(g);
  if (!old) return;
  if (script->staging->vm.migrated) generation_cancel_tasks(old);
  generation_retire(old);
}

static void take_over(Script *script, Buffer *what) {
  Generation *gen = script->staging;
  double grace =
      script_current(script) ? script_current(script)->grace_seconds : gen->grace_seconds;
  probation_begin(gen);
  gen->first = !script_current(script);
  script->ended = false;
  if (script_current(script)) runtime_hold(script->rt, grace); /* a save may go on */
  retire(script);
  script->staging = NULL;
  script->owner.current = &gen->vm;
  script->reload = NULL;
  script->held = false;
  keep_free(&script->keep_before);
  generation_start(gen);
  keep_file_take_over(gen);
  resources_orphan(&script->owner, grace); /* before on_start, which may claim them */
  notice_describe(gen, what);
}

static int push_start(lua_State *L, void *ctx) {
  Generation *gen = ctx;
  lua_rawgeti(L, LUA_REGISTRYINDEX, gen->functions[ON_START]);
  lua_pushstring(L, gen->first ? "start" : "reload");
  return 1;
}

/* A start that failed is a failure of the whole, if nothing comes after it. */
static void started(void *ctx, lua_State *co, int n, bool ok) {
  Generation *gen = ctx;
  Runtime *rt = gen->rt;
  (void)n;
  if (ok || !co || rt->host.stopping || gen->vm.state != VM_LIVE) return;
  if (!probation_start_failed(gen) && script_is_first(gen->script)) rt->exit_code = 1;
}

static void run_on_start(Generation *gen) {
  Runtime *rt = gen->rt;
  if (gen->functions[ON_START] != LUA_NOREF)
    task_start(&gen->vm, TASK_NAME("on_start", NULL), push_start, gen, started, gen);
  if (rt->options.tests_only && !rt->tests.asked)
    runtime_exit(rt, 1); /* whatever it connected to: there is nothing to run */
}

/* Everything of one script comes after the same of its owners; nothing of Lua runs before
 * all have taken over. */
static void take_over_all(Reload *r, double began) {
  Buffer *what = xcalloc(r->count, sizeof *what);
  Sources **old = xcalloc(r->count, sizeof(Sources *));
  for (size_t i = 0; i < r->count; i++) resources_bind(&r->scripts[i]->staging->vm);
  for (size_t i = 0; i < r->count; i++) {
    Generation *before = script_current(r->scripts[i]);
    if (before) old[i] = before->sources;
    take_over(r->scripts[i], &what[i]);
  }
  for (size_t i = 0; i < r->count; i++) resources_start(r->scripts[i]->owner.current);
  double pause = loop_now(r->rt->host.loop) - began;
  screen_look(r->rt);
  for (size_t i = 0; i < r->count; i++)
    if (old[i]) notice_log(r->scripts[i], old[i], pause, &what[i]);
  for (size_t i = 0; i < r->count; i++) run_on_start(script_current(r->scripts[i]));
  for (size_t i = 0; i < r->count; i++) {
    if (old[i]) notice_tell(r->scripts[i], &what[i], pause);
    buffer_free(&what[i]);
  }
  free(old);
  free(what);
}

/* --- the end ----------------------------------------------------------------------- */

/* The others are staged anew, as they are now: only the first script named holds others
 * back. */
static void go_on_without(Reload *r, const Script *out) {
  Script **others = xcalloc(r->count, sizeof *others);
  size_t count = 0;
  for (size_t i = 0; i < r->count; i++)
    if (r->scripts[i] != out) others[count++] = r->scripts[i];
  leave(r);
  for (size_t i = 0; i < count; i++) others[i]->seen = 0;
  scripts_load(r->rt, others, count);
  free(others);
}

void script_leave_load(Script *script) {
  Reload *r = script->reload;
  if (!r) return;
  go_on_without(r, script);
  r->given_up = true;
  if (!r->queued) reload_free(r); /* else its event is on its way */
}

static void fail(Reload *r) {
  bool first = script_is_first(r->culprit);
  if (!script_current(r->culprit) && first) runtime_exit(r->rt, STATUS_UNLOADED);
  r->culprit->cannot = true;
  probation_lost(r->culprit);
  if (r->count > 1 && !first) {
    go_on_without(r, r->culprit);
    return;
  }
  for (size_t i = 0; i < r->count; i++) {
    Script *script = r->scripts[i];
    script->held = r->count > 1;
    if (script != r->culprit) notice_held(script, r);
  }
  leave(r);
}

static void swap(Reload *r) {
  Error err;
  double began = loop_now(r->rt->host.loop);
  put_in_order(r);
  if (prepare(r, &err) == 0) {
    take_over_all(r, began);
    return;
  }
  for (size_t i = 0; i < r->count; i++) resources_undo(&r->scripts[i]->staging->vm);
  notice_failed(r->culprit, r->culprit->staging, err.message);
  fail(r);
}

static void check(Reload *r) {
  Error err;
  for (size_t i = 0; i < r->count; i++)
    if (resources_check(&r->scripts[i]->staging->vm, &err) != 0) {
      notice_failed(r->scripts[i], r->scripts[i]->staging, err.message);
      runtime_exit(r->rt, 1);
    } else {
      r->rt->warnings += lint(r->scripts[i]->staging, false);
    }
  leave(r);
}

/* Between two turns: the coroutines of the stages are off the C stack. */
static void on_staged(Event *event) {
  Reload *r = CONTAINER_OF(event, Reload, event);
  if (r->given_up) {
    reload_free(r);
    return;
  }
  r->queued = false;
  if (r->rt->host.stopping) leave(r);
  else if (r->culprit) fail(r);
  else if (r->rt->options.check_only) check(r);
  else swap(r);
  runtime_reserve(r->rt, r->culprit != NULL);
  reload_free(r);
}

void reload_staged(Script *script, bool ok) {
  Reload *r = script->reload;
  if (!ok && !r->culprit) r->culprit = script;
  r->staging--;
  if (r->queued || (!r->culprit && r->staging > 0)) return;
  r->queued = true;
  inbox_push(r->rt->host.loop, &r->event);
}

void reload_begin(Runtime *rt, Script **scripts, Sources **sources, size_t count,
                  char *shared) {
  Reload *r = xcalloc(1, sizeof *r);
  *r = (Reload){.event.run = on_staged,
                .rt = rt,
                .scripts = scripts,
                .count = count,
                .shared = shared,
                .staging = count};
  for (size_t i = 0; i < count; i++) {
    scripts[i]->reload = r;
    scripts[i]->held = scripts[i]->cannot = false;
    uses_free(&scripts[i]->failed);
    scripts[i]->seen = sources[i]->hash;
  }
  for (size_t i = 0; i < count; i++) {
    if (!r->culprit) {
      stage(scripts[i], sources[i]);
      continue;
    }
    load_note_failed(scripts[i], sources[i]); /* the error of one, told once */
    sources_free(sources[i]);
  }
}
