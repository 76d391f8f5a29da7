/* The runtime's life. Its ordered end:
 *   1 runtime_exit: `stop` handlers run, and may wait until ending_scripts_due; then
 * every turn that still runs is stopped 2 the loop ends 3 runtime_free: scripts (tasks,
 * declarations, boxes; states close on workers), resources, watches; connections say
 * goodbye, until ending_due; what is to be kept is written, however long that takes; the
 * loop runs until every handle is closed; then the watchdog, the loop */
#include "script/runtime.h"

#include <stdlib.h>
#include <sys/resource.h>
#include <string.h>

#include "resource/connection.h"
#include "vm/cstack.h"
#include "script/hold.h"
#include "resource/pending.h"
#include "resource/resource.h"
#include "script/script.h"
#include "resource/stores.h"
#include "sources/watch.h"
#include "vm/watchdog.h"

static void on_stop_over(Timer *timer) {
  Runtime *rt = CONTAINER_OF(timer, Runtime, stop_timer);
  log_write(rt->log, LOG_WARN, "tidelock", "stop handlers did not end in time");
  rt->stopped = true;
  loop_stop(rt->loop);
}

static void on_hold_over(Timer *timer) {
  (void)timer; /* its being active is all that counts */
}

static double or_default(double value, double standard) {
  return value > 0 ? value : standard;
}

/* Of a script; where the system gives the process little (ulimit -v), a quarter of that.
 */
static size_t standard_memory(void) {
  struct rlimit limit;
  size_t standard = (size_t)512 << 20;
  if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
    return standard;
  return limit.rlim_cur / 4 < standard ? limit.rlim_cur / 4 : standard;
}

Runtime *runtime_new(Log *log, const RuntimeOptions *options) {
  Runtime *rt = xcalloc(1, sizeof *rt);
  rt->log = log;
  rt->options = *options;
  memory_reserve();
  rt->options.grace = or_default(options->grace, 5);
  rt->options.probation = or_default(options->probation, 10);
  rt->options.cpu_limit = or_default(options->cpu_limit, 1);
  rt->options.staging_limit = or_default(options->staging_limit, rt->options.cpu_limit);
  if (!options->memory_limit) rt->options.memory_limit = standard_memory();
  rt->output = options->output ? options->output : output_new();
  rt->ending = options->ending ? options->ending : &rt->own_ending;
  rt->loop = loop_new(log);
  hold_open(rt);
  rt->net = net_new(rt->loop);
  rt->servers = servers_new(rt->loop);
  rt->watchdog = watchdog_new();
  rt->stack_floor = cstack_floor();
  rt->stores = stores_new(rt);
  rt->arena = json_arena_new();
  rt->stop_timer.fire = on_stop_over;
  pending_init(rt);
  rt->hold.fire = on_hold_over;
  if (options->watch) rt->watch = watch_new(rt);
  return rt;
}

/* --- running ---------------------------------------------------------------------- */

static bool has_work(const Runtime *rt) {
  for (Script *s = rt->scripts; s; s = s->next)
    if (script_has_work(s)) return true;
  if (rt->stopping) return false; /* only `stop` handlers are waited for */
  if (timer_active(&rt->hold)) return true;
  for (Resource *r = rt->resources; r; r = r->next)
    if (r->core && r->kind->alive(r)) return true;
  return net_has_rest(rt->net); /* a connection that says goodbye */
}

void runtime_reserve(Runtime *rt, bool told) {
  if (!memory_is_short()) return;
  if (!told && !rt->short_told) {
    log_write(rt->log, LOG_ERROR, "tidelock",
              "no memory left: what was laid aside for this has been used");
    rt->short_told = true;
  }
  memory_reserve();
}

static bool is_loading(const Runtime *rt) {
  for (Script *s = rt->scripts; s; s = s->next)
    if (s->reload) return true;
  return false;
}

/* While stopping, tasks that are not `stop` handlers do not hold the process: they are
 * cancelled when it begins. */
static void on_idle(void *ctx) {
  Runtime *rt = ctx;
  if (!is_loading(rt)) runtime_reserve(rt, false);
  if (rt->stopped || has_work(rt)) return;
  if (!rt->stopping) {
    rt->by_itself = true;
    if (!rt->options.check_only) pending_look_now(rt);
    runtime_exit(rt, rt->exit_code); /* `stop` handlers run next, and may wait */
    return;
  }
  rt->stopped = true;
  loop_stop(rt->loop);
}

/* Errors of a version that was replaced since are mended. */
static bool has_failed(const Runtime *rt) {
  for (Script *s = rt->scripts; s; s = s->next)
    if (s->current && s->current->failed && script_is_first(s)) return true;
  return connections_refused(rt);
}

int runtime_run(Runtime *rt) {
  if (!rt->stopped) loop_run(rt->loop, on_idle, rt);
  if (rt->by_itself && rt->exit_code == 0 && has_failed(rt)) rt->exit_code = 1;
  return rt->exit_code;
}

void runtime_hold(Runtime *rt, double seconds) {
  double until = loop_now(rt->loop) + seconds;
  if (!timer_active(&rt->hold) || rt->hold.due < until)
    timer_start_at(rt->loop, &rt->hold, until);
}

void runtime_uncaught(Runtime *rt, const char *text) {
  enum { MOST = 16384 };
  char *before = rt->tests.uncaught;
  if (!rt->options.tests_only || (before && strlen(before) > MOST)) return;
  rt->tests.uncaught =
      xasprintf("%s%s%.*s", before ? before : "", before ? "\n" : "", MOST, text);
  free(before);
}

typedef struct Stopping {
  Event event;
  Runtime *rt;
} Stopping;

static void begin_stop(Event *event) {
  Stopping *stopping = CONTAINER_OF(event, Stopping, event);
  Runtime *rt = stopping->rt;
  free(stopping);
  for (Script *s = rt->scripts; s; s = s->next) {
    if (s->current) generation_cancel_tasks(s->current);
    for (Generation *g = s->retiring; g; g = g->next) generation_cancel_tasks(g);
    if (s->current) generation_stop_ops(s->current);
    hold_end(s);
    script_stop(s);
  }
  loop_leave(rt->loop);
}

void runtime_end_in_time(Runtime *rt) {
  watchdog_end_at(rt->watchdog, ending_scripts_due(rt->ending));
}

static void stop_in_time(Runtime *rt) {
  ending_ask(rt->ending);
  runtime_end_in_time(rt);
  timer_start_at(rt->loop, &rt->stop_timer, ending_scripts_due(rt->ending));
}

void runtime_exit(Runtime *rt, int code) {
  if (rt->stopping) {
    if (rt->exit_code == 0) rt->exit_code = code;
    return;
  }
  rt->stopping = true;
  rt->exit_code = code;
  stop_in_time(rt);
  Stopping *stopping = xcalloc(1, sizeof *stopping); /* not now: a task may be running */
  *stopping = (Stopping){.event.run = begin_stop, .rt = rt};
  inbox_push(rt->loop, &stopping->event);
}

void runtime_interrupt(Runtime *rt, int status) {
  runtime_exit(rt, status);
}

/* Nobody reads any more. */
void runtime_output_failed(Runtime *rt) {
  int error = writer_error(output_out(rt->output));
  if (!error || rt->output_failed) return;
  rt->output_failed = true;
  log_write(rt->log, LOG_ERROR, "tidelock", "cannot write to standard output: %s",
            strerror(error));
  runtime_exit(rt, 1);
}

void runtime_free(Runtime *rt) {
  rt->stopping = true;
  timer_stop(rt->loop, &rt->stop_timer);
  pending_stop(rt);
  timer_stop(rt->loop, &rt->hold);
  ending_ask(rt->ending);
  atomic_store(&rt->ending->phase, ENDING_SAVING);
  for (Script *s = rt->scripts; s; s = s->next) script_free(s);
  while (rt->resources) resource_close(rt->resources);
  index_free(&rt->connections);
  if (rt->watch) watch_free(rt->watch);
  net_settle(rt->net, ending_left(rt->ending));
  stores_close(rt->stores);
  atomic_store(&rt->ending->phase, ENDING_SAVED);
  servers_free(rt->servers);
  net_free(rt->net);
  hold_close(rt);
  loop_finish(rt->loop);
  CHECK(rt->closing == 0 && rt->pending.count == 0);
  index_free(&rt->pending);
  while (rt->scripts) {
    Script *s = rt->scripts;
    rt->scripts = s->next;
    for (char **arg = s->args; *arg; arg++) free(*arg);
    free(s->args);
    index_free(&s->resources);
    charge_unref(s->charge);
    free(s->name);
    free(s->path);
    free(s);
  }
  tasks_free(rt);
  stores_free(rt->stores);
  watchdog_free(rt->watchdog);
  json_arena_free(rt->arena);
  loop_free(rt->loop);
  free(rt->tests.name);
  free(rt->tests.uncaught);
  if (!rt->options.output) output_free(rt->output);
  free(rt);
  memory_reserve_free();
}
