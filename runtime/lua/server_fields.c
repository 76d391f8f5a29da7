/* See server_fields.h. */
#include "lua/server_fields.h"

#include <lauxlib.h>
#include <stdlib.h>

#include "bridge/luatext.h"
#include "lua/number.h"
#include "lua/options.h"
#include "net/hosts.h"
#include "script/runtime.h"

enum { MAX_NAMES = 1000 };

/* --- reading ---------------------------------------------------------------------- */

static double seconds_option(lua_State *L, int t, const char *name) {
  return number_option(L, t, 2, "server.listen", name, &(NumberRule){.most = NUMBER_DAY},
                       0);
}

static double count_option(lua_State *L, int t, const char *name, double most) {
  return number_option(L, t, 2, "server.listen", name,
                       &(NumberRule){.most = most, .whole = true}, 0);
}

static size_t size_option(lua_State *L, int t, const char *name) {
  return (size_t)count_option(L, t, name, 1 << 30);
}

/* Raises at the line of that level, unless the value at the top is nil, a string or a
 * list of strings. */
static void check_names(lua_State *L, int level, const char *name) {
  int type = lua_type(L, -1);
  if (type == LUA_TNIL || (type == LUA_TSTRING && luatext_whole(L, -1))) return;
  lua_Integer n = type == LUA_TTABLE ? (lua_Integer)lua_rawlen(L, -1) : -1;
  for (lua_Integer i = 1; i <= n; i++, lua_pop(L, 1))
    if (lua_rawgeti(L, -1, i) != LUA_TSTRING || !luatext_whole(L, -1)) n = -1;
  if (n < 0 || n > MAX_NAMES)
    options_raise(L, level, "%s is a string or a list of strings, without zero bytes",
                  name);
}

/* Returns new, as names_copy does, from a value that check_names let pass. */
static const char *const *read_names(lua_State *L, int t) {
  const char *single[] = {lua_tostring(L, t), NULL};
  if (!lua_istable(L, t)) return single[0] ? names_copy(single) : NULL;
  size_t n = lua_rawlen(L, t);
  const char **names = xcalloc(n + 1, sizeof *names);
  for (size_t i = 0; i < n; i++, lua_pop(L, 1)) {
    lua_rawgeti(L, t, (lua_Integer)i + 1);
    names[i] = xstrdup(lua_tostring(L, -1));
  }
  return names;
}

static int names_field(lua_State *L, int t, const char *name, const char *what) {
  lua_getfield(L, t, name);
  check_names(L, 2, what);
  return lua_gettop(L);
}

/* The host of a fake server, which only test.server gives: its place on the stack; 0: it
 * is a real one. */
static int fake_field(lua_State *L, int t) {
  if (lua_getfield(L, t, "fake") == LUA_TNIL) return 0;
  luaL_checkstring(L, -1);
  if (!runtime_options(runtime_of(L))->tests_only)
    luaL_error(L, "a fake server is for `tidelock test` alone");
  return lua_gettop(L);
}

/* Copies last: after that nothing raises. */
ServerOptions *server_options_read(lua_State *L, int t) {
  luaL_checktype(L, t, LUA_TTABLE);
  int hosts = names_field(L, t, "hosts", "server.listen: hosts"),
      origins = names_field(L, t, "origins", "server.listen: origins");
  ServerOptions o = {
      .port = (int)count_option(L, t, "port", 65535),
      .max_head = size_option(L, t, "max_head"),
      .max_body = size_option(L, t, "max_body"),
      .max_message = size_option(L, t, "max_message"),
      .max_backlog = size_option(L, t, "max_backlog"),
      .max_connections = (size_t)count_option(L, t, "max_connections", 100000),
      .head_timeout = seconds_option(L, t, "head_timeout"),
      .request_timeout = seconds_option(L, t, "request_timeout"),
      .idle_timeout = seconds_option(L, t, "idle_timeout"),
      .write_timeout = seconds_option(L, t, "write_timeout"),
  };
  int type = lua_getfield(L, t, "host");
  if (type != LUA_TNIL && type != LUA_TSTRING)
    options_raise(L, 2, "server.listen: host is a string, not a %s",
                  lua_typename(L, type));
  luatext_need_whole(L, 2, -1, "server.listen", "host");
  int host = lua_gettop(L), fake = fake_field(L, t);
  o.host = xstrdup(type == LUA_TSTRING ? lua_tostring(L, host) : "127.0.0.1");
  o.fake = fake ? xstrdup(lua_tostring(L, fake)) : NULL;
  o.hosts = read_names(L, hosts);
  o.origins = read_names(L, origins);
  lua_settop(L, hosts - 1);
  ServerOptions *options = xmalloc(sizeof *options);
  *options = o;
  return options;
}

/* Raises at the first that is no origin; `names` is released then. */
static void need_origins(lua_State *L, const char *const *names) {
  const char *const *name = names;
  while (name && *name && origin_entry_valid(*name)) name++;
  if (!name || !*name) return;
  lua_pushstring(L, *name);
  names_free(names);
  options_raise(L, 3,
                "server:io: cors: \"%s\" is no origin, like \"https://app.example.org\"",
                lua_tostring(L, -1));
}

void server_options_let_in(lua_State *L, int t, ServerOptions *options) {
  lua_pushvalue(L, t);
  check_names(L, 3, "server:io: cors");
  const char *const *more = read_names(L, lua_gettop(L));
  need_origins(L, more);
  const char *const *all = names_joined(options->origins, more);
  names_free(options->origins);
  names_free(more);
  options->origins = all;
  lua_pop(L, 1);
}
