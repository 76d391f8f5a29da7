/* tidelock.random: bytes that nobody can guess, from the system; for tokens and ids.
 * math.random is for games. */
#include <lauxlib.h>

#include "core/hex.h"
#include "lua/modules.h"
#include "lua/number.h"
#include "resource/resources.h"

enum { MAX_BYTES = 1024 };

static void fill_random(lua_State *L, uint8_t *out, size_t len) {
  need_pure(L, "tidelock.random");
  net_random(vm_of(L)->host->resources->net, out, len);
}

static int push_hex(lua_State *L, const uint8_t *bytes, size_t len) {
  char text[2 * MAX_BYTES];
  hex_write(bytes, len, text);
  lua_pushlstring(L, text, 2 * len);
  return 1;
}

static size_t check_count(lua_State *L) {
  static const NumberRule rule = {.least = 1, .most = MAX_BYTES, .whole = true};
  return (size_t)number_argument(L, 1, &rule, "1 to 1024 bytes");
}

/* bytes(n) → a string of n random bytes */
static int f_bytes(lua_State *L) {
  uint8_t bytes[MAX_BYTES];
  size_t count = check_count(L);
  fill_random(L, bytes, count);
  lua_pushlstring(L, (char *)bytes, count);
  return 1;
}

/* hex(n) → n random bytes as 2n hexadecimal digits */
static int f_hex(lua_State *L) {
  uint8_t bytes[MAX_BYTES];
  size_t count = check_count(L);
  fill_random(L, bytes, count);
  return push_hex(L, bytes, count);
}

/* uuid() → a random UUID (RFC 9562, version 4) */
static int f_uuid(lua_State *L) {
  uint8_t bytes[16];
  fill_random(L, bytes, sizeof bytes);
  bytes[6] = (uint8_t)((bytes[6] & 0x0f) | 0x40);
  bytes[8] = (uint8_t)((bytes[8] & 0x3f) | 0x80);
  push_hex(L, bytes, sizeof bytes);
  const char *hex = lua_tostring(L, -1);
  lua_pushfstring(L, "%s-%s-%s-%s-%s", lua_pushlstring(L, hex, 8),
                  lua_pushlstring(L, hex + 8, 4), lua_pushlstring(L, hex + 12, 4),
                  lua_pushlstring(L, hex + 16, 4), lua_pushlstring(L, hex + 20, 12));
  return 1;
}

int luaopen_tidelock_random(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"bytes", f_bytes}, {"hex", f_hex}, {"uuid", f_uuid}, {NULL, NULL}};
  luaL_newlib(L, functions);
  return 1;
}
