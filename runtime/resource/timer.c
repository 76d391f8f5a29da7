/* See timer.h. */
#include "resource/timer.h"

#include <lauxlib.h>
#include <math.h>
#include <stdlib.h>

#include "vm/hold.h"
#include "vm/vm_timer.h"

/* The next due time of a repeating timer: on the grid, without making up for missed
 * ticks. */
static double next_due(double due, double period, double now) {
  due += period;
  return due > now ? due : due + ceil((now - due) / period) * period;
}

/* --- anonymous timers ------------------------------------------------------------- */

struct ScriptTimer {
  VmTimer live; /* first: the Vm frees it as a VmTimer */
  Timer timer;
  uint64_t serial;
  double seconds;
  bool repeats;
  int function;
};

static void start_timer(VmTimer *timer) {
  ScriptTimer *t = CONTAINER_OF(timer, ScriptTimer, live);
  timer_start(timer->vm->host->loop, &t->timer, t->seconds);
}

/* Timers that are made one after the other with one function share its reference. They
 * stand side by side in the Vm's list (vm_timer_add): if neither neighbour of a timer has
 * its reference, no other timer has it. */
static bool has_function(const VmTimer *timer, int function) {
  return timer && timer->start == start_timer &&
         CONTAINER_OF(timer, const ScriptTimer, live)->function == function;
}

/* Just removed from the list: whether its reference was its alone. */
static bool was_alone(const ScriptTimer *t) {
  return !has_function(t->live.prev, t->function) &&
         !has_function(t->live.next, t->function);
}

static void release_timer(ScriptTimer *t, bool alone) {
  Vm *vm = t->live.vm;
  if (alone) luaL_unref(vm->L, LUA_REGISTRYINDEX, t->function);
  t->serial++;
  t->live.next = vm->spare;
  vm->spare = &t->live;
}

static void stop_timer(VmTimer *timer) {
  ScriptTimer *t = CONTAINER_OF(timer, ScriptTimer, live);
  timer_stop(timer->vm->host->loop, &t->timer);
  release_timer(t, was_alone(t));
}

static const TaskName timer_name = {.what = "a timer"};

static void on_fire(Timer *timer) {
  ScriptTimer *t = CONTAINER_OF(timer, ScriptTimer, timer);
  Vm *vm = t->live.vm;
  Loop *loop = vm->host->loop;
  if (t->repeats) {
    timer_start_at(loop, timer, next_due(timer->due, t->seconds, loop_now(loop)));
    if (hold_has_room(vm)) task_start_referred(vm, timer_name, t->function);
    return;
  }
  vm_timer_remove(&t->live);
  bool alone = was_alone(t); /* what runs may end its neighbours */
  task_start_referred(vm, timer_name, t->function);
  release_timer(t, alone);
}

/* With its place among the loop's timers. */
enum { TIMER_BYTES = sizeof(ScriptTimer) + 2 * sizeof(Timer *) };

void timer_reserve(lua_State *L) {
  Vm *vm = vm_of(L);
  if (vm->spare) return;
  need_memory(L, TIMER_BYTES);
  charge_add(vm->owner->charge, TIMER_BYTES); /* the script outlives it */
  vm->timer_bytes += TIMER_BYTES;
  ScriptTimer *t = xcalloc(1, sizeof *t);
  vm->spare = &t->live;
}

static ScriptTimer *take_timer(Vm *vm) {
  ScriptTimer *t = CONTAINER_OF(vm->spare, ScriptTimer, live);
  vm->spare = t->live.next;
  __builtin_prefetch(vm->spare);
  return t;
}

int timer_refer(lua_State *L, int index) {
  const VmTimer *last = vm_of(L)->timers;
  if (last && last->start == start_timer) {
    int function = CONTAINER_OF(last, const ScriptTimer, live)->function;
    lua_rawgeti(L, LUA_REGISTRYINDEX, function);
    bool same = lua_rawequal(L, index, -1);
    lua_pop(L, 1);
    if (same) return function;
  }
  lua_pushvalue(L, index);
  return luaL_ref(L, LUA_REGISTRYINDEX);
}

TimerHandle timer_start_anonymous(Vm *vm, double seconds, bool repeats, int function) {
  ScriptTimer *t = take_timer(vm);
  *t = (ScriptTimer){.live = {.start = start_timer, .stop = stop_timer},
                     .timer.fire = on_fire,
                     .serial = t->serial,
                     .seconds = seconds,
                     .repeats = repeats,
                     .function = function};
  vm_timer_add(vm, &t->live);
  return (TimerHandle){t, t->serial};
}

/* One that fires now has its function run, whoever stops it there. */
void timer_stop_anonymous(TimerHandle handle) {
  ScriptTimer *t = handle.timer;
  if (t->serial != handle.serial) return;
  if (!t->repeats && !timer_active(&t->timer) && t->live.vm->state == VM_LIVE) return;
  vm_timer_remove(&t->live);
  stop_timer(&t->live);
}

/* --- named timers ----------------------------------------------------------------- */

typedef struct NamedTimer {
  Timer timer;
  Resource *res;
  double period;
} NamedTimer;

static void on_named(Timer *timer) {
  NamedTimer *t = CONTAINER_OF(timer, NamedTimer, timer);
  Resource *res = t->res;
  Loop *loop = res->owner->host->loop;
  timer_start_at(loop, timer, next_due(timer->due, t->period, loop_now(loop)));
  Declaration *decl = res->decls;
  if (!decl || !declaration_live(decl) || !hold_has_room(decl->vm)) return;
  task_start_referred(decl->vm, TASK_NAME("the timer", res->name),
                      decl->functions[TIMER_FUNCTION]);
}

static int named_open(Resource *res, Error *err) {
  (void)err;
  NamedTimer *t = xcalloc(1, sizeof *t);
  *t =
      (NamedTimer){.timer.fire = on_named, .res = res, .period = *(double *)res->options};
  res->object = t;
  return 0;
}

static void named_start(Resource *res) {
  NamedTimer *t = res->object;
  timer_start(res->owner->host->loop, &t->timer, t->period);
}

static void named_close(Resource *res) {
  NamedTimer *t = res->object;
  timer_stop(res->owner->host->loop, &t->timer);
  free(t);
  res->object = NULL;
}

static void named_quiesce(Resource *res) {
  NamedTimer *t = res->object;
  timer_stop(res->owner->host->loop, &t->timer);
}

static bool named_alive(const Resource *res) {
  return res->decls != NULL;
}

static bool named_same(const void *a, const void *b) {
  return *(const double *)a == *(const double *)b;
}

static bool named_in_place(const void *a, const void *b) {
  (void)a, (void)b;
  return true;
}

/* It counts on from when it fired last, or began; what is overdue by that fires now. */
static void named_change(Resource *res, const void *before) {
  NamedTimer *t = res->object;
  Loop *loop = res->owner->host->loop;
  t->period = *(double *)res->options;
  timer_start_at(
      loop, &t->timer,
      fmax(t->timer.due - *(const double *)before + t->period, loop_now(loop)));
}

static void named_differs(const void *a, const void *b, Buffer *out) {
  (void)a, (void)b;
  buffer_puts(out, "interval");
}

const ResourceKind timer_kind = {.name = "timer",
                                 .open = named_open,
                                 .start = named_start,
                                 .close = named_close,
                                 .quiesce = named_quiesce,
                                 .alive = named_alive,
                                 .same = named_same,
                                 .in_place = named_in_place,
                                 .change = named_change,
                                 .differs = named_differs,
                                 .free_options = free};
