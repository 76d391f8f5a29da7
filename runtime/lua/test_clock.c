/* tidelock.test.clock.core: a test's clock; stdlib/test/clock.lua has what tests call. */
#include <lauxlib.h>
#include <math.h>
#include <stdlib.h>

#include "bridge/luaerror.h"
#include "lua/modules.h"
#include "script/runtime.h"
#include "script/test_clock.h"
#include "vm/task_wait.h"
#include "vm/vm.h"

/* open(zone?) → true | nil, err */
static int f_open(lua_State *L) {
  Error err;
  if (test_clock_open(runtime_of(L), luaL_optstring(L, 1, NULL), &err) != 0)
    return luaerror_return(L, &err);
  lua_pushboolean(L, 1);
  return 1;
}

static int f_close(lua_State *L) {
  test_clock_close(runtime_of(L));
  return 0;
}

static int f_is_open(lua_State *L) {
  lua_pushboolean(L, test_clock(runtime_of(L)) != NULL);
  return 1;
}

static int raise_ended(lua_State *L, void *ctx) {
  (void)ctx;
  return luaL_error(L, "the clock has ended with its test");
}

static TestClock *check_clock(lua_State *L) {
  TestClock *clock = test_clock(runtime_of(L));
  if (!clock) raise_ended(L, NULL);
  return clock;
}

static int f_step(lua_State *L) {
  test_clock_step(check_clock(L), luaL_checknumber(L, 1));
  return 0;
}

static int f_set_wall(lua_State *L) {
  test_clock_set_wall(check_clock(L), luaL_checknumber(L, 1));
  return 0;
}

static int f_suspend(lua_State *L) {
  test_clock_suspend(check_clock(L), luaL_checknumber(L, 1));
  return 0;
}

/* --- advancing -------------------------------------------------------------------- */

typedef struct Advancing {
  Advance advance;
  Wait wait;
  Task *task;
} Advancing;

static int push_nothing(lua_State *L, void *ctx) {
  (void)L, (void)ctx;
  return 0;
}

static void on_over(Advance *advance, bool too_early) {
  Advancing *a = CONTAINER_OF(advance, Advancing, advance);
  Task *task = a->task;
  free(a);
  if (too_early) task_wake_later(task, raise_ended, NULL);
  else task_wake(task, push_nothing, NULL);
}

static void cancel_advance(Wait *wait) {
  Advancing *a = CONTAINER_OF(wait, Advancing, wait);
  Vm *vm = task_vm(a->task);
  TestClock *clock = test_clock(runtime_of(vm->L));
  if (clock) test_clock_stay(clock, &a->advance);
  free(a);
}

static int f_advance(lua_State *L) {
  TestClock *clock = check_clock(L);
  double seconds = luaL_checknumber(L, 1);
  Task *task = task_waiter(L, "clock.advance");
  Advancing *a = xcalloc(1, sizeof *a);
  *a = (Advancing){{on_over}, {cancel_advance}, task};
  Error err;
  if (test_clock_advance(clock, seconds, &a->advance, &err) == 0)
    return task_wait(L, task, &a->wait);
  free(a);
  return luaerror_raise(L, &err);
}

int luaopen_tidelock_test_clock_core(lua_State *L) {
  static const luaL_Reg functions[] = {{"open", f_open},       {"close", f_close},
                                       {"step", f_step},       {"set_wall", f_set_wall},
                                       {"suspend", f_suspend}, {"advance", f_advance},
                                       {"is_open", f_is_open}, {NULL, NULL}};
  luaL_newlib(L, functions);
  return 1;
}
