/* The options of socket.connect. They are read and checked into memory that Lua owns (a
 * Holder), so that a raise leaks nothing; the caller gets them when they are complete. */
#include "lua/socket_options.h"

#include <lauxlib.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/luatext.h"
#include "core/suggest.h"
#include "lua/number.h"
#include "lua/options.h"
#include "lua/route.h"

/* --- plain fields ----------------------------------------------------------------- */

static char *text_field(lua_State *L, int t, const char *key) {
  int type = lua_getfield(L, t, key);
  if (type != LUA_TNIL && type != LUA_TSTRING)
    luaL_error(L, "socket.connect: %s must be a string, not a %s", key,
               lua_typename(L, type));
  luatext_need_whole(L, 1, -1, "socket.connect", key);
  char *copy = xstrdup(lua_tostring(L, -1));
  lua_pop(L, 1);
  return copy;
}

static double seconds_field(lua_State *L, int t, const char *key, double most) {
  return number_option(L, t, 1, "socket.connect", key, &(NumberRule){.most = most}, 0);
}

static double count_field(lua_State *L, int t, const char *key, double standard,
                          double most) {
  return number_option(L, t, 1, "socket.connect", key,
                       &(NumberRule){.most = most, .whole = true}, standard);
}

static bool boolean_field(lua_State *L, int t, const char *key, bool standard) {
  int type = lua_getfield(L, t, key);
  if (type != LUA_TNIL && type != LUA_TBOOLEAN)
    luaL_error(L, "socket.connect: %s must be true or false, not a %s", key,
               lua_typename(L, type));
  bool value = type == LUA_TNIL ? standard : lua_toboolean(L, -1);
  lua_pop(L, 1);
  return value;
}

/* Raises: the value on top is none of the choices. */
static void refuse_choice(lua_State *L, const char *key, const char *const *choices) {
  Suggestion near = {0};
  char shown[LUATEXT_SHOWN];
  const char *value = lua_type(L, -1) == LUA_TSTRING ? luatext_show(L, -1, shown)
                                                     : luaL_tolstring(L, -1, NULL);
  luaL_Buffer all;
  luaL_buffinit(L, &all);
  for (int i = 0; choices[i]; i++) {
    if (i > 0) luaL_addstring(&all, choices[i + 1] ? ", " : " or ");
    luaL_addstring(&all, choices[i]);
  }
  luaL_pushresult(&all);
  luaL_error(L, "socket.connect: %s cannot be %s%s: it is %s", key, value,
             suggest_among(&near, value, choices), lua_tostring(L, -1));
}

static int choice_field(lua_State *L, int t, const char *key, const char *const *choices,
                        int standard) {
  int type = lua_getfield(L, t, key);
  int i = type == LUA_TNIL ? standard : luatext_among(L, -1, choices);
  if (!choices[i]) refuse_choice(L, key, choices);
  lua_pop(L, 1);
  return i;
}

/* --- fields that are tables ------------------------------------------------------- */

/* Turns a number there into its text. */
static void spell_number(lua_State *L, int index, const char *option) {
  if (lua_type(L, index) != LUA_TNUMBER) return;
  if (!number_push_text(L, index))
    luaL_error(L, "socket.connect: %s holds no finite number", option);
  lua_replace(L, index);
}

/* Raises where the name below the value on top would end the header, or cut it off. */
static bool breaks_header(lua_State *L, int index) {
  return !luatext_whole(L, index) || strpbrk(lua_tostring(L, index), "\r\n");
}

static void check_header(lua_State *L) {
  char shown[LUATEXT_SHOWN];
  if (lua_type(L, -2) != LUA_TSTRING || !lua_isstring(L, -1))
    luaL_error(L, "socket.connect: headers maps names to strings");
  spell_number(L, lua_gettop(L), "headers");
  if (breaks_header(L, -2) || breaks_header(L, -1))
    luaL_error(L, "socket.connect: header %s holds a line break or a zero byte",
               luatext_show(L, -2, shown));
}

/* { ["Name"] = "value", ... } → "Name: value" lines, NULL-terminated. */
static void read_headers(lua_State *L, int t, SocketOptions *o) {
  if (lua_getfield(L, t, "headers") != LUA_TNIL) {
    luaL_checktype(L, -1, LUA_TTABLE);
    size_t n = 0;
    for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
      check_header(L);
      o->headers = xrealloc(o->headers, (n + 2) * sizeof *o->headers);
      o->headers[n++] = xasprintf("%s: %s", lua_tostring(L, -2), lua_tostring(L, -1));
      o->headers[n] = NULL;
    }
  }
  lua_pop(L, 1);
}

static void add_encoded(luaL_Buffer *b, const char *text, size_t len) {
  static const char hex[] = "0123456789ABCDEF";
  for (size_t i = 0; i < len; i++) {
    unsigned char c = (unsigned char)text[i];
    bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                 (c >= '0' && c <= '9') || (c && strchr("-._~", c));
    if (plain) {
      luaL_addchar(b, (char)c);
    } else {
      luaL_addchar(b, '%');
      luaL_addchar(b, hex[c >> 4]);
      luaL_addchar(b, hex[c & 15]);
    }
  }
}

/* Pushes the names of the table at t, sorted, as a list; returns how many. */
static int push_names(lua_State *L, int t) {
  int n = 0;
  lua_newtable(L);
  int names = lua_gettop(L);
  for (lua_pushnil(L); lua_next(L, t); lua_pop(L, 1)) {
    if (lua_type(L, -2) != LUA_TSTRING || !lua_isstring(L, -1))
      luaL_error(L, "socket.connect: query maps names to strings or numbers");
    lua_pushvalue(L, -2);
    lua_rawseti(L, names, ++n);
  }
  lua_getglobal(L, "table");
  lua_getfield(L, -1, "sort");
  lua_pushvalue(L, names);
  lua_call(L, 1, 0);
  lua_settop(L, names);
  return n;
}

static void push_encoded(lua_State *L, int index, const char *after) {
  size_t len;
  spell_number(L, index, "query");
  const char *text = lua_tolstring(L, index, &len);
  luaL_Buffer b;
  luaL_buffinit(L, &b);
  add_encoded(&b, text, len);
  luaL_addstring(&b, after);
  luaL_pushresult(&b);
}

/* Pushes a query table as "a=b&c=d", percent-encoded, sorted by name: equal tables give
 * equal texts. */
static void push_query(lua_State *L, int t) {
  int n = push_names(L, t), names = lua_gettop(L);
  lua_pushliteral(L, "");
  for (int i = 1; i <= n; i++) {
    lua_rawgeti(L, names, i);
    lua_pushvalue(L, -1);
    lua_rawget(L, t);
    push_encoded(L, names + 2, "=");
    push_encoded(L, names + 3, i < n ? "&" : "");
    lua_remove(L, names + 2);
    lua_remove(L, names + 2);
    lua_concat(L, 3);
  }
}

static void read_query(lua_State *L, int t, SocketOptions *o) {
  int type = lua_getfield(L, t, "query");
  if (type == LUA_TTABLE) {
    int top = lua_gettop(L);
    push_query(L, top);
    o->query = xstrdup(lua_tostring(L, -1));
    lua_settop(L, top);
  } else if (type == LUA_TSTRING) {
    luatext_need_whole(L, 1, -1, "socket.connect", "query");
    o->query = xstrdup(lua_tostring(L, -1));
  } else if (type != LUA_TNIL) {
    luaL_error(L, "socket.connect: query must be a table or an encoded string");
  }
  lua_pop(L, 1);
}

static void read_reconnect(lua_State *L, int t, SocketOptions *o) {
  static const char *const keys[] = {"delay", "max_delay", "attempts", "jitter", NULL};
  int type = lua_getfield(L, t, "reconnect");
  o->reconnect = true;
  o->attempts = INFINITY;
  o->jitter = 0.5;
  if (type == LUA_TBOOLEAN) {
    o->reconnect = lua_toboolean(L, -1);
  } else if (type == LUA_TTABLE) {
    int r = lua_gettop(L);
    options_check(L, r, "socket.connect: reconnect", keys);
    o->delay = seconds_field(L, r, "delay", NUMBER_DAY);
    o->max_delay = seconds_field(L, r, "max_delay", NUMBER_DAY);
    o->attempts = number_option(
        L, r, 1, "socket.connect", "attempts",
        &(NumberRule){.most = NUMBER_WHOLE, .whole = true, .huge = true}, INFINITY);
    o->jitter =
        number_option(L, r, 1, "socket.connect", "jitter", &(NumberRule){.most = 1}, 0.5);
  } else if (type != LUA_TNIL) {
    luaL_error(L, "socket.connect: reconnect must be a table or false");
  }
  lua_pop(L, 1);
}

static double positive_field(lua_State *L, int t, const char *key) {
  return number_option(L, t, 1, "socket.connect", key,
                       &(NumberRule){.most = NUMBER_DAY, .above = true}, 0);
}

/* heartbeat = false, or { interval, timeout } */
static void read_heartbeat(lua_State *L, int t, SocketOptions *o) {
  static const char *const keys[] = {"interval", "timeout", NULL};
  int type = lua_getfield(L, t, "heartbeat");
  if (type != LUA_TNIL && o->protocol != SOCKET_WEBSOCKET)
    luaL_error(L, "socket.connect: heartbeat is for a plain WebSocket: with socket.io "
                  "the server sets it");
  if (type == LUA_TBOOLEAN) {
    o->no_heartbeat = !lua_toboolean(L, -1);
  } else if (type == LUA_TTABLE) {
    int h = lua_gettop(L);
    options_check(L, h, "socket.connect: heartbeat", keys);
    o->heartbeat_interval = positive_field(L, h, "interval");
    o->heartbeat_timeout = positive_field(L, h, "timeout");
  } else if (type != LUA_TNIL) {
    luaL_error(L, "socket.connect: heartbeat must be a table or false");
  }
  lua_pop(L, 1);
}

static void read_buffer(lua_State *L, int t, SocketOptions *o) {
  static const char *const keys[] = {"count", "bytes", "age", "unsent", NULL};
  int type = lua_getfield(L, t, "buffer");
  if (type == LUA_TTABLE) {
    int b = lua_gettop(L);
    options_check(L, b, "socket.connect: buffer", keys);
    o->buffer_count = (size_t)count_field(L, b, "count", 0, 1e7);
    o->buffer_bytes = (size_t)count_field(L, b, "bytes", 0, 1e10);
    o->buffer_age = seconds_field(L, b, "age", NUMBER_SECONDS);
    o->send_buffer = (size_t)count_field(L, b, "unsent", 0, 1e10);
  } else if (type != LUA_TNIL) {
    luaL_error(L, "socket.connect: buffer must be a table");
  }
  lua_pop(L, 1);
}

static void refuse_transport(lua_State *L, const char *const *names) {
  Suggestion near;
  char shown[LUATEXT_SHOWN];
  const char *name = luatext_show(L, -1, shown);
  luaL_error(L, "socket.connect: there is no transport \"%s\"%s", name,
             suggest_among(&near, name, names));
}

/* transports = { "websocket", "polling" }, in the order in which they are tried. */
static void read_transports(lua_State *L, int t, SocketOptions *o) {
  static const char *const parsers[] = {"json", "msgpack", NULL}, *const names[] = {
                                                                      "websocket",
                                                                      "polling", NULL};
  static const EioTransports ones[] = {EIO_WEBSOCKET, EIO_POLLING};
  int type = lua_getfield(L, t, "transports"), n = 0;
  if (type == LUA_TTABLE) {
    for (lua_Integer i = 1; lua_geti(L, -1, i) != LUA_TNIL; i++, lua_pop(L, 1)) {
      int one = luatext_among(L, -1, names);
      if (!names[one]) refuse_transport(L, names);
      if (n == 2 || (n && o->transports[0] == ones[one]))
        luaL_error(L, "socket.connect: transports names \"%s\" twice", names[one]);
      o->transports[n++] = ones[one];
    }
    lua_pop(L, 1);
    if (!n) luaL_error(L, "socket.connect: transports must name one at least");
  } else if (type != LUA_TNIL) {
    luaL_error(L, "socket.connect: transports must be a list");
  }
  lua_pop(L, 1);
  o->try_all = boolean_field(L, t, "try_all_transports", true);
  o->retries = (int)count_field(L, t, "retries", 0, 1e6);
  o->ack_timeout = seconds_field(L, t, "ack_timeout", NUMBER_DAY);
  o->msgpack = choice_field(L, t, "parser", parsers, 0) == 1;
  o->multiplex = boolean_field(L, t, "multiplex", true);
  o->upgrade = boolean_field(L, t, "upgrade", true);
  o->remember_upgrade = boolean_field(L, t, "remember_upgrade", false);
  o->no_slash = !boolean_field(L, t, "add_trailing_slash", true);
  o->request_timeout = seconds_field(L, t, "request_timeout", NUMBER_DAY);
}

/* deflate = true, or a table of parameters to ask for. */
static void read_deflate(lua_State *L, int t, SocketOptions *o) {
  static const char *const keys[] = {"client_no_context_takeover",
                                     "server_no_context_takeover",
                                     "client_max_window_bits",
                                     "server_max_window_bits",
                                     "level",
                                     "threshold",
                                     NULL};
  int type = lua_getfield(L, t, "deflate");
  DeflateOptions *d = &o->deflate;
  d->enabled = type == LUA_TTABLE || lua_toboolean(L, -1);
  d->threshold = 1024;
  if (type == LUA_TTABLE) {
    int at = lua_gettop(L);
    options_check(L, at, "socket.connect: deflate", keys);
    d->client_no_takeover = boolean_field(L, at, keys[0], false);
    d->server_no_takeover = boolean_field(L, at, keys[1], false);
    d->client_bits = (int)count_field(L, at, keys[2], 0, 15);
    d->server_bits = (int)count_field(L, at, keys[3], 0, 15);
    d->level = (int)count_field(L, at, keys[4], 0, 9);
    d->threshold = (size_t)count_field(L, at, keys[5], 1024, 4e9);
  } else if (type != LUA_TNIL && type != LUA_TBOOLEAN) {
    luaL_error(L, "socket.connect: deflate must be true, false or a table");
  }
  lua_pop(L, 1);
}

/* subprotocols = "a, b", or { "a", "b" } */
static void read_subprotocols(lua_State *L, int t, SocketOptions *o) {
  if (lua_getfield(L, t, "subprotocols") != LUA_TTABLE) {
    lua_pop(L, 1);
    o->subprotocols = text_field(L, t, "subprotocols");
    return;
  }
  Buffer list = {0};
  for (lua_Integer i = 1; lua_rawgeti(L, -1, i) == LUA_TSTRING && luatext_whole(L, -1);
       i++, lua_pop(L, 1))
    buffer_printf(&list, "%s%s", i > 1 ? ", " : "", lua_tostring(L, -1));
  bool strings = lua_isnil(L, -1);
  if (list.len) o->subprotocols = buffer_take(&list, NULL);
  if (!strings)
    luaL_error(L, "socket.connect: subprotocols must be names, without zero bytes");
  lua_pop(L, 2);
}

/* --- all options ------------------------------------------------------------------ */

static void read_net(lua_State *L, int t, SocketOptions *o) {
  static const char *const protocols[] = {"socket.io", "websocket", NULL};
  o->protocol = (SocketProtocol)choice_field(L, t, "protocol", protocols, 0);
  o->url = text_field(L, t, "url");
  if (!o->url)
    luaL_error(L, "socket.connect: url is missing (is WS_URL set in the environment?)");
  o->path = text_field(L, t, "path");
  o->nsp = text_field(L, t, "namespace");
  if (o->nsp && (o->nsp[0] != '/' || strpbrk(o->nsp, ",?")))
    luaL_error(L, "socket.connect: a namespace starts with / and has neither , nor ?");
  read_subprotocols(L, t, o);
  Route route = route_read(L, t, "socket.connect");
  route_copy(&o->route, &route);
  o->timeout = seconds_field(L, t, "timeout", NUMBER_DAY);
  o->max_message = (size_t)count_field(L, t, "max_message", 0, 4e9);
  read_transports(L, t, o);
  read_deflate(L, t, o);
  read_query(L, t, o);
  read_headers(L, t, o);
  read_reconnect(L, t, o);
  read_heartbeat(L, t, o);
  read_buffer(L, t, o);
}

static const char *const all_keys[] = {"url",
                                       "path",
                                       "namespace",
                                       "auth",
                                       "protocol",
                                       "transports",
                                       "timeout",
                                       "query",
                                       "auto_connect",
                                       "share",
                                       "reconnect",
                                       "heartbeat",
                                       "buffer",
                                       "headers",
                                       "subprotocols",
                                       "frames",
                                       "max_message",
                                       "max_tasks",
                                       "retries",
                                       "ack_timeout",
                                       "parser",
                                       "multiplex",
                                       "try_all_transports",
                                       "upgrade",
                                       "remember_upgrade",
                                       "add_trailing_slash",
                                       "request_timeout",
                                       "deflate",
                                       ROUTE_OPTIONS,
                                       NULL};

ConnectionOptions *socket_options_read(lua_State *L, int index) {
  static const char *const frames[] = {"text", "binary", "json", NULL};
  static const char *const shares[] = {"none", "hear", "send", "control", NULL};
  luaL_checktype(L, index, LUA_TTABLE);
  int t = lua_absindex(L, index), top = lua_gettop(L);
  luaL_checkstack(L, 20, "socket options");
  options_check(L, t, "socket.connect", all_keys);
  Holder *holder = holder_push(L, connection_kind.free_options);
  ConnectionOptions *options = holder->object = xcalloc(1, sizeof *options);
  options->frames = (Frames)choice_field(L, t, "frames", frames, 0);
  options->share = (GuestRights)choice_field(L, t, "share", shares, GUEST_SENDS);
  options->max_tasks = (int)count_field(L, t, "max_tasks", 0, 1e7);
  options->auto_connect = boolean_field(L, t, "auto_connect", true);
  read_net(L, t, &options->net);
  holder_take(holder);
  lua_settop(L, top);
  return options;
}
