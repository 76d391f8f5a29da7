/* See task_life.h. */
#include "vm/task_life.h"

#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vm/cstack.h"
#include "vm/task_parts.h"
#include "vm/watchdog.h"

/* --- coroutines ------------------------------------------------------------------- */

static int f_new_thread(lua_State *L) {
  lua_newthread(L);
  lua_pushinteger(L, luaL_ref(L, LUA_REGISTRYINDEX));
  return 1;
}

/* False when there is no memory for one. */
static bool take_coroutine(Task *task) {
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
    lua_sethook(co, NULL, 0, 0); /* the hook of a load */
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

/* --- its name --------------------------------------------------------------------- */

static void copy_part(char *to, size_t room, const char *from, size_t len) {
  if (len >= room) len = room - 1;
  if (len) memcpy(to, from, len);
  to[len] = '\0';
}

static void set_name(Task *task, TaskName name) {
  task->what = name.what;
  copy_part(task->of, sizeof task->of, name.of, name.of ? strlen(name.of) : 0);
  copy_part(task->event_name, sizeof task->event_name, name.event, name.event_len);
}

const char *task_name(const Task *task, char out[TASK_NAME_ROOM]) {
  snprintf(out, TASK_NAME_ROOM, "%s%s%s%s%s", task->what, *task->of ? " " : "", task->of,
           *task->event_name ? ": " : "", task->event_name);
  return out;
}

/* --- making and releasing --------------------------------------------------------- */

/* Charged for a task, with the timer or request that it waits for. */
enum { TASK_BYTES = sizeof(Task) + 256 };

/* Finished tasks are reused: one starts with each event. */
static Task *take_free_task(Host *host) {
  Task *task = host->free_tasks;
  if (!task) return xcalloc(1, sizeof *task);
  host->free_tasks = task->next;
  memset(task, 0, offsetof(Task, what));
  return task;
}

static void keep_free_task(Task *task) {
  charge_let_go(task->charge, TASK_BYTES);
  task->next = task->host->free_tasks;
  task->host->free_tasks = task;
}

void tasks_free(Host *host) {
  while (host->free_tasks) {
    Task *task = host->free_tasks;
    host->free_tasks = task->next;
    free(task);
  }
}

Task *task_new(Vm *vm, TaskName name, void (*on_event)(Event *event)) {
  Task *task = take_free_task(vm->host);
  task->vm = vm;
  task->host = vm->host;
  task->charge = charge_hold(vm->owner->charge, TASK_BYTES);
  task->refs = 1;
  task->results = LUA_NOREF;
  task->event.run = on_event;
  set_name(task, name);
  if (!take_coroutine(task)) {
    char text[TASK_NAME_ROOM];
    log_write(vm->host->log, LOG_ERROR, vm->owner->name, "%s: no memory for a task",
              task_name(task, text));
    vm->hooks->failed(vm, "no memory for a task");
    keep_free_task(task);
    return NULL;
  }
  task->next = vm->tasks;
  if (vm->tasks) vm->tasks->prev = task;
  vm->tasks = task;
  return task;
}

void task_ref(Task *task) {
  task->refs++;
}

void task_unref(Task *task) {
  if (--task->refs > 0) return;
  CHECK(task->finished);
  if (task->vm) luaL_unref(task->vm->L, LUA_REGISTRYINDEX, task->results);
  free(task->trace);
  keep_free_task(task);
}

void task_unlink(Task *task) {
  if (task->prev) task->prev->next = task->next;
  else task->vm->tasks = task->next;
  if (task->next) task->next->prev = task->prev;
  task->prev = task->next = NULL;
}

size_t task_size(void) {
  return sizeof(Task);
}
