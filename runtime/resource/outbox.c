/* See outbox.h. */
#include "resource/outbox.h"

#include <lauxlib.h>
#include <stdlib.h>

#include "bridge/pack.h"
#include "resource/resource.h"
#include "resource/stores.h"
#include "vm/call.h"
#include "vm/task_wait.h"

/* So many lanes send at once; a send that does not end is cut after these seconds. */
enum { MOST_RUNS = 8 };
static const double longest_run = 120;

typedef struct OutboxRun OutboxRun;

typedef struct OutboxCore {
  Resource *res;
  Outbox *outbox;
  OutboxRun *runs;
  int count;
  bool quiet; /* nothing begins any more */
  bool fresh; /* OUTBOX_BEGIN of the current generation is to be called */
} OutboxCore;

struct OutboxRun {
  OutboxRun *next;
  OutboxCore *core; /* NULL: it is closed */
  Vm *vm;
  Task *task;
  int64_t seq;
  Timer limit;
};

static OutboxCore *core_of(const Declaration *decl) {
  return decl && decl->res ? decl->res->object : NULL;
}

Outbox *outbox_of(const Declaration *decl) {
  const OutboxCore *core = core_of(decl);
  return core ? core->outbox : NULL;
}

OutboxEntry *outbox_sent_by(const Declaration *decl, const Task *task) {
  const OutboxCore *core = core_of(decl);
  const void *scope = task ? task_scope(task) : NULL;
  for (OutboxRun *run = core && scope ? core->runs : NULL; run; run = run->next)
    if (run == scope) return outbox_find(core->outbox, run->seq);
  return NULL;
}

bool outbox_runs(const Declaration *decl, const OutboxEntry *entry) {
  const OutboxCore *core = core_of(decl);
  for (OutboxRun *run = core ? core->runs : NULL; run; run = run->next) {
    const OutboxEntry *sent = outbox_find(core->outbox, run->seq);
    if (sent && sent->lane == entry->lane) return true;
  }
  return false;
}

static Declaration *owner_of(const OutboxCore *core) {
  Declaration *decl = core->res->decls;
  return decl && declaration_live(decl) ? decl : NULL;
}

/* --- the end of a run -----------------------------------------------------------------
 */

typedef struct Ending {
  const Declaration *decl;
  int64_t seq;
  const Buffer *outcome; /* packed; empty: there is none */
} Ending;

static int f_ended(lua_State *L) {
  const Ending *end = lua_touserdata(L, 1);
  lua_rawgeti(L, LUA_REGISTRYINDEX, end->decl->functions[OUTBOX_ENDED]);
  lua_pushinteger(L, end->seq);
  const char *at = end->outcome->data;
  if (end->outcome->len) unpack_value(L, &at);
  else lua_pushnil(L);
  lua_call(L, 2, 0);
  return 0;
}

/* Nobody decides: what may have been sent is not known, and the lane waits. */
static void leave_entry(OutboxCore *core, int64_t seq) {
  OutboxEntry *e = outbox_find(core->outbox, seq);
  if (!e) return;
  if (e->state == OUTBOX_SENDING)
    outbox_set(core->outbox, e, OUTBOX_UNKNOWN, NULL, NULL, NULL);
  outbox_stop(core->outbox, e->lane);
}

static void end_entry(OutboxCore *core, int64_t seq, const Buffer *outcome) {
  Declaration *decl = owner_of(core);
  Ending end = {decl, seq, outcome};
  if (!decl || core->quiet ||
      !vm_call(decl->vm, "the outbox", core->res->owner->name, f_ended, &end, NULL))
    leave_entry(core, seq);
}

static void unlink_run(OutboxRun *run) {
  OutboxRun **at = &run->core->runs;
  while (*at != run) at = &(*at)->next;
  *at = run->next;
  run->core->count--;
}

static void start_ready(OutboxCore *core);

static void on_ended(void *ctx, lua_State *co, int n, TaskOutcome outcome) {
  OutboxRun *run = ctx;
  OutboxCore *core = run->core;
  Buffer packed = {0};
  Error err;
  run->vm->lasting--;
  timer_stop(run->vm->host->loop, &run->limit);
  if (core) {
    unlink_run(run);
    bool good = outcome == TASK_OK && n > 0;
    if (good && pack_value(co, lua_gettop(co) - n + 1, &packed, &err) != 0)
      buffer_free(&packed);
    end_entry(core, run->seq, &packed);
    start_ready(core);
  }
  buffer_free(&packed);
  free(run);
}

static void on_limit(Timer *timer) {
  task_cancel(CONTAINER_OF(timer, OutboxRun, limit)->task);
}

/* --- running --------------------------------------------------------------------------
 */

static int push_run(lua_State *L, void *ctx) {
  const OutboxRun *run = ctx;
  lua_rawgeti(L, LUA_REGISTRYINDEX, run->core->res->decls->functions[OUTBOX_RUN]);
  lua_pushinteger(L, run->seq);
  return 1;
}

static void start_run(OutboxCore *core, Declaration *decl, const OutboxEntry *e) {
  OutboxRun *run = xcalloc(1, sizeof *run);
  *run = (OutboxRun){.core = core, .vm = decl->vm, .seq = e->seq, .next = core->runs};
  core->runs = run;
  core->count++;
  decl->vm->lasting++;
  run->limit.fire = on_limit;
  Task *task = task_prepare(decl->vm, TASK_NAME("the outbox entry of", e->name), push_run,
                            run, on_ended, run);
  if (!task) {
    on_ended(run, NULL, 0, TASK_NOT_BEGUN);
    return;
  }
  run->task = task;
  task_set_scope(task, run);
  task_set_lasting(task);
  timer_start(decl->vm->host->loop, &run->limit, longest_run);
  task_run_prepared(task);
}

/* What runs may close the outbox. */
static void start_ready(OutboxCore *core) {
  Resource *res = core->res;
  while (res->object == core && !core->quiet && core->count < MOST_RUNS) {
    Declaration *decl = owner_of(core);
    OutboxEntry *e = decl ? outbox_next(core->outbox) : NULL;
    if (!e) return;
    start_run(core, decl, e);
  }
}

static int f_begin(lua_State *L) {
  const Declaration *decl = lua_touserdata(L, 1);
  lua_rawgeti(L, LUA_REGISTRYINDEX, decl->functions[OUTBOX_BEGIN]);
  lua_call(L, 0, 0);
  return 0;
}

static void on_ready(void *ctx) {
  OutboxCore *core = ctx;
  Resource *res = core->res;
  Declaration *decl = owner_of(core);
  if (core->fresh && decl) {
    core->fresh = false;
    vm_call(decl->vm, "the outbox", res->owner->name, f_begin, decl, NULL);
  }
  if (res->object == core) start_ready(core);
}

/* --- the resource ---------------------------------------------------------------------
 */

static int open_outbox(Resource *res, Error *err) {
  Host *host = res->owner->host;
  bool kept = host->resources->data && !host->resources->check_only;
  Db *db = kept ? stores_db(host, err) : NULL;
  if (kept && !db) return (int)err->code;
  OutboxCore *core = xcalloc(1, sizeof *core);
  core->res = res;
  core->outbox = outbox_open(host->loop, db,
                             &(OutboxOptions){.script = res->owner->name,
                                              .charge = res->owner->charge,
                                              .ready = on_ready,
                                              .ctx = core},
                             err);
  if (!core->outbox) {
    free(core);
    return (int)err->code;
  }
  if (!kept && !host->resources->check_only)
    log_write(host->log, LOG_INFO, "outbox",
              "%s: nothing is kept (--memory): what waits is lost when the process ends",
              res->owner->name);
  res->object = core;
  return 0;
}

static void close_outbox(Resource *res) {
  OutboxCore *core = res->object;
  res->object = NULL;
  for (OutboxRun *run = core->runs; run; run = run->next) run->core = NULL;
  outbox_close(core->outbox);
  free(core);
}

static bool outbox_alive(const Resource *res) {
  const OutboxCore *core = res->object;
  return core->runs || outbox_active(core->outbox);
}

static void quiesce_outbox(Resource *res) {
  OutboxCore *core = res->object;
  core->quiet = true;
}

/* Another version may know what the one before did not. */
static void join_outbox(Declaration *decl) {
  OutboxCore *core = core_of(decl);
  core->quiet = false;
  core->fresh = true;
  outbox_wake(core->outbox);
  outbox_offer_all(core->outbox);
}

const ResourceKind outbox_kind = {.name = "outbox",
                                  .open = open_outbox,
                                  .close = close_outbox,
                                  .alive = outbox_alive,
                                  .join = join_outbox,
                                  .quiesce = quiesce_outbox};

bool outboxes_busy(const Host *host) {
  for (const Resource *r = host->resources->first; r; r = r->next)
    if (r->kind == &outbox_kind && r->object && ((const OutboxCore *)r->object)->runs)
      return true;
  return false;
}
