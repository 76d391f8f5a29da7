/* A script that ends itself while the others go on: script.exit in one that is not the
 * first. Its tasks are cancelled, its on_stop runs and may wait for its grace; then its
 * generation is killed and its resources are closed. The next save begins it anew. */
#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

#include "script/parts.h"
#include "vm/vm_timer.h"
#include "vm/hold.h"
#include "script/keep_file.h"
#include "script/reload_request.h"
#include "script/transaction.h"
#include "resource/cookie_jars.h"
#include "resource/resource.h"
#include "script/script.h"
#include "vm/task.h"

typedef struct End {
  Event event;
  Script *script;
} End;

static void push_later(Script *script, void (*run)(Event *event)) {
  End *end = xcalloc(1, sizeof *end);
  *end = (End){.event.run = run, .script = script};
  inbox_push(script->rt->host.loop, &end->event);
}

static Script *take_script(Event *event) {
  End *end = CONTAINER_OF(event, End, event);
  Script *script = end->script;
  free(end);
  return script;
}

static void close_resources(Script *script) {
  for (Resource *r = script->rt->resources.first, *next; r; r = next) {
    next = r->next;
    if (r->owner == &script->owner) resource_close(r);
  }
}

/* Between two turns. */
static void finish_end(Script *script) {
  if (!script->owner.ending || script->rt->host.stopping) return;
  script->owner.ending = false;
  script->ended = true;
  span_stop(&script->end_grace);
  keep_file_close(script);
  hold_end(&script->owner);
  while (script->retiring) generation_kill(script->retiring);
  if (script_current(script)) generation_kill(script_current(script));
  close_resources(script);
  cookie_jars_forget(&script->rt->host, &script->owner);
  if (script->saved_meanwhile) reload_ask(script);
  script->saved_meanwhile = false;
}

static void on_finish(Event *event) {
  finish_end(take_script(event));
}

static void on_too_long(Span *span) {
  Script *script = CONTAINER_OF(span, Script, end_grace);
  log_write(script->rt->host.log, LOG_WARN, script->owner.name,
            "on_stop did not end in time");
  finish_end(script);
}

/* Behind the events that wake the tasks which were cancelled. */
static void stop_done(void *ctx, lua_State *co, int n, TaskOutcome outcome) {
  (void)co, (void)n;
  if (outcome != TASK_KILLED) push_later(ctx, on_finish);
}

static void on_begin(Event *event) {
  Script *script = take_script(event);
  Generation *gen = script_current(script);
  if (script->rt->host.stopping) return;
  transaction_leave(script);
  script->end_grace.over = on_too_long;
  for (Generation *g = script->retiring; g; g = g->next) generation_cancel_tasks(g);
  if (gen) generation_cancel_tasks(gen);
  if (gen) vm_timers_stop(&gen->vm);
  resources_quiesce(&script->owner);
  hold_end(&script->owner);
  if (!gen || gen->functions[ON_STOP] == LUA_NOREF) {
    push_later(script, on_finish);
    return;
  }
  span_start(script->rt->host.loop, &script->end_grace, gen->grace_seconds);
  script_run_on_stop(script, stop_done);
}

void script_end(Script *script, int code) {
  if (script->owner.ending || script->rt->host.stopping) return;
  script->owner.ending = true;
  log_write(script->rt->host.log, code ? LOG_WARN : LOG_INFO, script->owner.name,
            "ends itself (script.exit(%d)); the others go on", code);
  push_later(script, on_begin);
}
