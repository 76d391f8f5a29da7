/* See hold.h. Held events run one a turn, so that their order and the ends of turns are
 * as without holding; an event that comes while others are held queues behind them. */
#include "vm/hold.h"

#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "vm/task_parts.h"

enum { HOLD_ABOVE = 1 << 20, MOST_HELD = 1000, MOST_TICKS = 20 };
#define GIVE_WAY 0.05 /* seconds in which all other scripts have a turn */
#define SLICE 0.005   /* of a collection */
#define SHARE 0.05    /* seconds of CPU time after which a script gives way */

static bool is_unread(const Owner *owner) {
  if (owner->host->stopping || owner->ending) return false;
  return output_queued(&owner->unread) > HOLD_ABOVE;
}

static bool may_not_run(const Owner *owner) {
  return is_unread(owner) ||
         ((owner->hold.gives_way || owner->hold.collects) && !owner->host->cancelling);
}

static bool runs_now(const Owner *owner) {
  const Task *task = owner->host->current;
  return owner->hold.running || (task && task->vm && task->vm->owner == owner);
}

bool hold_wanted(const Vm *vm) {
  const Owner *owner = vm->owner;
  if (vm->state == VM_STAGING || vm->sharing || runs_now(owner)) return false;
  return owner->hold.first || may_not_run(owner);
}

bool hold_has_room(const Vm *vm) {
  const HeldBack *held = &vm->owner->hold;
  return held->count < (held->gives_way ? MOST_TICKS : MOST_HELD);
}

bool hold_is_heavy(const Vm *vm) {
  size_t used = vm->memory + output_queued(&vm->owner->unread);
  return hold_wanted(vm) && used > vm->memory_limit / 2;
}

static void log_once(Owner *owner) {
  if (owner->hold.logged || !is_unread(owner)) return;
  owner->hold.logged = true;
  log_write(owner->host->log, LOG_WARN, owner->name,
            "%zu bytes that it printed are not read: it goes on when they are",
            output_queued(&owner->unread));
}

static void on_run_held(Event *event);

static void run_held_soon(Owner *owner) {
  if (owner->hold.queued) return;
  owner->hold.queued = true;
  owner->hold.run_held.run = on_run_held;
  inbox_push(owner->host->loop, &owner->hold.run_held);
}

/* Looks again after it has asked to be notified: the text may have been written
 * between the two. */
static void check_held(Owner *owner) {
  if (is_unread(owner)) output_notify_fewer(owner->host->output, &owner->unread);
  if (!may_not_run(owner)) run_held_soon(owner);
}

/* Runs behind all events that were queued when the time was over: this script's events
 * are held now, those of others have run. */
static void on_all_had_turns(Event *event) {
  Owner *owner = CONTAINER_OF(event, Owner, hold.all_had_turns);
  owner->hold.gives_way = owner->hold.way_given = false;
  if (owner->hold.first || owner->hold.skipped) check_held(owner);
}

static void on_way_given(Timer *timer) {
  Owner *owner = CONTAINER_OF(timer, Owner, hold.give_way);
  owner->hold.all_had_turns.run = on_all_had_turns;
  owner->hold.way_given = true;
  inbox_push(owner->host->loop, &owner->hold.all_had_turns);
}

static void begin_giving_way(Owner *owner, double seconds) {
  HeldBack *held = &owner->hold;
  if (held->way_given || owner->host->cancelling || owner->ending) return;
  held->gives_way = true;
  held->used = 0;
  held->give_way.fire = on_way_given;
  held->give_way.real = true;
  timer_start(owner->host->loop, &held->give_way, seconds);
}

void hold_give_way(Owner *owner) {
  begin_giving_way(owner, GIVE_WAY);
}

/* While the process ends, the end waits, too. */
static bool is_alone(const Owner *owner) {
  const Host *host = owner->host;
  return host->owners == owner && !owner->next && !host->stopping;
}

/* Its next turn begins when all timers that are due have fired and all events that are
 * queued have run: that takes the time of those, and no more. */
void hold_used(Owner *owner, double seconds) {
  HeldBack *held = &owner->hold;
  held->used += seconds;
  if (held->used >= SHARE && !held->gives_way && !is_alone(owner))
    begin_giving_way(owner, 0);
}

/* --- collecting -------------------------------------------------------------------- */

/* One slice; false: the collection is over. */
static bool collect_slice(lua_State *L) {
  double end = clock_cpu() + SLICE;
  while (clock_cpu() < end)
    if (lua_gc(L, LUA_GCSTEP, 0)) return false;
  return true;
}

static void on_collect(Event *event) {
  Owner *owner = CONTAINER_OF(event, Owner, hold.collect);
  Vm *vm = owner->current;
  if (vm && !owner->host->cancelling && collect_slice(vm->L)) {
    inbox_push(owner->host->loop, event);
    return;
  }
  owner->hold.collects = false;
  if (vm && vm->memory < vm->memory_limit / 2) vm->refused_at = 0;
  if (owner->hold.first || owner->hold.skipped) check_held(owner);
}

void hold_collect(Vm *vm) {
  Owner *owner = vm->owner;
  bool much = vm->memory > vm->memory_limit / 2;
  vm->refused = false;
  if (!much || owner->hold.collects || owner->current != vm || owner->ending) return;
  if (owner->host->cancelling || owner->host->stopping) return;
  owner->hold.collects = true;
  owner->hold.collect.run = on_collect;
  inbox_push(owner->host->loop, &owner->hold.collect);
}

/* --- events ------------------------------------------------------------------------ */

void hold_event(Vm *vm, Event *event) {
  HeldBack *held = &vm->owner->hold;
  event->next = NULL;
  if (!held->first) held->last = &held->first;
  *held->last = event;
  held->last = &event->next;
  held->count++;
  log_once(vm->owner);
  check_held(vm->owner);
}

bool hold_skips(const Vm *vm) {
  if (!hold_wanted(vm)) return false;
  vm->owner->hold.skipped = true;
  log_once(vm->owner);
  check_held(vm->owner);
  return true;
}

static Event *take_first(HeldBack *held) {
  Event *event = held->first;
  if (!event) return NULL;
  held->first = event->next;
  held->count--;
  return event;
}

static void run_first(HeldBack *held) {
  Event *first = take_first(held);
  held->running = true;
  if (first) first->run(first);
  held->running = false;
}

static void on_flush(Event *event) {
  run_first(CONTAINER_OF(event, HeldBack, flush));
}

bool hold_run_first(Owner *owner, Event *then) {
  if (!owner->hold.first || is_unread(owner)) return false;
  owner->hold.flush.run = on_flush;
  inbox_push_front(owner->host->loop, then);
  inbox_push_front(owner->host->loop, &owner->hold.flush);
  return true;
}

/* Subscribers that were passed over are called last: by hooks->notify_skipped. */
static void on_run_held(Event *event) {
  Owner *owner = CONTAINER_OF(event, Owner, hold.run_held);
  HeldBack *held = &owner->hold;
  held->queued = false;
  if (may_not_run(owner)) {
    check_held(owner);
    return;
  }
  run_first(held);
  if (held->first) check_held(owner);
  else if (held->skipped) owner->host->hooks->notify_skipped(owner->host);
  held->skipped = held->skipped && held->first;
}

/* --- values ------------------------------------------------------------------------ */

typedef struct Pushing {
  TaskPush *push;
  void *ctx;
} Pushing;

static int f_push(lua_State *L) {
  Pushing *p = lua_touserdata(L, 1);
  lua_settop(L, 0);
  return p->push(L, p->ctx);
}

void hold_values(Task *task, TaskPush *push, void *ctx) {
  lua_State *L = task->vm->L;
  Pushing p = {push, ctx};
  int top = lua_gettop(L);
  lua_pushcfunction(L, f_push);
  lua_pushlightuserdata(L, &p);
  task->failed = lua_pcall(L, 1, LUA_MULTRET, 0) != LUA_OK;
  task->args = lua_gettop(L) - top;
  if (!lua_checkstack(task->co, task->args + 1)) {
    lua_settop(L, top);
    lua_pushnil(L);
    task->args = 1;
    task->failed = true;
  }
  lua_xmove(L, task->co, task->args);
}

int hold_push(lua_State *L, void *ctx) {
  Task *task = ctx;
  return task->failed ? lua_error(L) : task->args;
}

/* --- life -------------------------------------------------------------------------- */

static void on_output_changed(uv_async_t *async) {
  Host *host = async->data;
  host->hooks->output_changed(host);
  for (Owner *o = host->owners; o; o = o->next)
    if (o->hold.first || o->hold.skipped) check_held(o);
}

/* On a writer's thread. */
static void wake_loop(void *ctx) {
  uv_async_send(ctx);
}

static void free_handle(uv_handle_t *handle) {
  free(handle);
}

void hold_open(Host *host) {
  host->output_wake = xcalloc(1, sizeof *host->output_wake);
  uv_async_init(loop_uv(host->loop), host->output_wake, on_output_changed);
  uv_unref((uv_handle_t *)host->output_wake);
  host->output_wake->data = host;
  output_listen(host->output, wake_loop, host->output_wake);
}

void hold_close(Host *host) {
  output_listen(host->output, NULL, NULL);
  uv_close((uv_handle_t *)host->output_wake, free_handle);
}

void hold_end(Owner *owner) {
  for (Event *event; (event = take_first(&owner->hold));)
    inbox_push(owner->host->loop, event);
}

void hold_free(Owner *owner) {
  timer_stop(owner->host->loop, &owner->hold.give_way);
  hold_end(owner);
  output_forget(owner->host->output, &owner->unread);
}
