/* Server options: see server_options.h. */
#include "lua/server_options.h"

#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

/* --- reading ---------------------------------------------------------------------- */

static lua_Number number_option(lua_State *L, int t, const char *name, lua_Number max) {
  lua_Number value = 0;
  if (lua_getfield(L, t, name) != LUA_TNIL) {
    if (!lua_isnumber(L, -1)) luaL_error(L, "option %s must be a number", name);
    value = lua_tonumber(L, -1);
    if (!(value >= 0 && value <= max))
      luaL_error(L, "option %s must be between 0 and %d", name, (int)max);
  }
  lua_pop(L, 1);
  return value;
}

static size_t size_option(lua_State *L, int t, const char *name) {
  return (size_t)number_option(L, t, name, 1 << 30);
}

/* The host, which is copied last, stays on the stack meanwhile. */
ServerOptions *server_options_read(lua_State *L, int t) {
  luaL_checktype(L, t, LUA_TTABLE);
  ServerOptions o = {
      .port = (int)number_option(L, t, "port", 65535),
      .max_head = size_option(L, t, "max_head"),
      .max_body = size_option(L, t, "max_body"),
      .max_message = size_option(L, t, "max_message"),
      .max_backlog = size_option(L, t, "max_backlog"),
      .max_connections = (size_t)number_option(L, t, "max_connections", 100000),
      .head_timeout = number_option(L, t, "head_timeout", 86400),
      .request_timeout = number_option(L, t, "request_timeout", 86400),
      .idle_timeout = number_option(L, t, "idle_timeout", 86400),
      .write_timeout = number_option(L, t, "write_timeout", 86400),
  };
  int type = lua_getfield(L, t, "host");
  if (type != LUA_TNIL && type != LUA_TSTRING) luaL_error(L, "option host is a string");
  o.host = xstrdup(type == LUA_TSTRING ? lua_tostring(L, -1) : "127.0.0.1");
  lua_pop(L, 1);
  ServerOptions *options = xmalloc(sizeof *options);
  *options = o;
  return options;
}

/* --- comparing -------------------------------------------------------------------- */

bool server_options_same(const void *a, const void *b) {
  const ServerOptions *x = a, *y = b;
  return strcmp(x->host, y->host) == 0 && x->port == y->port &&
         x->max_head == y->max_head && x->max_body == y->max_body &&
         x->max_message == y->max_message && x->max_backlog == y->max_backlog &&
         x->max_connections == y->max_connections && x->head_timeout == y->head_timeout &&
         x->request_timeout == y->request_timeout && x->idle_timeout == y->idle_timeout &&
         x->write_timeout == y->write_timeout;
}

bool server_options_same_place(const void *a, const void *b) {
  const ServerOptions *x = a, *y = b;
  return strcmp(x->host, y->host) == 0 && x->port == y->port;
}

bool server_options_same_port(const void *a, const void *b) {
  const ServerOptions *x = a, *y = b;
  return x->port == y->port && x->port != 0;
}

void server_options_differ(const void *a, const void *b, Buffer *out) {
  const ServerOptions *x = a, *y = b;
  bool host = strcmp(x->host, y->host) != 0, port = x->port != y->port;
  buffer_puts(out, host && port ? "host, port"
                   : host       ? "host"
                   : port       ? "port"
                                : "limits");
}

/* --- the rest --------------------------------------------------------------------- */

int server_options_check(const void *options, Error *err) {
  return server_try_bind(((const ServerOptions *)options)->host, 0, NULL, err);
}

void server_options_free(void *options) {
  free((char *)((ServerOptions *)options)->host);
  free(options);
}
