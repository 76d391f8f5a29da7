/* tidelock.task.core: spawn, sleep and the task handle. stdlib/task.lua adds all, race
 * and with_timeout in terms of these. */
#include <lauxlib.h>
#include <math.h>
#include <stdlib.h>

#include "lua/modules.h"
#include "script/task.h"

/* --- the handle ------------------------------------------------------------------- */

static void release_task(Box *box) {
  task_unref(box->object);
}

static const BoxKind task_kind = {"task", release_task};

static int f_cancel(lua_State *L) {
  task_cancel(box_check(L, 1, &task_kind));
  return 0;
}

static int f_await(lua_State *L) {
  return task_await(L, box_check(L, 1, &task_kind));
}

/* "running" (it may wait), "done" or "failed". */
static int f_status(lua_State *L) {
  Task *task = box_check(L, 1, &task_kind);
  lua_pushstring(L, !task->finished ? "running" : task->ok ? "done" : "failed");
  return 1;
}

static int f_spawn(lua_State *L) {
  luaL_checktype(L, 1, LUA_TFUNCTION);
  need_loaded(L, "task.spawn");
  Box *box = box_new(L, &task_kind);
  lua_insert(L, 1);
  Task *task = task_spawn(L, lua_gettop(L) - 2);
  task_ref(task);
  box->object = task;
  return 1;
}

/* --- the gate --------------------------------------------------------------------- */

/* One task waits at it until it is opened, once. */
typedef struct Gate {
  Wait wait;
  Task *waiter;
  bool open;
} Gate;

static void release_gate(Box *box) {
  free(box->object); /* a waiting task holds the box on its stack: nobody waits */
}

static const BoxKind gate_kind = {"gate", release_gate};

static int push_nothing(lua_State *L, void *ctx) {
  (void)L, (void)ctx;
  return 0;
}

static void cancel_gate(Wait *wait) {
  CONTAINER_OF(wait, Gate, wait)->waiter = NULL;
}

static int f_gate(lua_State *L) {
  Box *box = box_new(L, &gate_kind);
  Gate *gate = xcalloc(1, sizeof *gate);
  gate->wait.cancel = cancel_gate;
  box->object = gate;
  return 1;
}

static int f_gate_open(lua_State *L) {
  Gate *gate = box_check(L, 1, &gate_kind);
  Task *waiter = gate->waiter;
  gate->open = true;
  gate->waiter = NULL;
  if (waiter) task_wake_later(waiter, push_nothing, NULL);
  return 0;
}

static int f_gate_wait(lua_State *L) {
  Gate *gate = box_check(L, 1, &gate_kind);
  Task *task = task_waiter(L, "waiting");
  if (gate->open) return 0;
  luaL_argcheck(L, !gate->waiter, 1, "one task waits at this gate already");
  gate->waiter = task;
  return task_wait(L, task, &gate->wait);
}

/* --- sleep ------------------------------------------------------------------------ */

typedef struct Sleep {
  Wait wait;
  Timer timer;
  Task *task;
} Sleep;

static void on_awake(Timer *timer) {
  Sleep *sleep = CONTAINER_OF(timer, Sleep, timer);
  Task *task = sleep->task;
  free(sleep);
  task_wake(task, push_nothing, NULL);
}

static void cancel_sleep(Wait *wait) {
  Sleep *sleep = CONTAINER_OF(wait, Sleep, wait);
  timer_stop(sleep->task->gen->rt->loop, &sleep->timer);
  free(sleep);
}

static int f_sleep(lua_State *L) {
  double seconds = luaL_checknumber(L, 1);
  luaL_argcheck(L, !isnan(seconds) && seconds < 1e9, 1, "seconds");
  Task *task = task_waiter(L, "task.sleep");
  Sleep *sleep = xcalloc(1, sizeof *sleep);
  *sleep = (Sleep){.wait.cancel = cancel_sleep, .timer.fire = on_awake, .task = task};
  timer_start(task->gen->rt->loop, &sleep->timer, seconds);
  return task_wait(L, task, &sleep->wait);
}

int luaopen_tidelock_task_core(lua_State *L) {
  static const luaL_Reg methods[] = {
      {"cancel", f_cancel}, {"await", f_await}, {"status", f_status}, {NULL, NULL}};
  static const luaL_Reg functions[] = {
      {"spawn", f_spawn}, {"sleep", f_sleep}, {"gate", f_gate}, {NULL, NULL}};
  static const luaL_Reg gate_methods[] = {
      {"open", f_gate_open}, {"wait", f_gate_wait}, {NULL, NULL}};
  box_class(L, &gate_kind, gate_methods, NULL);
  box_class(L, &task_kind, methods, NULL);
  luaL_newlib(L, functions);
  return 1;
}
