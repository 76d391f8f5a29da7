/* tidelock.timer: after, every and now. An anonymous timer belongs to its generation and
 * ends with it; a named one is a resource of the script's and keeps its phase over a
 * reload. */
#include <lauxlib.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "bridge/box.h"
#include "lua/modules.h"
#include "bridge/strict.h"
#include "lua/options.h"
#include "vm/hold.h"
#include "resource/resource.h"
#include "vm/vm_timer.h"

static int f_now(lua_State *L) {
  lua_pushnumber(L, loop_now(vm_of(L)->host->loop));
  return 1;
}

static double check_seconds(lua_State *L, int index, bool repeats) {
  double seconds = luaL_checknumber(L, index);
  luaL_argcheck(L, seconds >= 0 && seconds < 1e9, index, "seconds, 0 or more");
  luaL_argcheck(L, !repeats || seconds >= 0.001, index,
                "a repeating timer takes at least 0.001 seconds");
  return seconds;
}

/* The next due time of a repeating timer: on the grid, without making up for missed
 * ticks. */
static double next_due(double due, double period, double now) {
  due += period;
  return due > now ? due : due + ceil((now - due) / period) * period;
}

static int push_function(lua_State *L, void *ctx) {
  lua_rawgeti(L, LUA_REGISTRYINDEX, *(int *)ctx);
  return 0;
}

/* --- anonymous timers ------------------------------------------------------------- */

/* The handle is a plain userdata without a finaliser: a pointer and the serial that the
 * timer had when it was made. Ended timers are used again under another serial, never
 * freed before their generation: so a stale handle is told by comparing, and collecting
 * handles costs nothing. */
typedef struct ScriptTimer {
  VmTimer op; /* first: the generation frees it as an VmTimer */
  Timer timer;
  uint64_t serial;
  double seconds;
  bool repeats;
  int function;
} ScriptTimer;

typedef struct TimerHandle {
  ScriptTimer *timer;
  uint64_t serial;
} TimerHandle;

static const char timer_class[] = "timer";

static void release_timer(ScriptTimer *t) {
  Vm *vm = t->op.vm;
  luaL_unref(vm->L, LUA_REGISTRYINDEX, t->function);
  t->serial++;
  t->op.next = vm->spare;
  vm->spare = &t->op;
}

static void start_timer(VmTimer *op) {
  ScriptTimer *t = CONTAINER_OF(op, ScriptTimer, op);
  timer_start(op->vm->host->loop, &t->timer, t->seconds);
}

static void stop_timer(VmTimer *op) {
  ScriptTimer *t = CONTAINER_OF(op, ScriptTimer, op);
  timer_stop(op->vm->host->loop, &t->timer);
  release_timer(t);
}

static void on_fire(Timer *timer) {
  ScriptTimer *t = CONTAINER_OF(timer, ScriptTimer, timer);
  Vm *vm = t->op.vm;
  Loop *loop = vm->host->loop;
  if (t->repeats) {
    timer_start_at(loop, timer, next_due(timer->due, t->seconds, loop_now(loop)));
    if (hold_has_room(vm))
      task_start(vm, TASK_NAME("a timer", NULL), push_function, &t->function, NULL, NULL);
    return;
  }
  vm_timer_remove(&t->op);
  task_start(vm, TASK_NAME("a timer", NULL), push_function, &t->function, NULL, NULL);
  release_timer(t);
}

static int f_stop(lua_State *L) {
  TimerHandle *handle = luaL_checkudata(L, 1, timer_class);
  ScriptTimer *t = handle->timer;
  if (t->serial != handle->serial) return 0;
  if (!t->repeats && !timer_active(&t->timer) && t->op.vm->state == VM_LIVE)
    return 0; /* it is firing now */
  vm_timer_remove(&t->op);
  stop_timer(&t->op);
  return 0;
}

/* With its place among the loop's timers. */
enum { TIMER_BYTES = sizeof(ScriptTimer) + 2 * sizeof(Timer *) };

/* Makes one that can be taken, if there is none. May raise. */
static void make_spare(lua_State *L) {
  Vm *vm = vm_of(L);
  if (vm->spare) return;
  need_memory(L, TIMER_BYTES);
  charge_add(vm->owner->charge, TIMER_BYTES); /* the script outlives it */
  vm->timer_bytes += TIMER_BYTES;
  ScriptTimer *t = xcalloc(1, sizeof *t);
  vm->spare = &t->op;
}

static ScriptTimer *take_timer(Vm *vm) {
  ScriptTimer *t = CONTAINER_OF(vm->spare, ScriptTimer, op);
  vm->spare = t->op.next;
  return t;
}

static int add_timer(lua_State *L, bool repeats) {
  double seconds = check_seconds(L, 1, repeats);
  luaL_checktype(L, 2, LUA_TFUNCTION);
  options_none(L, 3, repeats ? "timer.every" : "timer.after");
  need_declaring(L, repeats ? "timer.every" : "timer.after");
  Vm *vm = vm_of(L);
  make_spare(L);
  TimerHandle *handle = lua_newuserdatauv(L, sizeof *handle, 0);
  luaL_setmetatable(L, timer_class);
  lua_pushvalue(L, 2);
  int function = luaL_ref(L, LUA_REGISTRYINDEX);
  ScriptTimer *t = take_timer(vm);
  *t = (ScriptTimer){.op = {.start = start_timer, .stop = stop_timer},
                     .timer.fire = on_fire,
                     .serial = t->serial,
                     .seconds = seconds,
                     .repeats = repeats,
                     .function = function};
  *handle = (TimerHandle){t, t->serial};
  vm_timer_add(vm, &t->op);
  return 1;
}

static int f_after(lua_State *L) {
  return add_timer(L, false);
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
  task_start(decl->vm, TASK_NAME("the timer", res->name), push_function,
             &decl->functions[0], NULL, NULL);
}

static int named_open(Resource *res, Error *err) {
  (void)err;
  NamedTimer *t = xcalloc(1, sizeof *t);
  *t =
      (NamedTimer){.timer.fire = on_named, .res = res, .period = *(double *)res->options};
  res->core = t;
  return 0;
}

static void named_start(Resource *res) {
  NamedTimer *t = res->core;
  timer_start(res->owner->host->loop, &t->timer, t->period);
}

static void named_close(Resource *res) {
  NamedTimer *t = res->core;
  timer_stop(res->owner->host->loop, &t->timer);
  free(t);
  res->core = NULL;
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
  NamedTimer *t = res->core;
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

static const ResourceKind named_kind = {.name = "timer",
                                        .open = named_open,
                                        .start = named_start,
                                        .close = named_close,
                                        .alive = named_alive,
                                        .same = named_same,
                                        .in_place = named_in_place,
                                        .change = named_change,
                                        .differs = named_differs,
                                        .free_options = free};

static void forget_named(Box *box) {
  (void)box; /* the declaration goes with its generation */
}

static const BoxKind named_box = {"named timer", forget_named};

static int f_stop_named(lua_State *L) {
  Declaration *decl = box_to(L, 1, &named_box)->object;
  need_loaded(L, "timer:stop");
  if (decl && decl->res) resource_close(decl->res);
  return 0;
}

static int add_named(lua_State *L) {
  const char *name = declared_name(L, 1);
  double seconds = check_seconds(L, 2, true);
  luaL_checktype(L, 3, LUA_TFUNCTION);
  options_none(L, 4, "timer.every");
  need_declaring(L, "timer.every");
  Error err;
  Box *box = box_new(L, &named_box);
  lua_pushvalue(L, 3);
  int function = luaL_ref(L, LUA_REGISTRYINDEX); /* may raise: nothing is declared yet */
  double *options = xmalloc(sizeof *options);
  *options = seconds;
  Declaration *decl = declare_with(L, &named_kind, name, options, &function, 1, &err);
  CHECK(decl != NULL); /* opening a timer cannot fail */
  box_refer(box, decl, &decl->boxes);
  return 1;
}

/* every(seconds, fn) or every(name, seconds, fn) */
static int f_every(lua_State *L) {
  return lua_type(L, 1) == LUA_TSTRING ? add_named(L) : add_timer(L, true);
}

int luaopen_tidelock_timer(lua_State *L) {
  static const luaL_Reg methods[] = {{"stop", f_stop}, {NULL, NULL}};
  static const luaL_Reg named_methods[] = {{"stop", f_stop_named}, {NULL, NULL}};
  static const luaL_Reg functions[] = {
      {"now", f_now}, {"after", f_after}, {"every", f_every}, {NULL, NULL}};
  lua_newtable(L);
  luaL_newlib(L, methods);
  strict_make(L, "a timer", "method");
  lua_setfield(L, -2, "__index");
  lua_pushstring(L, timer_class);
  lua_setfield(L, -2, "__metatable");
  lua_pushstring(L, timer_class);
  lua_setfield(L, -2, "__name");
  lua_setfield(L, LUA_REGISTRYINDEX, timer_class); /* when it is whole: all may raise */
  box_class(L, &named_box, named_methods, NULL);
  luaL_newlib(L, functions);
  return 1;
}
