/* coroutine.* as scripts see it. A wait inside a script's own coroutine must not hand the
 * runtime's yield to the script's resume. So resume and wrap look whether the task has
 * begun to wait, and then yield outwards, until the task itself is suspended; when it is
 * woken they resume inwards again. Meanwhile the inner coroutine is marked: nobody else
 * may resume or close it. The core's own coroutines are marked, too. */
#include "vm/coroutine.h"

#include <lauxlib.h>
#include <lualib.h>

#include "vm/cstack.h"
#include "vm/task_parts.h"
#include "vm/watchdog.h"

/* --- marks ------------------------------------------------------------------------ */

static uintptr_t *extra_of(lua_State *co) {
  return (uintptr_t *)lua_getextraspace(co);
}

void coroutine_mark(lua_State *co, int mark) {
  *extra_of(co) = (uintptr_t)bridge_of(co) | (uintptr_t)mark;
}

static bool is_marked(lua_State *co) {
  return *extra_of(co) & BRIDGE_MARKS;
}

/* --- resuming --------------------------------------------------------------------- */

static int resume_over(lua_State *L, int status, lua_KContext ctx);

/* Where L cannot be yielded (it runs in a comparison of table.sort, say), nothing inside
 * co may wait. */
static int run_in(lua_State *L, lua_State *co, int nargs, int *n) {
  Vm *vm = vm_of(L);
  int blocked = lua_isyieldable(L) ? 0 : 1;
  vm->host->blocked += blocked;
  lua_State *was = watchdog_switch(vm, co);
  int status = lua_resume(co, L, nargs, n);
  watchdog_switch(vm, was);
  vm->host->blocked -= blocked;
  return status;
}

/* Resumes co with nargs values that lie on its stack; pushes `ok, values...` on L and
 * returns their number, or yields on when the task waits. */
static int resume_in(lua_State *L, lua_State *co, int nargs) {
  int n, status = run_in(L, co, nargs, &n);
  Task *task = vm_of(L)->host->current;
  if (status == LUA_YIELD && task && (task->wait || task->queued)) {
    coroutine_mark(co, CO_WAITS);
    return lua_yieldk(L, 0, (lua_KContext)co, resume_over);
  }
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

/* Runs the `__close` methods pending in co, under the CPU limit. */
static int reset_coroutine(lua_State *L, lua_State *co) {
  Vm *vm = vm_of(L);
  lua_State *was = watchdog_switch(vm, co);
  int status = lua_resetthread(co);
  watchdog_switch(vm, was);
  return status;
}

/* An error inside the coroutine of wrap is raised in its caller. */
static int finish_wrap(lua_State *L, int n) {
  if (lua_toboolean(L, -n)) return n - 1;
  lua_State *co = lua_tothread(L, lua_upvalueindex(1));
  cstack_check(L);
  if (lua_status(co) != LUA_OK && lua_status(co) != LUA_YIELD) reset_coroutine(L, co);
  return lua_error(L);
}

static int finish_resume(lua_State *L, int n) {
  return lua_isnone(L, lua_upvalueindex(1)) ? n : finish_wrap(L, n);
}

static int resume_over(lua_State *L, int status, lua_KContext ctx) {
  lua_State *co = (lua_State *)ctx;
  (void)status;
  coroutine_mark(co, 0);
  return finish_resume(L, resume_in(L, co, 0));
}

static int fail_resume(lua_State *L, const char *why) {
  lua_pushboolean(L, 0);
  lua_pushstring(L, why);
  return finish_resume(L, 2);
}

typedef enum State { RUNNING, DEAD, SUSPENDED, NORMAL } State;

static State state_of(lua_State *L, lua_State *co) {
  lua_Debug frame;
  if (co == L) return RUNNING;
  if (is_marked(co)) return NORMAL;
  if (lua_status(co) == LUA_YIELD) return SUSPENDED;
  if (lua_status(co) != LUA_OK) return DEAD;
  if (lua_getstack(co, 0, &frame)) return NORMAL;
  return lua_gettop(co) == 0 ? DEAD : SUSPENDED;
}

static int start_resume(lua_State *L, lua_State *co, int nargs) {
  State state = state_of(L, co);
  if (state == DEAD) return fail_resume(L, "cannot resume dead coroutine");
  if (state != SUSPENDED) return fail_resume(L, "cannot resume non-suspended coroutine");
  if (cstack_is_low(vm_of(L)->host)) return fail_resume(L, cstack_overflow);
  if (!lua_checkstack(co, nargs)) return fail_resume(L, "too many arguments to resume");
  lua_xmove(L, co, nargs);
  if (lua_status(co) == LUA_OK)
    nargs++; /* the first time: f_body's function is its own */
  return finish_resume(L, resume_in(L, co, nargs));
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

static int f_status(lua_State *L) {
  static const char *const names[] = {"running", "dead", "suspended", "normal"};
  lua_pushstring(L, names[state_of(L, check_coroutine(L))]);
  return 1;
}

static int f_close(lua_State *L) {
  lua_State *co = check_coroutine(L);
  State state = state_of(L, co);
  if (state != DEAD && state != SUSPENDED)
    return luaL_error(L, "cannot close a %s coroutine",
                      state == RUNNING ? "running" : "normal");
  cstack_check(L);
  bool ok = reset_coroutine(L, co) == LUA_OK;
  lua_pushboolean(L, ok);
  if (ok) return 1;
  lua_xmove(co, L, 1);
  return 2;
}

static int body_over(lua_State *L, int status, lua_KContext ctx) {
  (void)ctx;
  if (status == LUA_OK || status == LUA_YIELD) return lua_gettop(L);
  return lua_error(L);
}

/* The bottom of a coroutine: see watchdog.c for why a protected call. */
static int f_body(lua_State *L) {
  int n = lua_gettop(L);
  return body_over(L, lua_pcallk(L, n - 1, LUA_MULTRET, 0, 0, body_over), 0);
}

static int f_create(lua_State *L) {
  luaL_checktype(L, 1, LUA_TFUNCTION);
  lua_State *co = lua_newthread(L);
  coroutine_mark(co, 0);
  lua_pushcfunction(co, f_body);
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
  Task *task = vm_of(L)->host->current;
  if (task && task->co == L)
    return luaL_error(L, "coroutine.yield outside a coroutine of the script's own: "
                         "use task.sleep(0) to let others run");
  return lua_yield(L, lua_gettop(L));
}

int coroutine_open(lua_State *L) {
  static const luaL_Reg ours[] = {
      {"resume", f_resume}, {"create", f_create}, {"wrap", f_wrap}, {"yield", f_yield},
      {"status", f_status}, {"close", f_close},   {NULL, NULL}};
  luaopen_coroutine(L); /* isyieldable, running */
  luaL_setfuncs(L, ours, 0);
  return 1;
}
