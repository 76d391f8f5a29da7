/* The table of bindings. */
#include "lua/modules.h"

const LuaModule lua_modules[] = {
    {"tidelock.crypto", luaopen_tidelock_crypto},
    {"tidelock.date.core", luaopen_tidelock_date_core},
    {"tidelock.env", luaopen_tidelock_env},
    {"tidelock.errors", luaopen_tidelock_errors},
    {"tidelock.fs.core", luaopen_tidelock_fs_core},
    {"tidelock.http.core", luaopen_tidelock_http_core},
    {"tidelock.http.events_core", luaopen_tidelock_http_events_core},
    {"tidelock.input", luaopen_tidelock_input},
    {"tidelock.json", luaopen_tidelock_json},
    {"tidelock.log", luaopen_tidelock_log},
    {"tidelock.options.core", luaopen_tidelock_options_core},
    {"tidelock.random", luaopen_tidelock_random},
    {"tidelock.rate.core", luaopen_tidelock_rate_core},
    {"tidelock.script", luaopen_tidelock_script},
    {"tidelock.server.core", luaopen_tidelock_server_core},
    {"tidelock.server.packet.core", luaopen_tidelock_server_packet_core},
    {"tidelock.session.core", luaopen_tidelock_session_core},
    {"tidelock.socket", luaopen_tidelock_socket},
    {"tidelock.store.core", luaopen_tidelock_store_core},
    {"tidelock.task.core", luaopen_tidelock_task_core},
    {"tidelock.test.clock.core", luaopen_tidelock_test_clock_core},
    {"tidelock.test.core", luaopen_tidelock_test_core},
    {"tidelock.timer", luaopen_tidelock_timer},
    {NULL, NULL},
};
