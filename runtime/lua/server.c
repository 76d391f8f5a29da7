/* tidelock.server.core: the embedded server as stdlib/server.lua builds on it; see
 * resource/server.h. */
#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "bridge/box.h"
#include "bridge/luaerror.h"
#include "bridge/luatext.h"
#include "lua/modules.h"
#include "lua/server_fields.h"
#include "resource/declare.h"
#include "resource/server.h"
#include "resource/server_options.h"

enum { MAX_RESPONSE_HEADERS = 64, MAX_RANDOM = 64 };
enum { MAX_STARTS = 16 }; /* each is a Lua call inside the last one, on the C stack */

/* --- declaring -------------------------------------------------------------------- */

static const BoxKind server_box = {"server", NULL};

/* declare(name, options, on_request, on_gone, on_message, on_closed, on_drained) → server
 * | nil, err */
static int f_declare(lua_State *L) {
  const char *name = declared_name(L, 1);
  for (int i = 0; i < SERVER_FUNCTIONS; i++) luaL_checktype(L, 3 + i, LUA_TFUNCTION);
  need_declaring(L, "server.listen");
  Box *box = box_new(L, &server_box);
  int functions[SERVER_FUNCTIONS]; /* taken first: afterwards nothing may raise */
  for (int i = 0; i < SERVER_FUNCTIONS; i++) {
    lua_pushvalue(L, 3 + i);
    functions[i] = luaL_ref(L, LUA_REGISTRYINDEX);
  }
  Error err;
  ServerOptions *options = server_options_read(L, 2);
  Declaration *decl =
      declare_with(L, &server_kind, name, options, functions, SERVER_FUNCTIONS, &err);
  if (!decl) return luaerror_return(L, &err);
  box_refer(box, decl, &decl->boxes);
  return 1;
}

/* --- methods ---------------------------------------------------------------------- */

/* The server behind argument 1, or NULL with *err. */
static Server *check_server(lua_State *L, const char *what, Error *err) {
  const Declaration *decl = box_to(L, 1, &server_box)->object;
  need_loaded(L, what);
  Server *server = decl ? server_of(decl) : NULL;
  if (server) return server;
  error_set(err, ERR_CLOSED, "the server %s is closed", decl ? decl->name : "");
  return NULL;
}

static int return_result(lua_State *L, int code, const Error *err) {
  if (code != 0) return luaerror_return(L, err);
  lua_pushboolean(L, 1);
  return 1;
}

/* Leaves the strings of the table at `index` on the stack, so that they stay valid. */
static void read_headers(lua_State *L, int index, const char **headers) {
  size_t n = 0;
  if (!lua_isnoneornil(L, index)) {
    luaL_checktype(L, index, LUA_TTABLE);
    n = (size_t)lua_rawlen(L, index);
    luaL_argcheck(L, n <= MAX_RESPONSE_HEADERS, index, "too many headers");
    luaL_checkstack(L, (int)n + 4, NULL);
  }
  for (size_t i = 0; i < n; i++) {
    size_t len;
    lua_rawgeti(L, index, (lua_Integer)i + 1);
    headers[i] = luaL_checklstring(L, -1, &len);
    if (strlen(headers[i]) != len) luaL_error(L, "a zero byte in a header");
  }
  headers[n] = NULL;
}

/* respond(id, status, {"Name: value", ...}?, body?) → true | nil, err */
static int f_respond(lua_State *L) {
  uint64_t id = (uint64_t)luaL_checkinteger(L, 2);
  lua_Integer status = luaL_checkinteger(L, 3);
  const char *headers[MAX_RESPONSE_HEADERS + 1];
  size_t len;
  const char *body = luaL_optlstring(L, 5, "", &len);
  Error err;
  luaL_argcheck(L, status >= 200 && status <= 599, 3, "a status is 200 to 599");
  Server *server = check_server(L, "answering a request", &err);
  if (!server) return luaerror_return(L, &err);
  read_headers(L, 4, headers);
  return return_result(
      L, server_respond(server, id, (int)status, headers, body, len, &err), &err);
}

/* begin(id, status, {"Name: value", ...}?) → whether it takes pieces | nil, err */
static int f_begin(lua_State *L) {
  uint64_t id = (uint64_t)luaL_checkinteger(L, 2);
  lua_Integer status = luaL_checkinteger(L, 3);
  const char *headers[MAX_RESPONSE_HEADERS + 1];
  bool takes = false;
  Error err;
  luaL_argcheck(L, status >= 200 && status <= 599, 3, "a status is 200 to 599");
  Server *server = check_server(L, "answering a request", &err);
  if (!server) return luaerror_return(L, &err);
  read_headers(L, 4, headers);
  if (server_begin(server, id, (int)status, headers, &takes, &err) != 0)
    return luaerror_return(L, &err);
  lua_pushboolean(L, takes);
  return 1;
}

/* write(id, piece) → true, whether to wait for on_drained | nil, err */
static int f_write(lua_State *L) {
  uint64_t id = (uint64_t)luaL_checkinteger(L, 2);
  size_t len;
  const char *data = luaL_checklstring(L, 3, &len);
  bool much = false;
  Error err;
  Server *server = check_server(L, "answering a request", &err);
  if (!server || server_write(server, id, data, len, &much, &err) != 0)
    return luaerror_return(L, &err);
  lua_pushboolean(L, 1);
  lua_pushboolean(L, much);
  return 2;
}

/* finish(id): the answer in pieces is whole */
static int f_finish(lua_State *L) {
  uint64_t id = (uint64_t)luaL_checkinteger(L, 2);
  Error err;
  Server *server = check_server(L, "answering a request", &err);
  if (server) server_finish(server, id, true);
  return 0;
}

/* accept(id, subprotocol?) → true | nil, err */
static int f_accept(lua_State *L) {
  uint64_t id = (uint64_t)luaL_checkinteger(L, 2);
  const char *subprotocol = luaL_optstring(L, 3, NULL);
  luatext_need_whole(L, 2, 3, "accepting a WebSocket", "the subprotocol");
  Error err;
  Server *server = check_server(L, "accepting a WebSocket", &err);
  if (!server) return luaerror_return(L, &err);
  return return_result(L, server_accept(server, id, subprotocol, &err), &err);
}

/* send(id, data, binary?) → true | nil, err */
static int f_send(lua_State *L) {
  uint64_t id = (uint64_t)luaL_checkinteger(L, 2);
  size_t len;
  const char *data = luaL_checklstring(L, 3, &len);
  Error err;
  Server *server = check_server(L, "sending", &err);
  if (!server) return luaerror_return(L, &err);
  bool binary = lua_toboolean(L, 4);
  return return_result(L, server_send(server, id, binary, data, len, &err), &err);
}

/* hang_up(id, code?, reason?) */
static int f_hang_up(lua_State *L) {
  uint64_t id = (uint64_t)luaL_checkinteger(L, 2);
  lua_Integer code = luaL_optinteger(L, 3, 1000);
  const char *reason = luaL_optstring(L, 4, "");
  luatext_need_whole(L, 2, 4, "closing a WebSocket", "the reason");
  luaL_argcheck(L, code >= 1000 && code <= 4999, 3, "a close code is 1000 to 4999");
  Error err;
  Server *server = check_server(L, "closing a WebSocket", &err);
  if (server) server_hang_up(server, id, (int)code, reason);
  return 0;
}

/* buffered(id) → bytes that wait to be written */
static int f_buffered(lua_State *L) {
  uint64_t id = (uint64_t)luaL_checkinteger(L, 2);
  Error err;
  Server *server = check_server(L, "using the server", &err);
  lua_pushinteger(L, server ? (lua_Integer)server_buffered(server, id) : 0);
  return 1;
}

/* note_loss(kind, words): see server/losses.h */
static int f_note_loss(lua_State *L) {
  static const char *const names[] = {"size", "memory", "backlog", "protocol",
                                      "join", "early",  "clients", NULL};
  static const ServerLoss kinds[] = {
      SERVER_LOSS_SIZE, SERVER_LOSS_MEMORY, SERVER_LOSS_BACKLOG,    SERVER_LOSS_PROTOCOL,
      SERVER_LOSS_JOIN, SERVER_LOSS_EARLY,  SERVER_LOSS_CONNECTIONS};
  int kind = luaL_checkoption(L, 2, NULL, names);
  const char *words = luaL_checkstring(L, 3);
  Error err;
  Server *server = check_server(L, "using the server", &err);
  if (server) server_note_loss(server, kinds[kind], words);
  return 0;
}

/* let_in(origins): pages of these may send requests, too, besides those in the options.
 */
static int f_let_in(lua_State *L) {
  Declaration *decl = box_to(L, 1, &server_box)->object;
  void *options = !decl ? NULL : decl->res ? decl->res->options : decl->options;
  if (!options) return 0;
  server_options_let_in(L, 2, options);
  Server *server = server_of(decl);
  if (server) server_retune(server, options);
  return 0;
}

/* port() → the port, or nil before it is open */
static int f_port(lua_State *L) {
  const Declaration *decl = box_to(L, 1, &server_box)->object;
  Server *server = decl ? server_of(decl) : NULL;
  if (server) lua_pushinteger(L, server_port(server));
  else lua_pushnil(L);
  return 1;
}

static int f_connections(lua_State *L) {
  Error err;
  Server *server = check_server(L, "using the server", &err);
  lua_pushinteger(L, server ? (lua_Integer)server_connections(server) : 0);
  return 1;
}

static int f_close(lua_State *L) {
  Declaration *decl = box_to(L, 1, &server_box)->object;
  need_loaded(L, "closing a server");
  if (decl && decl->res) resource_close(decl->res);
  return 0;
}

typedef struct Start {
  lua_State *from;
  int args;
} Start;

static int push_start(lua_State *L, void *ctx) {
  Start *s = ctx;
  luaL_checkstack(L, s->args + 1, "too many arguments");
  lua_xmove(s->from, L, s->args + 1);
  return s->args;
}

/* start(event, fn, ...): runs the handler of an event in a task of its own, now, until
 * its first wait: what it does at once is done by the generation that received the event.
 */
static int f_start(lua_State *L) {
  size_t len;
  const char *event = luaL_checklstring(L, 1, &len);
  luaL_checktype(L, 2, LUA_TFUNCTION);
  need_loaded(L, "starting a handler");
  Vm *vm = vm_of(L);
  Start s = {L, lua_gettop(L) - 2};
  TaskName name = {"the handler of", "socket", event, len};
  if (vm->host->nested_task_starts >= MAX_STARTS)
    return luaL_error(L, "handlers start one another too deeply");
  vm->host->nested_task_starts++;
  task_start(vm, name, push_start, &s, NULL, NULL);
  vm->host->nested_task_starts--;
  return 0;
}

/* random(n) → n characters of [A-Za-z0-9_-], 6 bits of chance each */
static int f_random(lua_State *L) {
  static const char letters[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  lua_Integer n = luaL_checkinteger(L, 1);
  luaL_argcheck(L, n >= 1 && n <= MAX_RANDOM, 1, "1 to 64");
  unsigned char bytes[MAX_RANDOM];
  char text[MAX_RANDOM];
  if (getrandom(bytes, sizeof bytes, 0) != MAX_RANDOM) return luaL_error(L, "no chance");
  for (lua_Integer i = 0; i < n; i++) text[i] = letters[bytes[i] & 63];
  lua_pushlstring(L, text, (size_t)n);
  return 1;
}

/* fail(what, times, bytes) → whether there is such a fault; times below 0: always */
static int f_fail(lua_State *L) {
  const Declaration *decl = box_to(L, 1, &server_box)->object;
  const char *what = luaL_checkstring(L, 2);
  lua_Integer times = luaL_checkinteger(L, 3), bytes = luaL_checkinteger(L, 4);
  lua_pushboolean(L, decl && server_fail(decl, what, times < 0 ? SIZE_MAX : (size_t)times,
                                         bytes < 0 ? 0 : (size_t)bytes));
  return 1;
}

/* drop(): closes all connections */
static int f_drop(lua_State *L) {
  const Declaration *decl = box_to(L, 1, &server_box)->object;
  Server *server = decl ? server_of(decl) : NULL;
  if (server) server_drop(server, true);
  return 0;
}

int luaopen_tidelock_server_core(lua_State *L) {
  static const luaL_Reg methods[] = {
      {"respond", f_respond},     {"begin", f_begin},
      {"write", f_write},         {"finish", f_finish},
      {"fail", f_fail},           {"drop", f_drop},
      {"accept", f_accept},       {"send", f_send},
      {"hang_up", f_hang_up},     {"buffered", f_buffered},
      {"port", f_port},           {"connections", f_connections},
      {"close", f_close},         {"let_in", f_let_in},
      {"note_loss", f_note_loss}, {NULL, NULL}};
  static const luaL_Reg functions[] = {
      {"declare", f_declare}, {"random", f_random}, {"start", f_start}, {NULL, NULL}};
  box_class(L, &server_box, methods, NULL);
  luaL_newlib(L, functions);
  return 1;
}
