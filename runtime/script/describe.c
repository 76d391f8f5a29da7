/* The text of an error that ended a task or a load: see task.h. */
#include <stdlib.h>
#include <string.h>

#include "script/task.h"
#include "script/watchdog.h"

/* (co, trace) → text. Protected: __tostring may raise, and there may be no memory. */
static int f_describe(lua_State *L) {
  lua_State *co = lua_touserdata(L, 1);
  const char *trace = lua_touserdata(L, 2);
  if (!lua_checkstack(co, 1)) return luaL_error(L, "no memory");
  lua_pushvalue(co, -1);
  if (co != L) lua_xmove(co, L, 1);
  luaL_tolstring(L, -1, NULL);
  if (trace) lua_pushfstring(L, "%s\n%s", lua_tostring(L, -1), trace);
  return 1;
}

char *task_describe(Generation *gen, lua_State *co, const char *trace) {
  lua_State *L = gen->L;
  if (lua_type(co, -1) == LUA_TSTRING && gen->memory_place[0] &&
      strcmp(lua_tostring(co, -1), "not enough memory") == 0)
    return xasprintf("%s: MEMORY: not enough memory: a script may use %zu MiB",
                     gen->memory_place, gen->memory_limit >> 20);
  lua_pushcfunction(L, f_describe);
  lua_pushlightuserdata(L, co);
  lua_pushlightuserdata(L, (void *)trace);
  WatchdogTurn turn = watchdog_enter(gen, L);
  bool ok = lua_pcall(L, 2, 1, 0) == LUA_OK;
  watchdog_leave(gen, turn);
  const char *text = ok ? lua_tostring(L, -1) : NULL;
  char *copy = text ? xstrdup(text)
                    : xasprintf("(an error that cannot be shown)%s%s", trace ? "\n" : "",
                                trace ? trace : "");
  lua_pop(L, 1);
  return copy;
}
