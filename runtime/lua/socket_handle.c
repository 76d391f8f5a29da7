/* Handles of tidelock.socket: see socket_handle.h. */
#include "lua/socket_handle.h"

#include <lauxlib.h>

#include "bridge/luaerror.h"
#include "bridge/luajson.h"
#include "bridge/luatext.h"
#include "proto/socketio.h"
#include "vm/vm.h"

const BoxKind socket_kind = {"socket", NULL};
const BoxKind volatile_kind = {"volatile socket", NULL};

Declaration *socket_check(lua_State *L) {
  return box_check(L, 1, &socket_kind);
}

static const char *const needs[] = {"", "\"hear\", \"send\" or ", "\"send\" or ", ""};

void socket_need(lua_State *L, const Declaration *decl, const char *what,
                 GuestRights need) {
  need_loaded(L, what);
  if (connection_rights(decl) >= need) return;
  luaL_error(L,
             "%s: the connection %s is not shared for that (its owner says so with share "
             "= %s\"control\")",
             what, decl->name, needs[need]);
}

int socket_return_closed(lua_State *L, const Declaration *decl) {
  Error err;
  error_set(&err, ERR_NOT_CONNECTED,
            decl->attached
                ? "%s is not there: no script has declared it, or it was closed"
                : "%s is closed: this generation of the script no longer has it",
            decl->name);
  err.sent = SENT_NO;
  return luaerror_return(L, &err);
}

int socket_return(lua_State *L, int rc, const Error *err) {
  if (rc != 0) return luaerror_return(L, err);
  lua_pushboolean(L, 1);
  return 1;
}

static void check_event_name(lua_State *L, const char *what) {
  size_t len;
  const char *event = luaL_checklstring(L, 2, &len);
  if (sio_reserved(event, len))
    luaL_error(L, "%s: \"%s\" is a reserved name, which closes the connection", what,
               event);
}

SocketData socket_encode(lua_State *L, const char *what, LuaBinaries *binaries) {
  Buffer *out = luajson_scratch(L);
  int wrong;
  Error err;
  char name[LUATEXT_SHOWN];
  check_event_name(L, what);
  if (luajson_encode_list(L, 2, lua_gettop(L), out, binaries, &wrong, &err) == 0)
    return (SocketData){out->data, out->len, binaries->items, binaries->count};
  if (wrong == 2) luaL_error(L, "%s: the event's name: %s", what, err.message);
  luatext_show(L, 2, name);
  if (wrong == 0) luaL_error(L, "%s: \"%s\": %s", what, name, err.message);
  luaL_error(L, "%s: argument %d of \"%s\": %s", what, wrong - 2, name, err.message);
  return (SocketData){0};
}
