/* Standard output and error for scripts: see print.h. */
#include "vm/print.h"

#include <lauxlib.h>
#include <unistd.h>

#include "bridge/luaerror.h"
#include "vm/vm.h"

enum { MOST_QUEUED = 64 << 20 };

/* Raises when it is too much. */
static void print_text(lua_State *L, int fd, const char *text, size_t len) {
  Vm *vm = vm_of(L);
  need_pure(L, "printing");
  OutputAccount *account = &vm->owner->unread;
  size_t queued = output_queued(account);
  Error err;
  if (queued + len > MOST_QUEUED) {
    error_set(&err, ERR_BUFFER_FULL,
              "%zu bytes that were printed wait to be read: no more than 64 MiB may",
              queued);
    luaerror_raise(L, &err);
  }
  if (vm->memory + queued + len > vm->memory_limit) lua_gc(L, LUA_GCCOLLECT);
  if (vm->memory + queued + len > vm->memory_limit) luaL_error(L, "not enough memory");
  output_print(vm->host->output, fd, account, text, len);
}

int f_print(lua_State *L) {
  int n = lua_gettop(L);
  luaL_Buffer b;
  luaL_buffinit(L, &b);
  for (int i = 1; i <= n; i++) {
    if (i > 1) luaL_addchar(&b, '\t');
    luaL_tolstring(L, i, NULL);
    luaL_addvalue(&b);
  }
  luaL_addchar(&b, '\n');
  luaL_pushresult(&b);
  size_t len;
  const char *text = lua_tolstring(L, -1, &len);
  print_text(L, STDOUT_FILENO, text, len);
  return 0;
}

static int write_args(lua_State *L, int fd, int first) {
  int n = lua_gettop(L);
  for (int i = first; i <= n; i++) {
    size_t len;
    const char *text = luaL_checklstring(L, i, &len);
    print_text(L, fd, text, len);
  }
  return 0;
}

static int f_io_write(lua_State *L) {
  write_args(L, STDOUT_FILENO, 1);
  lua_getfield(L, lua_upvalueindex(1), "stdout");
  return 1;
}

/* io.stdout and io.stderr: tables with methods, the descriptor as an upvalue. */
static int f_stream_write(lua_State *L) {
  write_args(L, (int)lua_tointeger(L, lua_upvalueindex(1)), 2);
  lua_settop(L, 1);
  return 1;
}

static int f_stream_flush(lua_State *L) {
  lua_settop(L, 1); /* nothing is held back */
  return 1;
}

static void push_stream(lua_State *L, int fd) {
  lua_createtable(L, 0, 3);
  lua_pushinteger(L, fd);
  lua_pushcclosure(L, f_stream_write, 1);
  lua_setfield(L, -2, "write");
  lua_pushcfunction(L, f_stream_flush);
  lua_setfield(L, -2, "flush");
  lua_pushcfunction(L, f_stream_flush);
  lua_setfield(L, -2, "setvbuf");
}

int print_open_io(lua_State *L) {
  lua_createtable(L, 0, 3);
  push_stream(L, STDOUT_FILENO);
  lua_setfield(L, -2, "stdout");
  push_stream(L, STDERR_FILENO);
  lua_setfield(L, -2, "stderr");
  lua_pushvalue(L, -1);
  lua_pushcclosure(L, f_io_write, 1);
  lua_setfield(L, -2, "write");
  return 1;
}
