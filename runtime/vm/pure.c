/* See pure.h. A guarded function is a closure that has the upvalue of the one it stands
 * for, and runs its C function itself: it costs no call. */
#include "vm/pure.h"

#include <lauxlib.h>
#include <string.h>

#include "vm/vm.h"

enum { ITS_OWN = 1, FUNCTION, NAME };

static int f_guarded(lua_State *L) {
  need_pure(L, lua_tostring(L, lua_upvalueindex(NAME)));
  return lua_tocfunction(L, lua_upvalueindex(FUNCTION))(L);
}

/* os.date of a given time reads no clock. */
static int f_date(lua_State *L) {
  if (!lua_isnoneornil(L, 2)) return lua_tocfunction(L, lua_upvalueindex(FUNCTION))(L);
  return f_guarded(L);
}

static void guard_function(lua_State *L, const char *library, const char *name) {
  lua_getglobal(L, library);
  int table = lua_gettop(L);
  lua_getfield(L, table, name);
  if (!lua_getupvalue(L, -1, 1)) lua_pushnil(L);
  lua_insert(L, -2);
  lua_pushfstring(L, "%s.%s", library, name);
  lua_pushcclosure(L, strcmp(name, "date") == 0 ? f_date : f_guarded, 3);
  lua_setfield(L, table, name);
  lua_pop(L, 1);
}

void pure_open(lua_State *L) {
  guard_function(L, "os", "time");
  guard_function(L, "os", "clock");
  guard_function(L, "os", "date");
  guard_function(L, "os", "getenv");
  guard_function(L, "math", "random");
  guard_function(L, "math", "randomseed");
}
