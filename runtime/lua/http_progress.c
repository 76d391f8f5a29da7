/* on_progress of a request: see http_progress.h. */
#include "lua/http_progress.h"

#include <lauxlib.h>
#include <stdlib.h>

#include "vm/task.h"

struct ProgressCall {
  Vm *vm;
  int function; /* a reference in its registry */
};

typedef struct Passed {
  const ProgressCall *call;
  uint64_t done, total;
} Passed;

ProgressCall *progress_new(lua_State *L, int index) {
  if (lua_isnoneornil(L, index)) return NULL;
  luaL_checktype(L, index, LUA_TFUNCTION);
  lua_pushvalue(L, index);
  int function = luaL_ref(L, LUA_REGISTRYINDEX);
  ProgressCall *call = xcalloc(1, sizeof *call);
  *call = (ProgressCall){vm_of(L), function};
  return call;
}

void progress_free(ProgressCall *call) {
  if (call) luaL_unref(call->vm->L, LUA_REGISTRYINDEX, call->function);
  free(call);
}

static int push_call(lua_State *L, void *ctx) {
  const Passed *passed = ctx;
  lua_rawgeti(L, LUA_REGISTRYINDEX, passed->call->function);
  lua_pushinteger(L, (lua_Integer)passed->done);
  if (passed->total == UINT64_MAX) lua_pushnil(L);
  else lua_pushinteger(L, (lua_Integer)passed->total);
  return 2;
}

void progress_tell(void *ctx, uint64_t done, uint64_t total) {
  const ProgressCall *call = ctx;
  Passed passed = {call, done, total};
  task_start(call->vm, TASK_NAME("on_progress of a request", NULL), push_call, &passed,
             NULL, NULL);
}
