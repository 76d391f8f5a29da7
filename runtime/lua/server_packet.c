/* tidelock.server.packet.core: Socket.IO packets for stdlib/server/packet.lua, read and
 * written by the same code as the client's. */
#include <lauxlib.h>
#include <stdlib.h>

#include "bridge/luadecode.h"
#include "bridge/luaencode.h"
#include "bridge/luaerror.h"
#include "bridge/luajson.h"
#include "lua/modules.h"

/* parse(text) → type, namespace, id?, attachments, payload?; nothing for a wrong packet.
 * Binary types become plain ones. */
static int f_parse(lua_State *L) {
  size_t len;
  const char *text = luaL_checklstring(L, 1, &len);
  SioPacket packet;
  Error err;
  if (sio_parse(text, len, &packet, &err) != 0) return 0;
  bool binary = packet.type == SIO_BINARY_EVENT || packet.type == SIO_BINARY_ACK;
  lua_pushinteger(L, binary ? packet.type - (SIO_BINARY_EVENT - SIO_EVENT) : packet.type);
  lua_pushlstring(L, packet.nsp, packet.nsp_len);
  if (packet.ack == SIO_NO_ACK) lua_pushnil(L);
  else lua_pushinteger(L, packet.ack);
  lua_pushinteger(L, packet.attachments);
  if (packet.json_len == 0) return 4;
  lua_pushlstring(L, packet.json, packet.json_len);
  return 5;
}

static void push_parts(lua_State *L, const LuaBinaries *binaries) {
  lua_createtable(L, binaries->count, 0);
  for (int i = 0; i < binaries->count; i++) {
    lua_pushlstring(L, binaries->items[i].data, binaries->items[i].len);
    lua_rawseti(L, -2, i + 1);
  }
}

/* encode(list) → payload, attachments (a list, or nil) | nil, err */
static int f_encode(lua_State *L) {
  LuaBinaries binaries = {.count = 0};
  Error err;
  Buffer *out = luajson_scratch(L);
  int code = luajson_encode_binaries(L, 1, out, &binaries, &err);
  if (code == 0 && binaries.count > 0)
    code = sio_check_placeholders(out->data, out->len, binaries.count, &err);
  if (code != 0) return luaerror_return(L, &err);
  lua_pushlstring(L, out->data, out->len);
  if (binaries.count == 0) return 1;
  push_parts(L, &binaries);
  return 2;
}

/* decode(payload, attachments?) → value; nothing where it is no JSON, or its placeholders
 * do not fit the attachments. */
static int f_decode(lua_State *L) {
  SioBytes parts[SIO_MOST_SENT];
  Error err;
  size_t len;
  const char *text = luaL_checklstring(L, 1, &len);
  int count = lua_istable(L, 2) ? (int)lua_rawlen(L, 2) : 0;
  luaL_argcheck(L, count <= SIO_MOST_SENT, 2, "too many");
  luaL_checkstack(L, count, NULL);
  for (int i = 0; i < count; i++) {
    lua_rawgeti(L, 2, i + 1); /* stays on the stack: the bytes are borrowed */
    parts[i].data = luaL_checklstring(L, -1, &parts[i].len);
  }
  return luajson_decode_binaries(L, text, len, parts, count, &err) == 0 ? 1 : 0;
}

int luaopen_tidelock_server_packet_core(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"parse", f_parse}, {"encode", f_encode}, {"decode", f_decode}, {NULL, NULL}};
  luaL_newlib(L, functions);
  return 1;
}
