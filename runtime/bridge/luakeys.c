/* A Lua table with one string for each slot; beside it, in C, the length and the bytes of
 * each string, as two words, to compare a name with. A name that is not there takes the
 * slot over. The sizes of objects are found by the slots of two names and not checked: a
 * wrong size only costs time. */
#include "bridge/luakeys.h"

#include <lauxlib.h>
#include <stdbool.h>
#include <string.h>

#include "core/base.h"

enum { SLOT_BITS = 7, SLOTS = 1 << SLOT_BITS, LONGEST = 16 };

typedef struct Name {
  uint64_t first, last; /* of its words; they overlap in one of less than 16 bytes */
  size_t len;
} Name;

struct LuaKeys {
  Name slots[SLOTS]; /* len 0: free */
  uint8_t rooms[2 * SLOTS];
};

static const char keys_key; /* its address is the key in the registry */

static void make_keys(lua_State *L) {
  LuaKeys *keys = lua_newuserdatauv(L, sizeof *keys, 1);
  memset(keys, 0, sizeof *keys);
  lua_createtable(L, SLOTS, 0);
  lua_setiuservalue(L, -2, 1);
  lua_pushvalue(L, -1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &keys_key);
}

LuaKeys *luakeys_open(lua_State *L) {
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &keys_key) == LUA_TNIL) {
    lua_pop(L, 1);
    make_keys(L);
  }
  LuaKeys *keys = lua_touserdata(L, -1);
  lua_getiuservalue(L, -1, 1);
  lua_replace(L, -2);
  return keys;
}

static inline uint64_t load_8_bytes(const char *p) {
  uint64_t word;
  memcpy(&word, p, sizeof word);
  return word;
}

static inline uint64_t load_4_bytes(const char *p) {
  uint32_t word;
  memcpy(&word, p, sizeof word);
  return word;
}

/* Different names of one length have different words; no byte behind them is read. */
static inline Name name_of(const char *p, size_t len) {
  Name name = {.len = len};
  if (len >= 8) {
    name.first = load_8_bytes(p), name.last = load_8_bytes(p + len - 8);
  } else if (len >= 4) {
    name.first = load_4_bytes(p), name.last = load_4_bytes(p + len - 4);
  } else {
    name.first = (uint8_t)p[0], name.last = (uint8_t)p[len / 2];
    name.last |= (uint64_t)(uint8_t)p[len - 1] << 8;
  }
  return name;
}

static inline unsigned slot_of(const Name *name) {
  uint64_t mixed = (name->first ^ name->last * 0x9E3779B97F4A7C15ull ^ name->len) *
                   0xD6E8FEB86659FD93ull;
  return (unsigned)(mixed >> (64 - SLOT_BITS));
}

static inline bool is_kept(size_t len) {
  return len > 0 && len <= LONGEST;
}

static inline bool names_equal(const Name *a, const Name *b) {
  return a->first == b->first && a->last == b->last && a->len == b->len;
}

unsigned luakeys_push(lua_State *L, LuaKeys *keys, int strings, const char *text,
                      size_t len) {
  if (!is_kept(len)) {
    lua_pushlstring(L, text, len);
    return (unsigned)len % SLOTS;
  }
  Name name = name_of(text, len);
  unsigned slot = slot_of(&name);
  if (names_equal(&name, &keys->slots[slot])) {
    lua_rawgeti(L, strings, (lua_Integer)slot + 1);
    return slot;
  }
  lua_pushlstring(L, text, len);
  lua_pushvalue(L, -1);
  lua_rawseti(L, strings, (lua_Integer)slot + 1);
  keys->slots[slot] = name;
  return slot;
}

uint8_t *luakeys_room(LuaKeys *keys, unsigned within, const char *text, size_t len) {
  unsigned slot = (unsigned)len;
  if (is_kept(len)) {
    Name name = name_of(text, len);
    slot = slot_of(&name);
  }
  return &keys->rooms[(slot + 67 * within) % COUNT_OF(keys->rooms)];
}
