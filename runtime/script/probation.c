/* Probation: see probation.h. */
#include "script/probation.h"

#include <stdlib.h>
#include <string.h>

#include "script/parts.h"
#include "script/transaction.h"

enum { MOST_FAILURES = 3 };

static bool is_on(const Generation *gen) {
  return gen->probation.end > loop_now(gen->rt->host.loop);
}

/* --- beginning --------------------------------------------------------------------- */

static void set_good(Script *script, Sources *sources) {
  Sources *before = script->good;
  script->good = sources_retain(sources);
  sources_free(before);
}

static bool is_good(const Generation *gen) {
  const Probation *p = &gen->probation;
  return !p->over && (p->failures == 0 || !is_on(gen));
}

/* The same text again is no better and no worse than it was. */
void probation_begin(Generation *gen) {
  Script *script = gen->script;
  Generation *old = script_current(script);
  if (!old || gen->sources == script->good) return;
  bool same = old->sources->hash == gen->sources->hash;
  if (same && !is_on(old)) return;
  if (!same && (is_good(old) || !script->good)) set_good(script, old->sources);
  if (!script->good || gen->no_probation) return;
  gen->probation.end = loop_now(gen->rt->host.loop) + gen->rt->options.probation;
}

void probation_free(Generation *gen) {
  free(gen->probation.why);
  gen->probation.why = NULL;
}

/* --- going back -------------------------------------------------------------------- */

typedef struct Restore {
  Event event;
  Script *script;
  unsigned number; /* of the generation that failed */
} Restore;

static void tell(Generation *gen, const char *then) {
  const Probation *p = &gen->probation;
  const char *why = p->why ? p->why : "it says no more";
  char *what = p->start_failed ? xstrdup("on_start")
                               : xasprintf("%d times in its first %.3g s, at last",
                                           p->failures, gen->rt->options.probation);
  char *text = xasprintf("%s: %s: %s", what, why, then);
  notice_probation(gen->script, text);
  free(text);
  free(what);
}

/* What was tried last stays what was tried last: the next save that differs is tried. */
static void load_good(Script *script) {
  Script **scripts = xcalloc(1, sizeof *scripts);
  Sources *sources = sources_retain(script->good);
  uint64_t seen = script->seen, failed_hash = script->failed_hash;
  Uses failed = script->failed;
  script->failed = (Uses){0};
  scripts[0] = script;
  reload_begin(script->rt, scripts, &sources, 1, NULL);
  script->seen = seen;
  script->failed = failed;
  script->failed_hash = failed_hash;
  if (!failed.count) load_note_failed(script, script_current(script)->sources);
}

static void on_restore(Event *event) {
  Restore *restore = CONTAINER_OF(event, Restore, event);
  Script *script = restore->script;
  Generation *gen = script_current(script);
  bool stale = script->rt->host.stopping || !gen || gen->vm.number != restore->number;
  free(restore);
  if (stale) return;
  gen->probation.waits = script->reload != NULL; /* a newer version is on its way */
  if (gen->probation.waits) return;
  if (gen->vm.migrated) {
    tell(gen, "it stays all the same, because it has migrated what is kept");
    return;
  }
  tell(gen, "the version before it is loaded again; the next save is tried anew");
  load_good(script);
}

/* Not now: its task is running. */
static void go_back(Generation *gen) {
  Restore *restore = xcalloc(1, sizeof *restore);
  *restore =
      (Restore){.event.run = on_restore, .script = gen->script, .number = gen->vm.number};
  gen->probation.over = true;
  gen->probation.end = 0;
  inbox_push(gen->rt->host.loop, &restore->event);
}

void probation_resume(Script *script) {
  if (script_current(script) && script_current(script)->probation.waits)
    go_back(script_current(script));
}

void probation_lost(Script *script) {
  if (!script_current(script) || !script->staging) return;
  if (script->staging->sources != script->good || !script_current(script)->probation.over)
    return;
  char *text = xasprintf("the version before cannot be loaded any more: version %u stays",
                         script_current(script)->vm.number);
  notice_probation(script, text);
  free(text);
}

/* --- failing ----------------------------------------------------------------------- */

void probation_failed(Generation *gen, const char *why) {
  Probation *p = &gen->probation;
  runtime_uncaught(gen->rt, why);
  gen->failed = true;
  if (gen->vm.state != VM_LIVE || gen->rt->host.stopping || p->over || !is_on(gen))
    return;
  free(p->why);
  p->why = xstrndup(why, strcspn(why, "\n"));
  if (++p->failures == MOST_FAILURES) go_back(gen);
}

bool probation_start_failed(Generation *gen) {
  Probation *p = &gen->probation;
  if (!p->over && !is_on(gen)) return false;
  p->start_failed = true;
  if (!p->over) go_back(gen);
  return !gen->vm.migrated;
}
