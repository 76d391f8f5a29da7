/* Error values, from C to Lua and back. Scripts may change the tables, so everything read
 * from one is looked at first. */
#include "bridge/luaerror.h"

#include <lauxlib.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "bridge/luatext.h"
#include "core/clock.h"

enum { CAUSES_SHOWN = 8 };

static const char metatable_key; /* its address is a key in the registry */

/* --- reading well ----------------------------------------------------------------- */

/* Pushes a string: the field, or `otherwise` where it is no string. */
static void push_text(lua_State *L, int index, const char *name, const char *otherwise) {
  lua_pushstring(L, name);
  if (lua_rawget(L, index) == LUA_TSTRING) return;
  lua_pop(L, 1);
  lua_pushstring(L, otherwise);
}

/* Whether the message at `message` ends with the string at the top, which it then says
 * already. */
static bool is_said(lua_State *L, int message) {
  size_t all, part;
  const char *text = lua_tolstring(L, message, &all), *end = lua_tolstring(L, -1, &part);
  return part <= all && memcmp(text + all - part, end, part) == 0;
}

/* Pushes ` (phase: connect, detail: refused)`, or nothing but an empty string. The
 * message is below the top. */
static void push_notes(lua_State *L, int index) {
  int message = lua_gettop(L);
  static const char *const notes[] = {"phase", "detail"};
  lua_pushliteral(L, "");
  for (size_t i = 0; i < COUNT_OF(notes); i++) {
    push_text(L, index, notes[i], "");
    if (lua_rawlen(L, -1) == 0 || is_said(L, message)) {
      lua_pop(L, 1);
      continue;
    }
    lua_pushfstring(L, "%s%s: ", lua_rawlen(L, -2) ? ", " : " (", notes[i]);
    lua_insert(L, -2);
    lua_concat(L, 3);
  }
  lua_pushstring(L, lua_rawlen(L, -1) ? ")" : "");
  lua_concat(L, 2);
}

static void push_described(lua_State *L, int index) {
  push_text(L, index, "code", "ERROR");
  lua_pushliteral(L, ": ");
  push_text(L, index, "message", "");
  push_notes(L, index);
  lua_concat(L, 4);
}

/* `SAVE: the note was not saved <- TIMEOUT: no answer in 5 s (phase: connect)` */
static int f_tostring(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  push_described(L, 1);
  for (int i = 0; i < CAUSES_SHOWN; i++) {
    lua_pushliteral(L, "cause");
    lua_rawget(L, 1);
    lua_replace(L, 1);
    if (lua_type(L, 1) != LUA_TTABLE && lua_type(L, 1) != LUA_TSTRING) break;
    lua_pushliteral(L, " <- ");
    if (lua_type(L, 1) == LUA_TTABLE) push_described(L, 1);
    else lua_pushvalue(L, 1);
    lua_concat(L, 3);
    if (lua_type(L, 1) == LUA_TSTRING) break;
  }
  return 1;
}

/* --- making ----------------------------------------------------------------------- */

static void push_metatable(lua_State *L) {
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &metatable_key) == LUA_TTABLE) return;
  lua_pop(L, 1);
  lua_createtable(L, 0, 3);
  lua_pushcfunction(L, f_tostring);
  lua_setfield(L, -2, "__tostring");
  lua_pushliteral(L, "error");
  lua_setfield(L, -2, "__name");
  lua_pushliteral(L, "error");
  lua_setfield(L, -2, "__metatable");
  lua_pushvalue(L, -1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &metatable_key);
}

void luaerror_seal(lua_State *L) {
  luaL_checkstack(L, 3, NULL);
  push_metatable(L);
  lua_setmetatable(L, -2);
}

static void set_text(lua_State *L, const char *name, const char *text) {
  if (!text || !*text) return;
  lua_pushstring(L, text);
  lua_setfield(L, -2, name);
}

double luaerror_time(void) {
  return floor(clock_wall() * 1000) / 1000;
}

void luaerror_push(lua_State *L, const Error *err) {
  luaL_checkstack(L, 4, NULL);
  lua_createtable(L, 0, 8);
  set_text(L, "code", error_name(err->code));
  set_text(L, "message", err->message[0] ? err->message : error_meaning(err->code));
  set_text(L, "detail", err->detail);
  set_text(L, "severity", error_severity(err->code));
  set_text(L, "phase", err->phase);
  set_text(L, "sent", error_sent(err->sent));
  lua_pushboolean(L, error_recoverable(err->code));
  lua_setfield(L, -2, "recoverable");
  lua_pushnumber(L, luaerror_time());
  lua_setfield(L, -2, "time");
  if (err->retry_after > 0) {
    lua_pushnumber(L, err->retry_after);
    lua_setfield(L, -2, "retry_after");
  }
  luaerror_seal(L);
}

int luaerror_return(lua_State *L, const Error *err) {
  luaL_checkstack(L, 1, NULL);
  lua_pushnil(L);
  luaerror_push(L, err);
  return 2;
}

int luaerror_raise(lua_State *L, const Error *err) {
  luaerror_push(L, err);
  return lua_error(L);
}

/* --- showing ---------------------------------------------------------------------- */

static bool has_text(lua_State *L, int index, const char *name) {
  lua_pushstring(L, name);
  bool has = lua_rawget(L, index) == LUA_TSTRING;
  lua_pop(L, 1);
  return has;
}

/* Pushes `CODE: message`, or the one of the two that it has. */
static void push_plain(lua_State *L, int index) {
  bool code = has_text(L, index, "code"), message = has_text(L, index, "message");
  push_text(L, index, "code", "");
  lua_pushstring(L, code && message ? ": " : "");
  push_text(L, index, "message", "");
  lua_concat(L, 3);
}

/* Writes the zero bytes of the text on top as \x00: readers may take it for a C string.
 */
static void show_zeros(lua_State *L) {
  size_t len;
  const char *text = lua_tolstring(L, -1, &len);
  if (strlen(text) == len) return;
  luaL_Buffer b;
  lua_pushvalue(L, -1);
  luaL_buffinit(L, &b);
  for (size_t i = 0; i < len; i++) {
    if (text[i]) luaL_addchar(&b, text[i]);
    else luaL_addstring(&b, "\\x00");
  }
  luaL_pushresult(&b);
  lua_replace(L, -3);
  lua_pop(L, 1);
}

void luaerror_show(lua_State *L, int index) {
  index = lua_absindex(L, index);
  luaL_checkstack(L, 8, NULL);
  bool table = lua_type(L, index) == LUA_TTABLE;
  bool plain = table && !luaL_getmetafield(L, index, "__tostring");
  if (table && !plain) lua_pop(L, 1);
  if (plain && (has_text(L, index, "code") || has_text(L, index, "message")))
    push_plain(L, index);
  else luaL_tolstring(L, index, NULL);
  show_zeros(L);
}

/* --- reading back ----------------------------------------------------------------- */

bool luaerror_is(lua_State *L, int index) {
  if (lua_type(L, index) != LUA_TTABLE || !lua_checkstack(L, 2)) return false;
  if (!lua_getmetatable(L, index)) return false;
  lua_rawgetp(L, LUA_REGISTRYINDEX, &metatable_key);
  bool same = lua_rawequal(L, -1, -2);
  lua_pop(L, 2);
  return same;
}

/* Pushes a field, found without making a string of its name: that could raise. */
static bool find_field(lua_State *L, int index, const char *name) {
  for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1))
    if (luatext_is(L, -2, name)) {
      lua_remove(L, -2);
      return true;
    }
  return false;
}

/* Borrowed from the table. */
static const char *find_text(lua_State *L, int index, const char *name) {
  if (!find_field(L, index, name)) return NULL;
  const char *text = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : NULL;
  lua_pop(L, 1);
  return text;
}

/* Copied to `out`, with zero bytes shown; NULL where there is no such text. */
static const char *find_shown(lua_State *L, int index, const char *name,
                              char out[LUATEXT_SHOWN]) {
  if (!find_field(L, index, name)) return NULL;
  const char *text = lua_type(L, -1) == LUA_TSTRING ? luatext_show(L, -1, out) : NULL;
  lua_pop(L, 1);
  return text;
}

static double find_number(lua_State *L, int index, const char *name) {
  if (!find_field(L, index, name)) return 0;
  double value = lua_type(L, -1) == LUA_TNUMBER ? lua_tonumber(L, -1) : 0;
  lua_pop(L, 1);
  return value;
}

/* Error.phase points to static text. */
static const char *known_phase(const char *name) {
  static const char *const phases[] = {"dns",       "proxy", "connect", "tls",
                                       "handshake", "send",  "request", "response",
                                       "ack",       "total", "idle",    "close"};
  for (size_t i = 0; name && i < COUNT_OF(phases); i++)
    if (strcmp(phases[i], name) == 0) return phases[i];
  return NULL;
}

static Sent read_sent(const char *word) {
  for (Sent sent = SENT_NO; word && sent <= SENT_UNKNOWN; sent++)
    if (strcmp(error_sent(sent), word) == 0) return sent;
  return SENT_NOT_APPLICABLE;
}

static void read_table(lua_State *L, int index, Error *out) {
  char shown[3][LUATEXT_SHOWN];
  const char *name = find_shown(L, index, "code", shown[0]),
             *text = find_shown(L, index, "message", shown[1]),
             *detail = find_shown(L, index, "detail", shown[2]);
  ErrorCode code = name ? error_code(name) : ERR_NONE;
  if (code) error_set(out, code, "%s", text ? text : "");
  else error_set(out, ERR_SCRIPT, "%s: %s", name ? name : "ERROR", text ? text : "");
  if (detail) error_detail(out, "%s", detail);
  out->phase = known_phase(find_text(L, index, "phase"));
  out->sent = read_sent(find_text(L, index, "sent"));
  out->retry_after = find_number(L, index, "retry_after");
}

ErrorCode luaerror_code(lua_State *L, int index) {
  if (lua_type(L, index) != LUA_TTABLE || !lua_checkstack(L, 4)) return ERR_NONE;
  const char *name = find_text(L, lua_absindex(L, index), "code");
  return name ? error_code(name) : ERR_NONE;
}

bool luaerror_read(lua_State *L, int index, Error *out) {
  index = lua_absindex(L, index);
  if (luaerror_is(L, index) && lua_checkstack(L, 4)) {
    read_table(L, index, out);
    return true;
  }
  bool plain = lua_type(L, index) == LUA_TTABLE && lua_checkstack(L, 4) &&
               (find_text(L, index, "message") || find_text(L, index, "code"));
  if (plain) {
    read_table(L, index, out);
    return true;
  }
  if (lua_type(L, index) == LUA_TSTRING) {
    char shown[LUATEXT_SHOWN];
    error_set(out, ERR_SCRIPT, "%s", luatext_show(L, index, shown));
    return true;
  }
  error_set(out, ERR_SCRIPT, "an error that is a %s value", luaL_typename(L, index));
  return false;
}
