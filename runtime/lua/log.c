/* tidelock.log: debug, info, warn, error. A record names the script; logging never fails,
 * and is allowed everywhere, in staging too. */
#include <stdlib.h>
#include <string.h>

#include <lauxlib.h>

#include "bridge/luaencode.h"
#include "bridge/luaerror.h"
#include "bridge/luajson.h"
#include "bridge/luavalue.h"
#include "lua/modules.h"
#include "vm/vm.h"

static void put_text(Buffer *out, const char *text, size_t len) {
  if (json_put_string(out, text, len) == 0) return;
  buffer_putc(out, '"'); /* it is not UTF-8 */
  for (size_t i = 0; i < len; i++) {
    unsigned char c = (unsigned char)text[i];
    if (c < 0x20 || c >= 0x7F || c == '"' || c == '\\')
      buffer_printf(out, "\\\\x%02x", c);
    else buffer_putc(out, (char)c);
  }
  buffer_putc(out, '"');
}

/* Appends the value on top as JSON; a value that JSON cannot express as a text of it. */
static void put_value(lua_State *L, Buffer *out) {
  Error err;
  size_t len, start = out->len;
  if (luajson_encode(L, -1, out, &err) == 0) return;
  out->len = start;
  const char *text = lua_tolstring(L, -1, &len);
  if (text && lua_type(L, -1) == LUA_TSTRING) {
    put_text(out, text, len);
    return;
  }
  char *why = xasprintf("(not shown: %.200s)", err.message);
  put_text(out, why, strlen(why));
  free(why);
}

/* Field by field: a value that cannot be shown does not hide the others. */
static void put_fields(lua_State *L, int index, Buffer *out) {
  bool first = true;
  buffer_putc(out, '{');
  for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1), first = false) {
    size_t len;
    if (!first) buffer_putc(out, ',');
    lua_pushvalue(L, -2);
    if (lua_type(L, -1) != LUA_TSTRING && lua_type(L, -1) != LUA_TNUMBER) {
      lua_pop(L, 1);
      lua_pushfstring(L, "(%s)", luaL_typename(L, -2));
    }
    const char *key = lua_tolstring(L, -1, &len);
    put_text(out, key, len);
    lua_pop(L, 1);
    buffer_putc(out, ':');
    put_value(L, out);
  }
  buffer_putc(out, '}');
}

/* Borrows from the state's scratch buffer. */
static const char *fields_text(lua_State *L, int index) {
  Buffer *out = luajson_scratch(L);
  Error err;
  if (lua_type(L, index) == LUA_TTABLE || luavalue_mark(L, index) != JSON_UNMARKED) {
    if (luajson_encode(L, index, out, &err) == 0 && out->data[0] == '{')
      return buffer_text(out);
    buffer_clear(out);
  }
  if (lua_type(L, index) == LUA_TTABLE) {
    put_fields(L, index, out);
    return buffer_text(out);
  }
  buffer_puts(out, "{\"fields\":");
  lua_pushvalue(L, index);
  put_value(L, out);
  lua_pop(L, 1);
  buffer_putc(out, '}');
  return buffer_text(out);
}

static int f_show(lua_State *L) {
  luaerror_show(L, 1);
  return 1;
}

/* Pushes the text of the message, whatever it is: strings as they are. */
static void push_message(lua_State *L) {
  if (lua_type(L, 1) == LUA_TSTRING) {
    lua_pushvalue(L, 1);
    return;
  }
  lua_pushcfunction(L, f_show);
  lua_pushvalue(L, 1);
  if (lua_pcall(L, 1, 1, 0) == LUA_OK) return;
  lua_pop(L, 1);
  lua_pushfstring(L, "(a %s that cannot be shown)", luaL_typename(L, 1));
}

/* log.LEVEL(message, fields?): the message as tostring has it, fields a table or a view.
 * It never raises for its arguments: a value that cannot be shown is named in its place.
 */
static int write_record(lua_State *L, LogLevel level) {
  size_t len;
  lua_settop(L, 2);
  need_pure(L, "logging");
  Vm *vm = vm_of(L);
  if (!log_enabled(vm->host->log, level)) return 0;
  push_message(L);
  const char *message = lua_tolstring(L, -1, &len);
  const char *fields = lua_isnil(L, 2) ? NULL : fields_text(L, 2);
  log_bytes(vm->host->log, level, vm->owner->name, message, len, fields);
  return 0;
}

static int f_debug(lua_State *L) {
  return write_record(L, LOG_DEBUG);
}

static int f_info(lua_State *L) {
  return write_record(L, LOG_INFO);
}

static int f_warn(lua_State *L) {
  return write_record(L, LOG_WARN);
}

static int f_error(lua_State *L) {
  return write_record(L, LOG_ERROR);
}

static const luaL_Reg functions[] = {{"debug", f_debug},
                                     {"info", f_info},
                                     {"warn", f_warn},
                                     {"error", f_error},
                                     {NULL, NULL}};

int luaopen_tidelock_log(lua_State *L) {
  luaL_newlib(L, functions);
  return 1;
}
