/* The coroutines of tasks: see task_pool.h. */
#include "vm/task_pool.h"

#include <lauxlib.h>

#include "vm/cstack.h"
#include "vm/watchdog.h"

static int f_new_thread(lua_State *L) {
  lua_newthread(L);
  lua_pushinteger(L, luaL_ref(L, LUA_REGISTRYINDEX));
  return 1;
}

bool task_take_coroutine(Task *task) {
  Vm *vm = task->vm;
  if (vm->pooled > 0) {
    vm->pooled--;
    task->co = vm->pool[vm->pooled].co;
    task->co_ref = vm->pool[vm->pooled].ref;
    return true;
  }
  lua_pushcfunction(vm->L, f_new_thread);
  bool ok = lua_pcall(vm->L, 0, 1, 0) == LUA_OK;
  if (ok) {
    task->co_ref = (int)lua_tointeger(vm->L, -1);
    lua_rawgeti(vm->L, LUA_REGISTRYINDEX, task->co_ref);
    task->co = lua_tothread(vm->L, -1);
    lua_pop(vm->L, 1);
  }
  lua_pop(vm->L, 1);
  return ok;
}

void task_give_coroutine(Task *task, bool reusable) {
  Vm *vm = task->vm;
  lua_State *co = task->co;
  task->co = NULL;
  if (reusable && vm->pooled < POOL_SIZE) {
    lua_settop(co, 0);
    lua_sethook(co, NULL, 0, 0); /* that of a load */
    vm->pool[vm->pooled].co = co;
    vm->pool[vm->pooled++].ref = task->co_ref;
    return;
  }
  bool spent = task->cancelled && watchdog_share_is_spent(vm);
  if (!cstack_is_low(vm->host) && !spent && !watchdog_is_over(vm->host->watchdog)) {
    WatchdogTurn turn = watchdog_enter(vm, co); /* __close may run */
    if (task->cancelled) watchdog_share(vm);
    lua_resetthread(co);
    watchdog_leave(vm, turn);
  }
  luaL_unref(vm->L, LUA_REGISTRYINDEX, task->co_ref);
}
