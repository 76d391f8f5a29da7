/* Hearing of a task's end, and waiting for it: see task.h. Who listens holds a reference,
 * and is told once, by task.c. */
#include <lauxlib.h>
#include <stdlib.h>

#include "vm/task.h"

typedef struct Awaiter {
  Wait wait;
  TaskEnd end;
  Task *task, *target;
} Awaiter;

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

static int push_results(lua_State *L, void *ctx) {
  bool ok = task_take_results(L, ctx);
  int n = task_unpack_results(L, ok);
  return ok ? n : lua_error(L); /* then there is one: what it raised */
}

static int push_awaited(lua_State *L, void *ctx) {
  Task *task = ctx, *target = task->awaited;
  task->awaited = NULL;
  return push_results(L, target);
}

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

/* --- awaiting --------------------------------------------------------------------- */

static void cancel_await(Wait *wait) {
  Awaiter *awaiter = CONTAINER_OF(wait, Awaiter, wait);
  task_off_end(awaiter->target, &awaiter->end);
  task_unref(awaiter->target);
  free(awaiter);
}

static void await_over(TaskEnd *end) {
  Awaiter *awaiter = CONTAINER_OF(end, Awaiter, end);
  Task *task = awaiter->task;
  task->awaited = awaiter->target;
  free(awaiter);
  task_wake_later(task, push_awaited, task);
}

int task_await(lua_State *L, Task *target) {
  Task *task = task_waiter(L, "task:await");
  if (target == task) return luaL_error(L, "a task cannot await itself");
  task_ref(target);
  if (target->finished) return push_results(L, target);
  Awaiter *awaiter = xcalloc(1, sizeof *awaiter);
  *awaiter = (Awaiter){.wait.cancel = cancel_await,
                       .end.ended = await_over,
                       .task = task,
                       .target = target};
  task_on_end(target, &awaiter->end);
  return task_wait(L, task, &awaiter->wait);
}
