/* See hold.h. HeldBack events are run one a turn, so that order and the ends of turns are
 * what they always are; an event that comes while others are held queues behind them. */
#include "script/hold.h"

#include <string.h>
#include <stdlib.h>

#include "script/script.h"
#include "resource/stores.h"

enum { HOLD_ABOVE = 1 << 20, MOST_HELD = 1000, MOST_TICKS = 20 };
#define REST 0.05 /* seconds: in them all others have a turn */

static bool is_unread(const Script *script) {
  if (script->rt->stopping || script->ending) return false;
  return output_queued(&script->printed) > HOLD_ABOVE;
}

static bool may_not_run(const Script *script) {
  return is_unread(script) || (script->hold.rests && !script->rt->stopping);
}

static bool runs_now(const Script *script) {
  const Task *task = script->rt->current;
  return script->hold.running || (task && task->gen && task->gen->script == script);
}

bool hold_wanted(const Generation *gen) {
  const Script *script = gen->script;
  if (gen->state == GEN_STAGING || runs_now(script)) return false;
  return script->hold.first || may_not_run(script);
}

bool hold_has_room(const Generation *gen) {
  const HeldBack *held = &gen->script->hold;
  return held->count < (held->rests ? MOST_TICKS : MOST_HELD);
}

bool hold_is_heavy(const Generation *gen) {
  size_t used = gen->memory + output_queued(&gen->script->printed);
  return hold_wanted(gen) && used > gen->memory_limit / 2;
}

static void tell_once(Script *script) {
  if (script->hold.told || !is_unread(script)) return;
  script->hold.told = true;
  log_write(script->rt->log, LOG_WARN, script->name,
            "%zu bytes that it printed are not read: it goes on when they are",
            output_queued(&script->printed));
}

static void on_go_on(Event *event);

static void go_on_soon(Script *script) {
  if (script->hold.queued) return;
  script->hold.queued = true;
  script->hold.go_on.run = on_go_on;
  inbox_push(script->rt->loop, &script->hold.go_on);
}

/* Asks again after each look: it may have been written between the two. */
static void look(Script *script) {
  if (is_unread(script)) output_tell_fewer(script->rt->output, &script->printed);
  if (!may_not_run(script)) go_on_soon(script);
}

static void on_rested(Timer *timer) {
  Script *script = CONTAINER_OF(timer, Script, hold.rest);
  script->hold.rests = false;
  if (script->hold.first || script->hold.skipped) look(script);
}

void hold_rest(Script *script) {
  HeldBack *held = &script->hold;
  if (held->rests || script->rt->stopping) return;
  held->rests = true;
  held->rest.fire = on_rested;
  timer_start(script->rt->loop, &held->rest, REST);
}

void hold_event(Generation *gen, Event *event) {
  HeldBack *held = &gen->script->hold;
  event->next = NULL;
  if (!held->first) held->last = &held->first;
  *held->last = event;
  held->last = &event->next;
  held->count++;
  tell_once(gen->script);
  look(gen->script);
}

bool hold_skips(const Generation *gen) {
  if (!hold_wanted(gen)) return false;
  gen->script->hold.skipped = true;
  tell_once(gen->script);
  look(gen->script);
  return true;
}

static Event *take_first(HeldBack *held) {
  Event *event = held->first;
  if (!event) return NULL;
  held->first = event->next;
  held->count--;
  return event;
}

/* What subscribers were not told of meanwhile is looked at when all else has gone on. */
static void on_go_on(Event *event) {
  Script *script = CONTAINER_OF(event, Script, hold.go_on);
  HeldBack *held = &script->hold;
  held->queued = false;
  if (may_not_run(script)) {
    look(script);
    return;
  }
  Event *first = take_first(held);
  held->running = true;
  if (first) first->run(first);
  held->running = false;
  if (held->first) look(script);
  else if (held->skipped) stores_look_again(script->rt->stores);
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
  lua_State *L = task->gen->L;
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
  Runtime *rt = async->data;
  runtime_output_failed(rt);
  for (Script *s = rt->scripts; s; s = s->next)
    if (s->hold.first || s->hold.skipped) look(s);
}

/* On a writer's thread. */
static void tell_loop(void *ctx) {
  uv_async_send(ctx);
}

static void free_handle(uv_handle_t *handle) {
  free(handle);
}

void hold_open(Runtime *rt) {
  rt->printed = xcalloc(1, sizeof *rt->printed);
  uv_async_init(loop_uv(rt->loop), rt->printed, on_printed);
  uv_unref((uv_handle_t *)rt->printed);
  rt->printed->data = rt;
  output_listen(rt->output, tell_loop, rt->printed);
}

void hold_close(Runtime *rt) {
  output_listen(rt->output, NULL, NULL);
  uv_close((uv_handle_t *)rt->printed, free_handle);
}

void hold_end(Script *script) {
  for (Event *event; (event = take_first(&script->hold));)
    inbox_push(script->rt->loop, event);
}

void hold_free(Script *script) {
  timer_stop(script->rt->loop, &script->hold.rest);
  hold_end(script);
  output_forget(script->rt->output, &script->printed);
}
