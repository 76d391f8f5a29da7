/* See call.h. The main thread is where callbacks live; a wait inside raises, because it
 * is no coroutine of a task. */
#include "script/call.h"

#include "script/script.h"
#include "script/watchdog.h"

static int f_traceback(lua_State *L) {
  luaL_traceback(L, L, luaL_tolstring(L, 1, NULL), 1);
  return 1;
}

bool script_call(Generation *gen, const char *what, const char *of, lua_CFunction body,
                 void *ctx) {
  lua_State *L = gen->L;
  int top = lua_gettop(L);
  if (!lua_checkstack(L, 4)) return false;
  lua_pushcfunction(L, f_traceback);
  lua_pushcfunction(L, body);
  lua_pushlightuserdata(L, ctx);
  WatchdogTurn turn = watchdog_enter(gen, L);
  bool ok = lua_pcall(L, 1, 0, top + 1) == LUA_OK;
  watchdog_leave(gen, turn);
  if (!ok) {
    const char *text = lua_tostring(L, -1);
    log_write(gen->rt->log, LOG_ERROR, gen->script->name, "error in %s%s%s: %s", what,
              of ? " of " : "", of ? of : "", text ? text : "(it cannot be shown)");
  }
  lua_settop(L, top);
  return ok;
}
