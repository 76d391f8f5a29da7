/* coroutine.* as scripts see it. A wait inside a script's own coroutine must not hand the
 * runtime's yield to the script's resume: resume and wrap see that the task has begun to
 * wait and yield on, outwards, until the task itself is suspended; when it is woken, they
 * resume inwards again. */
#include <lauxlib.h>
#include <lualib.h>

#include "script/task.h"
#include "script/watchdog.h"

static int resume_over(lua_State *L, int status, lua_KContext ctx);

/* Resumes co with nargs values that lie on its stack; pushes `ok, values...` on L and
 * returns their number, or yields on when the task waits. */
static int resume_in(lua_State *L, lua_State *co, int nargs) {
  Generation *gen = generation_of(L);
  int n;
  lua_State *was = watchdog_switch(gen, co);
  int status = lua_resume(co, L, nargs, &n);
  watchdog_switch(gen, was);
  Task *task = gen->rt->current;
  if (status == LUA_YIELD && task && task->wait)
    return lua_yieldk(L, 0, (lua_KContext)co, resume_over);
  bool ok = status == LUA_OK || status == LUA_YIELD;
  if (!ok) n = 1;
  if (!lua_checkstack(L, n + 1)) {
    lua_pop(co, n);
    return luaL_error(L, "too many results to resume");
  }
  lua_pushboolean(L, ok);
  lua_xmove(co, L, n);
  return n + 1;
}

static int finish_wrap(lua_State *L, int n) {
  if (lua_toboolean(L, -n)) return n - 1;
  lua_State *co = lua_tothread(L, lua_upvalueindex(1));
  if (lua_status(co) != LUA_OK && lua_status(co) != LUA_YIELD) lua_resetthread(co);
  return lua_error(L); /* the error value is on top */
}

static int finish(lua_State *L, int n) {
  return lua_isnone(L, lua_upvalueindex(1)) ? n : finish_wrap(L, n);
}

static int resume_over(lua_State *L, int status, lua_KContext ctx) {
  (void)status;
  return finish(L, resume_in(L, (lua_State *)ctx, 0));
}

static int fail_resume(lua_State *L, const char *why) {
  lua_pushboolean(L, 0);
  lua_pushstring(L, why);
  return finish(L, 2);
}

static int start_resume(lua_State *L, lua_State *co, int nargs) {
  if (co == L) return fail_resume(L, "cannot resume non-suspended coroutine");
  if (lua_status(co) == LUA_OK && lua_gettop(co) == 0)
    return fail_resume(L, "cannot resume dead coroutine");
  lua_Debug frame;
  if (lua_status(co) == LUA_OK && lua_getstack(co, 0, &frame) > 0)
    return fail_resume(L, "cannot resume non-suspended coroutine");
  if (lua_status(co) != LUA_OK && lua_status(co) != LUA_YIELD)
    return fail_resume(L, "cannot resume dead coroutine");
  if (!lua_checkstack(co, nargs)) return fail_resume(L, "too many arguments to resume");
  lua_xmove(L, co, nargs);
  return finish(L, resume_in(L, co, nargs));
}

static lua_State *check_coroutine(lua_State *L) {
  lua_State *co = lua_tothread(L, 1);
  luaL_argexpected(L, co, 1, "coroutine");
  return co;
}

static int f_resume(lua_State *L) {
  lua_State *co = check_coroutine(L);
  return start_resume(L, co, lua_gettop(L) - 1);
}

static int f_call_wrapped(lua_State *L) {
  lua_State *co = lua_tothread(L, lua_upvalueindex(1));
  return start_resume(L, co, lua_gettop(L));
}

static int f_create(lua_State *L) {
  luaL_checktype(L, 1, LUA_TFUNCTION);
  lua_State *co = lua_newthread(L);
  lua_pushvalue(L, 1);
  lua_xmove(L, co, 1);
  return 1;
}

static int f_wrap(lua_State *L) {
  f_create(L);
  lua_pushcclosure(L, f_call_wrapped, 1);
  return 1;
}

static int f_yield(lua_State *L) {
  Task *task = generation_of(L)->rt->current;
  if (task && task->co == L)
    return luaL_error(L, "coroutine.yield outside a coroutine of the script's own: "
                         "use task.sleep(0) to let others run");
  return lua_yield(L, lua_gettop(L));
}

int coroutine_open(lua_State *L) {
  static const luaL_Reg ours[] = {{"resume", f_resume},
                                  {"create", f_create},
                                  {"wrap", f_wrap},
                                  {"yield", f_yield},
                                  {NULL, NULL}};
  luaopen_coroutine(L); /* status, isyieldable, running, close */
  luaL_setfuncs(L, ours, 0);
  return 1;
}
