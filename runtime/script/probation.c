/* Probation: see probation.h. */
#include "script/probation.h"

#include <stdlib.h>
#include <string.h>

#include "script/parts.h"

enum { MOST_FAILURES = 3 };

static bool is_on(const Generation *gen) {
  return span_runs(&gen->probation.span);
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
  span_start(gen->rt->host.loop, &gen->probation.span, gen->rt->options.probation);
}

void probation_free(Generation *gen) {
  free(gen->probation.why);
  gen->probation.why = NULL;
}

/* --- going back -------------------------------------------------------------------- */

/* Not now: its task is running. See rollback.c. */
static void push_rollback(Generation *gen) {
  Script *script = gen->script;
  bool queued = script->rollback_from != 0;
  gen->probation.over = true;
  span_stop(&gen->probation.span);
  script->rollback_from = gen->vm.number;
  if (!queued) inbox_push(gen->rt->host.loop, &script->rollback);
}

void probation_resume(Script *script) {
  if (script_current(script) && script_current(script)->probation.waits)
    push_rollback(script_current(script));
}

bool probation_good_lost(const Script *script) {
  return script_current(script) && script->staging &&
         script->staging->sources == script->good &&
         script_current(script)->probation.over;
}

/* --- failing ----------------------------------------------------------------------- */

void probation_failed(Generation *gen, const char *why) {
  Probation *p = &gen->probation;
  if (gen->vm.state != VM_LIVE || gen->rt->host.stopping || p->over || !is_on(gen))
    return;
  free(p->why);
  p->why = xstrndup(why, strcspn(why, "\n"));
  if (++p->failures == MOST_FAILURES) push_rollback(gen);
}

bool probation_start_failed(Generation *gen) {
  Probation *p = &gen->probation;
  if (!p->over && !is_on(gen)) return false;
  p->start_failed = true;
  if (!p->over) push_rollback(gen);
  return !gen->vm.migrated;
}
