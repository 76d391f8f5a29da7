/* store:load: waits until what is kept at a path, and all below it, has been read. The
 * path is looked up anew after each branch, for the state may have changed meanwhile. */
#include <lauxlib.h>

#include "data/persist.h"
#include "bridge/luaerror.h"
#include "vm/vm.h"
#include "resource/stores.h"
#include "bridge/view.h"
#include "vm/task_wait.h"

/* Lua's memory, on the stack of the coroutine that waits, with the keys it points to. */
typedef struct StoreLoad {
  Wait wait;
  PersistFetch fetch;
  Task *task;
  Declaration *decl;
  Error err;
  size_t count;
  ValueStep steps[];
} StoreLoad;

/* What is to be read next, on the way or below; absent when all is there. */
static Value next_unread(const StoreLoad *l, Value *at) {
  *at = store_root(store_of(l->decl));
  for (size_t i = 0; i < l->count; i++) {
    if (value_is_unread(*at)) return *at;
    *at = value_get(*at, &l->steps[i], 1);
  }
  return value_find_unread(*at);
}

/* True when it has to be waited for. */
static bool go_on(StoreLoad *l) {
  Value at;
  return persist_fetch(task_host(l->task)->loop, &l->fetch, next_unread(l, &at));
}

static bool is_there(StoreLoad *l) {
  if (store_of(l->decl) && store_share(l->decl) >= SHARE_READ) return true;
  error_set(&l->err, ERR_CANCELLED, "the store %s was closed", l->decl->name);
  return false;
}

static int push_loaded(lua_State *L, void *ctx) {
  StoreLoad *l = ctx;
  Value at;
  if (l->err.code == ERR_NONE) is_there(l);
  if (l->err.code != ERR_NONE) return luaerror_return(L, &l->err);
  at = value_get(store_shown(l->decl), l->steps, l->count);
  view_push(L, at);
  return 1;
}

static void on_fetched(PersistFetch *fetch, const Error *err) {
  StoreLoad *l = CONTAINER_OF(fetch, StoreLoad, fetch);
  if (err) l->err = *err;
  else if (is_there(l) && go_on(l)) return;
  task_wake_later(l->task, push_loaded, l);
}

static void cancel_load(Wait *wait) {
  persist_fetch_cancel(&CONTAINER_OF(wait, StoreLoad, wait)->fetch);
}

static ValueStep read_step(lua_State *L, int index) {
  ValueStep step = {.index = SIZE_MAX};
  if (lua_isinteger(L, index)) {
    lua_Integer i = lua_tointeger(L, index);
    if (i >= 1) step.index = (size_t)i - 1;
    return step;
  }
  if (lua_type(L, index) != LUA_TSTRING)
    luaL_argerror(L, index, "the keys of a path are strings or indexes");
  step.key = lua_tolstring(L, index, &step.key_len);
  return step;
}

int store_load(lua_State *L, Declaration *decl) {
  int n = lua_gettop(L);
  Task *task = task_waiter(L, "store:load");
  size_t count = (size_t)n - 1;
  StoreLoad *l = lua_newuserdatauv(L, sizeof *l + count * sizeof l->steps[0], 0);
  *l = (StoreLoad){.wait.cancel = cancel_load,
                   .fetch.done = on_fetched,
                   .task = task,
                   .decl = decl,
                   .count = count};
  for (int i = 2; i <= n; i++) l->steps[i - 2] = read_step(L, i);
  return go_on(l) ? task_wait(L, task, &l->wait) : push_loaded(L, l);
}
