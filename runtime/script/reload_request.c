/* A request is a mark at the script. One event for all marks waits in the inbox, so that
 * no handler is replaced while it runs.
 *
 * What a script requests of itself while a load of it is under way waits for the end of
 * that load, which has read its sources before. A load is not given up for it: else a
 * script that requests often would never be loaded. */
#include "script/reload_request.h"

#include <math.h>

#include "script/exit.h"
#include "script/parts.h"

/* What a script requests of itself: so many loads one after the other, then one for each
 * so many seconds. */
enum { MOST_IN_A_ROW = 1200 };
#define PACE 0.25

static bool is_asked(const Runtime *rt) {
  for (Script *s = script_first(rt); s; s = script_after(s))
    if (s->reload_asked) return true;
  return false;
}

void reload_ask(Script *script) {
  Runtime *rt = script->rt;
  bool queued = is_asked(rt);
  script->reload_asked = true;
  if (!queued) inbox_push(rt->host.loop, &rt->reload_request);
}

static void ask_self(Script *script) {
  if (script->load) {
    script->reload_deferred = true;
    return;
  }
  if (script->reload_asked) return; /* several requests are one load */
  script->reload_due = fmax(script->reload_due, loop_real_now()) + PACE;
  if (!script->owner.ending && !script->ended) reload_ask(script);
}

static void on_pace(Timer *timer) {
  ask_self(CONTAINER_OF(timer, Script, reload_pace));
}

/* A generation whose start asks for the next one loads without end: that must leave time
 * for others, and the log and notices readable. */
bool reload_ask_self(Script *script) {
  Loop *loop = script->rt->host.loop;
  if (script->rt->options.tests_only) return false;
  if (timer_active(&script->reload_pace)) return true; /* asked for already */
  double due = script->reload_due - MOST_IN_A_ROW * PACE;
  if (script->load || loop_real_now() >= due) {
    ask_self(script);
    return true;
  }
  script->reload_pace.fire = on_pace;
  script->reload_pace.real = true;
  timer_start_at(loop, &script->reload_pace, due);
  runtime_stay(script->rt, PACE);
  return true;
}

void reload_after_load(Script *script) {
  if (!script->reload_deferred || script->load) return;
  script->reload_deferred = false;
  reload_ask_self(script);
}

void reload_ask_all(Runtime *rt) {
  for (Script *s = script_first(rt); s; s = script_after(s))
    if (!s->ended) reload_ask(s);
}
