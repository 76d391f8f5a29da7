/* From what was saved at once to transactions.
 *
 * A change counts for a script when its version that runs has required the file, or asked
 * for it in vain. Scripts that share a file that changed (one of lib/, or the one file of
 * two scripts) are one transaction, directly or by way of others; scripts that share none
 * are loaded each for itself, also when they were saved together: an error in one is no
 * reason to hold another back. What changed is told by comparing with the version that
 * runs. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "script/parts.h"
#include "script/transaction.h"
#include "sources/watch.h"

/* --- what differs ------------------------------------------------------------------ */

static void add_change(Changes *changes, const char *path) {
  for (size_t i = 0; i < changes->count; i++)
    if (strcmp(changes->paths[i], path) == 0) return;
  changes->paths =
      xrealloc(changes->paths, (changes->count + 1) * sizeof *changes->paths);
  changes->paths[changes->count++] = path;
}

/* Another file that it is found in now is a change of both. */
static void compare(Changes *changes, const Sources *old, const Sources *fresh,
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
    compare(changes, old, fresh, by->uses.modules[i]);
  for (size_t i = 0; by->uses.all && i < by->count; i++)
    compare(changes, old, fresh, by->files[i].module);
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

/* --- the batch --------------------------------------------------------------------- */

typedef struct Load {
  Script *script;
  Sources *sources; /* owned until it begins */
  Changes changes;  /* against the version that runs; none at the first load */
  size_t group;     /* the index of its first member */
  bool held;        /* not saved now: it comes only with another */
} Load;

typedef struct Batch {
  Load *loads;
  size_t count;
} Batch;

static const char *base(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash ? slash + 1 : path;
}

/* Whether two paths name one file; what is gone is told by its name. */
static bool same_file(const char *a, const char *b) {
  struct stat x, y;
  if (strcmp(a, b) == 0) return true;
  return strcmp(base(a), base(b)) == 0 && stat(a, &x) == 0 && stat(b, &y) == 0 &&
         x.st_ino == y.st_ino && x.st_dev == y.st_dev;
}

/* A changed file of both; NULL: there is none. Borrows. */
static const char *shared_change(const Load *a, const Load *b) {
  for (size_t i = 0; i < a->changes.count; i++)
    for (size_t j = 0; j < b->changes.count; j++)
      if (same_file(a->changes.paths[i], b->changes.paths[j])) return a->changes.paths[i];
  return NULL;
}

/* Sources that cannot be read are told once, until they can be. */
static Sources *read_sources(Script *script) {
  Error err;
  Sources *sources = sources_read(script->path, &err);
  if (sources) {
    script->unreadable = ERR_NONE;
    if (script->rt->watch)
      watch_sources(script->rt->watch, script, script->owner.name, script->path, sources);
  } else if (script->unreadable != err.code) {
    script->unreadable = err.code;
    notice_failed(script, NULL, err.message);
    if (!script_current(script) && script_is_first(script))
      runtime_exit(script->rt, STATUS_UNLOADED);
  }
  return sources;
}

static void add_load(Batch *batch, Script *script, Sources *sources, bool held) {
  Load load = {.script = script, .sources = sources, .held = held};
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

static bool runs_already(const Script *script, const Sources *sources) {
  const Sources *running =
      script_current(script) ? script_current(script)->sources : NULL;
  return running && sources_hash_of(sources, &running->uses) ==
                        sources_hash_of(running, &running->uses);
}

/* Whether it is what was tried last, in all that counted then. */
static bool was_tried(const Script *script, const Sources *sources) {
  if (script->seen == 0 || script->reload || script->ended)
    return script->seen == sources->hash;
  if (script->failed.count)
    return sources_hash_of(sources, &script->failed) == script->failed_hash;
  return runs_already(script, sources);
}

/* What the version that runs uses counts too: the load may not have come so far. */
void load_note_failed(Script *script, const Sources *tried) {
  uses_free(&script->failed);
  uses_join(&script->failed, &tried->uses);
  if (script_current(script))
    uses_join(&script->failed, &script_current(script)->sources->uses);
  script->failed_hash = sources_hash_of(tried, &script->failed);
}

/* What changed is used by nothing: what the script requires later is to be the newest. */
static void refresh(Generation *gen, Sources *sources) {
  uses_join(&sources->uses, &gen->sources->uses);
  sources_free(gen->sources);
  gen->sources = sources;
}

static void forget_failed(Script *script) {
  script->held = false;
  uses_free(&script->failed);
}

/* One that cannot load, and is what it was when it failed, is no reason to hold others
 * back once more. */
static bool is_hopeless(const Script *script, const Sources *sources, bool held) {
  return held && script->cannot && was_tried(script, sources);
}

/* Takes the sources; NULL: they are to be read. */
static void consider(Batch *batch, Script *script, Sources *sources, bool held) {
  if (in_batch(batch, script)) return;
  if (script->owner.ending) {
    script->saved_meanwhile = script->saved_meanwhile || !held;
    sources_free(sources);
    return;
  }
  if (!sources) sources = read_sources(script);
  if (!sources) return;
  if (!held && script_current(script) && script->seen != 0 && script->rt->watch &&
      watch_reads_again(script->rt->watch, script)) {
    sources_free(sources);
    return;
  }
  if (held ? runs_already(script, sources) : was_tried(script, sources)) {
    if (held) forget_failed(script);
    if (script->reload || script->failed.count || !script_current(script))
      sources_free(sources);
    else refresh(script_current(script), sources);
    return;
  }
  if (is_hopeless(script, sources, held)) {
    sources_free(sources);
    return;
  }
  script_give_up_load(script); /* for a newer one */
  add_load(batch, script, sources, held);
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
    wanted = wanted || !load->held;
    if (first && !shared) shared = xstrdup(shared_change(first, load));
    if (!first) first = load;
    scripts[count] = load->script;
    sources[count++] = load->sources;
  }
  if (wanted) {
    reload_begin(rt, scripts, sources, count, shared);
  } else {
    for (size_t i = 0; i < count; i++) sources_free(sources[i]);
    free(scripts);
    free(shared);
  }
  free(sources);
}

static void number_groups(Batch *batch) {
  for (size_t i = 0; i < batch->count; i++) batch->loads[i].group = i;
}

/* What was asked for by hand counts at once. */
static bool is_whole(const Script *script, const Sources *sources) {
  Watch *watch = script->rt->watch;
  return !watch || !sources || script->seen == 0 || !watch_waits(watch, script, sources);
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
    if (sources[i]) consider(&batch, changed[i], sources[i], false);
  free(sources);
  for (Script *s = script_first(rt); batch.count && s; s = script_after(s))
    if (s->held) consider(&batch, s, NULL, true);
  if (batch.count > 1) qsort(batch.loads, batch.count, sizeof *batch.loads, by_order);
  number_groups(&batch);
  find_groups(&batch);
  for (size_t i = 0; i < batch.count; i++)
    if (batch.loads[i].group == i) begin_group(rt, &batch, i);
  for (size_t i = 0; i < batch.count; i++) changes_free(&batch.loads[i].changes);
  free(batch.loads);
}

void script_load(Script *script) {
  scripts_load(script->rt, &script, 1);
}

void scripts_load_changed(Runtime *rt) {
  size_t count = 0;
  for (Script *s = script_first(rt); s; s = script_after(s)) count++;
  Script **scripts = xcalloc(count + 1, sizeof *scripts);
  count = 0;
  for (Script *s = script_first(rt); s; s = script_after(s))
    if (watch_take_changed(rt->watch, s)) scripts[count++] = s;
  scripts_load(rt, scripts, count);
  free(scripts);
}
