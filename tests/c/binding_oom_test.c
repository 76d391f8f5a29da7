/* A script that uses all bindings, run with a lack of memory at the n-th allocation, for
 * n = 1, 2, 3, ...: whatever was under way then fails, or is tried again and succeeds;
 * nothing crashes, leaks or hangs. OOM_ALL=1 takes every n; else they grow sparse. */
#include "script_env.h"

#include <lauxlib.h>

typedef struct Oom {
  const void *state; /* what the armed state's allocator goes by */
  long left;         /* growing allocations until it fails */
  int failures;      /* still to come */
  bool fired, over;
} Oom;

static Env env;
static Oom oom;
static lua_Alloc real;

static bool fails(const void *state) {
  if (state != oom.state) return false;
  if (oom.left > 0 && --oom.left == 0) oom.failures = 2;
  if (oom.failures == 0) return false;
  oom.failures--;
  return oom.fired = true;
}

/* It fails twice running: after the first time Lua collects and asks again. States are
 * closed on other threads, where nothing grows. */
static void *fail_once(void *ud, void *old, size_t old_size, size_t size) {
  if (size > (old ? old_size : 0) && fails(ud)) return NULL;
  return real(ud, old, old_size, size);
}

/* begin(n) */
static int f_begin(lua_State *L) {
  void *ud;
  real = lua_getallocf(L, &ud);
  lua_setallocf(L, fail_once, ud);
  oom.state = ud;
  oom.left = (long)luaL_checkinteger(L, 1);
  return 0;
}

/* stop(): from here on there is memory. */
static int f_stop(lua_State *L) {
  (void)L;
  oom.state = NULL;
  return 0;
}

static int f_over(lua_State *L) {
  (void)L;
  oom.over = true;
  loop_stop(vm_of(L)->host->loop);
  return 0;
}

static int open_oom(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"begin", f_begin}, {"stop", f_stop}, {"over", f_over}, {NULL, NULL}};
  luaL_newlib(L, functions);
  return 1;
}

static const char peer[] =
    "local server = require 'tidelock.server'\n"
    "local log, script = require 'tidelock.log', require 'tidelock.script'\n"
    "local s = server.listen('peer', {port = 0})\n"
    "s:get('/item', function() return {a = {1, 2, {b = 'c'}}} end)\n"
    "s:io():on('connection', function(sock)\n"
    "  sock:on('echo', function(...)\n"
    "    local args = table.pack(...)\n"
    "    local ack = table.remove(args)\n"
    "    sock:emit('echo', table.unpack(args)) ack(table.unpack(args))\n"
    "  end)\n"
    "  sock:on('question', function(_, ack)\n"
    "    ack(sock:timeout(0.2):call('question', {'a'}))\n"
    "  end)\n"
    "end)\n"
    "script.on_start(function() log.info('PORT ' .. s.port .. '.') end)\n";

/* Its loop takes no memory, so that what fails is what it tries. */
static const char text[] =
    "local oom, script = require 'test.oom', require 'tidelock.script'\n"
    "local socket, task, timer, http, json, server, errors, chat, web, pending, log, "
    "env\n"
    "local url, deep = nil, {1, {2, {3, {x = 'y', z = 1.5, t = true}}}, 'text'}\n"
    "local steps = {\n"
    "  function() env = require 'tidelock.env' url = env.get 'WS_URL' end,\n"
    "  function() log = require 'tidelock.log' end,\n"
    "  function() task = require 'tidelock.task' end,\n"
    "  function() timer = require 'tidelock.timer' end,\n"
    "  function() json = require 'tidelock.json' end,\n"
    "  function() errors = require 'tidelock.errors' end,\n"
    "  function() socket = require 'tidelock.socket' end,\n"
    "  function() http = require 'tidelock.http' end,\n"
    "  function() server = require 'tidelock.server' end,\n"
    "  function()\n"
    "    chat = socket.connect('chat', {url = url, query = {a = 'b', c = 'd'},\n"
    "      headers = {['X-A'] = 'b'}, reconnect = {delay = 0.01}, buffer = {count = "
    "10},\n"
    "      auth = function() return {token = 't'} end})\n"
    "  end,\n"
    "  function() pending = socket.attach('nobody:chat') end,\n"
    "  function() pcall(socket.connect, 'bad', {url = 1}) end,\n"
    "  function() pcall(socket.connect, 'chat', {url = url}) end,\n"
    "  function() pcall(socket.connect, 'no name', {url = url}) end,\n"
    "  function() chat:on('echo', function(...) local x = {...} end) end,\n"
    "  function() chat:on('echo', function() task.sleep(0) end, {serial = true}) end,\n"
    "  function() chat:once('echo', function() end) end,\n"
    "  function() chat:on_any(function(name, ...) local x = {name, ...} end) end,\n"
    "  function() chat:on_any_outgoing(function(name, ...) end) end,\n"
    "  function() chat:on_state(function(state, info) local x = {state} end) end,\n"
    "  function() chat:on('connect', function() local x = {} end) end,\n"
    "  function() chat:on('disconnect', function(...) local x = {...} end) end,\n"
    "  function() chat:on('connect_error', function(...) local x = {...} end) end,\n"
    "  function() chat:on('question', function(q, ack) ack({q, 1}) end):off() end,\n"
    "  function() chat:on('question', function(q, ack) ack({q, 1}) end) end,\n"
    "  function()\n"
    "    for i = 1, 200 do\n"
    "      if chat.state == 'connected' then break end\n"
    "      task.sleep(0.002)\n"
    "    end\n"
    "  end,\n"
    "  function() chat:timeout(0.2):call('echo', deep, 'more') end,\n"
    "  function() chat:timeout(0.5):call('question', 1) end,\n"
    "  function() chat:emit('echo', print) end,\n"
    "  function() chat.volatile:emit('echo', deep, function() end) end,\n"
    "  function() pending:emit('x') end,\n"
    "  function() http.get(url .. '/item', {headers = {A = 'b'}}):json() end,\n"
    "  function() http.get('http://127.0.0.1:1/') end,\n"
    "  function() local t = timer.after(0, function() end) task.sleep(0.001) t:stop() "
    "end,\n"
    "  function() timer.every('named', 0.001, function() local x = {} end) end,\n"
    "  function() task.sleep(0.003) end,\n"
    "  function() task.spawn(function(...) task.sleep(0) return ... end, 1, 2):await() "
    "end,\n"
    "  function() task.spawn(function() error(errors.new{code = 'X'}) end):await() end,\n"
    "  function() task.spawn(task.sleep, 5):cancel() end,\n"
    "  function() task.all{function() return 1 end, function() task.sleep(0) end} end,\n"
    "  function() task.race{function() task.sleep(1) end, function() return 2 end} end,\n"
    "  function() task.with_timeout(0.001, function() task.sleep(1) end) end,\n"
    "  function() json.decode(json.encode{deep, json.null, json.array{}}) end,\n"
    "  function() tostring(errors.wrap(errors.new{code = 'X', message = 'y'})) end,\n"
    "  function() web = server.listen('web', {port = 0}) web:get('/', function(req)\n"
    "    return req.headers.host end) end,\n"
    "  function() http.get(web.url .. '/') end,\n"
    "  function() web:close() end,\n"
    "  function() script.orphans() end,\n"
    "  function() chat:disconnect() task.sleep(0.002) end,\n"
    "  function() chat:connect() end,\n"
    "  function() chat:timeout(0.3):call('echo', 1) end,\n"
    "  function() chat:wait(0.2) end,\n"
    "}\n"
    "local function try()\n"
    "  for i = 1, #steps do\n"
    "    if not pcall(steps[i]) then pcall(steps[i]) end\n"
    "  end\n"
    "end\n"
    "script.on_start(function()\n"
    "  oom.begin(N)\n"
    "  pcall(try)\n"
    "  oom.stop()\n"
    "  collectgarbage()\n"
    "  oom.over()\n"
    "end)\n";

static void on_idle(void *ctx) {
  (void)ctx;
  if (oom.over) loop_stop(env.rt->host.loop);
}

/* Loads the script once more, failing at n; returns whether that was reached. */
static bool run(int n) {
  char head[32];
  snprintf(head, sizeof head, "local N = %d\n", n);
  oom = (Oom){0};
  env_write(&env, "bot", head, text);
  Script *script = script_find(env.rt, "bot", 3);
  char *path = env_path(&env, "bot");
  Error err;
  if (script) script_load(script);
  else CHECK(script_add(env.rt, "bot", path, NULL, &err) != NULL);
  free(path);
  env.timed_out = false;
  timer_start(env.rt->host.loop, &env.watchdog, 20);
  while (!oom.over && !env.timed_out) loop_run(env.rt->host.loop, on_idle, NULL);
  timer_stop(env.rt->host.loop, &env.watchdog);
  if (env.timed_out) fail_msg("a lack of memory at %d: no end\n%s", n, env_log(&env));
  return oom.fired;
}

static void nothing_breaks(void **state) {
  (void)state;
  LuaModule modules[64] = {{"test.oom", open_oom}};
  for (int i = 0; lua_modules[i].name; i++) modules[i + 1] = lua_modules[i];
  env_open(&env, (RuntimeOptions){.grace = 0.05, .modules = modules});
  env_write(&env, "peer", "", peer);
  char *path = env_path(&env, "peer"), url[64];
  Error err;
  assert_non_null(script_add(env.rt, "peer", path, NULL, &err));
  free(path);
  env_await(&env, ".\n");
  snprintf(url, sizeof url, "http://127.0.0.1:%d",
           atoi(strstr(env_log(&env), "PORT ") + 5));
  setenv("WS_URL", url, 1);
  int n = 1, step = 1;
  while (run(n)) {
    if (getenv("OOM_TELL")) fprintf(stderr, "%d\n", n);
    if (!getenv("OOM_ALL")) step = 1 + n / 20;
    n += step;
  }
  if (n < 200) fail_msg("only %d\n%s", n, env_log(&env));
  env_close(&env);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(nothing_breaks)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
