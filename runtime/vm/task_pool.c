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
  Generation *gen = task->gen;
  if (gen->pooled > 0) {
    gen->pooled--;
    task->co = gen->pool[gen->pooled].co;
    task->co_ref = gen->pool[gen->pooled].ref;
    return true;
  }
  lua_pushcfunction(gen->L, f_new_thread);
  bool ok = lua_pcall(gen->L, 0, 1, 0) == LUA_OK;
  if (ok) {
    task->co_ref = (int)lua_tointeger(gen->L, -1);
    lua_rawgeti(gen->L, LUA_REGISTRYINDEX, task->co_ref);
    task->co = lua_tothread(gen->L, -1);
    lua_pop(gen->L, 1);
  }
  lua_pop(gen->L, 1);
  return ok;
}

void task_give_coroutine(Task *task, bool reusable) {
  Generation *gen = task->gen;
  lua_State *co = task->co;
  task->co = NULL;
  if (reusable && gen->pooled < POOL_SIZE) {
    lua_settop(co, 0);
    lua_sethook(co, NULL, 0, 0); /* that of a load */
    gen->pool[gen->pooled].co = co;
    gen->pool[gen->pooled++].ref = task->co_ref;
    return;
  }
  bool spent = task->cancelled && watchdog_share_is_spent(gen);
  if (!cstack_is_low(gen->rt) && !spent) {
    WatchdogTurn turn = watchdog_enter(gen, co); /* __close may run */
    if (task->cancelled) watchdog_share(gen);
    lua_resetthread(co);
    watchdog_leave(gen, turn);
  }
  luaL_unref(gen->L, LUA_REGISTRYINDEX, task->co_ref);
}
