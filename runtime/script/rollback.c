/* See rollback.h. The event comes between two turns; the generation that failed may have
 * been replaced by then. */
#include "script/rollback.h"

#include <stdlib.h>

#include "script/notice.h"
#include "script/parts.h"
#include "script/transaction.h"
#include "script/tried.h"

static void report_rollback(Generation *gen, const char *then) {
  const Probation *p = &gen->probation;
  const char *why = p->why ? p->why : "it says no more";
  char *what = p->start_failed ? xstrdup("on_start")
                               : xasprintf("%d times in its first %.3g s, at last",
                                           p->failures, gen->rt->options.probation);
  char *text = xasprintf("%s: %s: %s", what, why, then);
  notice_rollback(gen->script, text);
  free(text);
  free(what);
}

/* The sources that were tried last stay the ones tried last: the next save that differs
 * from them is loaded. */
static void load_good(Script *script) {
  Sources *sources = sources_retain(script->good);
  uint64_t seen = script->seen, failed_hash = script->failed_hash;
  Uses failed = script->failed;
  script->failed = (Uses){0};
  transaction_begin(script->rt, &script, &sources, 1, NULL);
  script->seen = seen;
  script->failed = failed;
  script->failed_hash = failed_hash;
  if (!failed.count) tried_failed(script, script_current(script)->sources);
}

static void on_rollback(Event *event) {
  Script *script = CONTAINER_OF(event, Script, rollback);
  Generation *gen = script_current(script);
  bool stale =
      script->rt->host.stopping || !gen || gen->vm.number != script->rollback_from;
  script->rollback_from = 0;
  if (stale) return;
  gen->probation.waits = script->load != NULL; /* a newer generation is on its way */
  if (gen->probation.waits) return;
  if (gen->vm.migrated) {
    report_rollback(gen, "it stays all the same, because it has migrated what is kept");
    return;
  }
  report_rollback(
      gen, "the generation before it is loaded again; the next save is tried anew");
  load_good(script);
}

void rollback_init(Script *script) {
  script->rollback.run = on_rollback;
}
