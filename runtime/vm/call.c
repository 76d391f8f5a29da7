/* See call.h. The main thread is where callbacks live; a wait inside raises, because it
 * is no coroutine of a task. */
#include "vm/call.h"

#include <stdlib.h>

#include "bridge/luaerror.h"
#include "vm/cstack.h"
#include "vm/task_error.h"
#include "vm/watchdog.h"

typedef struct Call {
  lua_CFunction body;
  void *ctx;
  char *trace; /* of where it raised; NULL: not known */
  bool late;   /* likewise: its turn had no time left */
} Call;

static int f_keep_trace(lua_State *L) {
  task_keep_trace(L, lua_touserdata(L, lua_upvalueindex(1)));
  return 1;
}

/* Protected already, as pushing the handler may raise. */
static int f_call(lua_State *L) {
  Call *call = lua_touserdata(L, 1);
  cstack_check(L);
  lua_pushlightuserdata(L, &call->trace);
  lua_pushcclosure(L, f_keep_trace, 1);
  lua_pushcfunction(L, call->body);
  lua_pushlightuserdata(L, call->ctx);
  if (lua_pcall(L, 1, 0, 2) == LUA_OK) return 0;
  call->late = watchdog_is_late();
  watchdog_explain(L);
  return lua_error(L);
}

static void report_error(Vm *vm, const char *what, const char *of, const Call *call) {
  char *name = of ? xasprintf("%s of %s", what, of) : xstrdup(what);
  task_report_error(vm, name, vm->L, call->trace);
  free(name);
}

static bool run_call(Vm *vm, const char *what, const char *of, Call *call, bool apart,
                     Error *err) {
  lua_State *L = vm->L;
  int top = lua_gettop(L);
  Error none, *why = err ? err : &none;
  if (!lua_checkstack(L, 8)) return error_set(why, ERR_MEMORY, "no memory"), false;
  lua_pushcfunction(L, f_call);
  lua_pushlightuserdata(L, call);
  WatchdogTurn turn = watchdog_enter(vm, L);
  bool ok = lua_pcall(L, 1, 0, 0) == LUA_OK;
  if (apart) watchdog_leave_apart(vm, turn);
  else watchdog_leave(vm, turn);
  if (!ok) {
    if (what) report_error(vm, what, of, call);
    luaerror_read(L, -1, why);
  }
  free(call->trace);
  lua_settop(L, top);
  return ok;
}

bool vm_call(Vm *vm, const char *what, const char *of, lua_CFunction body, void *ctx,
             Error *err) {
  Call call = {.body = body, .ctx = ctx};
  return run_call(vm, what, of, &call, false, err);
}

bool vm_call_apart(Vm *vm, const char *what, const char *of, lua_CFunction body,
                   void *ctx, VmCallEnd *end, Error *err) {
  Call call = {.body = body, .ctx = ctx};
  bool ok = run_call(vm, what, of, &call, true, err);
  end->late = call.late;
  return ok;
}
