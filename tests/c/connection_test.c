/* Connections and servers of scripts through reloads, attaching and closing, with a
 * server script as the peer. */
#include "script_env.h"

#include <math.h>
#include <time.h>

#include "vm/hold.h"

static Env env;

static const char peer[] =
    "local s = server.listen('peer', {port = 0})\n"
    "local io = s:io()\n"
    "local flag, n = '', 0\n"
    "io:on('connection', function(sock)\n"
    "  n = n + 1\n"
    "  local number = n\n"
    "  log.info('PEER connected ' .. number)\n"
    "  sock:on('disconnect', function() log.info('PEER lost ' .. number) end)\n"
    "  sock:on('never', function() log.info('PEER never') end)\n"
    "  sock:on('echo', function(...) sock:emit('echo', ...) end)\n"
    "  sock:on('get', function(ack) ack(flag) end)\n"
    "  sock:on('set', function(value, ack) flag = value ack() end)\n"
    "  sock:on('ask me', function()\n"
    "    flag = 'asked ' .. number\n"
    "    local answer = sock:call('asked', number)\n"
    "    log.info('PEER ' .. number .. ' hears ' .. tostring(answer))\n"
    "  end)\n"
    "end)\n"
    "script.on_start(function() log.info('PORT ' .. s.port .. '.') end)\n";

static int open_peer(void **state) {
  (void)state;
  env_open(&env, (RuntimeOptions){.grace = 0.3});
  env_save(&env, "peer", peer);
  env_await(&env, ".\n");
  char url[64];
  snprintf(url, sizeof url, "http://127.0.0.1:%d",
           atoi(strstr(env_log(&env), "PORT ") + 5));
  setenv("WS_URL", url, 1);
  return 0;
}

static int close_peer(void **state) {
  (void)state;
  env_close(&env);
  return 0;
}

/* A call that waits when its connection is closed returns, whoever made it. */
static void a_call_returns_when_its_connection_is_closed(void **state) {
  (void)state;
  env_save(&env, "owner", "socket.connect('chat', {url = URL})\n");
  env_save(
      &env, "hook",
      "local chat = socket.attach('owner:chat')\n"
      "chat:on('connect', function()\n"
      "  task.spawn(function()\n"
      "    local ok, err = chat:timeout(60):call('never', 1)\n"
      "    log.info('RETURNED ' .. tostring(ok) .. ' ' .. err.code .. ' ' .. err.sent)\n"
      "  end)\n"
      "end)\n");
  env_await(&env, "PEER never");
  env_save(&env, "owner", "-- nothing is declared\n");
  env_await(&env, "RETURNED nil CLOSED unknown");
}

static void a_call_returns_when_its_connection_is_reopened(void **state) {
  (void)state;
  env_save(&env, "owner", "socket.connect('chat', {url = URL})\n");
  env_save(&env, "hook",
           "local chat, once = socket.attach('owner:chat'), true\n"
           "chat:on('connect', function()\n"
           "  if not once then return end\n"
           "  once = false\n"
           "  local ok, err = chat:timeout(60):call('never', 1)\n"
           "  log.info('RETURNED ' .. tostring(ok) .. ' ' .. err.code)\n"
           "end)\n");
  env_await(&env, "PEER never");
  env_save(&env, "owner", "socket.connect('chat', {url = URL, query = {v = 2}})\n");
  env_await(&env, "RETURNED nil CLOSED");
  env_await(&env, "PEER connected 2");
}

/* A server by polling that does not answer an event: what waits for it ends by the number
 * that was saved last, on the connection that stands. */
static void a_reload_changes_the_request_timeout(void **state) {
  (void)state;
  env_save(&env, "polling",
           "local s, opened, told = server.listen('polling', {port = 0}), 0, false\n"
           "local hello = '0{\"sid\":\"abc\",\"upgrades\":[],\"pingInterval\":25000,'\n"
           "  .. '\"pingTimeout\":20000,\"maxPayload\":1000}'\n"
           "s:get('/live/', function(req)\n"
           "  if not req.query.sid then\n"
           "    opened, told = opened + 1, false\n"
           "    log.info('SESSION ' .. opened)\n"
           "    return 200, hello\n"
           "  end\n"
           "  if told then task.sleep(60) end\n"
           "  told = true\n"
           "  return 200, '40{\"sid\":\"x\"}'\n"
           "end)\n"
           "s:post('/live/', function(req)\n"
           "  if not req.body:find('42', 1, true) then return 200, 'ok' end\n"
           "  log.info('HELD')\n"
           "  task.sleep(60)\n"
           "end)\n"
           "script.on_start(function() log.info('POLLING ' .. s.port .. '.') end)\n");
  env_await(&env, "POLLING ");
  char url[64];
  snprintf(url, sizeof url, "http://127.0.0.1:%d",
           atoi(strstr(env_log(&env), "POLLING ") + 8));
  setenv("WS_URL", url, 1);
  static const char owner[] =
      "local s = socket.connect('s', {url = URL, path = '/live', reconnect = false,\n"
      "  transports = {'polling'}, request_timeout = %s})\n"
      "s:on('connect', function() log.info('CONNECTED') end)\n"
      "s:on('disconnect', function(why, info)\n"
      "  log.info('LOST ' .. why .. ' ' .. info.error.code)\n"
      "end)\n"
      "script.on_start(function(reason) if reason == 'reload' then s:emit('e') end "
      "end)\n";
  char text[1024];
  snprintf(text, sizeof text, owner, "30");
  env_save(&env, "owner", text);
  env_await(&env, "CONNECTED");
  snprintf(text, sizeof text, owner, "0.05");
  env_save(&env, "owner", text);
  env_await(&env, "HELD");
  env_await(&env, "LOST transport error TIMEOUT");
  assert_false(env_has(&env, "SESSION 2"));
}

/* A reload whose options cannot be opened changes nothing: not even those that could. */
static void a_failed_reload_keeps_the_connections(void **state) {
  (void)state;
  env_save(&env, "owner",
           "local a = socket.connect('a', {url = URL})\n"
           "local b = socket.connect('b', {url = URL})\n"
           "a:on('connect', function() log.info('A connected') end)\n"
           "b:on('connect', function() log.info('B connected') end)\n"
           "a:on('disconnect', function(why) log.info('A lost ' .. why) end)\n"
           "b:on('disconnect', function(why) log.info('B lost ' .. why) end)\n"
           "a:on('echo', function(x) log.info('A echo ' .. x) end)\n"
           "timer.every(0.02, function() a:emit('echo', 1) end)\n");
  env_await(&env, "A connected");
  env_await(&env, "B connected");
  env_save(&env, "owner",
           "socket.connect('a', {url = URL, query = {v = 2}})\n"
           "socket.connect('b', {url = 'gopher://nowhere'})\n");
  env_await(&env, "the previous generation goes on");
  env_save(&env, "probe",
           "local s = socket.connect('probe', {url = URL})\n"
           "s:on('echo', function() log.info('PROBED') end)\n"
           "script.on_start(function() s:emit('echo', 1) end)\n");
  env_await(&env, "PROBED");
  assert_false(env_has(&env, "A lost"));
  assert_false(env_has(&env, "PEER lost"));
  assert_true(env_has(&env, "PEER connected 3"));
  assert_false(env_has(&env, "PEER connected 4"));
}

/* An ack belongs to the connection its event came by. */
static void an_ack_is_not_sent_on_another_connection(void **state) {
  (void)state;
  env_save(
      &env, "owner",
      "local chat = socket.connect('chat', {url = URL})\n"
      "chat:on('connect', function() chat:emit('ask me') end)\n"
      "chat:on('asked', function(n, ack)\n"
      "  log.info('ASKED ' .. n)\n"
      "  repeat local flag = chat:call('get') task.sleep(0.001) until flag == 'asked 2'\n"
      "  ack('late answer')\n"
      "  chat:call('set', 'acked')\n"
      "end)\n");
  env_await(&env, "ASKED 1");
  env_save(
      &env, "owner",
      "local chat = socket.connect('chat', {url = URL, query = {v = 2}})\n"
      "chat:on('connect', function() chat:emit('ask me') end)\n"
      "chat:on('asked', function(n, ack)\n"
      "  repeat local flag = chat:call('get') task.sleep(0.001) until flag == 'acked'\n"
      "  ack('own answer')\n"
      "end)\n");
  env_await(&env, "PEER 2 hears ");
  assert_true(env_has(&env, "PEER 2 hears own answer"));
}

/* A handler of a script that is attached to itself may reopen what it hears of. */
static void a_connection_is_reopened_while_it_fires(void **state) {
  (void)state;
  env_save(&env, "owner",
           "socket.connect('chat', {url = URL})\n"
           "script.on_start(function() log.info('STARTED') end)\n");
  env_await(&env, "PEER connected 1");
  env_save(&env, "owner",
           "local chat = socket.attach('owner:chat')\n"
           "local once = true\n"
           "local function reopen()\n"
           "  if not once then return end\n"
           "  once = false\n"
           "  socket.connect('chat', {url = URL, query = {v = 2}})\n"
           "end\n"
           "chat:on_any(function(name, ack) reopen() end)\n"
           "chat:on('echo', function(x, ack) log.info('ECHO ' .. x) end)\n"
           "chat:on('connect', function() chat:emit('echo', 2) end)\n"
           "script.on_start(function() chat:emit('echo', 1) end)\n");
  env_await(&env, "PEER connected 2");
  env_await(&env, "ECHO 2");
}

/* What an old version still holds of a server that was reopened is not mistaken for what
 * the new one gave the same place. */
static void an_answer_does_not_go_to_another_request(void **state) {
  (void)state;
  static const char text[] =
      "local s = server.listen('web', {port = 0, host = '%s'})\n"
      "s:get('/', function()\n"
      "  log.info('ASKED %d')\n"
      "  task.sleep(%g)\n"
      "  return 'answer %d'\n"
      "end)\n"
      "script.on_start(function()\n"
      "  local res, err = http.get(s.url .. '/')\n"
      "  log.info('GOT %d ' .. (res and res.body or err.code) .. '.')\n"
      "end)\n";
  char version[1024];
  snprintf(version, sizeof version, text, "127.0.0.1", 1, 0.1, 1, 1);
  env_save(&env, "web", version);
  env_await(&env, "ASKED 1");
  snprintf(version, sizeof version, text, "localhost", 2, 0.2, 2, 2);
  env_save(&env, "web", version);
  env_await(&env, "GOT 2 ");
  assert_true(env_has(&env, "GOT 2 answer 2."));
}

/* A name is what it looks like. */
static void a_name_with_a_zero_byte_is_refused(void **state) {
  (void)state;
  env_save(&env, "owner",
           "local function refused(f, ...)\n"
           "  local ok, err = pcall(f, ...)\n"
           "  log.info('REFUSED ' .. tostring(not ok) .. ': ' .. tostring(err))\n"
           "end\n"
           "refused(socket.connect, 'a\\0b', {url = URL})\n"
           "refused(socket.attach, 'x:a\\0b')\n"
           "refused(timer.every, 'a\\0b', 1, print)\n"
           "refused(server.listen, 'a\\0b', {})\n"
           "log.info('END')\n");
  env_await(&env, "END");
  assert_false(env_has(&env, "REFUSED false"));
}

/* What our own modules are built on can be required, too. */
static void handlers_that_start_one_another_end_in_an_error(void **state) {
  (void)state;
  env_save(&env, "owner",
           "local core = require 'tidelock.server.core'\n"
           "local n = 0\n"
           "local function start() n = n + 1 core.start('x', start) end\n"
           "script.on_start(function() start() log.info('DEEP ' .. n .. '.') end)\n");
  env_await(&env, "DEEP 17.");
  assert_true(env_has(&env, "handlers start one another too deeply"));
}

static void a_list_that_lies_about_its_length_is_measured(void **state) {
  (void)state;
  env_save(&env, "owner",
           "local core = require 'tidelock.http.core'\n"
           "local liar = setmetatable({}, {__len = function() return 1 << 61 end})\n"
           "script.on_start(function()\n"
           "  local res, err = core.request{headers = liar, url = URL, method = 'GET'}\n"
           "  log.info('STATUS ' .. res.status)\n"
           "end)\n");
  env_await(&env, "STATUS 404");
}

static void what_a_task_waits_for_cannot_be_closed(void **state) {
  (void)state;
  env_save(&env, "owner",
           "local core = require 'tidelock.task.core'\n"
           "for _, make in ipairs{core.gate, core.group} do\n"
           "  local ok = pcall(function() local held <close> = make() end)\n"
           "  log.info('CLOSED ' .. tostring(ok))\n"
           "end\n"
           "log.info('END')\n");
  env_await(&env, "END");
  assert_false(env_has(&env, "CLOSED true"));
}

/* Processor time of a load that declares so many, the least of three. */
static double declaring(int many) {
  static int loads;
  double best = INFINITY;
  for (int i = 0; i < 3; i++) {
    char code[512], said[64];
    snprintf(said, sizeof said, "DECLARED %d.", ++loads);
    snprintf(code, sizeof code,
             "for i = 1, %d do\n"
             "  socket.connect('c' .. i, {url = URL, auto_connect = false})\n"
             "end\n"
             "script.on_start(function() log.info('%s') end)\n",
             many, said);
    clock_t before = clock();
    env_save(&env, "owner", code);
    env_await(&env, said);
    best = fmin(best, (double)(clock() - before));
  }
  return best;
}

/* Eight times as many take eight times as long, about: with each looked for among all it
 * would be 64 times. */
static void thousands_are_declared_quickly(void **state) {
  (void)state;
  double few = declaring(1000), many = declaring(8000);
  if (many > 24 * few) fail_msg("1,000: %.0f, 8,000: %.0f", few, many);
}

/* --- a large event whose handlers never read it ------------------------------------ */

static const char large_peer[] =
    "local s = server.listen('large', {port = 0})\n"
    "local io = s:io()\n"
    "io:on('connection', function(sock)\n"
    "  sock:on('hello', function() sock:emit('wait') end)\n"
    "  sock:on('go', function()\n"
    "    io:emit('large', ('x'):rep(400000))\n"
    "    io:emit('after')\n"
    "  end)\n"
    "end)\n"
    "script.on_start(function() log.info('LARGE ' .. s.port .. '.') end)\n";

static Owner *large_owner(const char *handlers) {
  char url[64], code[1024];
  env_save(&env, "large_peer", large_peer);
  env_await(&env, "LARGE ");
  snprintf(url, sizeof url, "http://127.0.0.1:%d",
           atoi(strstr(env_log(&env), "LARGE ") + 6));
  setenv("WS_URL", url, 1);
  snprintf(code, sizeof code,
           "local chat = socket.connect('chat', {url = URL})\n"
           "chat:on('connect', function() chat:emit('hello') end)\n"
           "chat:on('wait', function() log.info('WAITS') task.sleep(60) end)\n"
           "chat:on('after', function() log.info('AFTER') end)\n%s",
           handlers);
  env_save(&env, "owner", code);
  env_await(&env, "WAITS");
  return &script_find(env.rt, "owner", 5)->owner;
}

typedef struct HeldTasks {
  const Owner *owner;
  size_t count;
} HeldTasks;

static void stop_when_held(void *ctx) {
  const HeldTasks *awaited = ctx;
  if (awaited->owner->hold.count == awaited->count) loop_stop(env.rt->host.loop);
}

static void await_held(const Owner *owner, size_t count) {
  HeldTasks awaited = {owner, count};
  timer_start(env.rt->host.loop, &env.watchdog, 10);
  while (owner->hold.count != count && !env.timed_out)
    loop_run(env.rt->host.loop, stop_when_held, &awaited);
  timer_stop(env.rt->host.loop, &env.watchdog);
  assert_int_equal(owner->hold.count, count);
}

/* Of tasks that were held back and find the memory full one is begun; the others are
 * turned away, and do not read. */
static void what_comes_behind_a_large_event_that_nobody_reads_is_told(void **state) {
  (void)state;
  Owner *owner = large_owner("for _ = 1, 3 do chat:on('large', function() end) end\n");
  owner->hold.collects = true; /* it is held back */
  env_save(&env, "sender",
           "local s = socket.connect('s', {url = URL})\n"
           "s:on('connect', function() s:emit('go') end)\n");
  await_held(owner, 3);
  owner->current->refused_at = 1; /* full */
  owner->hold.collects = false;
  assert_true(hold_skips(owner->current)); /* looks whether it may go on */
  await_held(owner, 0);
  owner->current->refused_at = 0;
  env_await(&env, "AFTER");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, open_peer, close_peer)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(a_call_returns_when_its_connection_is_closed),
      TEST(a_call_returns_when_its_connection_is_reopened),
      TEST(a_reload_changes_the_request_timeout),
      TEST(a_failed_reload_keeps_the_connections),
      TEST(an_ack_is_not_sent_on_another_connection),
      TEST(a_connection_is_reopened_while_it_fires),
      TEST(an_answer_does_not_go_to_another_request),
      TEST(a_name_with_a_zero_byte_is_refused),
      TEST(handlers_that_start_one_another_end_in_an_error),
      TEST(a_list_that_lies_about_its_length_is_measured),
      TEST(what_a_task_waits_for_cannot_be_closed),
      TEST(what_comes_behind_a_large_event_that_nobody_reads_is_told),
      TEST(thousands_are_declared_quickly),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
