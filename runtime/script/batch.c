/* From files that were saved together to transactions.
 *
 * A change counts for a script when its running generation has required the file, or
 * looked for it in vain. Scripts that share a changed file (one of lib/, or the one file
 * of two scripts) are one transaction, directly or by way of others; scripts that share
 * none are loaded each for itself, also when they were saved together: an error in one is
 * no reason to hold another back. Changes are found by comparing with the sources of the
 * running generation. */
#include "script/batch.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "script/exit.h"
#include "script/notice.h"
#include "script/parts.h"
#include "script/reload_request.h"
#include "script/settle.h"
#include "script/transaction.h"
#include "script/tried.h"
#include "sources/changes.h"

typedef struct Load {
  Script *script;
  Sources *sources; /* owned until it begins */
  Changes changes;  /* against the running generation; none at the first load */
  size_t group;     /* the index of its first member */
  bool comes_along; /* not saved now: it comes only with another */
} Load;

typedef struct Batch {
  Load *loads;
  size_t count;
} Batch;

static const char *base_name(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash ? slash + 1 : path;
}

/* Whether two paths name one file; a file that is gone counts by its name. */
static bool same_file(const char *a, const char *b) {
  struct stat x, y;
  if (strcmp(a, b) == 0) return true;
  return strcmp(base_name(a), base_name(b)) == 0 && stat(a, &x) == 0 &&
         stat(b, &y) == 0 && x.st_ino == y.st_ino && x.st_dev == y.st_dev;
}

/* A changed file of both; NULL: there is none. Borrows. */
static const char *shared_change(const Load *a, const Load *b) {
  for (size_t i = 0; i < a->changes.count; i++)
    for (size_t j = 0; j < b->changes.count; j++)
      if (same_file(a->changes.paths[i], b->changes.paths[j])) return a->changes.paths[i];
  return NULL;
}

/* Sources that cannot be read are reported once, until they can be. */
static Sources *read_sources(Script *script) {
  Error err;
  Sources *sources = sources_read(script->path, &err);
  if (sources) {
    script->unreadable = ERR_NONE;
    if (script->rt->watch)
      watch_sources(script->rt->watch, script, script->owner.name, script->path, sources);
  } else if (script->unreadable != err.code) {
    script->unreadable = err.code;
    notice_unreadable(script, err.message);
    if (!script_current(script) && owner_is_first(&script->owner))
      runtime_exit(script->rt, STATUS_UNLOADED);
  }
  return sources;
}

static void add_load(Batch *batch, Script *script, Sources *sources, bool along) {
  Load load = {.script = script, .sources = sources, .comes_along = along};
  if (script_current(script))
    load.changes = sources_changes(script_current(script)->sources, sources);
  load.group = batch->count;
  batch->loads = xrealloc(batch->loads, (batch->count + 1) * sizeof load);
  batch->loads[batch->count++] = load;
}

static bool in_batch(const Batch *batch, const Script *script) {
  for (size_t i = 0; i < batch->count; i++)
    if (batch->loads[i].script == script) return true;
  return false;
}

/* No change counts, but what the script requires later is to be the newest. */
static void refresh_sources(Generation *gen, Sources *sources) {
  uses_join(&sources->uses, &gen->sources->uses);
  sources_free(gen->sources);
  gen->sources = sources;
}

/* A script that failed by itself and has not changed since is no reason to hold others
 * back once more. */
static bool is_hopeless(const Script *script, const Sources *sources, bool along) {
  return along && script->cannot && tried_already(script, sources);
}

/* The sources are what runs, or what failed. Takes them. */
static void drop_unchanged(Script *script, Sources *sources, bool along) {
  if (along) {
    script->comes_along = false;
    tried_forget_failure(script);
  }
  if (script->load || script->failed.count || !script_current(script))
    sources_free(sources);
  else refresh_sources(script_current(script), sources);
}

static bool is_read_again(const Script *script, bool along) {
  return !along && script_current(script) && script->seen != 0 && script->rt->watch &&
         watch_reads_again(script->rt->watch, script);
}

/* Takes the sources. */
static void consider_sources(Batch *batch, Script *script, Sources *sources, bool along) {
  if (is_read_again(script, along)) {
    sources_free(sources);
  } else if (along ? tried_is_running(script, sources) : tried_already(script, sources)) {
    drop_unchanged(script, sources, along);
  } else if (is_hopeless(script, sources, along)) {
    sources_free(sources);
  } else {
    transaction_give_up(script); /* for a newer one */
    add_load(batch, script, sources, along);
  }
}

/* Takes the sources; NULL: they are to be read. */
static void consider_script(Batch *batch, Script *script, Sources *sources, bool along) {
  if (in_batch(batch, script)) return;
  if (script->owner.ending) {
    script->saved_meanwhile = script->saved_meanwhile || !along;
    sources_free(sources);
    return;
  }
  if (!sources) sources = read_sources(script);
  if (sources) consider_sources(batch, script, sources, along);
}

static void join_groups(Batch *batch, size_t a, size_t b) {
  size_t from = batch->loads[b].group, to = batch->loads[a].group;
  if (from < to) from = to, to = batch->loads[b].group;
  for (size_t i = 0; i < batch->count; i++)
    if (batch->loads[i].group == from) batch->loads[i].group = to;
}

static void find_groups(Batch *batch) {
  for (size_t i = 0; i < batch->count; i++)
    for (size_t j = i + 1; j < batch->count; j++)
      if (batch->loads[i].group != batch->loads[j].group &&
          shared_change(&batch->loads[i], &batch->loads[j]))
        join_groups(batch, i, j);
}

/* --- beginning --------------------------------------------------------------------- */

static int by_order(const void *a, const void *b) {
  const Load *x = a, *y = b;
  for (const Script *s = script_after(x->script); s; s = script_after(s))
    if (s == y->script) return -1;
  return x->script == y->script ? 0 : 1;
}

/* The sources were read after what the scripts have asked for. */
static void begin_transaction(Runtime *rt, Script **scripts, Sources **sources,
                              size_t count, char *shared) {
  for (size_t i = 0; i < count; i++) scripts[i]->reload_deferred = false;
  transaction_begin(rt, scripts, sources, count, shared);
}

/* Takes the sources of the group's members. A group of scripts that were held back, and
 * not saved now, is left as it is. */
static void begin_group(Runtime *rt, Batch *batch, size_t group) {
  size_t count = 0;
  bool wanted = false;
  Script **scripts = xcalloc(batch->count, sizeof *scripts);
  Sources **sources = xcalloc(batch->count, sizeof *sources);
  const Load *first = NULL;
  char *shared = NULL;
  for (size_t i = 0; i < batch->count; i++) {
    Load *load = &batch->loads[i];
    if (load->group != group) continue;
    wanted = wanted || !load->comes_along;
    if (first && !shared) shared = xstrdup(shared_change(first, load));
    if (!first) first = load;
    scripts[count] = load->script;
    sources[count++] = load->sources;
  }
  if (wanted) begin_transaction(rt, scripts, sources, count, shared);
  else free(shared);
  for (size_t i = 0; !wanted && i < count; i++) sources_free(sources[i]);
  free(scripts);
  free(sources);
}

static void number_groups(Batch *batch) {
  for (size_t i = 0; i < batch->count; i++) batch->loads[i].group = i;
}

/* Whether the sources may be loaded now: a reload that was requested is not put off. */
static bool is_whole(const Script *script, const Sources *sources) {
  Watch *watch = script->rt->watch;
  const Generation *gen = script_current(script);
  return !watch || !sources || script->seen == 0 || !gen ||
         !watch_waits(watch, script, sources_settled(gen->sources, sources));
}

/* Returns the sources of each, a new list; NULL: one is still being written, and all are
 * to be read again. */
static Sources **read_whole(Script *const *changed, size_t count) {
  bool whole = true;
  Sources **sources = xcalloc(count + 1, sizeof(Sources *));
  for (size_t i = 0; i < count; i++) {
    sources[i] = read_sources(changed[i]);
    whole = is_whole(changed[i], sources[i]) && whole;
  }
  if (whole) return sources;
  for (size_t i = 0; i < count; i++) {
    watch_again(changed[i]->rt->watch, changed[i]);
    sources_free(sources[i]);
  }
  free(sources);
  return NULL;
}

void scripts_load(Runtime *rt, Script *const *changed, size_t count) {
  Batch batch = {0};
  Sources **sources = rt->host.stopping ? NULL : read_whole(changed, count);
  if (!sources) return;
  for (size_t i = 0; i < count; i++)
    if (sources[i]) consider_script(&batch, changed[i], sources[i], false);
  free(sources);
  for (Script *s = script_first(rt); batch.count && s; s = script_after(s))
    if (s->comes_along) consider_script(&batch, s, NULL, true);
  if (batch.count > 1) qsort(batch.loads, batch.count, sizeof *batch.loads, by_order);
  number_groups(&batch);
  find_groups(&batch);
  for (size_t i = 0; i < batch.count; i++)
    if (batch.loads[i].group == i) begin_group(rt, &batch, i);
  for (size_t i = 0; i < batch.count; i++) changes_free(&batch.loads[i].changes);
  free(batch.loads);
  /* Of those whose load was given up here, and that are part of no other. */
  for (Script *s = script_first(rt); s; s = script_after(s)) reload_after_load(s);
}

void script_load(Script *script) {
  scripts_load(script->rt, &script, 1);
}

void scripts_load_requested(Event *event) {
  Runtime *rt = CONTAINER_OF(event, Runtime, reload_request);
  size_t count = 0;
  for (Script *s = script_first(rt); s; s = script_after(s)) count++;
  Script **scripts = xcalloc(count + 1, sizeof *scripts);
  count = 0;
  for (Script *s = script_first(rt); s; s = script_after(s)) {
    if (!s->reload_asked) continue;
    s->reload_asked = false;
    s->seen = 0;
    s->unreadable = ERR_NONE;
    scripts[count++] = s;
  }
  scripts_load(rt, scripts, count);
  free(scripts);
}

/* --- saves ------------------------------------------------------------------------- */

static void on_changed(void *ctx, Script *const *changed, size_t count) {
  scripts_load(ctx, changed, count);
}

static bool has_loaded(const Script *script) {
  return script_current(script) != NULL;
}

Watch *scripts_watch(Runtime *rt) {
  WatchOptions options = {.poll = rt->options.watch_poll,
                          .changed = on_changed,
                          .ctx = rt,
                          .has_loaded = has_loaded};
  return watch_new(rt->host.loop, rt->host.log, &options);
}
