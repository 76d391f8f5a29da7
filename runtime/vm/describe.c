/* The text of an error that ended a task, a load or a call: see task.h. */
#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/luaerror.h"
#include "vm/task.h"
#include "vm/watchdog.h"

/* What lies below the script's own frames says nothing to anyone. */
static void cut_bottom(char *trace) {
  static const char ours[] = "\n\t[C]: in ?";
  size_t len = strlen(trace), n = sizeof ours - 1;
  while (len > n && memcmp(trace + len - n, ours, n) == 0) trace[len -= n] = '\0';
}

/* Each frame is looked for from the top, some fifty of them. */
bool task_is_deep(lua_State *L) {
  enum { DEEP = 5000 };
  lua_Debug frame;
  return lua_getstack(L, DEEP, &frame) != 0;
}

void task_keep_trace(lua_State *L, char **trace) {
  if (task_is_deep(L)) return;
  luaL_traceback(L, L, NULL, 1);
  free(*trace);
  *trace = xstrdup(lua_tostring(L, -1));
  cut_bottom(*trace);
  lua_settop(L, 1);
}

/* (trace, co, the error if co is this very thread) → text. Protected: __tostring may
 * raise, and there may be no memory. */
static int f_describe(lua_State *L) {
  const char *trace = lua_touserdata(L, 1);
  lua_State *co = lua_touserdata(L, 2);
  if (lua_gettop(L) < 3) {
    if (!lua_checkstack(co, 1)) return luaL_error(L, "no memory");
    lua_pushvalue(co, -1);
    lua_xmove(co, L, 1);
  }
  luaerror_show(L, 3);
  if (!trace) return 1;
  lua_pushfstring(L, "\n%s", trace);
  lua_concat(L, 2);
  return 1;
}

static char *describe_memory(const Vm *vm) {
  return xasprintf("%s: MEMORY: not enough memory: a script may use %zu MiB%s",
                   vm->memory_place, vm->memory_limit >> 20,
                   vm->state == VM_STAGING ? " while it loads" : "");
}

/* Returns new: what it says without a function of the script's, which may have failed, or
 * for which there is no time left. */
static char *describe_plainly(lua_State *co, const char *trace) {
  Error err;
  const char *between = trace ? "\n" : "";
  if (!trace) trace = "";
  if (lua_type(co, -1) == LUA_TSTRING)
    return xasprintf("%s%s%s", lua_tostring(co, -1), between, trace);
  if (!luaerror_read(co, -1, &err))
    return xasprintf("(an error that cannot be shown)%s%s", between, trace);
  if (err.code == ERR_SCRIPT) return xasprintf("%s%s%s", err.message, between, trace);
  return xasprintf("%s: %s%s%s", error_name(err.code), err.message, between, trace);
}

char *task_describe(Vm *vm, lua_State *co, const char *trace) {
  lua_State *L = vm->L;
  if (lua_type(co, -1) == LUA_TSTRING && vm->memory_place[0] &&
      strcmp(lua_tostring(co, -1), "not enough memory") == 0)
    return describe_memory(vm);
  if (watchdog_is_over(vm->host->watchdog)) return describe_plainly(co, trace);
  lua_pushcfunction(L, f_describe);
  lua_pushlightuserdata(L, (void *)trace);
  lua_pushlightuserdata(L, co);
  if (co == L) lua_pushvalue(L, -4);
  WatchdogTurn turn = watchdog_enter(vm, L);
  bool ok = lua_pcall(L, co == L ? 3 : 2, 1, 0) == LUA_OK;
  watchdog_leave(vm, turn);
  const char *text = ok ? lua_tostring(L, -1) : NULL;
  char *copy = text ? xstrdup(text) : NULL;
  lua_pop(L, 1);
  return copy ? copy : describe_plainly(co, trace);
}
