/* See hold.h. Held events run one a turn, so that their order and the ends of turns are
 * as without holding; an event that comes while others are held queues behind them. */
#include "vm/hold.h"

#include <stdlib.h>
#include <string.h>

#include "vm/task_parts.h"

enum { HOLD_ABOVE = 1 << 20, MOST_HELD = 1000, MOST_TICKS = 20 };
#define REST 0.05  /* seconds in which all other scripts have a turn */
#define SHARE 0.05 /* seconds of CPU time after which a script gives way */

static bool is_unread(const Owner *owner) {
  if (owner->host->stopping || owner->ending) return false;
  return output_queued(&owner->printed) > HOLD_ABOVE;
}

static bool may_not_run(const Owner *owner) {
  return is_unread(owner) || (owner->hold.rests && !owner->host->cancelling);
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
  return held->count < (held->rests ? MOST_TICKS : MOST_HELD);
}

bool hold_is_heavy(const Vm *vm) {
  size_t used = vm->memory + output_queued(&vm->owner->printed);
  return hold_wanted(vm) && used > vm->memory_limit / 2;
}

static void log_once(Owner *owner) {
  if (owner->hold.logged || !is_unread(owner)) return;
  owner->hold.logged = true;
  log_write(owner->host->log, LOG_WARN, owner->name,
            "%zu bytes that it printed are not read: it goes on when they are",
            output_queued(&owner->printed));
}

static void on_go_on(Event *event);

static void go_on_soon(Owner *owner) {
  if (owner->hold.queued) return;
  owner->hold.queued = true;
  owner->hold.go_on.run = on_go_on;
  inbox_push(owner->host->loop, &owner->hold.go_on);
}

/* Looks again after it has asked to be notified: the text may have been written
 * between the two. */
static void check_held(Owner *owner) {
  if (is_unread(owner)) output_notify_fewer(owner->host->output, &owner->printed);
  if (!may_not_run(owner)) go_on_soon(owner);
}

/* Runs behind all events that were queued when the time was over: this script's events
 * are held now, those of others have run. */
static void on_rested(Event *event) {
  Owner *owner = CONTAINER_OF(event, Owner, hold.rested);
  owner->hold.rests = owner->hold.rest_ends = false;
  if (owner->hold.first || owner->hold.skipped) check_held(owner);
}

static void on_rest_over(Timer *timer) {
  Owner *owner = CONTAINER_OF(timer, Owner, hold.rest);
  owner->hold.rested.run = on_rested;
  owner->hold.rest_ends = true;
  inbox_push(owner->host->loop, &owner->hold.rested);
}

static void begin_rest(Owner *owner, double seconds) {
  HeldBack *held = &owner->hold;
  if (held->rest_ends || owner->host->cancelling || owner->ending) return;
  held->rests = true;
  held->used = 0;
  held->rest.fire = on_rest_over;
  timer_start(owner->host->loop, &held->rest, seconds);
}

void hold_rest(Owner *owner) {
  begin_rest(owner, REST);
}

/* While the process ends, the end waits, too. */
static bool is_alone(const Owner *owner) {
  const Host *host = owner->host;
  return host->owners == owner && !owner->next && !host->stopping;
}

/* A rest of no length: it is over when all timers that were due have fired, and all
 * events that were queued have run. */
void hold_used(Owner *owner, double seconds) {
  HeldBack *held = &owner->hold;
  held->used += seconds;
  if (held->used >= SHARE && !held->rests && !is_alone(owner)) begin_rest(owner, 0);
}

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

/* Subscribers that were passed over are called last: by hooks->gone_on. */
static void on_go_on(Event *event) {
  Owner *owner = CONTAINER_OF(event, Owner, hold.go_on);
  HeldBack *held = &owner->hold;
  held->queued = false;
  if (may_not_run(owner)) {
    check_held(owner);
    return;
  }
  Event *first = take_first(held);
  held->running = true;
  if (first) first->run(first);
  held->running = false;
  if (held->first) check_held(owner);
  else if (held->skipped) owner->host->hooks->gone_on(owner->host);
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

static void on_printed(uv_async_t *async) {
  Host *host = async->data;
  host->hooks->printed(host);
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
  host->printed = xcalloc(1, sizeof *host->printed);
  uv_async_init(loop_uv(host->loop), host->printed, on_printed);
  uv_unref((uv_handle_t *)host->printed);
  host->printed->data = host;
  output_listen(host->output, wake_loop, host->printed);
}

void hold_close(Host *host) {
  output_listen(host->output, NULL, NULL);
  uv_close((uv_handle_t *)host->printed, free_handle);
}

void hold_end(Owner *owner) {
  for (Event *event; (event = take_first(&owner->hold));)
    inbox_push(owner->host->loop, event);
}

void hold_free(Owner *owner) {
  timer_stop(owner->host->loop, &owner->hold.rest);
  hold_end(owner);
  output_forget(owner->host->output, &owner->printed);
}
