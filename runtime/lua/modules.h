/* The bindings: one file per Lua module, one line per module in modules.c. A binding
 * checks arguments and calls the core. */
#ifndef TIDELOCK_LUA_MODULES_H
#define TIDELOCK_LUA_MODULES_H

#include "vm/host.h"

extern const LuaModule lua_modules[]; /* ends with a NULL name */

int luaopen_tidelock_cache(lua_State *L);
int luaopen_tidelock_crypto(lua_State *L);
int luaopen_tidelock_date_core(lua_State *L);
int luaopen_tidelock_env(lua_State *L);
int luaopen_tidelock_errors(lua_State *L);
int luaopen_tidelock_fs_core(lua_State *L);
int luaopen_tidelock_http_core(lua_State *L);
int luaopen_tidelock_http_events_core(lua_State *L);
int luaopen_tidelock_input(lua_State *L);
int luaopen_tidelock_json(lua_State *L);
int luaopen_tidelock_log(lua_State *L);
int luaopen_tidelock_options_core(lua_State *L);
int luaopen_tidelock_outbox_core(lua_State *L);
int luaopen_tidelock_random(lua_State *L);
int luaopen_tidelock_rate_core(lua_State *L);
int luaopen_tidelock_script(lua_State *L);
int luaopen_tidelock_server_core(lua_State *L);
int luaopen_tidelock_server_packet_core(lua_State *L);
int luaopen_tidelock_session_core(lua_State *L);
int luaopen_tidelock_socket(lua_State *L);
int luaopen_tidelock_store_core(lua_State *L);
int luaopen_tidelock_task_core(lua_State *L);
int luaopen_tidelock_test_clock_core(lua_State *L);
int luaopen_tidelock_test_core(lua_State *L);
int luaopen_tidelock_timer(lua_State *L);

#endif
