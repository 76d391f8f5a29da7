/* The runtime's life. Its ordered end:
 *
 * 1. runtime_exit: `stop` handlers run, and may wait until ending_scripts_due. Then every
 *    turn that still runs is stopped, and what waits is dropped without a turn.
 *
 * 2. The loop ends.
 *
 * 3. runtime_free: what is to be kept is handed to the disk thread. Scripts go (tasks,
 *    declarations, boxes; states close on workers), then resources and watches.
 *    Connections say goodbye until ending_due. What is to be kept is written, however
 *    long that takes. The loop runs until every handle is closed; then the watchdog and
 *    the loop go.
 *
 * The process ends at ending_due wherever it is by then (main/signals.c). */
#include "script/runtime.h"

#include <stdlib.h>
#include <sys/resource.h>
#include <string.h>

#include "resource/caches.h"
#include "resource/connection.h"
#include "resource/cookie_jars.h"
#include "resource/pending.h"
#include "resource/outbox.h"
#include "resource/session.h"
#include "resource/mutations.h"
#include "resource/stores.h"
#include "script/batch.h"
#include "script/parts.h"
#include "vm/vm_timer.h"
#include "vm/cstack.h"
#include "vm/hold.h"
#include "script/keep_file.h"
#include "script/test_clock.h"
#include "vm/task.h"
#include "vm/watchdog.h"
#include "vm/task_life.h"

static size_t count_tasks(const Generation *gen) {
  return gen ? task_count(&gen->vm) : 0;
}

static size_t count_all_tasks(const Runtime *rt) {
  size_t count = 0;
  for (const Script *s = script_first(rt); s; s = script_after(s)) {
    count += count_tasks(script_current(s));
    for (const Generation *g = s->retiring; g; g = g->next) count += count_tasks(g);
  }
  return count;
}

static void log_late(Runtime *rt) {
  static const char late[] = "stop handlers did not end in time";
  size_t count = count_all_tasks(rt);
  rt->host.late_errors_counted = true;
  if (count)
    log_write(rt->host.log, LOG_WARN, "tidelock", "%s; %zu task%s stopped", late, count,
              count == 1 ? " is" : "s are");
  else log_write(rt->host.log, LOG_WARN, "tidelock", "%s", late);
}

static void stop_late(Runtime *rt) {
  if (rt->stopped) return;
  log_late(rt);
  rt->stopped = true;
  loop_stop(rt->host.loop);
}

static void on_stop_over(Timer *timer) {
  stop_late(CONTAINER_OF(timer, Runtime, stop_timer));
}

static void on_stay_over(Timer *timer) {
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

/* --- hooks of the host -------------------------------------------------------------- */

static Runtime *runtime_of_host(Host *host) {
  return CONTAINER_OF(host, Runtime, host);
}

static void on_output_changed(Host *host) {
  runtime_output_failed(runtime_of_host(host));
}

static void notify_skipped(Host *host) {
  stores_notify_skipped(host->resources->stores);
}

static bool is_loading(const Runtime *rt) {
  for (Script *s = script_first(rt); s; s = script_after(s))
    if (s->load) return true;
  return false;
}

static bool host_is_loading(const Host *host, const Owner *of) {
  if (of) return script_of_owner(of)->load != NULL;
  return is_loading(CONTAINER_OF(host, const Runtime, host));
}

static const HostHooks hooks = {.output_changed = on_output_changed,
                                .notify_skipped = notify_skipped,
                                .is_loading = host_is_loading};

/* --- ending ------------------------------------------------------------------------ */

/* Answers runtime_exit. */
static void begin_stop(Event *event) {
  Runtime *rt = CONTAINER_OF(event, Runtime, stop);
  atomic_store(&rt->ending->begun, true);
  rt->host.cancelling = true;
  for (Script *s = script_first(rt); s; s = script_after(s)) {
    if (script_current(s)) generation_cancel_tasks(script_current(s));
    for (Generation *g = s->retiring; g; g = g->next) generation_cancel_tasks(g);
    if (script_current(s)) vm_timers_stop(s->owner.current);
    resources_quiesce(&s->owner);
    hold_end(&s->owner);
    script_stop(s);
  }
  loop_leave(rt->host.loop);
}

/* --- making one ----------------------------------------------------------------------
 */

static void init_host(Host *host, Log *log, const RuntimeOptions *options) {
  host->hooks = &hooks;
  host->log = log;
  host->modules = options->modules;
  host->first = options->first;
  host->cpu_limit = or_default(options->cpu_limit, 1);
  host->staging_limit = or_default(options->staging_limit, host->cpu_limit);
  host->memory_limit = options->memory_limit ? options->memory_limit : standard_memory();
  host->output = options->output ? options->output : output_new();
  host->loop = loop_new(log);
  hold_open(host);
  host->watchdog = watchdog_new();
  host->stack_floor = cstack_floor();
}

static void init_resources(Runtime *rt) {
  Resources *resources = &rt->resources;
  resources->host = &rt->host;
  rt->host.resources = resources;
  resources->net = net_new(rt->host.loop);
  resources->servers = servers_new(rt->host.loop);
  resources->stores = stores_new(&rt->host);
  resources->mutations = mutations_new(&rt->host);
  resources->data = rt->options.data;
  resources->folders = rt->options.folders;
  resources->check_only = rt->options.check_only;
  resources->unsaved = &rt->ending->unsaved;
  pending_init(&rt->host);
}

Runtime *runtime_new(Log *log, const RuntimeOptions *options) {
  Runtime *rt = xcalloc(1, sizeof *rt);
  rt->options = *options;
  memory_reserve();
  rt->options.grace = or_default(options->grace, 5);
  rt->options.probation = or_default(options->probation, 10);
  rt->ending = options->ending ? options->ending : &rt->own_ending;
  init_host(&rt->host, log, options);
  init_resources(rt);
  rt->stop_timer.fire = on_stop_over;
  rt->stop_timer.real = rt->stay.real = true;
  rt->stay.fire = on_stay_over;
  rt->stop.run = begin_stop;
  rt->reload_request.run = scripts_load_requested;
  if (options->watch) rt->watch = scripts_watch(rt);
  return rt;
}

/* --- running ---------------------------------------------------------------------- */

static bool has_work(const Runtime *rt) {
  for (Script *s = script_first(rt); s; s = script_after(s))
    if (script_has_work(s)) return true;
  /* Only `stop` handlers are waited for, tokens that are being renewed, and entries of
   * outboxes that are being sent. */
  if (rt->host.stopping) return sessions_busy(&rt->host) || outboxes_busy(&rt->host);
  if (timer_active(&rt->stay)) return true;
  for (Resource *r = rt->resources.first; r; r = r->next)
    if (r->object && r->kind->alive(r)) return true;
  return net_has_rest(rt->resources.net); /* a connection that says goodbye */
}

/* While stopping, tasks that are not `stop` handlers do not hold the process: they are
 * cancelled when it begins. Its timer may come late, behind very many others. */
static void on_idle(void *ctx) {
  Runtime *rt = ctx;
  if (rt->host.stopping && !rt->stopped && ending_scripts_over(rt->ending)) stop_late(rt);
  if (!is_loading(rt)) runtime_reserve(rt, false);
  if (rt->stopped || has_work(rt)) return;
  if (!rt->host.stopping) {
    rt->by_itself = true;
    if (!rt->options.check_only) pending_look_now(&rt->host);
    runtime_exit(rt, rt->exit_code); /* `stop` handlers run next, and may wait */
    return;
  }
  rt->stopped = true;
  loop_stop(rt->host.loop);
}

/* Errors of a generation that was replaced since are mended. */
static bool has_failed(const Runtime *rt) {
  for (Script *s = script_first(rt); s; s = script_after(s))
    if (script_current(s) && script_current(s)->failed && owner_is_first(&s->owner))
      return true;
  return connections_refused(&rt->host);
}

int runtime_run(Runtime *rt) {
  if (!rt->stopped) loop_run(rt->host.loop, on_idle, rt);
  if (rt->by_itself && rt->exit_code == 0 && has_failed(rt)) rt->exit_code = 1;
  atomic_store(&rt->ending->status, rt->exit_code);
  return rt->exit_code;
}

/* First of all: from then on the process may end at any moment without a loss. */
static void save_all(Runtime *rt) {
  ending_ask(rt->ending);
  atomic_store(&rt->ending->phase, ENDING_SAVING);
  for (Script *s = script_first(rt); s; s = script_after(s)) keep_file_close(s);
  stores_save(rt->resources.stores);
  caches_save(&rt->host);
  atomic_store(&rt->ending->phase, ENDING_CLOSING);
}

static void log_late_errors(const Runtime *rt) {
  if (rt->host.late_errors > 1)
    log_write(rt->host.log, LOG_WARN, "tidelock",
              "%u more ended in an error when the time for scripts was over",
              rt->host.late_errors - 1);
}

void runtime_free(Runtime *rt) {
  rt->host.stopping = rt->host.cancelling = true;
  timer_stop(rt->host.loop, &rt->stop_timer);
  test_clock_close(rt);
  pending_stop(&rt->host);
  timer_stop(rt->host.loop, &rt->stay);
  save_all(rt);
  log_late_errors(rt);
  for (Script *s = script_first(rt); s; s = script_after(s)) script_free(s);
  while (rt->resources.first) resource_close(rt->resources.first);
  cookie_jars_forget(&rt->host, NULL);
  index_free(&rt->resources.connections);
  if (rt->watch) watch_free(rt->watch);
  net_settle(rt->resources.net, ending_left(rt->ending));
  stores_close(rt->resources.stores, ending_left(rt->ending));
  servers_free(rt->resources.servers);
  net_free(rt->resources.net);
  hold_close(&rt->host);
  loop_finish(rt->host.loop);
  CHECK(rt->closing == 0 && rt->resources.pending.count == 0);
  index_free(&rt->resources.pending);
  for (Script *s; (s = script_first(rt));) {
    rt->host.owners = s->owner.next;
    for (char **arg = s->args; *arg; arg++) free(*arg);
    free(s->args);
    index_free(&s->owner.resources);
    charge_unref(s->owner.charge);
    free(s->owner.name);
    free(s->path);
    free(s);
  }
  tasks_free(&rt->host);
  stores_free(rt->resources.stores);
  mutations_free(rt->resources.mutations);
  watchdog_free(rt->host.watchdog);
  loop_free(rt->host.loop);
  free(rt->tests.name);
  free(rt->tests.uncaught);
  if (!rt->options.output) output_free(rt->host.output);
  atomic_store(&rt->ending->phase, ENDING_CLOSED);
  free(rt);
  memory_reserve_free();
}

/* --- looking at it -------------------------------------------------------------------
 */

Runtime *runtime_of(lua_State *L) {
  return runtime_of_host(vm_of(L)->host);
}

Loop *runtime_loop(const Runtime *rt) {
  return rt->host.loop;
}

TestRun *runtime_tests(Runtime *rt) {
  return &rt->tests;
}

const RuntimeOptions *runtime_options(const Runtime *rt) {
  return &rt->options;
}

int runtime_warnings(const Runtime *rt) {
  return rt->warnings;
}

bool runtime_output_lost(const Runtime *rt) {
  return rt->output_failed;
}
