/* Binary data as scripts send it. The userdata has no memory of its own: its one user
 * value is the string. */
#include "bridge/binary.h"

#include <lauxlib.h>
#include <string.h>

/* Its address is the metatable's key in the registry. */
static const char binary_key;

const char *binary_bytes(lua_State *L, int index, size_t *len) {
  index = lua_absindex(L, index);
  if (lua_type(L, index) != LUA_TUSERDATA || !lua_checkstack(L, 3) ||
      !lua_getmetatable(L, index))
    return NULL;
  lua_rawgetp(L, LUA_REGISTRYINDEX, &binary_key);
  bool is_ours = lua_rawequal(L, -1, -2);
  lua_pop(L, 2);
  if (!is_ours) return NULL;
  lua_getiuservalue(L, index, 1);
  const char *bytes = lua_tolstring(L, -1, len);
  lua_pop(L, 1); /* the userdata keeps it alive */
  return bytes;
}

/* --- what scripts can do with it -------------------------------------------------- */

static int m_len(lua_State *L) {
  size_t len = 0;
  binary_bytes(L, 1, &len);
  lua_pushinteger(L, (lua_Integer)len);
  return 1;
}

static int m_tostring(lua_State *L) {
  lua_getiuservalue(L, 1, 1);
  return 1;
}

/* A string, as with numbers. */
static int m_concat(lua_State *L) {
  luaL_tolstring(L, 1, NULL);
  luaL_tolstring(L, 2, NULL);
  lua_concat(L, 2);
  return 1;
}

/* Lua asks only when both are userdata; the other may be of another kind. */
static int m_eq(lua_State *L) {
  size_t a_len = 0, b_len = 0;
  const char *a = binary_bytes(L, 1, &a_len), *b = binary_bytes(L, 2, &b_len);
  lua_pushboolean(L, a && b && a_len == b_len && memcmp(a, b, a_len) == 0);
  return 1;
}

static void push_metatable(lua_State *L) {
  static const luaL_Reg methods[] = {{"__len", m_len},
                                     {"__tostring", m_tostring},
                                     {"__eq", m_eq},
                                     {"__concat", m_concat},
                                     {NULL, NULL}};
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &binary_key) == LUA_TTABLE) return;
  lua_pop(L, 1);
  luaL_newlib(L, methods);
  lua_pushliteral(L, "binary");
  lua_setfield(L, -2, "__metatable");
  lua_pushliteral(L, "binary");
  lua_setfield(L, -2, "__name");
  lua_pushvalue(L, -1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &binary_key);
}

void binary_push(lua_State *L, int index) {
  index = lua_absindex(L, index);
  luaL_checkstack(L, 4, "binary data");
  lua_newuserdatauv(L, 0, 1);
  lua_pushvalue(L, index);
  lua_setiuservalue(L, -2, 1);
  push_metatable(L);
  lua_setmetatable(L, -2);
}
