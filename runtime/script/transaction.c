/* How a load goes, the first one and every reload, of one script or of several that
 * share a file that changed: a transaction. It happens whole or not at all.
 *
 * 1. scripts_load (batch.c) reads all sources and compares them. Nothing is done when
 *    they are unchanged.
 *
 * 2. Staging: each script's new generation runs its top level, in slices. It only
 *    declares. The current generations go on handling events.
 *
 * 3. on_staged: all top levels have ended, or one has failed. What came to the running
 *    generations and is held back runs first.
 *
 * 4. Preparing, between two turns: script.keep is carried over, and what is declared is
 *    opened beside the resources that exist. All of it can be undone, and is undone when
 *    anything fails in any of the scripts.
 *
 * 5. Taking over: the new generations claim, the old ones retire. This cannot fail.
 *
 * 6. Resources that nobody claimed get the grace, then they are closed.
 *
 * 7. on_start runs as the first task: owners before those who attach.
 *
 * The steps fill a report for each script; notice.c reads it at the end. When the system
 * has no memory left, the reserve (core/base.h) lends some: a load during which that
 * happens is given up, before 5.
 *
 * A save during 2 gives the transaction up and starts over at 1, with all scripts that
 * were part of it. Those held back by a failure are tried again with a script that shares
 * the file. */
#include "script/transaction.h"

#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

#include "script/exit.h"
#include "script/keep_file.h"
#include "script/lint.h"
#include "script/notice.h"
#include "resource/reconcile.h"
#include "script/parts.h"
#include "script/probation.h"
#include "script/reload_request.h"
#include "script/tried.h"
#include "vm/hold.h"
#include "vm/state.h"
#include "vm/task.h"
#include "vm/task_error.h"
#include "vm/watchdog.h"

/* --- life ------------------------------------------------------------------------- */

static void transaction_free(LoadTransaction *t) {
  for (size_t i = 0; i < t->count; i++) {
    LoadReport *report = &t->reports[i];
    sources_free(report->before);
    sources_free(report->staged);
    free(report->failure);
    buffer_free(&report->result);
  }
  free(t->reports);
  free(t->shared);
  free(t);
}

/* The scripts are free for another load; what is still staged is killed. */
static void detach_scripts(LoadTransaction *t) {
  for (size_t i = 0; i < t->count; i++) {
    Script *script = t->reports[i].script;
    script->load = NULL;
    if (script->staging) {
      if (script->staging->sources->hash == script->seen)
        tried_failed(script, script->staging->sources); /* else an earlier one */
      generation_kill(script->staging);
    }
    keep_free(&script->keep_before);
    probation_resume(script);
  }
}

/* No other load follows by itself. */
static void release_scripts(LoadTransaction *t) {
  detach_scripts(t);
  for (size_t i = 0; i < t->count; i++) reload_after_load(t->reports[i].script);
}

static void abandon_load(LoadTransaction *t) {
  t->given_up = true;
  if (!t->queued) transaction_free(t); /* else its event is on its way */
}

void transaction_give_up(Script *script) {
  LoadTransaction *t = script->load;
  if (!t) return;
  for (size_t i = 0; i < t->count; i++) t->reports[i].script->comes_along = t->count > 1;
  detach_scripts(t);
  abandon_load(t);
}

/* The others are loaded anew, from what is saved by then: only a failure of the first
 * script named holds others back. */
static void load_without(LoadTransaction *t, const Script *out) {
  for (size_t i = 0; i < t->count; i++)
    if (t->reports[i].script != out) reload_ask(t->reports[i].script);
  release_scripts(t);
}

void transaction_leave(Script *script) {
  LoadTransaction *t = script->load;
  if (!t) return;
  load_without(t, script);
  abandon_load(t);
}

/* The first failure of the script counts. */
static void fail_script(Script *script, const char *message) {
  LoadTransaction *t = script->load;
  LoadReport *report = t->reports;
  while (report->script != script) report++;
  if (report->failure) return;
  report->failure = xstrdup(message);
  if (script->staging) report->staged = sources_retain(script->staging->sources);
  if (!t->culprit) t->culprit = script;
}

/* --- staging ----------------------------------------------------------------------- */

/* Its end is awaited no more: of all when all have ended, or one has failed. */
static void end_staging(LoadTransaction *t) {
  t->staging--;
  if (t->queued || (!t->culprit && t->staging > 0)) return;
  t->queued = true;
  inbox_push(t->rt->host.loop, &t->event);
}

/* It has not failed: its load is given up, or the process ends and has no more time. */
static bool was_stopped(const Generation *gen, TaskOutcome outcome) {
  return outcome == TASK_KILLED || outcome == TASK_ABANDONED ||
         (outcome == TASK_FAILED && watchdog_is_over(gen->rt->host.watchdog));
}

static void on_top_level_done(void *ctx, lua_State *co, int n, TaskOutcome outcome) {
  (void)n;
  Generation *gen = ctx;
  Script *script = gen->script;
  Task *top_level = script->owner.stage;
  script->owner.stage = NULL;
  if (was_stopped(gen, outcome)) return;
  if (outcome != TASK_OK) {
    char *message =
        co ? task_describe_error(&gen->vm, co, top_level ? task_trace(top_level) : NULL)
           : xstrdup("no memory to run the script");
    fail_script(script, message);
    free(message);
  }
  gen->ran = true;
  end_staging(script->load);
}

static int push_main(lua_State *L, void *ctx) {
  (void)ctx;
  Generation *gen = generation_of(L);
  lua_State *from = gen->vm.L;
  lua_xmove(from, L, 1); /* generation_load_main left it there */
  watchdog_stage(L);
  gen->script->owner.stage = gen->rt->host.current;
  return 0;
}

/* Takes the sources. */
static void stage_script(Script *script, Sources *sources) {
  Error err;
  Generation *gen = generation_new(script, sources);
  script->staging = gen;
  script->owner.stage_clock = (StageClock){0};
  keep_free(&script->keep_before);
  if (state_open(&gen->vm, &err) || keep_begin(gen, &err) ||
      generation_load_main(gen, &err)) {
    fail_script(script, err.message);
    end_staging(script->load);
    return;
  }
  generation_limit_stage(gen);
  task_start(&gen->vm, TASK_NAME("the top level", NULL), push_main, NULL,
             on_top_level_done, gen);
}

/* --- order ------------------------------------------------------------------------- */

/* Whether `from` attaches to something of the script's. */
static bool attaches_to(const Generation *from, const Script *to) {
  size_t len = strlen(to->owner.name);
  for (const Declaration *d = from->vm.decls; d; d = d->next)
    if (d->attached && strncmp(d->name, to->owner.name, len) == 0 && d->name[len] == ':')
      return true;
  return false;
}

/* Whether it attaches to none of those that are still to come, but itself. */
static bool is_free(const LoadTransaction *t, size_t placed, size_t n) {
  for (size_t i = placed; i < t->count; i++)
    if (i != n && attaches_to(t->reports[n].script->staging, t->reports[i].script))
      return false;
  return true;
}

/* Owners before those who attach to them; else in the order of adding, which also breaks
 * a circle. */
static void put_in_order(LoadTransaction *t) {
  for (size_t placed = 0; placed < t->count; placed++) {
    size_t n = placed;
    while (n < t->count && !is_free(t, placed, n)) n++;
    if (n == t->count) n = placed;
    LoadReport next = t->reports[n];
    memmove(&t->reports[placed + 1], &t->reports[placed],
            (n - placed) * sizeof *t->reports);
    t->reports[placed] = next;
  }
}

/* --- preparing --------------------------------------------------------------------- */

/* Whether some memory came from the reserve since the load began. */
static int check_memory(LoadTransaction *t, Error *err) {
  t->culprit = t->reports[0].script;
  return memory_is_short() ? error_set(err, ERR_MEMORY, "MEMORY: no memory left") : 0;
}

/* On failure `culprit` says whose. */
static int prepare_scripts(LoadTransaction *t, Error *err) {
  if (check_memory(t, err)) return (int)err->code;
  for (size_t i = 0; i < t->count; i++) {
    t->culprit = t->reports[i].script;
    Generation *gen = t->culprit->staging;
    gen->vm.memory_limit = t->rt->host.memory_limit; /* its top level is over */
    if (keep_carry_over(t->culprit, err) || resources_open(&gen->vm, err))
      return (int)err->code;
  }
  for (size_t i = 0; i < t->count; i++) {
    t->culprit = t->reports[i].script;
    if (resources_replace(&t->culprit->staging->vm, err)) return (int)err->code;
  }
  if (check_memory(t, err)) return (int)err->code;
  t->culprit = NULL;
  return 0;
}

/* --- taking over ------------------------------------------------------------------- */

static void retire_current(Script *script) {
  Generation *old = script_current(script);
  for (Generation *g = script->retiring; g; g = g->next) generation_cut(g);
  if (!old) return;
  if (script->staging->vm.migrated) generation_cancel_tasks(old);
  generation_retire(old);
}

static void take_over(LoadReport *report) {
  Script *script = report->script;
  Generation *gen = script->staging, *old = script_current(script);
  double grace = old ? old->grace_seconds : gen->grace_seconds;
  probation_begin(gen);
  gen->first = !old;
  script->ended = false;
  if (old) report->before = sources_retain(old->sources);
  if (old) runtime_stay(script->rt, grace); /* a save may go on */
  retire_current(script);
  script->staging = NULL;
  script->owner.current = &gen->vm;
  script->load = NULL;
  script->comes_along = false;
  reload_after_load(script);
  keep_free(&script->keep_before);
  generation_start(gen);
  keep_file_take_over(gen);
  /* Before on_start, which may claim them. */
  resources_orphan(&script->owner, grace, &report->result);
}

static int push_start(lua_State *L, void *ctx) {
  Generation *gen = ctx;
  lua_rawgeti(L, LUA_REGISTRYINDEX, gen->functions[ON_START]);
  lua_pushstring(L, gen->first ? "start" : "reload");
  return 1;
}

/* A start that failed is a failure of the whole, if nothing comes after it. */
static void on_start_done(void *ctx, lua_State *co, int n, TaskOutcome outcome) {
  Generation *gen = ctx;
  Runtime *rt = gen->rt;
  (void)co, (void)n;
  if (outcome != TASK_FAILED && outcome != TASK_NOT_BEGUN) return;
  if (rt->host.stopping || gen->vm.state != VM_LIVE) return;
  if (!probation_start_failed(gen) && owner_is_first(gen->vm.owner)) rt->exit_code = 1;
}

static void run_on_start(Generation *gen) {
  Runtime *rt = gen->rt;
  if (gen->functions[ON_START] != LUA_NOREF)
    task_start(&gen->vm, TASK_NAME("on_start", NULL), push_start, gen, on_start_done,
               gen);
  if (rt->options.tests_only && !rt->tests.asked)
    runtime_exit(rt, 1); /* whatever it connected to: there is nothing to run */
}

/* Each step of one script comes after that step of its owners; no Lua runs before all
 * have taken over. */
static void take_over_all(LoadTransaction *t, double began) {
  for (size_t i = 0; i < t->count; i++)
    resources_bind(&t->reports[i].script->staging->vm, &t->reports[i].result);
  for (size_t i = 0; i < t->count; i++) take_over(&t->reports[i]);
  for (size_t i = 0; i < t->count; i++)
    resources_start(t->reports[i].script->owner.current);
  t->pause = loop_real_now() - began;
}

/* --- the end ----------------------------------------------------------------------- */

static void swap_generations(LoadTransaction *t) {
  Error err;
  double began = loop_real_now();
  put_in_order(t);
  if (prepare_scripts(t, &err) == 0) {
    take_over_all(t, began);
    return;
  }
  for (size_t i = 0; i < t->count; i++)
    resources_undo(&t->reports[i].script->staging->vm);
  fail_script(t->culprit, err.message);
}

/* A failure of another than the first script named holds nobody back. */
static bool holds_back(const LoadTransaction *t) {
  return t->count == 1 || owner_is_first(&t->culprit->owner);
}

static void mark_failure(LoadTransaction *t) {
  t->culprit->cannot = true;
  for (size_t i = 0; i < t->count; i++) {
    LoadReport *report = &t->reports[i];
    bool failed = report->script == t->culprit;
    report->good_lost = failed && probation_good_lost(report->script);
    report->held_back = !failed && holds_back(t);
  }
}

/* Often it says what was meant. */
static void lint_failed(LoadTransaction *t) {
  for (size_t i = 0; i < t->count; i++) {
    Generation *gen = t->reports[i].script->staging;
    if (t->reports[i].failure && gen && gen->ran) lint(gen, true);
  }
}

static void end_failed(LoadTransaction *t) {
  Script *culprit = t->culprit;
  if (t->rt->options.check_only) lint_failed(t);
  if (!script_current(culprit) && owner_is_first(&culprit->owner))
    runtime_exit(t->rt, STATUS_UNLOADED);
  for (size_t i = 0; holds_back(t) && i < t->count; i++)
    t->reports[i].script->comes_along = t->count > 1;
  if (holds_back(t)) release_scripts(t);
  else load_without(t, culprit);
}

static void check_resources(LoadTransaction *t) {
  Error err;
  for (size_t i = 0; i < t->count; i++)
    if (resources_check(&t->reports[i].script->staging->vm, &err) != 0)
      fail_script(t->reports[i].script, err.message);
}

static void end_check(LoadTransaction *t) {
  for (size_t i = 0; i < t->count; i++)
    if (t->reports[i].failure) runtime_exit(t->rt, 1);
    else t->rt->warnings += lint(t->reports[i].script->staging, false);
  detach_scripts(t);
}

static void end_reloaded(LoadTransaction *t) {
  notice_log_reloaded(t);
  for (size_t i = 0; i < t->count; i++)
    run_on_start(script_current(t->reports[i].script));
  notice_deliver_reloaded(t);
}

/* --- waiting for the first script named ----------------------------------------------
 */

static const Script *first_named(const Runtime *rt) {
  const Script *s = script_first(rt);
  while (s && !owner_is_first(&s->owner)) s = script_after(s);
  return s;
}

/* Whether it declares what the first script named, whose first load is under way, may
 * declare as well: which of them gets it does not depend on whose load takes longer. */
static bool comes_too_early(const LoadTransaction *t) {
  const Script *first = first_named(t->rt);
  if (!first || !first->load || first->load == t || script_current(first)) return false;
  for (size_t i = 0; i < t->count; i++)
    if (resources_contend(&t->reports[i].script->staging->vm)) return true;
  return false;
}

static void wake_waiting(Runtime *rt) {
  const Script *first = first_named(rt);
  if (first && first->load) return;
  for (Script *s = script_first(rt); s; s = script_after(s)) {
    LoadTransaction *t = s->load;
    if (!t || !t->waits) continue;
    t->waits = false;
    t->queued = true;
    inbox_push(rt->host.loop, &t->event);
  }
}

#define LONGEST_FLUSH 1.0 /* seconds */

/* What came to the generations that run, and waits for its turn, has it first: one event,
 * and the end of the load is looked at again. Others wait meanwhile, so not for long. */
static bool flush_held(LoadTransaction *t) {
  double now = loop_real_now();
  if (!t->flush_end) t->flush_end = now + LONGEST_FLUSH;
  for (size_t i = 0; i < t->count && now < t->flush_end; i++)
    if (hold_run_first(&t->reports[i].script->owner, &t->event)) return true;
  return false;
}

/* Between two turns: the coroutines of the stages are off the C stack. */
static void end_load(LoadTransaction *t) {
  bool over = t->given_up || t->rt->host.stopping, staged = !over && !t->culprit;
  bool checks = t->rt->options.check_only;
  if (staged && checks) check_resources(t);
  else if (staged) swap_generations(t);
  if (!over && t->culprit && !(staged && checks)) mark_failure(t);
  notice_failed(t);
  if (t->given_up) {
    transaction_free(t);
    return;
  }
  if (over) detach_scripts(t);
  else if (staged && checks) end_check(t);
  else if (t->culprit) end_failed(t);
  else end_reloaded(t);
  runtime_reserve(t->rt, t->culprit != NULL);
  transaction_free(t);
}

static void on_staged(Event *event) {
  LoadTransaction *t = CONTAINER_OF(event, LoadTransaction, event);
  Runtime *rt = t->rt;
  bool staged = !t->given_up && !rt->host.stopping && !t->culprit;
  t->waits = staged && comes_too_early(t);
  if (staged && !t->waits && flush_held(t)) return;
  if (t->waits) t->queued = false;
  else end_load(t);
  wake_waiting(rt);
  notice_find_screen(rt);
}

void transaction_begin(Runtime *rt, Script *const *scripts, Sources *const *sources,
                       size_t count, char *shared) {
  LoadTransaction *t = xcalloc(1, sizeof *t);
  *t = (LoadTransaction){.event.run = on_staged,
                         .rt = rt,
                         .reports = xcalloc(count, sizeof *t->reports),
                         .count = count,
                         .shared = shared,
                         .staging = count};
  for (size_t i = 0; i < count; i++) {
    t->reports[i].script = scripts[i];
    scripts[i]->load = t;
    scripts[i]->comes_along = scripts[i]->cannot = false;
    tried_forget_failure(scripts[i]);
    scripts[i]->seen = sources[i]->hash;
  }
  for (size_t i = 0; i < count; i++) {
    if (!t->culprit) {
      stage_script(scripts[i], sources[i]);
      continue;
    }
    tried_failed(scripts[i], sources[i]); /* the error of one is reported */
    sources_free(sources[i]);
  }
}
