/* Standard output and error for scripts: see print.h. One print is one write of one whole
 * line where the system allows. */
#include "script/print.h"

#include <errno.h>
#include <lauxlib.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "script/generation.h"
#include "script/runtime.h"

static void write_all(lua_State *L, int fd, const char *text, size_t len) {
  Runtime *rt = generation_of(L)->rt;
  while (len > 0) {
    ssize_t n = write(fd, text, len);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) { /* somebody else made it non-blocking */
      poll(&(struct pollfd){.fd = fd, .events = POLLOUT}, 1, -1);
      continue;
    }
    if (n < 0) {
      if (fd != STDOUT_FILENO || rt->output_failed) return;
      rt->output_failed = true;
      log_write(rt->log, LOG_ERROR, "tidelock", "cannot write to standard output: %s",
                strerror(errno));
      runtime_exit(rt, 1);
      return;
    }
    text += n;
    len -= (size_t)n;
  }
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
  write_all(L, STDOUT_FILENO, text, len);
  return 0;
}

static int write_args(lua_State *L, int fd, int first) {
  int n = lua_gettop(L);
  for (int i = first; i <= n; i++) {
    size_t len;
    const char *text = luaL_checklstring(L, i, &len);
    write_all(L, fd, text, len);
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
