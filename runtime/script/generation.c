/* Generations. The ordered end of one (generation_kill):
 *   1 ops stop, 2 tasks are killed (their waits cancelled), 3 declarations are unbound
 * and freed with their handlers, 4 boxes are severed, 5 the state is closed on a worker
 * thread: by then nothing in it points at anything of the core's. */
#include "script/generation.h"

#include <stdlib.h>

#include "bridge/place.h"
#include "script/keep_file.h"
#include "script/probation.h"
#include "resource/resource.h"
#include "script/script.h"
#include "vm/state.h"
#include "vm/task.h"
#include "bridge/view.h"
#include "vm/watchdog.h"

enum { STAGE_MEMORY_MIB = 64 };

static void on_ended(Event *event);
static void on_grace(Timer *timer);

Generation *generation_new(Script *script, Sources *sources) {
  Generation *gen = xcalloc(1, sizeof *gen);
  gen->script = script;
  gen->rt = script->rt;
  gen->number = ++script->generations;
  gen->sources = sources;
  gen->memory_limit = script->rt->options.memory_limit;
  gen->last_decl = &gen->decls;
  gen->grace_seconds = script->rt->options.grace;
  gen->on_start = gen->on_stop = gen->on_notice = gen->keep = gen->migrate = LUA_NOREF;
  gen->version = 1;
  gen->grace.fire = on_grace;
  gen->ended.run = on_ended;
  box_ring_init(&gen->boxes);
  return gen;
}

/* The extra space of a coroutine holds its generation's address and, in the bits that an
 * address leaves, its mark. */
static uintptr_t *extra(lua_State *L) {
  return (uintptr_t *)lua_getextraspace(L);
}

Generation *generation_of(lua_State *L) {
  return (Generation *)(*extra(L) & ~(uintptr_t)(CO_CORE | CO_WAITS));
}

void coroutine_mark(lua_State *co, int mark) {
  *extra(co) = (uintptr_t)generation_of(co) | (uintptr_t)mark;
}

int coroutine_marks(lua_State *co) {
  return (int)(*extra(co) & (CO_CORE | CO_WAITS));
}

/* --- ops -------------------------------------------------------------------------- */

void op_add(Generation *gen, Op *op) {
  op->gen = gen;
  op->prev = NULL;
  op->next = gen->ops;
  if (gen->ops) gen->ops->prev = op;
  gen->ops = op;
  if (gen->state == GEN_LIVE) op->start(op);
}

void op_remove(Op *op) {
  if (op->prev) op->prev->next = op->next;
  else op->gen->ops = op->next;
  if (op->next) op->next->prev = op->prev;
}

void generation_stop_ops(Generation *gen) {
  while (gen->ops) {
    Op *op = gen->ops;
    op_remove(op);
    op->stop(op);
  }
}

/* --- what it is charged for ------------------------------------------------------- */

/* A load is bounded by what its own state may take. */
void need_memory(lua_State *L, size_t bytes) {
  Generation *gen = generation_of(L);
  if (gen->state != GEN_STAGING && charge_is_full(gen->script->charge, bytes))
    luaL_error(L, "not enough memory");
}

Charge *generation_hold(lua_State *L, size_t bytes) {
  return charge_hold(generation_of(L)->script->charge, bytes);
}

/* --- what a script may do when ---------------------------------------------------- */

void need_loaded(lua_State *L, const char *what) {
  if (generation_of(L)->state == GEN_STAGING)
    place_raise(
        L,
        "%s is not possible while the script loads (the top level only declares): do it "
        "in script.on_start(function() ... end) or a handler",
        what);
}

void need_declaring(lua_State *L, const char *what) {
  if (generation_of(L)->state == GEN_RETIRING)
    place_raise(L,
                "%s: this version of the script has been replaced; it may finish, "
                "but declare nothing new",
                what);
}

/* --- life ------------------------------------------------------------------------- */

void generation_limit_stage(Generation *gen) {
  size_t limit = gen->memory + ((size_t)STAGE_MEMORY_MIB << 20);
  if (limit < gen->memory_limit) gen->memory_limit = limit;
}

void generation_start(Generation *gen) {
  CHECK(gen->state == GEN_STAGING);
  gen->state = GEN_LIVE;
  for (Op *op = gen->ops, *next; op; op = next) {
    next = op->next;
    op->start(op);
  }
}

bool generation_has_work(const Generation *gen) {
  return gen->tasks != NULL || gen->ops != NULL;
}

static void forget(Generation *gen) {
  Script *script = gen->script;
  Generation **at = &script->retiring;
  while (*at && *at != gen) at = &(*at)->next;
  if (*at) *at = gen->next;
  if (script->current == gen) script->current = NULL;
  if (script->staging == gen) script->staging = NULL;
}

static void close_state(uv_work_t *work) {
  Generation *gen = work->data;
  lua_close(gen->L);
}

static void state_closed(uv_work_t *work, int status) {
  (void)status;
  Generation *gen = work->data;
  gen->rt->closing--;
  CHECK(gen->memory == 0);
  blocks_free(&gen->blocks);
  sources_free(gen->sources);
  probation_free(gen);
  charge_remove(gen->script->charge, gen->op_bytes);
  while (gen->spare) {
    Op *op = gen->spare;
    gen->spare = op->next;
    free(op);
  }
  free(gen);
}

/* Starting the worker threads takes their stacks; without them libuv aborts. */
static bool may_use_worker(void) {
  enum { STACKS = 48 << 20 };
  return memory_has(STACKS);
}

/* A large state takes long to close: that is for a worker thread, if there may be one. */
static void close_and_free(Generation *gen, bool worker) {
  gen->work.data = gen;
  gen->rt->closing++;
  if (gen->L && worker) {
    CHECK(uv_queue_work(loop_uv(gen->rt->loop), &gen->work, close_state, state_closed) ==
          0);
    return;
  }
  if (gen->L) close_state(&gen->work);
  state_closed(&gen->work, 0);
}

static void free_traces(Generation *gen) {
  if (!gen->traces) return;
  handlers_free(gen->traces, gen->L);
  free(gen->traces);
  gen->traces = NULL;
}

void generation_kill(Generation *gen) {
  Runtime *rt = gen->rt;
  CHECK(gen->state != GEN_DEAD);
  forget(gen);
  gen->state = GEN_RETIRING; /* whatever still runs in the teardown may declare nothing */
  timer_stop(rt->loop, &gen->grace);
  generation_stop_ops(gen);
  while (gen->tasks) task_kill(gen->tasks);
  declarations_free(gen);
  free_traces(gen);
  box_sever_all(&gen->boxes);
  if (gen->L) views_sever(gen->L);
  keep_file_drop(gen);
  gen->state = GEN_DEAD;
  if (gen->ended_queued) return; /* on_ended goes on */
  bool worker = may_use_worker();
  if (!gen->L || worker) {
    close_and_free(gen, worker);
    return;
  }
  gen->ended_queued = true; /* not now: whoever kills it may still look at it */
  inbox_push(rt->loop, &gen->ended);
}

static void on_ended(Event *event) {
  Generation *gen = CONTAINER_OF(event, Generation, ended);
  gen->ended_queued = false;
  if (gen->state == GEN_DEAD) {
    close_and_free(gen, may_use_worker());
  } else if (gen->state == GEN_RETIRING && (gen->cut || !gen->tasks)) {
    generation_kill(gen);
  }
}

void generation_task_ended(Generation *gen) {
  if (gen->state != GEN_RETIRING || gen->tasks || gen->ended_queued) return;
  gen->ended_queued = true; /* not now: the task's last frames may be on the C stack */
  inbox_push(gen->rt->loop, &gen->ended);
}

/* The event comes behind those that wake the tasks: each has had its turn by then. */
void generation_cut(Generation *gen) {
  CHECK(gen->state == GEN_RETIRING);
  if (gen->cut) return;
  gen->cut = true;
  watchdog_share_begin(gen);
  timer_stop(gen->rt->loop, &gen->grace);
  for (Task *t = gen->tasks, *next; t; t = next) {
    next = t->next;
    task_cut(t);
  }
  if (gen->ended_queued) return;
  gen->ended_queued = true;
  inbox_push(gen->rt->loop, &gen->ended);
}

static void on_grace(Timer *timer) {
  Generation *gen = CONTAINER_OF(timer, Generation, grace);
  int count = 0;
  for (Task *t = gen->tasks; t; t = t->next) count++;
  if (count)
    log_write(
        gen->rt->log, LOG_WARN, gen->script->name,
        "%d task(s) of the replaced version did not end within %.3g s and are stopped",
        count, gen->grace_seconds);
  generation_cut(gen);
}

void generation_cancel_tasks(Generation *gen) {
  watchdog_share_begin(gen);
  for (Task *t = gen->tasks; t; t = t->next) task_cancel(t);
}

void generation_retire(Generation *gen) {
  CHECK(gen->state == GEN_LIVE);
  forget(gen);
  gen->state = GEN_RETIRING;
  gen->next = gen->script->retiring;
  gen->script->retiring = gen;
  generation_stop_ops(gen);
  timer_start(gen->rt->loop, &gen->grace, gen->grace_seconds);
  generation_task_ended(gen);
}
