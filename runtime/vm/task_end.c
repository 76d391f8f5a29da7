/* See task_end.h. */
#include "vm/task_end.h"

#include <lauxlib.h>

#include "vm/task_life.h"
#include "vm/task_parts.h"

/* --- listeners -------------------------------------------------------------------- */

void task_on_end(Task *task, TaskEnd *end) {
  CHECK(!task->finished);
  end->next = task->ends;
  task->ends = end;
}

void task_off_end(Task *task, TaskEnd *end) {
  TaskEnd **at = &task->ends;
  while (*at && *at != end) at = &(*at)->next;
  if (*at) *at = end->next;
}

void task_notify_end(Task *task) {
  while (task->ends) {
    TaskEnd *end = task->ends;
    task->ends = end->next;
    end->ended(end);
  }
}

/* --- results ---------------------------------------------------------------------- */

/* Runs protected on co: packs its arguments into a table, and returns a reference. */
static int f_pack_results(lua_State *L) {
  int n = lua_gettop(L);
  lua_createtable(L, n, 1);
  lua_insert(L, 1);
  lua_pushinteger(L, n);
  lua_setfield(L, 1, "n");
  for (int i = n; i >= 1; i--) lua_rawseti(L, 1, i);
  lua_pushinteger(L, luaL_ref(L, LUA_REGISTRYINDEX));
  return 1;
}

void task_keep_results(Task *task, lua_State *co, int n) {
  lua_checkstack(co, 2);
  lua_pushcfunction(co, f_pack_results);
  lua_insert(co, -(n + 1));
  if (lua_pcall(co, n, 1, 0) == LUA_OK) task->results = (int)lua_tointeger(co, -1);
  lua_pop(co, 1);
}

bool task_take_results(lua_State *L, Task *task) {
  bool ok = task->ok;
  if (task->results == LUA_NOREF) lua_pushnil(L);
  else lua_rawgeti(L, LUA_REGISTRYINDEX, task->results);
  task_unref(task);
  return ok;
}

int task_unpack_results(lua_State *L, bool ok) {
  int table = lua_gettop(L);
  if (lua_isnil(L, table)) {
    if (!ok) lua_pushliteral(L, "the awaited task failed");
    return ok ? 0 : 1;
  }
  lua_getfield(L, table, "n");
  int n = (int)lua_tointeger(L, -1);
  lua_pop(L, 1);
  luaL_checkstack(L, n + 1, "too many results");
  for (int i = 1; i <= n; i++) lua_rawgeti(L, table, i);
  return n;
}

bool task_is_finished(const Task *task) {
  return task->finished;
}

bool task_ended_well(const Task *task) {
  return task->finished && task->ok;
}
