/* See source_line.h. */
#include "bridge/source_line.h"

#include <lauxlib.h>
#include <stdarg.h>
#include <string.h>

#include "core/base.h"

static bool is_ours(const lua_Debug *frame) {
  static const char prefix[] = "@stdlib/";
  return strncmp(frame->source, prefix, sizeof prefix - 1) == 0;
}

/* Pushes "bot.lua:3: ", or "". */
static void push_source_line(lua_State *L) {
  lua_Debug frame;
  for (int level = 1; lua_getstack(L, level, &frame); level++) {
    lua_getinfo(L, "Sl", &frame);
    if (frame.currentline <= 0 || is_ours(&frame)) continue;
    lua_pushfstring(L, "%s:%d: ", frame.short_src, frame.currentline);
    return;
  }
  lua_pushliteral(L, "");
}

int source_line_raise(lua_State *L, const char *fmt, ...) {
  va_list args;
  push_source_line(L);
  va_start(args, fmt);
  lua_pushvfstring(L, fmt, args);
  va_end(args);
  lua_concat(L, 2);
  return lua_error(L);
}

static bool is_own_function(lua_State *L, int index, lua_Debug *where) {
  if (!lua_isfunction(L, index) || lua_iscfunction(L, index)) return false;
  lua_pushvalue(L, index);
  lua_getinfo(L, ">S", where);
  return !is_ours(where);
}

void source_line_of_function(lua_State *L, int nargs, lua_Debug *where) {
  int index = -(nargs + 1);
  while (index < 0 && !is_own_function(L, index, where)) index++;
  if (index < 0) return;
  lua_pushvalue(L, -(nargs + 1));
  lua_getinfo(L, ">S", where);
}
