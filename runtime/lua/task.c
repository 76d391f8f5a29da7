/* tidelock.task.core: spawn, sleep and the task handle. stdlib/task.lua adds all, race
 * and with_timeout in terms of these. */
#include <lauxlib.h>
#include <math.h>
#include <stdlib.h>

#include "bridge/box.h"
#include "lua/modules.h"
#include "lua/number.h"
#include "lua/options.h"
#include "vm/task_end.h"
#include "vm/task_error.h"
#include "vm/task_life.h"
#include "vm/task_wait.h"

/* --- the handle ------------------------------------------------------------------- */

static void release_task(Box *box) {
  task_unref(box->object);
}

static const BoxKind task_kind = {"task", release_task};

static int f_cancel(lua_State *L) {
  need_pure(L, "task:cancel");
  task_cancel(box_check(L, 1, &task_kind));
  return 0;
}

static int f_await(lua_State *L) {
  return task_await(L, box_check(L, 1, &task_kind));
}

/* "running" (it may wait), "done" or "failed". */
static int f_status(lua_State *L) {
  Task *task = box_check(L, 1, &task_kind);
  lua_pushstring(L, !task_is_finished(task) ? "running"
                    : task_ended_well(task) ? "done"
                                            : "failed");
  return 1;
}

/* trace(task) → the traceback of the error that ended it, or nil: for tidelock.test */
static int f_trace(lua_State *L) {
  Task *task = box_check(L, 1, &task_kind);
  lua_pushstring(L, task_trace(task));
  return 1;
}

static int f_spawn(lua_State *L) {
  luaL_checktype(L, 1, LUA_TFUNCTION);
  need_loaded(L, "task.spawn");
  need_memory(L, task_size());
  Box *box = box_new(L, &task_kind);
  lua_insert(L, 1);
  Task *task = task_spawn(L, lua_gettop(L) - 2);
  task_ref(task);
  box->object = task;
  return 1;
}

/* The scope of tasks whose module tries again by itself. */
static const char retried_above[] = "";

/* set_scoped(): what this task is done for tries again by itself */
static int f_set_scoped(lua_State *L) {
  Task *task = vm_of(L)->host->current;
  if (task && !task_scope(task)) task_set_scope(task, retried_above);
  return 0;
}

/* scoped() → whether this task is done for something that tries again by itself: an entry
 * of an outbox, the renewal of a session, a query */
static int f_scoped(lua_State *L) {
  const Task *task = vm_of(L)->host->current;
  lua_pushboolean(L, task && task_scope(task));
  return 1;
}

/* --- the gate --------------------------------------------------------------------- */

/* One task waits at it until it is opened, once; or for some time, or until the loop has
 * nothing to do. */
typedef struct Gate {
  Wait wait;
  Task *waiter;
  Charge *charge;
  Timer timer;
  IdleCall idle;
  bool open;
} Gate;

static void release_gate(Box *box) {
  Gate *gate = box->object; /* a waiting task holds the box on its stack: nobody waits */
  charge_let_go(gate->charge, sizeof *gate);
  free(gate);
}

static const BoxKind gate_kind = {"gate", release_gate};

static int push_nothing(lua_State *L, void *ctx) {
  (void)L, (void)ctx;
  return 0;
}

static int push_open(lua_State *L, void *ctx) {
  lua_pushboolean(L, ((const Gate *)ctx)->open);
  return 1;
}

static Task *take_waiter(Gate *gate) {
  Task *task = gate->waiter;
  gate->waiter = NULL;
  if (!task) return NULL;
  timer_stop(task_host(task)->loop, &gate->timer);
  loop_idle_cancel(task_host(task)->loop, &gate->idle);
  return task;
}

static void cancel_gate(Wait *wait) {
  take_waiter(CONTAINER_OF(wait, Gate, wait));
}

static void on_gate_time(Timer *timer) {
  Gate *gate = CONTAINER_OF(timer, Gate, timer);
  task_wake(take_waiter(gate), push_open, gate);
}

static void on_gate_idle(IdleCall *idle) {
  Gate *gate = CONTAINER_OF(idle, Gate, idle);
  task_wake(take_waiter(gate), push_open, gate);
}

static int f_gate(lua_State *L) {
  need_memory(L, sizeof(Gate));
  Box *box = box_new(L, &gate_kind);
  Gate *gate = xcalloc(1, sizeof *gate);
  gate->charge = vm_hold(L, sizeof *gate);
  gate->wait.cancel = cancel_gate;
  gate->timer.fire = on_gate_time;
  gate->idle.run = on_gate_idle;
  box->object = gate;
  return 1;
}

static int f_gate_open(lua_State *L) {
  Gate *gate = box_check(L, 1, &gate_kind);
  gate->open = true;
  Task *waiter = take_waiter(gate);
  if (waiter) task_wake_later(waiter, push_open, gate);
  return 0;
}

/* gate:wait(seconds?, idle?) → whether it is open: else the seconds are over, or the loop
 * was idle */
static int f_gate_wait(lua_State *L) {
  Gate *gate = box_check(L, 1, &gate_kind);
  double seconds = luaL_optnumber(L, 2, INFINITY);
  luaL_argcheck(L, !isnan(seconds), 2, "seconds");
  bool idle = lua_toboolean(L, 3);
  Task *task = task_waiter(L, "waiting");
  if (gate->open) return push_open(L, gate);
  luaL_argcheck(L, !gate->waiter, 1, "one task waits at this gate already");
  gate->waiter = task;
  Loop *loop = task_host(task)->loop;
  if (seconds < INFINITY) timer_start(loop, &gate->timer, seconds);
  if (idle) loop_when_idle(loop, &gate->idle);
  return task_wait(L, task, &gate->wait);
}

/* --- the group -------------------------------------------------------------------- */

/* Tasks for whose ends one task waits, one by one, in the order in which they end. */
typedef struct Group Group;
typedef struct Member Member;

struct Member {
  TaskEnd end;
  Group *group;
  Task *task; /* NULL: it was handed out */
  Member *next, *next_ended;
  int number;
};

struct Group {
  Wait wait;
  Task *waiter;
  Charge *charge;
  Member *members, *ended, **last_ended;
  int count;
};

static void release_group(Box *box) { /* a waiting task holds the box: nobody waits */
  Group *group = box->object;
  while (group->members) {
    Member *member = group->members;
    group->members = member->next;
    if (member->task) task_off_end(member->task, &member->end);
    if (member->task) task_unref(member->task);
    charge_let_go(group->charge, sizeof *member);
    free(member);
  }
  charge_let_go(group->charge, sizeof *group);
  free(group);
}

static const BoxKind group_kind = {"group", release_group};

static void cancel_group(Wait *wait) {
  CONTAINER_OF(wait, Group, wait)->waiter = NULL;
}

static int f_group(lua_State *L) {
  need_memory(L, sizeof(Group));
  Box *box = box_new(L, &group_kind);
  Group *group = xcalloc(1, sizeof *group);
  group->charge = vm_hold(L, sizeof *group);
  group->wait.cancel = cancel_group;
  group->last_ended = &group->ended;
  box->object = group;
  return 1;
}

/* Pushes number, ok, results... of the first that has ended. */
static int push_ended(lua_State *L, void *ctx) {
  Group *group = ctx;
  Member *member = group->ended;
  if (!member) return 0;
  group->ended = member->next_ended;
  if (!group->ended) group->last_ended = &group->ended;
  Task *task = member->task;
  member->task = NULL;
  lua_pushinteger(L, member->number);
  bool ok = task_take_results(L, task);
  lua_pushboolean(L, ok);
  lua_insert(L, -2); /* number, ok, packed */
  int packed = lua_gettop(L), n = task_unpack_results(L, ok);
  lua_remove(L, packed);
  return n + 2;
}

static void member_ended(TaskEnd *end) {
  Member *member = CONTAINER_OF(end, Member, end);
  Group *group = member->group;
  Task *waiter = group->waiter;
  *group->last_ended = member;
  group->last_ended = &member->next_ended;
  group->waiter = NULL;
  if (waiter) task_wake_later(waiter, push_ended, group);
}

/* group:add(task) → its number: 1, 2, ... */
static int f_group_add(lua_State *L) {
  Group *group = box_check(L, 1, &group_kind);
  Task *task = box_check(L, 2, &task_kind);
  need_memory(L, sizeof(Member));
  vm_hold(L, sizeof(Member));
  Member *member = xcalloc(1, sizeof *member);
  *member = (Member){.end.ended = member_ended,
                     .group = group,
                     .task = task,
                     .next = group->members,
                     .number = ++group->count};
  group->members = member;
  task_ref(task);
  if (task_is_finished(task)) member_ended(&member->end);
  else task_on_end(task, &member->end);
  lua_pushinteger(L, member->number);
  return 1;
}

/* group:next() → number, ok, results...; waits */
static int f_group_next(lua_State *L) {
  Group *group = box_check(L, 1, &group_kind);
  Task *task = task_waiter(L, "waiting for tasks");
  if (group->ended) return push_ended(L, group);
  luaL_argcheck(L, !group->waiter, 1, "one task waits for this group already");
  group->waiter = task;
  return task_wait(L, task, &group->wait);
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
  timer_stop(task_host(sleep->task)->loop, &sleep->timer);
  free(sleep);
}

static int begin_sleep(lua_State *L, bool real) {
  static const NumberRule rule = {.least = 0, .most = NUMBER_SECONDS};
  double seconds = number_argument(L, 1, &rule, "seconds, 0 to 1e9");
  options_none(L, 2, "task.sleep");
  Task *task = task_waiter(L, "task.sleep");
  if (seconds <= 0) return task_wait_turn(L, task);
  Sleep *sleep = xcalloc(1, sizeof *sleep);
  *sleep = (Sleep){.wait.cancel = cancel_sleep,
                   .timer = {.fire = on_awake, .real = real},
                   .task = task};
  timer_start(task_host(task)->loop, &sleep->timer, seconds);
  return task_wait(L, task, &sleep->wait);
}

static int f_sleep(lua_State *L) {
  return begin_sleep(L, false);
}

/* By the system's clock, where a test's stands: for its limits. */
static int f_sleep_real(lua_State *L) {
  return begin_sleep(L, true);
}

static int f_now_real(lua_State *L) {
  lua_pushnumber(L, loop_real_now());
  return 1;
}

/* One may wait at it: no <close> variable, only the collector releases it. */
static void without_close(lua_State *L, const BoxKind *kind) {
  luaL_getmetatable(L, kind->name);
  lua_pushnil(L);
  lua_setfield(L, -2, "__close");
  lua_pop(L, 1);
}

int luaopen_tidelock_task_core(lua_State *L) {
  static const luaL_Reg methods[] = {
      {"cancel", f_cancel}, {"await", f_await}, {"status", f_status}, {NULL, NULL}};
  static const luaL_Reg functions[] = {
      {"scoped", f_scoped},     {"set_scoped", f_set_scoped},
      {"spawn", f_spawn},       {"sleep", f_sleep},
      {"gate", f_gate},         {"group", f_group},
      {"trace", f_trace},       {"sleep_real", f_sleep_real},
      {"now_real", f_now_real}, {NULL, NULL}};
  static const luaL_Reg gate_methods[] = {
      {"open", f_gate_open}, {"wait", f_gate_wait}, {NULL, NULL}};
  box_class(L, &gate_kind, gate_methods, NULL);
  without_close(L, &gate_kind);
  static const luaL_Reg group_methods[] = {
      {"add", f_group_add}, {"next", f_group_next}, {NULL, NULL}};
  box_class(L, &group_kind, group_methods, NULL);
  without_close(L, &group_kind);
  box_class(L, &task_kind, methods, NULL);
  luaL_newlib(L, functions);
  return 1;
}
