/* A reload is a transaction: of one script or of several that share a changed file, it
 * happens whole or not at all; nobody connected notices one that fails; what is under way
 * at the swap ends properly; and it is told. */
#include <sys/stat.h>

#include "fake_ws.h"
#include "script_env.h"

static Env env;
static Fake fake;

static int open_world(void **state) {
  (void)state;
  env_open(&env, (RuntimeOptions){.grace = 0.3});
  return 0;
}

static int close_world(void **state) {
  (void)state;
  env_close(&env);
  return 0;
}

/* --- several scripts ---------------------------------------------------------------- */

static void write_lib(const char *text) {
  char *folder = xasprintf("%s/lib", env.folder);
  mkdir(folder, 0700);
  free(folder);
  env_write(&env, "lib/shared", "", text);
}

static void load_all(const char *const *names) {
  Script *scripts[4];
  size_t count = 0;
  for (; names[count]; count++)
    scripts[count] = script_find(env.rt, names[count], strlen(names[count]));
  scripts_load(env.rt, scripts, count);
}

static const char owner[] =
    "local shared = require 'shared'\n"
    "local s = server.listen('web', {port = 0})\n"
    "timer.every('tick', 60, print)\n"
    "script.on_start(function() log.info('OWNER ' .. shared) end)\n";
static const char user[] =
    "local shared = require 'shared'\n"
    "socket.attach('owner:chat')\n"
    "script.on_start(function() log.info('USER ' .. shared) end)\n";

/* The one that attaches is added first. */
static void open_pair(void) {
  write_lib("return 'one'");
  env_save(&env, "user", user);
  env_save(&env, "owner", owner);
  env_await(&env, "USER one");
  env_await(&env, "OWNER one");
}

static const char *at(const char *text) {
  const char *found = strstr(env_log(&env), text);
  if (!found) fail_msg("not in the log: %s\n%s", text, env_log(&env));
  return found;
}

static void scripts_that_share_a_changed_file_reload_in_order(void **state) {
  (void)state;
  open_pair();
  write_lib("return 'two'");
  load_all((const char *[]){"user", "owner", NULL});
  env_await(&env, "USER two");
  assert_true(at("owner: reloaded (generation 2; lib/shared.lua)") < at("OWNER two"));
  assert_true(at("user: reloaded (generation 2; lib/shared.lua)") < at("OWNER two"));
  assert_true(at("OWNER two") < at("USER two"));
}

static unsigned version_of(const char *name) {
  return script_find(env.rt, name, strlen(name))->owner.current->number;
}

/* Whoever it is that fails, and however: none of them reloads. */
static void they_reload_all_or_none(void **state) {
  (void)state;
  open_pair();
  write_lib("return 'two'");
  env_write(&env, "user", "", "require 'shared' error('no')");
  load_all((const char *[]){"user", "owner", NULL});
  env_await(&env, "owner: held back by user, with which it shares lib/shared.lua");
  assert_true(at("user.lua:1: no") <
              at("lib/shared.lua: the previous generation goes on"));
  env_write(&env, "user", "",
            "require 'shared'\nrequire('tidelock.socket')"
            ".connect('x', {url = 'gopher://x'})");
  load_all((const char *[]){"user", NULL}); /* the other comes with it */
  env_await(&env, "user.lua:2: socket \"x\": ");
  assert_int_equal(version_of("user"), 1);
  assert_int_equal(version_of("owner"), 1);
  assert_false(env_has(&env, "reloaded"));
  env_write(&env, "user", "",
            "local shared, log = require 'shared', require 'tidelock.log'\n"
            "require('tidelock.script').on_start(function() log.info('MENDED') end)\n");
  load_all((const char *[]){"user", NULL});
  env_await(&env, "MENDED");
  assert_true(env_has(&env, "OWNER two"));
}

static void a_save_meanwhile_starts_all_of_them_over(void **state) {
  (void)state;
  open_pair();
  write_lib("return 'two'");
  load_all((const char *[]){"user", "owner", NULL});
  write_lib("return 'three'");
  load_all((const char *[]){"owner", NULL});
  env_await(&env, "USER three");
  assert_true(env_has(&env, "OWNER three"));
  assert_false(env_has(&env, " two"));
}

/* Saved at once, but nothing in common: an error in one holds no other back. */
static void scripts_that_share_nothing_reload_each_for_itself(void **state) {
  (void)state;
  open_pair();
  char *text = xasprintf("local script, log = require 'tidelock.script', require "
                         "'tidelock.log' require 'shared' %s",
                         "script.on_start(function() log.info('ALONE') end)");
  env_write(&env, "user", "", "error('no')");
  env_write(&env, "owner", "", text);
  free(text);
  load_all((const char *[]){"user", "owner", NULL});
  env_await(&env, "ALONE");
  env_await(&env, "user.lua:1: no");
  assert_false(env_has(&env, "held back"));
}

/* --- failing ------------------------------------------------------------------------ */

/* A client of our own server, whose script is reloaded with what cannot be. */
static void open_named(const char *name, const char *options) {
  char *text = xasprintf("local s = server.listen('%s', {%s})\n"
                         "s:io():on('connection', function(c)\n"
                         "  c:on('disconnect', function() log.info('SERVER lost') end)\n"
                         "end)\n"
                         "script.on_start(function() log.info('PORT ' .. s.port .. '.') "
                         "end)\n",
                         name, options);
  env_save(&env, "web", text);
  free(text);
}

static void open_server(const char *options) {
  open_named("web", options);
}

static int open_any_port(void) {
  open_server("port = 0");
  env_await(&env, ".\n");
  return atoi(at("PORT ") + 5);
}

static void connect_client(int port) {
  char *text =
      xasprintf("local c = socket.connect('c', {url = 'ws://127.0.0.1:%d'})\n"
                "c:on('connect', function() log.info('CLIENT in') end)\n"
                "c:on('disconnect', function(why) log.info('CLIENT lost ' .. why) end)\n",
                port);
  env_save(&env, "client", text);
  free(text);
  env_await(&env, "CLIENT in");
}

/* The server is declared anew with the port it got: then it is one port, not "any". */
static int open_pair_with_port(void) {
  int port = open_any_port();
  char *options = xasprintf("port = %d", port);
  env_save(&env, "web", "-- nothing\n");
  env_await(&env, "server web is closed");
  open_server(options);
  free(options);
  env_await(&env, "generation 3");
  connect_client(port);
  return port;
}

static void a_busy_port_drops_nobody(void **state) {
  (void)state;
  open_pair_with_port();
  env_save(&env, "other",
           "local s = server.listen('o', {port = 0})\n"
           "script.on_start(function() log.info('OTHER ' .. s.port .. "
           "'.') end)\n");
  env_await(&env, "OTHER ");
  char *options = xasprintf("port = %d", atoi(at("OTHER ") + 6));
  open_server(options);
  free(options);
  env_await(&env, "the port is in use");
  assert_non_null(strstr(at("web.lua:2: server \"web\": "), "goes on"));
  env_save(&env, "other", "script.on_start(function() log.info('END') end)");
  env_await(&env, "END");
  assert_false(env_has(&env, "lost"));
}

static void a_host_that_cannot_be_drops_nobody(void **state) {
  (void)state;
  int port = open_pair_with_port();
  char *options = xasprintf("port = %d, hosts = 'h', host = '192.0.2.1'", port);
  open_server(options);
  free(options);
  env_await(&env, "cannot listen on 192.0.2.1");
  options = xasprintf("port = %d, hosts = 'h', host = '0.0.0.0'}) error('later'", port);
  open_server(options);
  free(options);
  env_await(&env, "later");
  assert_false(env_has(&env, "lost"));
}

/* What stands in its own way is replaced when all else is well, and not before. */
static void another_host_on_the_same_port_comes_last(void **state) {
  (void)state;
  int port = open_pair_with_port();
  char *options =
      xasprintf("port = %d, hosts = 'h', host = '0.0.0.0'}) socket.connect('x', {url = "
                "'gopher://x'",
                port);
  open_server(options);
  free(options);
  env_await(&env, "socket \"x\": ");
  assert_false(env_has(&env, "lost"));
  options = xasprintf("port = %d, hosts = 'h', host = '0.0.0.0'", port);
  open_server(options);
  free(options);
  env_await(&env, "1 reopened: server \"web\" (host, hosts)");
  env_await(&env, "CLIENT lost");
}

/* Nor when it is renamed, or the renaming fails. */
static void another_name_for_a_port_drops_nobody(void **state) {
  (void)state;
  int port = open_pair_with_port();
  char *options = xasprintf("port = %d}) socket.connect('x', {url = 'gopher://x'", port);
  open_named("other", options);
  free(options);
  env_await(&env, "socket \"x\": ");
  options = xasprintf("port = %d", port);
  open_named("web", options);
  env_await(&env, "generation 5");
  open_named("other", options);
  free(options);
  env_await(&env, "generation 6");
  assert_non_null(strstr(at("generation 6"), "1 kept; pause"));
  options = xasprintf("port = %d, hosts = 'h', host = '0.0.0.0'", port);
  open_named("third", options);
  free(options);
  env_await(&env, "1 reopened: server \"third\" (host, hosts)");
  env_await(&env, "CLIENT lost");
  assert_true(at("generation 6") < at("CLIENT lost"));
}

static void what_cannot_be_opened_is_told_with_its_line(void **state) {
  (void)state;
  env_save(&env, "bot",
           "local function declare()\n"
           "  socket.connect('chat', {url = 'htp://nowhere'})\n"
           "end\n"
           "declare()\n");
  env_await(&env, "bot.lua:3: socket \"chat\": ");
  assert_true(env_has(&env, ">    3 |   socket.connect('chat'"));
}

/* `tidelock check` opens nothing, and still tells what shows without. */
static void a_check_tells_what_cannot_be(void **state) {
  (void)state;
  env.rt->options.check_only = true;
  env_save(&env, "bot",
           "socket.connect('a', {url = 'ws://127.0.0.1:1'})\n"
           "socket.connect('b', {url = 'htp://nowhere'})\n");
  env_await(&env, "bot.lua:3: socket \"b\": ");
  assert_false(env_has(&env, "socket \"a\""));
  assert_int_equal(env.rt->exit_code, 1);
}

/* --- changing in place -------------------------------------------------------------- */

static void limits_of_a_server_change_under_its_clients(void **state) {
  (void)state;
  int port = open_pair_with_port();
  char *options = xasprintf("port = %d, max_body = 1000", port);
  open_server(options);
  free(options);
  env_await(&env, "1 changed: server \"web\" (limits)");
  char *text = xasprintf("script.on_start(function()\n"
                         "  local res = http.post('http://127.0.0.1:%d/', {body = "
                         "('x'):rep(2000)})\n"
                         "  log.info('STATUS ' .. res.status)\n"
                         "end)\n",
                         port);
  env_save(&env, "probe", text);
  free(text);
  env_await(&env, "STATUS 413");
  assert_false(env_has(&env, "CLIENT lost"));
}

static void limits_of_a_connection_change_under_it(void **state) {
  (void)state;
  int port = open_any_port();
  connect_client(port);
  char *text = xasprintf(
      "local c = socket.connect('c', {url = 'ws://127.0.0.1:%d', reconnect = {delay = "
      "3}, buffer = {count = 5}})\n"
      "c:on('disconnect', function(why) log.info('CLIENT lost ' .. why) end)\n"
      "script.on_start(function() log.info('STILL ' .. c.state) end)\n",
      port);
  env_save(&env, "client", text);
  free(text);
  env_await(&env, "STILL connected");
  assert_true(env_has(&env, "1 changed: socket \"c\" (limits)"));
  assert_false(env_has(&env, "lost"));
  text = xasprintf("local c = socket.connect('c', {url = 'ws://127.0.0.1:%d', path = "
                   "'/other', headers = {A = 'b'}})\n",
                   port);
  env_save(&env, "client", text);
  free(text);
  env_await(&env, "1 reopened: socket \"c\" (path, headers)");
}

static void log_pings(FakeConn *conn, WsEvent *event) {
  if (event->type != WS_PING) return;
  log_write(env.log, LOG_INFO, "fake", "PING");
  fake_ws_send(conn, WS_PONG, event->data, event->len);
}

static void serve_pings(FakeConn *conn) {
  if (conn->ended) return;
  fake_ws_accept(conn, "");
  fake_ws_events(conn, log_pings);
}

static void a_heartbeat_changes_under_its_connection(void **state) {
  (void)state;
  static const char client[] =
      "local c = socket.connect('c', {url = 'ws://127.0.0.1:%d', "
      "protocol = 'websocket'%s})\n"
      "c:on('connect', function() log.info('IN') end)\n";
  char text[1024];
  fake_listen(&fake, env.rt->host.loop, serve_pings, NULL);
  snprintf(text, sizeof text, client, fake.port, "");
  env_save(&env, "client", text);
  env_await(&env, "IN");
  assert_false(env_has(&env, "PING"));
  snprintf(text, sizeof text, client, fake.port, ", heartbeat = {interval = 0.02}");
  env_save(&env, "client", text);
  env_await(&env, "1 changed: socket \"c\" (limits)");
  for (int i = 0; i < 3; i++) env_await(&env, "PING");
  assert_int_equal(fake.accepted, 1);
  fake_stop(&fake);
}

static void say_pinged(FakeConn *conn, WsEvent *event) {
  (void)conn;
  if (event->type == WS_PING) log_write(env.log, LOG_INFO, "fake", "PINGED");
}

static void serve_mute(FakeConn *conn) {
  if (conn->ended) return;
  fake_ws_accept(conn, "");
  fake_ws_events(conn, say_pinged);
}

/* The connection is opened anew elsewhere: who waits for its pong hears of that. */
static void a_ping_ends_with_its_connection(void **state) {
  (void)state;
  static const char client[] = "local c = socket.connect('c', {url = "
                               "'ws://127.0.0.1:%d', protocol = 'websocket'%s})\n"
                               "c:once('connect', function()\n"
                               "  local took, err = c:ping(30)\n"
                               "  log.info('PING ended: ' .. (took or err.code))\n"
                               "end)\n";
  char text[1024];
  fake_listen(&fake, env.rt->host.loop, serve_mute, NULL);
  snprintf(text, sizeof text, client, fake.port, "");
  env_save(&env, "client", text);
  env_await(&env, "PINGED");
  snprintf(text, sizeof text, client, fake.port, ", path = '/other'");
  env_save(&env, "client", text);
  env_await(&env, "PING ended: CLOSED");
  fake_stop(&fake);
}

/* 0.5 s after it began, not after the reload. */
static void a_timer_counts_on_from_when_it_fired(void **state) {
  (void)state;
  env_save(&env, "bot",
           "script.keep.t = timer.now()\n"
           "timer.every('beat', 30, print)\n"
           "timer.after(0.3, function() log.info('NOW') end)\n");
  env_await(&env, "NOW");
  env_save(&env, "bot",
           "timer.every('beat', 0.5, function()\n"
           "  log.info(('AFTER %.0f'):format((timer.now() - script.keep.t) * 1000))\n"
           "end)\n");
  env_await(&env, "1 changed: timer \"beat\" (interval)");
  env_await(&env, "AFTER ");
  assert_in_range(atoi(at("AFTER ") + 6), 499, 640);
}

/* --- what is under way at the swap -------------------------------------------------- */

static void auth_asked_of_the_old_version_is_answered_by_it(void **state) {
  (void)state;
  int port = open_any_port();
  char text[1024];
  static const char client[] =
      "local c = socket.connect('c', {url = 'ws://127.0.0.1:%d', auth = function()\n"
      "  log.info('ASKED %d')\n"
      "  task.sleep(%g)\n"
      "  log.info('ANSWERED %d')\n"
      "  return {version = %d}\n"
      "end})\n"
      "c:on('connect', function() log.info('IN, heard by %d') end)\n";
  snprintf(text, sizeof text, client, port, 1, 0.1, 1, 1, 1);
  env_save(&env, "client", text);
  env_await(&env, "ASKED 1");
  snprintf(text, sizeof text, client, port, 2, 0.0, 2, 2, 2);
  env_save(&env, "client", text);
  env_await(&env, "IN, heard by 2");
  assert_true(env_has(&env, "ANSWERED 1"));
  assert_false(env_has(&env, "ASKED 2"));
}

static void auth_that_the_old_version_does_not_answer_is_asked_anew(void **state) {
  (void)state;
  int port = open_any_port();
  char text[1024];
  static const char client[] =
      "script.grace(0.05)\n"
      "local c = socket.connect('c', {url = 'ws://127.0.0.1:%d', auth = function()\n"
      "  log.info('ASKED %d')\n"
      "  task.sleep(%d)\n"
      "  return {}\n"
      "end})\n"
      "c:on('connect', function() log.info('IN') end)\n"
      "c:on('connect_error', function() log.info('FAILED') end)\n";
  snprintf(text, sizeof text, client, port, 1, 60);
  env_save(&env, "client", text);
  env_await(&env, "ASKED 1");
  snprintf(text, sizeof text, client, port, 2, 0);
  env_save(&env, "client", text);
  env_await(&env, "client: IN");
  assert_true(env_has(&env, "ASKED 2"));
  assert_false(env_has(&env, "FAILED"));
}

static void an_answer_goes_to_the_version_that_asked(void **state) {
  (void)state;
  env_save(&env, "web",
           "local s = server.listen('web', {port = 0})\n"
           "s:io():on('connection', function(c)\n"
           "  c:on('slow', function(ack) log.info('ASKED') task.sleep(0.1) ack(7) end)\n"
           "end)\n"
           "script.on_start(function() log.info('PORT ' .. s.port .. '.') end)\n");
  env_await(&env, "PORT ");
  char *text = xasprintf("local c = socket.connect('c', {url = 'ws://127.0.0.1:%d'})\n"
                         "c:on('connect', function()\n"
                         "  log.info('ANSWER ' .. c:call('slow') .. ' to ' .. "
                         "script.generation)\n"
                         "end)\n",
                         atoi(at("PORT ") + 5));
  env_save(&env, "client", text);
  free(text);
  env_await(&env, "ASKED");
  text = xasprintf("local c = socket.connect('c', {url = 'ws://127.0.0.1:%d'})\n",
                   atoi(at("PORT ") + 5));
  env_save(&env, "client", text);
  free(text);
  env_await(&env, "generation 2");
  env_await(&env, "ANSWER 7 to 1");
}

static void on_request(FakeConn *conn) {
  if (conn->in.len && conn->step++ == 0) log_write(env.log, LOG_INFO, "fake", "ASKED");
}

/* It has the connection, and waits for the handshake's answer, when the next comes. */
static void reload_while_connecting(const char *options) {
  static const char client[] =
      "local c = socket.connect('c', {url = 'ws://127.0.0.1:%d', protocol = "
      "'websocket'%s})\n"
      "c:on('connect', function() log.info('IN, heard by %d') end)\n"
      "c:on('connect_error', function() log.info('FAILED, heard by %d') end)\n";
  char text[1024];
  fake_listen(&fake, env.rt->host.loop, on_request, NULL);
  snprintf(text, sizeof text, client, fake.port, "", 1, 1);
  env_save(&env, "client", text);
  env_await(&env, "ASKED");
  snprintf(text, sizeof text, client, fake.port, options, 2, 2);
  env_save(&env, "client", text);
  env_await(&env, "generation 2");
}

static void an_attempt_under_way_goes_on(void **state) {
  (void)state;
  reload_while_connecting("");
  assert_true(fake_ws_accept(fake.conns, ""));
  env_await(&env, "IN, heard by 2");
  assert_int_equal(fake.accepted, 1);
  assert_false(env_has(&env, "by 1"));
  fake_stop(&fake);
}

static void an_attempt_that_fails_is_heard_by_the_new_version(void **state) {
  (void)state;
  reload_while_connecting("");
  fake_close(fake.conns);
  env_await(&env, "FAILED, heard by 2");
  assert_false(env_has(&env, "by 1"));
  fake_stop(&fake);
}

/* The attempt of before is let go, and heard of by nobody. */
static void an_attempt_elsewhere_begins_anew(void **state) {
  (void)state;
  reload_while_connecting(", path = '/other'");
  while (fake.accepted < 2) uv_run(loop_uv(env.rt->host.loop), UV_RUN_ONCE);
  while (!fake_ws_accept(fake.conns, "")) uv_run(loop_uv(env.rt->host.loop), UV_RUN_ONCE);
  env_await(&env, "IN, heard by 2");
  assert_false(env_has(&env, "FAILED"));
  fake_stop(&fake);
}

/* --- from version to version -------------------------------------------------------- */

/* What a version no longer handles is not handled, what it keeps is there, and a store's
 * migration runs once. */
static void handlers_go_and_state_stays(void **state) {
  (void)state;
  int port = open_any_port();
  env_save(&env, "web",
           "local s = server.listen('web', {port = 0})\n"
           "s:io():on('connection', function(c)\n"
           "  c:on('ask', function() c:emit('a') c:emit('b') end)\n"
           "end)\n"
           "script.on_start(function() log.info('UP') end)\n");
  env_await(&env, "UP");
  char text[1024];
  static const char client[] =
      "local keep = script.keep\n"
      "keep.loads = (keep.loads or 0) + 1\n"
      "local s = require('tidelock.store').define('s', {initial = {n = 0}, version = "
      "%d,\n"
      "  migrate = function(d) log.info('MIGRATED') d.n = d.n + 1 end})\n"
      "local c = socket.connect('c', {url = 'ws://127.0.0.1:%d'})\n"
      "if %s then c:on('a', function() log.info('A') end) end\n"
      "c:on('b', function()\n"
      "  log.info(('B of %%d: n = %%d, loads %%d'):format(script.generation, s:get('n'), "
      "keep.loads))\n"
      "end)\n"
      "timer.every(0.005, function() c:emit('ask') end)\n";
  snprintf(text, sizeof text, client, 1, port, "true");
  env_save(&env, "client", text);
  env_await(&env, "client: A");
  snprintf(text, sizeof text, client, 2, port, "false");
  env_save(&env, "client", text);
  env_await(&env, "B of 2: n = 1, loads 2");
  assert_null(strstr(at("(generation 2; client.lua)"), "client: A\n"));
  strcat(text, "-- again\n");
  env_save(&env, "client", text);
  env_await(&env, "B of 3: n = 1, loads 3");
  assert_null(strstr(at("MIGRATED") + 1, "MIGRATED"));
}

/* Its own script's and another's: it fires when it would have. */
static void a_timer_keeps_its_deadline_through_reloads(void **state) {
  (void)state;
  static const char bot[] =
      "script.keep.t = script.keep.t or timer.now()\n"
      "timer.every('beat', 1.5, function()\n"
      "  log.info(('BEAT %%.0f'):format((timer.now() - script.keep.t) * 1000))\n"
      "end)\n"
      "script.on_start(function() log.info('BOT %d') end)\n";
  char text[512], awaited[32];
  for (int i = 1; i <= 6; i++) {
    snprintf(text, sizeof text, bot, i);
    env_save(&env, "bot", text);
    snprintf(text, sizeof text, "script.on_start(function() log.info('OTHER %d') end)",
             i);
    env_save(&env, "other", text);
    snprintf(awaited, sizeof awaited, "BOT %d", i);
    env_await(&env, awaited);
    snprintf(awaited, sizeof awaited, "OTHER %d", i);
    env_await(&env, awaited);
  }
  assert_false(env_has(&env, "BEAT"));
  env_await(&env, "BEAT ");
  assert_in_range(atoi(at("BEAT ") + 5), 1499, 1640);
}

/* --- retiring ----------------------------------------------------------------------- */

static const char waiter[] =
    "script.grace(%g)\n"
    "script.on_start(function()\n"
    "  local n = script.generation\n"
    "  local guard <close> = setmetatable({}, {__close = function(_, err)\n"
    "    log.info('CLOSED ' .. n .. ' ' .. err.code)\n"
    "  end})\n"
    "  log.info('WAITS ' .. n)\n"
    "  local ok, err = pcall(task.sleep, 60)\n"
    "  log.info('RAISED ' .. n .. ' ' .. err.code)\n"
    "  task.sleep(60)\n"
    "end)\n"
    "timer.every('hold', 60, print) -- %d\n";

static void save_waiter(double grace, int version) {
  char *text = xasprintf(waiter, grace, version);
  env_save(&env, "bot", text);
  free(text);
}

static void at_the_end_of_the_grace_waits_raise(void **state) {
  (void)state;
  save_waiter(0.02, 1);
  env_await(&env, "WAITS 1");
  save_waiter(60, 2);
  env_await(&env, "CLOSED 1 RELOADED");
  assert_true(env_has(&env, "RAISED 1 RELOADED"));
  assert_true(env_has(&env, "did not end within 0.02 s"));
  assert_false(env_has(&env, "error in on_start"));
}

/* What has nothing to finish is not told of. */
static void no_grace_is_no_noise(void **state) {
  (void)state;
  env_save(&env, "bot", "script.grace(0) script.keep.x = 1 timer.every('a', 60, print)");
  env_save(&env, "probe", "script.on_start(function() log.info('UP') end)");
  env_await(&env, "UP");
  env_save(&env, "bot", "timer.every('b', 60, print)");
  env_await(&env, "timer a is closed");
  assert_false(env_has(&env, "did not end"));
  assert_int_equal(script_find(env.rt, "bot", 3)->keep_before.count, 0);
}

static void at_most_two_versions_are_alive(void **state) {
  (void)state;
  for (int i = 1; i <= 4; i++) {
    char *waits = xasprintf("WAITS %d", i);
    save_waiter(60, i);
    env_await(&env, waits);
    free(waits);
  }
  env_await(&env, "CLOSED 2 RELOADED");
  assert_true(env_has(&env, "CLOSED 1 RELOADED"));
  assert_false(env_has(&env, "RAISED 3"));
}

/* --- telling ------------------------------------------------------------------------ */

static void scripts_hear_of_reloads_and_failures(void **state) {
  (void)state;
  env_save(&env, "view",
           "script.on_notice(function(n)\n"
           "  log.info(('NOTICE %s %s %d %s: %s'):format(n.event, n.script, "
           "n.generation, n.pause and n.pause < 1, n.text))\n"
           "end)\n"
           "timer.every('hold', 60, print)\n");
  env_save(&env, "bot", "timer.every('a', 60, print) timer.every('b', 60, print)");
  env_save(&env, "probe", "script.on_start(function() log.info('UP') end)");
  env_await(&env, "UP");
  env_save(&env, "bot", "timer.every('b', 60, print) timer.every('c', 60, print)");
  env_await(&env,
            "NOTICE reloaded bot 2 true: reloaded (generation 2; bot.lua): 1 kept; 1 "
            "opened: timer \"c\"; 1 closed in 0.3 s unless claimed: timer \"a\"; "
            "pause ");
  env_save(&env, "bot", "error('no')");
  env_await(&env, "NOTICE failed bot 2 nil: ");
  env_await(&env, "bot.lua:2: no\n");
}

/* --- small things ------------------------------------------------------------------- */

static void what_cannot_be_kept_is_told_once(void **state) {
  (void)state;
  env_save(&env, "bot", "script.keep.f = print timer.every('a', 60, print)");
  env_save(&env, "probe", "script.on_start(function() log.info('UP') end)");
  env_await(&env, "UP");
  env_save(&env, "bot", "timer.every('a', 60, print)");
  env_await(&env, "reloaded");
  assert_null(strstr(at("script.keep.f") + 1, "script.keep.f"));
}

static void declaring_a_name_again_and_again_grows_nothing(void **state) {
  (void)state;
  env_save(&env, "bot",
           "script.on_start(function()\n"
           "  for i = 1, 5000 do\n"
           "    local t = timer.every('again', 60, print)\n"
           "    t:stop() t:stop()\n"
           "  end\n"
           "  log.info('DONE')\n"
           "end)\n"
           "timer.every('hold', 60, print)\n");
  env_await(&env, "DONE");
  int count = 0;
  Generation *gen = script_current(script_find(env.rt, "bot", 3));
  for (Declaration *d = gen->vm.decls; d; d = d->next) count++;
  assert_in_range(count, 1, 2);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, open_world, close_world)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(scripts_that_share_a_changed_file_reload_in_order),
      TEST(they_reload_all_or_none),
      TEST(a_save_meanwhile_starts_all_of_them_over),
      TEST(scripts_that_share_nothing_reload_each_for_itself),
      TEST(a_busy_port_drops_nobody),
      TEST(a_host_that_cannot_be_drops_nobody),
      TEST(another_host_on_the_same_port_comes_last),
      TEST(another_name_for_a_port_drops_nobody),
      TEST(what_cannot_be_opened_is_told_with_its_line),
      TEST(a_check_tells_what_cannot_be),
      TEST(limits_of_a_server_change_under_its_clients),
      TEST(limits_of_a_connection_change_under_it),
      TEST(a_heartbeat_changes_under_its_connection),
      TEST(a_ping_ends_with_its_connection),
      TEST(a_timer_counts_on_from_when_it_fired),
      TEST(auth_asked_of_the_old_version_is_answered_by_it),
      TEST(auth_that_the_old_version_does_not_answer_is_asked_anew),
      TEST(an_attempt_under_way_goes_on),
      TEST(an_attempt_that_fails_is_heard_by_the_new_version),
      TEST(an_attempt_elsewhere_begins_anew),
      TEST(an_answer_goes_to_the_version_that_asked),
      TEST(handlers_go_and_state_stays),
      TEST(a_timer_keeps_its_deadline_through_reloads),
      TEST(at_the_end_of_the_grace_waits_raise),
      TEST(no_grace_is_no_noise),
      TEST(at_most_two_versions_are_alive),
      TEST(scripts_hear_of_reloads_and_failures),
      TEST(what_cannot_be_kept_is_told_once),
      TEST(declaring_a_name_again_and_again_grows_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
