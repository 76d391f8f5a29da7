/* tidelock.socket: connections as scripts see them. A handle is a box on a declaration;
 * its methods act on the socket behind that, if there is one. */
#include <lauxlib.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/binary.h"
#include "bridge/box.h"
#include "bridge/luaencode.h"
#include "bridge/luaerror.h"
#include "bridge/luajson.h"
#include "bridge/luatext.h"
#include "core/suggest.h"
#include "lua/modules.h"
#include "lua/options.h"
#include "lua/socket_call.h"
#include "lua/socket_handle.h"
#include "lua/socket_options.h"
#include "lua/socket_plain.h"
#include "resource/declare.h"
#include "resource/session.h"
#include "proto/socketio.h"
#include "vm/vm.h"

/* The handle that a handler is added to. At the top level its rights are not known yet.
 */
static Declaration *check_heard(lua_State *L, const char *what) {
  Declaration *decl = socket_check(L);
  if (vm_of(L)->state != VM_STAGING) socket_need(L, decl, what, GUEST_HEARS);
  return decl;
}

/* --- declaring -------------------------------------------------------------------- */

static int f_connect_new(lua_State *L) {
  const char *name = declared_name(L, 1);
  luaL_checktype(L, 2, LUA_TTABLE);
  lua_settop(L, 2);
  need_declaring(L, "socket.connect");
  int auth = lua_getfield(L, 2, "auth");
  if (auth == LUA_TUSERDATA) box_to(L, 3, &session_box); /* s:auth() */
  luaL_argcheck(L,
                auth == LUA_TNIL || auth == LUA_TFUNCTION || auth == LUA_TTABLE ||
                    auth == LUA_TUSERDATA,
                2, "auth must be a function, a table, or the auth() of a session");
  Box *box = box_new(L, &socket_kind);
  int auth_ref = LUA_NOREF; /* taken first: afterwards nothing may raise */
  if (auth != LUA_TNIL) {
    lua_pushvalue(L, 3);
    auth_ref = luaL_ref(L, LUA_REGISTRYINDEX);
  }
  Error err;
  ConnectionOptions *options = socket_options_read(L, 2);
  Declaration *decl =
      declare_with(L, &connection_kind, name, options, &auth_ref, 1, &err);
  if (!decl) return luaL_error(L, "socket.connect: %s", err.message);
  box_refer(box, decl, &decl->boxes);
  return 1;
}

static int f_attach(lua_State *L) {
  const char *target = declared_name(L, 1);
  options_none(L, 2, "socket.attach");
  need_declaring(L, "socket.attach");
  Box *box = box_new(L, &socket_kind);
  Declaration *decl = declare_attached(L, &connection_kind, target);
  box_refer(box, decl, &decl->boxes);
  return 1;
}

static int f_connect(lua_State *L) {
  Declaration *decl = socket_check(L);
  socket_need(L, decl, "socket:connect", GUEST_CONTROLS);
  Socket *socket = connection_socket(decl);
  if (!socket) return socket_return_closed(L, decl);
  socket_connect(socket);
  lua_pushboolean(L, 1);
  return 1;
}

static int f_disconnect(lua_State *L) {
  Declaration *decl = socket_check(L);
  socket_need(L, decl, "socket:disconnect", GUEST_CONTROLS);
  Socket *socket = connection_socket(decl);
  if (!socket) return socket_return_closed(L, decl);
  socket_say_goodbye(L, decl, socket);
  lua_pushboolean(L, 1);
  return 1;
}

/* --- handlers --------------------------------------------------------------------- */

static bool serial_option(lua_State *L, int index, const char *what) {
  static const char *const known[] = {"serial", NULL};
  if (!options_given(L, index, what, known)) return false;
  int type = lua_getfield(L, index, "serial");
  if (type != LUA_TNIL && type != LUA_TBOOLEAN)
    luaL_error(L, "%s: serial is true or false, not a %s", what, lua_typename(L, type));
  bool serial = lua_toboolean(L, -1);
  lua_pop(L, 1);
  return serial;
}

static int add_named(lua_State *L, bool once) {
  Declaration *decl = check_heard(L, once ? "socket:once" : "socket:on");
  HandlerOptions options = {.once = once};
  options.event = luaL_checklstring(L, 2, &options.len);
  luaL_checktype(L, 3, LUA_TFUNCTION);
  socket_warn_event(L, decl);
  options.serial = serial_option(L, 4, once ? "socket:once" : "socket:on");
  handler_add(L, &decl->handlers, 3, options);
  return 1;
}

static int f_on(lua_State *L) {
  return add_named(L, false);
}

static int f_once(lua_State *L) {
  return add_named(L, true);
}

static int add_any(lua_State *L, HandlerList *list, const char *what, bool first) {
  luaL_checktype(L, 2, LUA_TFUNCTION);
  HandlerOptions options = {.serial = serial_option(L, 3, what), .first = first};
  handler_add(L, list, 2, options);
  return 1;
}

static int f_on_any(lua_State *L) {
  return add_any(L, &check_heard(L, "socket:on_any")->handlers, "socket:on_any", false);
}

static int f_prepend_any(lua_State *L) {
  return add_any(L, &check_heard(L, "socket:prepend_any")->handlers, "socket:prepend_any",
                 true);
}

static int f_on_any_outgoing(lua_State *L) {
  return add_any(L, &check_heard(L, "socket:on_any_outgoing")->outgoing,
                 "socket:on_any_outgoing", false);
}

static int f_prepend_any_outgoing(lua_State *L) {
  return add_any(L, &check_heard(L, "socket:prepend_any_outgoing")->outgoing,
                 "socket:prepend_any_outgoing", true);
}

static int f_on_drop(lua_State *L) {
  return add_any(L, &check_heard(L, "socket:on_drop")->drops, "socket:on_drop", false);
}

static int f_on_state(lua_State *L) {
  return add_any(L, &check_heard(L, "socket:on_state")->states, "socket:on_state", false);
}

/* off_any(), off_any(fn): how many were removed. */
static int remove_any(lua_State *L, HandlerList *list) {
  bool one = !lua_isnoneornil(L, 2);
  if (one) luaL_checktype(L, 2, LUA_TFUNCTION);
  lua_pushinteger(L, handler_remove(L, list, NULL, 0, one ? 2 : 0));
  return 1;
}

static int f_off_any(lua_State *L) {
  return remove_any(L, &socket_check(L)->handlers);
}

static int f_off_any_outgoing(lua_State *L) {
  return remove_any(L, &socket_check(L)->outgoing);
}

/* off(event), off(event, fn): how many were removed. */
static int f_off(lua_State *L) {
  Declaration *decl = socket_check(L);
  size_t len;
  const char *event = luaL_checklstring(L, 2, &len);
  bool one = !lua_isnoneornil(L, 3);
  if (one) luaL_checktype(L, 3, LUA_TFUNCTION);
  lua_pushinteger(L, handler_remove(L, &decl->handlers, event, len, one ? 3 : 0));
  return 1;
}

/* --- sending ---------------------------------------------------------------------- */

static int emit_event(lua_State *L, Declaration *decl, bool is_volatile) {
  socket_need(L, decl, "socket:emit", GUEST_SENDS);
  Socket *socket = connection_socket(decl);
  if (!socket) return socket_return_closed(L, decl);
  if (connection_is_plain(decl))
    return luaL_error(L, "emit is for socket.io; on a plain WebSocket use send");
  LuaBinaries binaries;
  SocketData data = socket_encode(L, "emit", &binaries);
  Error err;
  int rc = connection_admit(decl, &err);
  if (rc != 0) return is_volatile ? socket_return(L, 0, NULL) : luaerror_return(L, &err);
  rc = socket_emit(socket, &data, is_volatile, &err);
  if (rc == 0) connection_outgoing(decl, &data);
  return socket_return(L, rc, &err);
}

static int f_emit(lua_State *L) {
  return emit_event(L, socket_check(L), false);
}

static int f_emit_volatile(lua_State *L) {
  return emit_event(L, box_check(L, 1, &volatile_kind), true);
}

/* --- the buffer, and counts ------------------------------------------------------- */

static int f_clear(lua_State *L) {
  Declaration *decl = socket_check(L);
  socket_need(L, decl, "socket:clear", GUEST_CONTROLS);
  Socket *socket = connection_socket(decl);
  lua_pushinteger(L, socket ? (lua_Integer)socket_clear(socket) : 0);
  return 1;
}

static void set_count(lua_State *L, const char *key, uint64_t count) {
  lua_pushinteger(L, (lua_Integer)count);
  lua_setfield(L, -2, key);
}

static int f_stats(lua_State *L) {
  Declaration *decl = socket_check(L);
  socket_need(L, decl, "socket:stats", GUEST_HEARS);
  Socket *socket = connection_socket(decl);
  SocketStats stats = socket ? socket_stats(socket) : (SocketStats){0};
  lua_createtable(L, 0, 5);
  set_count(L, "lost", connection_lost(decl));
  set_count(L, "connects", stats.connects);
  set_count(L, "dropped", stats.dropped);
  set_count(L, "late_acks", stats.late_acks);
  set_count(L, "buffered", socket ? socket_buffered(socket) : 0);
  return 1;
}

/* --- fields ----------------------------------------------------------------------- */

/* socket.volatile: made once for each handle, kept with it. */
static int push_volatile(lua_State *L, Declaration *decl) {
  if (lua_getiuservalue(L, 1, 1) == LUA_TUSERDATA) return 1;
  Box *box = box_new(L, &volatile_kind);
  box_refer(box, decl, &decl->boxes);
  lua_pushvalue(L, -1);
  lua_setiuservalue(L, 1, 1);
  return 1;
}

static void push_state(lua_State *L, const Declaration *decl, const Socket *socket) {
  (void)socket;
  lua_pushstring(L, connection_state(decl));
}

static void push_id(lua_State *L, const Declaration *decl, const Socket *socket) {
  (void)decl;
  const char *id = socket ? socket_id(socket) : "";
  lua_pushstring(L, *id ? id : NULL); /* NULL: nil */
}

static void push_transport(lua_State *L, const Declaration *decl, const Socket *socket) {
  (void)decl;
  lua_pushstring(L, socket ? socket_transport(socket) : NULL);
}

static void push_subprotocol(lua_State *L, const Declaration *decl,
                             const Socket *socket) {
  (void)decl;
  lua_pushstring(L, socket ? socket_subprotocol(socket) : NULL);
}

static void push_connected(lua_State *L, const Declaration *decl, const Socket *socket) {
  (void)decl;
  lua_pushboolean(L, socket && socket_state(socket) == SOCKET_CONNECTED);
}

static void push_recovered(lua_State *L, const Declaration *decl, const Socket *socket) {
  (void)decl;
  lua_pushboolean(L, socket && socket_recovered(socket));
}

/* Fields that show the state of the connection now. */
static const struct {
  const char *name;
  void (*push)(lua_State *L, const Declaration *decl, const Socket *socket);
} fields[] = {{"state", push_state},         {"id", push_id},
              {"transport", push_transport}, {"subprotocol", push_subprotocol},
              {"connected", push_connected}, {"recovered", push_recovered}};

/* The methods are the keys of the upvalue. */
static int no_field(lua_State *L) {
  Suggestion s;
  char shown[LUATEXT_SHOWN];
  const char *key = luatext_show(L, 2, shown);
  suggest_begin(&s, key);
  for (size_t i = 0; i < COUNT_OF(fields); i++) suggest_offer(&s, fields[i].name);
  for (lua_pushnil(L); lua_next(L, lua_upvalueindex(1)); lua_pop(L, 1))
    if (lua_type(L, -2) == LUA_TSTRING) suggest_offer(&s, lua_tostring(L, -2));
  return luaL_error(L, "a socket has no field \"%s\"%s", key, suggest_text(&s));
}

static int f_index(lua_State *L) {
  luaL_checkstring(L, 2);
  lua_settop(L, 2);
  lua_pushvalue(L, 2);
  if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL) return 1;
  Declaration *decl = socket_check(L);
  if (luatext_is(L, 2, "name")) return lua_pushstring(L, decl->name), 1;
  if (luatext_is(L, 2, "volatile")) return push_volatile(L, decl);
  size_t i = 0;
  while (i < COUNT_OF(fields) && !luatext_is(L, 2, fields[i].name)) i++;
  if (i == COUNT_OF(fields)) return no_field(L);
  need_loaded(L, "reading a connection");
  bool shared = connection_rights(decl) >= GUEST_HEARS;
  fields[i].push(L, decl, shared ? connection_socket(decl) : NULL);
  return 1;
}

/* binary(s) → the bytes of the string, to be sent as binary data */
static int f_binary(lua_State *L) {
  luaL_checktype(L, 1, LUA_TSTRING);
  binary_push(L, 1);
  return 1;
}

int luaopen_tidelock_socket(lua_State *L) {
  static const luaL_Reg methods[] = {{"connect", f_connect},
                                     {"disconnect", f_disconnect},
                                     {"on", f_on},
                                     {"once", f_once},
                                     {"off", f_off},
                                     {"on_any", f_on_any},
                                     {"prepend_any", f_prepend_any},
                                     {"off_any", f_off_any},
                                     {"on_any_outgoing", f_on_any_outgoing},
                                     {"prepend_any_outgoing", f_prepend_any_outgoing},
                                     {"off_any_outgoing", f_off_any_outgoing},
                                     {"on_state", f_on_state},
                                     {"on_drop", f_on_drop},
                                     {"clear", f_clear},
                                     {"stats", f_stats},
                                     {"emit", f_emit},
                                     {"send", socket_send_method},
                                     {"ping", socket_ping_method},
                                     {"call", socket_call_method},
                                     {"timeout", socket_timeout_method},
                                     {"wait", socket_wait_method},
                                     {NULL, NULL}};
  static const luaL_Reg volatile_methods[] = {
      {"emit", f_emit_volatile}, {"send", socket_send_volatile}, {NULL, NULL}};
  static const luaL_Reg functions[] = {{"connect", f_connect_new},
                                       {"attach", f_attach},
                                       {"binary", f_binary},
                                       {NULL, NULL}};
  box_class(L, &socket_kind, methods, f_index);
  box_class(L, &volatile_kind, volatile_methods, NULL);
  socket_open_timed(L);
  luaL_newlib(L, functions);
  return 1;
}
