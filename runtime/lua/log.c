/* tidelock.log: debug, info, warn, error. A record names the script; logging never fails,
 * and is allowed everywhere, in staging too. */
#include <string.h>

#include <lauxlib.h>

#include "lua/modules.h"
#include "script/luajson.h"
#include "script/script.h"

/* What cannot be encoded is told in its place. Borrows from the state's scratch buffer.
 */
static const char *fields_text(lua_State *L, int index) {
  Buffer *out = luajson_scratch(L);
  Error err;
  if (luajson_encode(L, index, out, &err) != 0) {
    buffer_puts(out, "{\"not_shown\":");
    json_put_string(out, err.message, strlen(err.message));
    buffer_putc(out, '}');
  }
  return buffer_text(out);
}

/* log.LEVEL(message, fields?): the message as tostring has it, fields a table or a view
 */
static int record(lua_State *L, LogLevel level) {
  luaL_checkany(L, 1);
  bool fields_given = !lua_isnoneornil(L, 2);
  if (fields_given && luajson_mark(L, 2) == JSON_UNMARKED)
    luaL_checktype(L, 2, LUA_TTABLE);
  Generation *gen = generation_of(L);
  if (!log_enabled(gen->rt->log, level)) return 0;
  const char *message = luaL_tolstring(L, 1, NULL);
  const char *fields = fields_given ? fields_text(L, 2) : NULL;
  log_record(gen->rt->log, level, gen->script->name, message, fields);
  return 0;
}

static int f_debug(lua_State *L) {
  return record(L, LOG_DEBUG);
}

static int f_info(lua_State *L) {
  return record(L, LOG_INFO);
}

static int f_warn(lua_State *L) {
  return record(L, LOG_WARN);
}

static int f_error(lua_State *L) {
  return record(L, LOG_ERROR);
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
