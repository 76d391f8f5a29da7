/* See sliced.h. A task that yields without a wait is queued again, behind all that is
 * queued by then: task.c takes it for the end of a slice. */
#include "vm/sliced.h"

#include <lauxlib.h>

#include "bridge/luaerror.h"
#include "bridge/luaslices.h"
#include "vm/task_error.h"
#include "vm/task_parts.h"

/* Within a coroutine of the script's own, or where C waits for the result, there are no
 * slices. */
static bool may_pause(lua_State *L) {
  const Task *task = vm_of(L)->host->current;
  return task && task->co == L && lua_isyieldable(L) && vm_of(L)->state != VM_STAGING;
}

static void raise_if_cancelled(lua_State *L) {
  const Task *task = vm_of(L)->host->current;
  if (may_pause(L) && task->cancelled) task_push_cancelled(L, NULL);
}

/* Returns what luaslices_step does; yields while there is more. */
static int read_slices(lua_State *L, int at, lua_KFunction next, Error *err) {
  int over = 0;
  while ((over = luaslices_step(L, at, err)) == 0)
    if (may_pause(L)) return lua_yieldk(L, 0, at, next);
  return over;
}

/* --- a function that is called ---------------------------------------------------- */

enum { FUNCTION = 1, KIND = 2 };

lua_Integer sliced_kind(int behind, bool silent) {
  return behind * 2 + silent;
}

static int call_over(lua_State *L, int status, lua_KContext ctx) {
  (void)status, (void)ctx;
  return lua_gettop(L);
}

static int call_with_values(lua_State *L, int at, int behind) {
  luaL_checkstack(L, behind + 1, "too many values");
  for (int i = behind; i > 0; i--) lua_pushvalue(L, at - i);
  lua_closeslot(L, at);
  for (int i = 0; i <= behind; i++) lua_remove(L, at - behind);
  lua_remove(L, KIND);
  lua_callk(L, lua_gettop(L) - 1, LUA_MULTRET, 0, call_over);
  return lua_gettop(L);
}

static int call_step(lua_State *L, int status, lua_KContext at) {
  Error err;
  (void)status;
  raise_if_cancelled(L);
  lua_Integer kind = lua_tointeger(L, KIND);
  if (read_slices(L, (int)at, call_step, &err) > 0)
    return call_with_values(L, (int)at, (int)kind / 2);
  return kind % 2 ? 0 : luaL_error(L, "%s", err.message);
}

int sliced_call(lua_State *L) {
  int at = lua_gettop(L);
  luaslices_begin(L, at);
  return call_step(L, LUA_OK, at);
}

/* --- what a wait returns ---------------------------------------------------------- */

static int return_step(lua_State *L, int status, lua_KContext at) {
  Error err;
  (void)status;
  raise_if_cancelled(L);
  if (read_slices(L, (int)at, return_step, &err) < 0) return luaerror_return(L, &err);
  if (lua_gettop(L) == at) lua_pushboolean(L, 1);
  return lua_gettop(L) - (int)at;
}

int sliced_return(lua_State *L, int n) {
  if (n != 1 || !luaslices_is(L, -1)) return n;
  luaslices_begin(L, lua_gettop(L));
  return return_step(L, LUA_OK, lua_gettop(L));
}
