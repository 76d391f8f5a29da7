/* Sockets that last, against a scripted Socket.IO server on the same loop. What the
 * client is told and what the server is sent are written down as lines; a test looks at
 * them. */
#include "socket/socket.h"

#include <math.h>

#include "fake_ws.h"
#include "socket/socket_state.h"
#include "net_env.h"

#define HELLO                                                                            \
  "0{\"sid\":\"eio\",\"upgrades\":[],\"pingInterval\":25000,\"pingTimeout\":20000,"      \
  "\"maxPayload\":1000}"
#define JOIN "40{\"sid\":\"abc\"}"

typedef struct Call {
  SocketCall call;
  struct Test *t;
  const char *name;
} Call;

typedef struct Test {
  Env env;
  Fake fake;
  /* the server */
  const char *hello;                         /* what it says first; NULL: nothing */
  void (*on_text)(FakeConn *, const char *); /* beside what it does of itself */
  bool joins;                                /* answers 40 by JOIN */
  FakeConn *conn;                            /* the last one */
  Buffer got;                                /* what it was sent, one packet a line */
  char request[2048];
  size_t cut; /* stop and hang up after so many bytes; 0: never */
  size_t sent;
  /* the client */
  Socket *socket;
  SocketOptions options;
  Buffer told; /* one callback a line */
  Call calls[4];
  uint32_t epoch;
  int64_t ack;
  int free_in; /* the n-th callback frees the socket */
  int callbacks, events, connects;
  size_t event_bytes;
  double reconnect_in;
  bool auth_waits;
  const char *auth;
  void (*in_event)(struct Test *t);
  int pings;    /* that the server got */
  bool answers; /* it answers them */
  Timer tick;
} Test;

/* --- the server ------------------------------------------------------------------- */

static void say(Test *t, const char *text) {
  if (t->conn) fake_ws_text(t->conn, text);
}

static void on_frame(FakeConn *conn, WsEvent *event) {
  Test *t = conn->fake->ctx;
  char text[4096];
  if (event->type == WS_PING) {
    fake_ws_send(conn, WS_PONG, event->data, event->len);
    return;
  }
  if (event->type == WS_CLOSE) buffer_printf(&t->got, "close %d", event->close_code);
  else if (event->type == WS_BINARY) buffer_puts(&t->got, "binary ");
  if (event->type != WS_CLOSE) buffer_put(&t->got, event->data, event->len);
  buffer_putc(&t->got, '\n');
  if (event->type == WS_CLOSE) {
    fake_ws_close(conn, event->close_code, "");
    fake_close(conn);
    return;
  }
  snprintf(text, sizeof text, "%.*s", (int)event->len, event->data);
  if (t->joins && strncmp(text, "40", 2) == 0) say(t, JOIN);
  if (t->on_text) t->on_text(conn, text);
}

static void gone(FakeConn *conn) {
  Test *t = conn->fake->ctx;
  if (t->conn == conn) t->conn = NULL;
  fake_ws_release(conn);
}

static void serve(FakeConn *conn) {
  Test *t = conn->fake->ctx;
  if (conn->ended) return;
  if (!conn->data) snprintf(t->request, sizeof t->request, "%s", buffer_text(&conn->in));
  if (fake_ws_accept(conn, "")) {
    t->conn = conn;
    conn->release = gone;
    if (t->hello) say(t, t->hello);
  }
  fake_ws_events(conn, on_frame);
}

/* --- the client ------------------------------------------------------------------- */

/* Counts callbacks; frees the socket in the one that was asked for. */
static void called(Test *t) {
  if (++t->callbacks != t->free_in) return;
  socket_free(t->socket);
  t->socket = NULL;
}

static void on_auth(void *ctx) {
  Test *t = ctx;
  buffer_puts(&t->told, "auth\n");
  if (!t->auth_waits) socket_auth(t->socket, t->auth, t->auth ? strlen(t->auth) : 0);
  called(t);
}

static void put_info(Test *t, const SocketInfo *info) {
  if (info->reason[0]) buffer_printf(&t->told, " (%s)", info->reason);
  if (info->code) buffer_printf(&t->told, " code=%d", info->code);
  if (info->error) buffer_printf(&t->told, " %s", error_name(info->error->code));
  if (info->data) buffer_printf(&t->told, " data=%.*s", (int)info->data_len, info->data);
  if (info->will_reconnect) buffer_puts(&t->told, " retry");
  buffer_putc(&t->told, '\n');
  t->reconnect_in = info->reconnect_in;
}

static void on_state(void *ctx, SocketState state, const SocketInfo *info) {
  static const char *const names[] = {"idle", "connecting", "connected", "reconnecting",
                                      "closed"};
  Test *t = ctx;
  buffer_puts(&t->told, names[state]);
  put_info(t, info);
  if (state == SOCKET_CONNECTED) t->connects++;
  called(t);
}

static void on_connect_error(void *ctx, const SocketInfo *info) {
  Test *t = ctx;
  buffer_puts(&t->told, "connect_error");
  put_info(t, info);
  called(t);
}

static void put_attachments(Test *t, const SocketData *data) {
  for (int i = 0; i < data->count; i++)
    buffer_printf(&t->told, " <%.*s>", (int)data->bytes[i].len, data->bytes[i].data);
}

static void on_event(void *ctx, const SocketData *data, int64_t ack) {
  const char *json = data->json;
  size_t len = data->len;
  Test *t = ctx;
  t->events++;
  t->event_bytes += len;
  t->epoch = socket_epoch(t->socket);
  t->ack = ack;
  if (len < 1000) buffer_printf(&t->told, "event %.*s", (int)len, json);
  put_attachments(t, data);
  if (ack != SIO_NO_ACK) buffer_printf(&t->told, " ack=%d", (int)ack);
  buffer_putc(&t->told, '\n');
  if (t->in_event) t->in_event(t);
  called(t);
}

static void on_message(void *ctx, bool binary, const char *data, size_t len) {
  Test *t = ctx;
  buffer_printf(&t->told, "%s %.*s\n", binary ? "binary" : "text", (int)len, data);
  called(t);
}

static const SocketCallbacks callbacks = {.auth = on_auth,
                                          .state = on_state,
                                          .connect_error = on_connect_error,
                                          .event = on_event,
                                          .message = on_message};

static void on_call(SocketCall *socket_call_, const SocketData *reply, const Error *err) {
  const char *json = reply && !reply->json ? "" : reply ? reply->json : NULL; /* pong */
  size_t len = reply ? reply->len : 0;
  Call *call = CONTAINER_OF(socket_call_, Call, call);
  Test *t = call->t;
  buffer_printf(&t->told, "%s ", call->name);
  if (json) {
    buffer_printf(&t->told, "%.*s", (int)len, json);
    put_attachments(t, reply);
    buffer_putc(&t->told, '\n');
  } else {
    const char *sent = error_sent(err->sent);
    buffer_printf(&t->told, "%s%s%s\n", error_name(err->code), sent ? " sent=" : "",
                  sent ? sent : "");
  }
  assert_null(call->call.socket);
  called(t);
}

static int make_call(Test *t, int i, const char *name, double timeout) {
  Error err;
  char json[64];
  t->calls[i] = (Call){.call.done = on_call, .t = t, .name = name};
  snprintf(json, sizeof json, "[\"%s\"]", name);
  return socket_call(t->socket, &t->calls[i].call,
                     &(SocketData){.json = json, .len = strlen(json)}, timeout, &err);
}

static int emit(Test *t, const char *json) {
  Error err;
  return socket_emit(t->socket, &(SocketData){.json = json, .len = strlen(json)}, false,
                     &err);
}

static int setup(void **state) {
  Test *t = xcalloc(1, sizeof *t);
  static char url[64];
  env_open(&t->env);
  fake_listen(&t->fake, t->env.loop, serve, t);
  snprintf(url, sizeof url, "ws://127.0.0.1:%d", t->fake.port);
  t->hello = HELLO;
  t->joins = true;
  t->options = (SocketOptions){.url = url,
                               .reconnect = true,
                               .delay = 0.01,
                               .max_delay = 0.01,
                               .attempts = INFINITY,
                               .timeout = 5};
  *state = t;
  return 0;
}

static void drop(Test *t) {
  socket_free(t->socket);
  t->socket = NULL;
}

static int teardown(void **state) {
  Test *t = *state;
  drop(t);
  fake_stop(&t->fake);
  env_close(&t->env);
  buffer_free(&t->got);
  buffer_free(&t->told);
  free(t);
  return 0;
}

static void make_socket(Test *t) {
  Error err;
  t->socket = socket_new(t->env.net, &t->options, &callbacks, t, &err);
  if (!t->socket) printf("refused: %s\n", err.message);
  assert_non_null(t->socket);
}

/* --- waiting ---------------------------------------------------------------------- */

typedef struct Want {
  Buffer *in;
  const char *text;
} Want;

static bool is_there(void *ctx) {
  Want *want = ctx;
  return strstr(buffer_text(want->in), want->text) != NULL;
}

static void wait_for(Test *t, Buffer *in, const char *text) {
  Want want = {in, text};
  if (env_wait_for(&t->env, 10, is_there, &want)) return;
  fail_msg("waited for \"%s\"; told:\n%s\ngot:\n%s", text, buffer_text(&t->told),
           buffer_text(&t->got));
}

static void told(Test *t, const char *text) {
  wait_for(t, &t->told, text);
}

static void got(Test *t, const char *text) {
  wait_for(t, &t->got, text);
}

static void connect_it(Test *t) {
  make_socket(t);
  socket_connect(t->socket);
  told(t, "connected\n");
  buffer_clear(&t->told);
  buffer_clear(&t->got);
}

static void pass(Test *t, double seconds) {
  env_wait_for(&t->env, seconds, env_never, NULL);
}

/* --- connecting ------------------------------------------------------------------- */

static void it_connects_step_by_step(void **state) {
  Test *t = *state;
  t->auth = "{\"token\":1}";
  t->options.query = (char *)"a=b";
  make_socket(t);
  assert_int_equal(socket_state(t->socket), SOCKET_IDLE);
  socket_connect(t->socket);
  assert_int_equal(socket_state(t->socket), SOCKET_CONNECTING);
  told(t, "connected\n");
  assert_string_equal(buffer_text(&t->told), "connecting\nauth\nconnected\n");
  assert_string_equal(buffer_text(&t->got), "40{\"token\":1}\n");
  assert_non_null(strstr(t->request, "GET /socket.io/?a=b&EIO=4&transport=websocket "));
  assert_int_equal(socket_state(t->socket), SOCKET_CONNECTED);
  assert_string_equal(socket_id(t->socket), "abc");
  assert_int_equal(socket_epoch(t->socket), 1);
}

static void join_and_talk(FakeConn *conn, const char *text) {
  Buffer out = {0};
  if (strncmp(text, "40", 2) != 0) return;
  ws_frame(&out, true, WS_TEXT, NULL, JOIN, strlen(JOIN));
  ws_frame(&out, true, WS_TEXT, NULL, "42[\"a\",1]", 9);
  ws_frame(&out, true, WS_TEXT, NULL, "427[\"b\"]", 8);
  ws_frame(&out, true, WS_TEXT, NULL, "42/other,[\"c\"]", 14);
  ws_frame(&out, true, WS_TEXT, NULL, "41", 2);
  fake_write(conn, out.data, out.len);
  buffer_free(&out);
}

static void events_and_states_come_in_order(void **state) {
  Test *t = *state;
  t->joins = false;
  t->on_text = join_and_talk;
  make_socket(t);
  socket_connect(t->socket);
  told(t, "closed");
  assert_string_equal(
      buffer_text(&t->told),
      "connecting\nauth\nconnected\nevent [\"a\",1]\nevent [\"b\"] ack=7\n"
      "closed (io server disconnect) CLOSED\n");
  assert_int_equal(socket_state(t->socket), SOCKET_CLOSED);
  assert_int_equal(emit(t, "[\"x\"]"), ERR_NOT_CONNECTED);
  socket_connect(t->socket);
  told(t, "connecting\n");
}

static void a_namespace_is_joined_and_named(void **state) {
  Test *t = *state;
  t->options.nsp = (char *)"/admin";
  t->joins = false;
  make_socket(t);
  socket_connect(t->socket);
  got(t, "40/admin,\n");
  say(t, "40/admin,{\"sid\":\"x\"}");
  say(t, "42/admin,[\"e\"]");
  told(t, "event [\"e\"]");
  assert_int_equal(emit(t, "[\"f\"]"), 0);
  got(t, "42/admin,[\"f\"]");
}

static void auth_may_come_later_or_fail(void **state) {
  Test *t = *state;
  Error err;
  t->auth_waits = true;
  make_socket(t);
  socket_auth(t->socket, NULL, 0);
  socket_connect(t->socket);
  told(t, "auth\n");
  pass(t, 0.02);
  assert_int_equal(t->got.len, 0);
  error_set(&err, ERR_SCRIPT, "no token");
  socket_auth_failed(t->socket, &err);
  told(t,
       "auth\nconnect_error (connect error) SCRIPT retry\nreconnecting (connect error) "
       "SCRIPT retry\nauth\n");
  socket_auth(t->socket, "[1]", 3);
  told(t, "connect_error (connect error) INVALID retry\nauth\n");
  socket_auth(t->socket, "{\"a\":1}", 7);
  told(t, "connected\n");
  got(t, "40{\"a\":1}\n");
}

static void a_rejection_is_told_and_not_tried_again(void **state) {
  Test *t = *state;
  t->joins = false;
  make_socket(t);
  socket_connect(t->socket);
  got(t, "40\n");
  assert_int_equal(emit(t, "[\"waits\"]"), 0);
  assert_int_equal(make_call(t, 0, "call", 10), 0);
  say(t, "44{\"message\":\"no \\\"data\\\": way\",\"data\":{\"a\":[1,\"}\"]},\"x\":1}");
  told(t, "closed");
  assert_string_equal(buffer_text(&t->told),
                      "connecting\nauth\ncall CLOSED sent=no\n"
                      "connect_error (rejected) REJECTED data={\"a\":[1,\"}\"]}\n"
                      "closed (rejected) REJECTED data={\"a\":[1,\"}\"]}\n");
  assert_int_equal(socket_buffered(t->socket), 0);
}

static void addresses_that_cannot_be_are_refused(void **state) {
  Test *t = *state;
  Error err;
  t->options.url = (char *)"ftp://x/";
  assert_null(socket_new(t->env.net, &t->options, &callbacks, t, &err));
  assert_int_equal(err.code, ERR_URL);
  t->options.url = (char *)"http://x/";
  t->options.nsp = (char *)"/a,b";
  assert_null(socket_new(t->env.net, &t->options, &callbacks, t, &err));
  assert_int_equal(err.code, ERR_INVALID);
  t->options.nsp = NULL;
  t->options.headers = (char *[]){(char *)"X: a\r\nY: b", NULL};
  assert_null(socket_new(t->env.net, &t->options, &callbacks, t, &err));
  assert_int_equal(err.code, ERR_INVALID);
}

/* --- losing and trying again ------------------------------------------------------ */

static void a_lost_connection_is_made_again(void **state) {
  Test *t = *state;
  connect_it(t);
  fake_close(t->conn);
  told(t, "connected\n");
  assert_string_equal(buffer_text(&t->told), "reconnecting (transport close) code=1006 "
                                             "RESET retry\nauth\nconnected\n");
  assert_int_equal(socket_epoch(t->socket), 2);
  buffer_clear(&t->told);
  say(t, "1");
  told(t, "connected\n");
  assert_ptr_equal(strstr(buffer_text(&t->told), "reconnecting (transport close) CLOSED"),
                   t->told.data);
}

static void attempts_end(void **state) {
  Test *t = *state;
  char url[64];
  snprintf(url, sizeof url, "http://127.0.0.1:%d", fake_refused_port());
  t->options.url = url;
  t->options.attempts = 2;
  make_socket(t);
  socket_connect(t->socket);
  told(t, "closed");
  assert_string_equal(
      buffer_text(&t->told),
      "connecting\nconnect_error (connect error) code=1006 CONNECT retry\n"
      "reconnecting (connect error) code=1006 CONNECT retry\n"
      "connect_error (connect error) code=1006 CONNECT retry\n"
      "connect_error (connect error) code=1006 CONNECT\n"
      "closed (connect error) code=1006 CONNECT\n");
}

static void without_reconnect_a_loss_is_the_end(void **state) {
  Test *t = *state;
  t->options.reconnect = false;
  connect_it(t);
  fake_close(t->conn);
  told(t, "closed (transport close) code=1006 RESET\n");
}

static void an_attempt_that_leads_nowhere_times_out(void **state) {
  Test *t = *state;
  t->options.timeout = 0.2;
  t->options.reconnect = false;
  t->hello = NULL;
  make_socket(t);
  socket_connect(t->socket);
  told(t, "closed (connect error) TIMEOUT");
  t->hello = HELLO;
  t->auth_waits = true;
  buffer_clear(&t->told);
  socket_connect(t->socket);
  told(t, "auth\nconnect_error (connect error) TIMEOUT\nclosed");
}

static void backoff_caps_first_and_spreads_after(void **state) {
  (void)state;
  Backoff b = {1, 5, 0.5};
  assert_float_equal(backoff_wait(&b, 0, 1), 1, 1e-9);
  assert_float_equal(backoff_wait(&b, 0, 0), 0.5, 1e-9);
  assert_float_equal(backoff_wait(&b, 2, 1), 4, 1e-9);
  assert_float_equal(backoff_wait(&b, 9, 1), 5, 1e-9);
  assert_float_equal(backoff_wait(&b, 9, 0), 2.5, 1e-9);
  assert_float_equal(backoff_wait(&b, 1e6, 0.5), 3.75, 1e-9);
}

/* --- heartbeat -------------------------------------------------------------------- */

#define QUICK_HELLO                                                                      \
  "0{\"sid\":\"eio\",\"upgrades\":[],\"pingInterval\":200,\"pingTimeout\":200}"

static void missed_heartbeats_are_a_ping_timeout(void **state) {
  Test *t = *state;
  t->hello = QUICK_HELLO;
  connect_it(t);
  told(t, "reconnecting (ping timeout) TIMEOUT retry\n");
}

static void a_machine_that_slept_notices(void **state) {
  Test *t = *state;
  connect_it(t);
  wakes_slept(net_wakes(t->env.net), 44); /* 25 + 20 is the deadline */
  pass(t, 0.01);
  assert_null(strstr(buffer_text(&t->told), "ping timeout"));
  wakes_slept(net_wakes(t->env.net), 2);
  told(t, "reconnecting (ping timeout) TIMEOUT retry\n");
}

static void pings_are_answered_and_keep_it_alive(void **state) {
  Test *t = *state;
  t->hello = QUICK_HELLO;
  connect_it(t);
  for (int i = 0; i < 5; i++) {
    pass(t, 0.1);
    buffer_clear(&t->got);
    say(t, "2");
    got(t, "3\n");
  }
  assert_string_equal(buffer_text(&t->told), "");
  told(t, "reconnecting (ping timeout) TIMEOUT retry\n");
}

/* --- servers that break the rules ------------------------------------------------- */

static void violations_are_parse_errors(void **state) {
  Test *t = *state;
  static const char *const packets[] = {
      "", "9", "x", "4", "49", "42{}", "40[]", "40{no", "0{}", "450-[\"a\"]", "44[]"};
  for (size_t i = 0; i < COUNT_OF(packets); i++) {
    connect_it(t);
    say(t, packets[i]);
    Want want = {&t->told, "reconnecting (parse error)"};
    if (!env_wait_for(&t->env, 5, is_there, &want))
      fail_msg("not refused: %s", packets[i]);
    drop(t);
    buffer_clear(&t->told);
  }
}

/* What the reference client takes, though no server of its kind sends it. */
static void odd_packets_are_taken(void **state) {
  Test *t = *state;
  static const char *const packets[] = {HELLO,
                                        "3",
                                        "3probe",
                                        "5",
                                        "6",
                                        "6x",
                                        "43[]",
                                        "43[1]",
                                        "4399[1]",
                                        "43",
                                        "4399999999999999999999[]",
                                        "42/other,[\"x\"]",
                                        "44/other,{}",
                                        "40{\"sid\":\"abc\",\"more\":{}}"};
  connect_it(t);
  for (size_t i = 0; i < COUNT_OF(packets); i++) say(t, packets[i]);
  say(t, "42[\"last\"]");
  told(t, "event [\"last\"]\n");
  assert_string_equal(buffer_text(&t->told), "event [\"last\"]\n");
}

/* A server may let in twice: the id is the new one, nothing else changes. */
static void a_second_connect_gives_another_id(void **state) {
  Test *t = *state;
  connect_it(t);
  make_call(t, 0, "call", 5);
  got(t, "420[\"call\"]");
  say(t, "40{\"sid\":\"second\"}");
  say(t, "430[1]");
  told(t, "call [1]\n");
  assert_string_equal(buffer_text(&t->told), "call [1]\n");
  assert_string_equal(socket_id(t->socket), "second");
  assert_int_equal(socket_epoch(t->socket), 1);
}

static void ids_may_be_long_or_odd(void **state) {
  Test *t = *state;
  char *id = xmalloc(3001);
  memset(id, 'x', 3000);
  id[3000] = '\0';
  char *join = xasprintf("40{\"sid\":\"%s\"}", id);
  connect_it(t);
  say(t, join);
  say(t, "42[\"last\"]");
  told(t, "event [\"last\"]\n");
  assert_string_equal(socket_id(t->socket), id);
  say(t, "40{\"sid\":\"a \\\"b\\\" \xc3\xa4\"}");
  say(t, "42[\"end\"]");
  told(t, "event [\"end\"]\n");
  assert_string_equal(socket_id(t->socket), "a \"b\" \xc3\xa4");
  free(join);
  free(id);
}

/* socket.io 2.x lets everybody in, by a CONNECT without a sid. */
static void a_server_of_protocol_3_is_told_by_its_name(void **state) {
  Test *t = *state;
  static const char *const joins[] = {"40", "40{}", "40{\"sid\":null}",
                                      "40{\"sid\":\"\"}"};
  t->joins = false;
  for (size_t i = 0; i < COUNT_OF(joins); i++) {
    make_socket(t);
    socket_connect(t->socket);
    got(t, "40\n");
    say(t, joins[i]);
    told(t,
         "connect_error (parse error) UNSUPPORTED\nclosed (parse error) UNSUPPORTED\n");
    drop(t);
    buffer_clear(&t->told);
    buffer_clear(&t->got);
  }
}

static void a_refusal_without_words_is_one(void **state) {
  Test *t = *state;
  connect_it(t);
  say(t, "44");
  told(t, "closed (rejected) REJECTED\n");
}

static void a_binary_frame_without_a_packet_is_a_violation(void **state) {
  Test *t = *state;
  connect_it(t);
  fake_ws_send(t->conn, WS_BINARY, "abc", 3);
  told(t, "reconnecting (parse error) PROTOCOL retry\n");
}

static void a_wrong_handshake_is_a_parse_error(void **state) {
  Test *t = *state;
  static const char *const hellos[] = {
      "0",
      "0{}",
      "0[]",
      "0nonsense",
      JOIN,
      "2",
      "0{\"sid\":\"\",\"pingInterval\":1,\"pingTimeout\":1}"};
  t->options.reconnect = false;
  for (size_t i = 0; i < COUNT_OF(hellos); i++) {
    t->hello = hellos[i];
    make_socket(t);
    socket_connect(t->socket);
    told(t, "connect_error (parse error) PROTOCOL\nclosed (parse error) PROTOCOL\n");
    drop(t);
    buffer_clear(&t->told);
  }
}

static const char conversation[] =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
    "Connection: Upgrade\r\nSec-WebSocket-Accept: ";

/* Says its whole part at once, cut after so many bytes, and hangs up. */
static void serve_cut(FakeConn *conn) {
  Test *t = conn->fake->ctx;
  char accept[29];
  Buffer out = {0};
  if (conn->ended || !fake_ws_request(conn, accept)) return;
  buffer_printf(&out, "%s%s\r\n\r\n", conversation, accept);
  ws_frame(&out, true, WS_TEXT, NULL, HELLO, strlen(HELLO));
  ws_frame(&out, true, WS_TEXT, NULL, JOIN, strlen(JOIN));
  ws_frame(&out, true, WS_TEXT, NULL, "42[\"a\"]", 7);
  if (t->cut < out.len) out.len = t->cut;
  fake_write(conn, out.data, out.len);
  fake_close(conn);
  buffer_free(&out);
}

static void a_close_at_any_byte_is_told_once(void **state) {
  Test *t = *state;
  t->options.reconnect = false;
  t->fake.handler = serve_cut;
  for (t->cut = 0; t->cut < 300; t->cut++) {
    make_socket(t);
    socket_connect(t->socket);
    told(t, "closed");
    const char *text = buffer_text(&t->told);
    bool connected = strstr(text, "connected\n") != NULL;
    assert_true(connected != (strstr(text, "connect_error") != NULL));
    assert_true(strstr(text, "RESET\n") != NULL);
    drop(t);
    buffer_clear(&t->told);
  }
  assert_int_equal(t->events > 0, 1);
}

/* --- sending ---------------------------------------------------------------------- */

static void what_waits_goes_out_in_order(void **state) {
  Test *t = *state;
  Error err;
  make_socket(t);
  assert_int_equal(emit(t, "[\"a\"]"), 0);
  assert_int_equal(
      socket_emit(t->socket, &(SocketData){.json = "[\"v\"]", .len = 5}, true, &err), 0);
  assert_int_equal(make_call(t, 0, "b", 5), 0);
  assert_int_equal(emit(t, "[\"c\"]"), 0);
  assert_int_equal(socket_buffered(t->socket), 7 + 8 + 7);
  socket_connect(t->socket);
  got(t, "42[\"c\"]");
  assert_int_equal(emit(t, "[\"d\"]"), 0);
  assert_int_equal(
      socket_emit(t->socket, &(SocketData){.json = "[\"v\"]", .len = 5}, true, &err), 0);
  got(t, "[\"v\"]");
  assert_string_equal(buffer_text(&t->got),
                      "40\n42[\"a\"]\n420[\"b\"]\n42[\"c\"]\n42[\"d\"]\n42[\"v\"]\n");
  say(t, "430[true]");
  told(t, "b [true]\n");
}

static void the_buffer_has_limits(void **state) {
  Test *t = *state;
  Error err;
  t->options.buffer_count = 2;
  t->options.buffer_bytes = 100;
  make_socket(t);
  char big[200];
  memset(big, ' ', sizeof big);
  memcpy(big, "[\"a\"", 4);
  assert_int_equal(
      socket_emit(t->socket, &(SocketData){.json = big, .len = sizeof big}, false, &err),
      ERR_BUFFER_FULL);
  assert_int_equal(emit(t, "[\"a\"]"), 0);
  assert_int_equal(emit(t, "[\"b\"]"), 0);
  assert_int_equal(emit(t, "[\"c\"]"), ERR_BUFFER_FULL);
  assert_int_equal(make_call(t, 0, "d", 5), ERR_BUFFER_FULL);
  socket_connect(t->socket);
  got(t, "42[\"b\"]");
  assert_int_equal(emit(t, "[\"c\"]"), 0);
  got(t, "42[\"c\"]");
}

static void what_waits_too_long_is_dropped(void **state) {
  Test *t = *state;
  t->options.buffer_age = 0.05;
  make_socket(t);
  assert_int_equal(emit(t, "[\"old\"]"), 0);
  assert_int_equal(make_call(t, 0, "old", 5), 0);
  told(t, "old EXPIRED sent=no\n");
  assert_non_null(strstr(env_log(&t->env), "2 packets waited"));
  assert_int_equal(emit(t, "[\"new\"]"), 0);
  socket_connect(t->socket);
  got(t, "new");
  assert_string_equal(buffer_text(&t->got), "40\n42[\"new\"]\n");
}

static void the_servers_limit_is_kept(void **state) {
  Test *t = *state;
  Error err;
  char big[1000];
  memset(big, ' ', sizeof big);
  memcpy(big, "[\"a\"", 4);
  big[999] = ']';
  make_socket(t);
  assert_int_equal(
      socket_emit(t->socket, &(SocketData){.json = big, .len = 999}, false, &err), 0);
  t->calls[0] = (Call){.call.done = on_call, .t = t, .name = "big"};
  assert_int_equal(socket_call(t->socket, &t->calls[0].call,
                               &(SocketData){.json = big, .len = 1000}, 5, &err),
                   0);
  socket_connect(t->socket);
  told(t, "connected\nbig TOO_LARGE sent=no\n");
  assert_int_equal(
      socket_emit(t->socket, &(SocketData){.json = big, .len = 999}, false, &err),
      ERR_TOO_LARGE);
  assert_int_equal(
      socket_emit(t->socket, &(SocketData){.json = big, .len = 998}, false, &err), 0);
  got(t, "42[\"a\" ");
}

static void reserved_names_and_broken_text_are_refused(void **state) {
  Test *t = *state;
  connect_it(t);
  assert_int_equal(emit(t, "[\"connect\",1]"), ERR_INVALID);
  assert_int_equal(emit(t, "[\"disconnect\"]"), ERR_INVALID);
  assert_int_equal(emit(t, "[\"a\",\"\xff\"]"), ERR_DECODE);
  socket_disconnect(t->socket);
  assert_int_equal(emit(t, "[\"a\",\"\xff\"]"), ERR_DECODE);
}

/* --- calls ------------------------------------------------------------------------ */

static void a_call_is_answered_once(void **state) {
  Test *t = *state;
  connect_it(t);
  assert_int_equal(make_call(t, 0, "one", 5), 0);
  assert_int_equal(make_call(t, 1, "two", 5), 0);
  got(t, "420[\"one\"]\n421[\"two\"]\n");
  say(t, "431[2]");
  say(t, "431[2]");
  say(t, "4399[]");
  say(t, "430[1,\"a\"]");
  say(t, "430[1]");
  say(t, "42[\"end\"]");
  told(t, "end");
  assert_string_equal(buffer_text(&t->told), "two [2]\none [1,\"a\"]\nevent [\"end\"]\n");
  assert_non_null(strstr(env_log(&t->env), "ignored: 99"));
}

static void a_call_times_out_where_it_is(void **state) {
  Test *t = *state;
  connect_it(t);
  assert_int_equal(make_call(t, 0, "sent", 0.03), 0);
  told(t, "sent TIMEOUT sent=unknown\n");
  say(t, "430[]");
  socket_disconnect(t->socket);
  buffer_clear(&t->got);
  assert_int_equal(make_call(t, 1, "kept", 0.03), 0);
  told(t, "kept TIMEOUT sent=no\n");
  socket_connect(t->socket);
  told(t, "connected\n");
  pass(t, 0.02);
  assert_null(strstr(buffer_text(&t->got), "kept"));
}

static void a_cancelled_call_is_not_sent_and_not_told(void **state) {
  Test *t = *state;
  make_socket(t);
  assert_int_equal(make_call(t, 0, "never", 5), 0);
  assert_int_equal(make_call(t, 1, "gone", 5), 0);
  socket_call_cancel(&t->calls[0].call);
  socket_call_cancel(&t->calls[0].call);
  socket_connect(t->socket);
  got(t, "[\"gone\"]");
  socket_call_cancel(&t->calls[1].call);
  say(t, "431[]");
  say(t, "42[\"end\"]");
  told(t, "end");
  assert_string_equal(buffer_text(&t->told),
                      "connecting\nauth\nconnected\nevent [\"end\"]\n");
  assert_null(strstr(buffer_text(&t->got), "never"));
}

static void a_loss_fails_what_is_in_flight(void **state) {
  Test *t = *state;
  connect_it(t);
  assert_int_equal(make_call(t, 0, "flying", 5), 0);
  got(t, "flying");
  fake_close(t->conn);
  told(t, "reconnecting");
  assert_int_equal(make_call(t, 1, "waiting", 5), 0);
  got(t, "421[\"waiting\"]");
  say(t, "431[]");
  told(t, "waiting []\n");
  assert_string_equal(
      buffer_text(&t->told),
      "flying CLOSED sent=unknown\nreconnecting (transport close) code=1006 "
      "RESET retry\nauth\nconnected\nwaiting []\n");
}

static void events_are_acknowledged_on_their_connection(void **state) {
  Test *t = *state;
  Error err;
  connect_it(t);
  say(t, "425[\"ask\"]");
  told(t, "ask");
  assert_int_equal(socket_ack(t->socket, t->epoch, t->ack,
                              &(SocketData){.json = "[1]", .len = 3}, &err),
                   0);
  got(t, "435[1]\n");
  fake_close(t->conn);
  told(t, "connected\n");
  buffer_clear(&t->got);
  assert_int_equal(socket_ack(t->socket, t->epoch, t->ack,
                              &(SocketData){.json = "[2]", .len = 3}, &err),
                   0);
  assert_int_equal(emit(t, "[\"end\"]"), 0);
  got(t, "end");
  assert_string_equal(buffer_text(&t->got), "42[\"end\"]\n");
}

/* --- binary ----------------------------------------------------------------------- */

#define PART(n) "{\"_placeholder\":true,\"num\":" #n "}"

static void say_binary(Test *t, const char *bytes) {
  fake_ws_send(t->conn, WS_BINARY, bytes, strlen(bytes));
}

static void binary_packets_come_whole_and_in_order(void **state) {
  Test *t = *state;
  connect_it(t);
  assert_int_equal(make_call(t, 0, "call", 5), 0);
  got(t, "call");
  say(t, "42[\"first\"]");
  say(t, "452-7[\"b\"," PART(1) "," PART(0) "]");
  say_binary(t, "one");
  say_binary(t, "");
  say(t, "461-0[" PART(0) "]");
  say_binary(t, "reply");
  say(t, "42[\"last\"]");
  told(t, "last");
  assert_string_equal(buffer_text(&t->told),
                      "event [\"first\"]\nevent [\"b\"," PART(1) "," PART(
                          0) "] <one> <> ack=7\ncall [" PART(0) "] <reply>\nevent "
                                                                "[\"last\"]\n");
}

/* A placeholder out of range, no number; a text between; one too many. */
static void broken_binary_packets_are_parse_errors(void **state) {
  static const struct {
    const char *text, *then;
  } cases[] = {{"451-[\"b\"," PART(1) "]", NULL},
               {"451-[\"b\"," PART(-1) "]", NULL},
               {"451-[\"b\"," PART("0") "]", NULL},
               {"461-0[" PART(3) "]", NULL},
               {"452-[\"b\"," PART(0) "," PART(1) "]", "42[\"between\"]"},
               {"451-[\"b\"," PART(0) "]", ""}};
  Test *t = *state;
  connect_it(t);
  for (size_t i = 0; i < COUNT_OF(cases); i++) {
    buffer_clear(&t->told);
    say(t, cases[i].text);
    say_binary(t, "x");
    if (cases[i].then && cases[i].then[0]) say(t, cases[i].then);
    else if (cases[i].then) say_binary(t, "too many");
    told(t, "reconnecting (parse error) PROTOCOL retry\n");
    told(t, "connected\n");
    assert_null(strstr(buffer_text(&t->told), "between"));
  }
}

/* What came of it is nothing; the next connection begins without it. */
static void a_binary_packet_that_is_cut_off_is_forgotten(void **state) {
  Test *t = *state;
  connect_it(t);
  say(t, "452-[\"b\"," PART(0) "," PART(1) "]");
  say_binary(t, "half");
  fake_close(t->conn);
  told(t, "connected\n");
  say(t, "42[\"after\"]");
  told(t, "after");
  assert_null(strstr(buffer_text(&t->told), "half"));
  assert_null(strstr(buffer_text(&t->told), "parse error"));
}

static void what_waits_keeps_its_attachments(void **state) {
  static const SioBytes parts[] = {{"one", 3}, {"", 0}};
  static const char json[] = "[\"b\"," PART(0) "," PART(1) "]";
  const SocketData payload = {json, sizeof json - 1, parts, 2};
  Test *t = *state;
  Error err;
  t->options.buffer_bytes = 2 * (sizeof json + 20);
  make_socket(t);
  assert_int_equal(socket_emit(t->socket, &payload, false, &err), 0);
  t->calls[0] = (Call){.call.done = on_call, .t = t, .name = "cancelled"};
  assert_int_equal(socket_call(t->socket, &t->calls[0].call, &payload, 5, &err), 0);
  assert_int_equal(socket_emit(t->socket, &payload, false, &err), ERR_BUFFER_FULL);
  socket_call_cancel(&t->calls[0].call);
  assert_int_equal(emit(t, "[\"end\"]"), 0);
  socket_connect(t->socket);
  got(t, "end");
  assert_string_equal(strchr(buffer_text(&t->got), '\n') + 1,
                      "452-[\"b\"," PART(0) "," PART(1) "]\nbinary one\nbinary \n42[\"end"
                                                        "\"]\n");
}

/* maxPayload is 1000, of each frame. */
static void an_attachment_that_is_too_large_is_not_begun(void **state) {
  static const char json[] = "[\"b\"," PART(0) "]";
  static char big[1001];
  SioBytes part = {big, sizeof big};
  const SocketData payload = {json, sizeof json - 1, &part, 1};
  Test *t = *state;
  Error err;
  connect_it(t);
  assert_int_equal(socket_emit(t->socket, &payload, false, &err), ERR_TOO_LARGE);
  part.len = 1000;
  assert_int_equal(socket_emit(t->socket, &payload, true, &err), 0);
  got(t, "451-[\"b\"," PART(0) "]\nbinary ");
  assert_int_equal(strncmp(buffer_text(&t->got), "451-", 4), 0);
}

/* --- ending ----------------------------------------------------------------------- */

static void a_disconnect_says_goodbye(void **state) {
  Test *t = *state;
  connect_it(t);
  assert_int_equal(make_call(t, 0, "call", 5), 0);
  socket_disconnect(t->socket);
  assert_int_equal(socket_state(t->socket), SOCKET_IDLE);
  assert_string_equal(buffer_text(&t->told), "");
  told(t, "call CLOSED sent=unknown\nidle (io client disconnect)\n");
  got(t, "420[\"call\"]\n41\nclose 1000\n");
  socket_connect(t->socket);
  socket_disconnect(t->socket);
  socket_connect(t->socket);
  told(t, "idle (io client disconnect)\nconnecting\nidle (io client "
          "disconnect)\nconnecting\nauth\nconnected\n");
}

static void disconnect_in_event(Test *t) {
  if (t->events == 1) socket_disconnect(t->socket);
}

static void after_a_disconnect_no_event_comes(void **state) {
  Test *t = *state;
  t->in_event = disconnect_in_event;
  connect_it(t);
  for (int i = 0; i < 3; i++) say(t, "42[\"a\"]");
  told(t, "idle");
  pass(t, 0.02);
  assert_string_equal(buffer_text(&t->told),
                      "event [\"a\"]\nidle (io client disconnect)\n");
}

static bool freed(void *ctx) {
  return ((Test *)ctx)->socket == NULL;
}

static bool conns_gone(void *ctx) {
  return ((Test *)ctx)->fake.conns == NULL;
}

static void talk_and_reject(FakeConn *conn, const char *text) {
  Test *t = conn->fake->ctx;
  if (strncmp(text, "42", 2) == 0) {
    say(t, "430[]");
    say(t, "42[\"e\"]");
    say(t, "4x");
  }
}

static void freeing_in_any_callback_is_legal(void **state) {
  Test *t = *state;
  t->on_text = talk_and_reject;
  for (t->free_in = 1; t->free_in <= 9; t->free_in++) {
    t->callbacks = 0;
    t->joins = t->free_in != 9;
    make_socket(t);
    assert_int_equal(make_call(t, 0, "call", 5), 0);
    socket_connect(t->socket);
    assert_true(env_wait(&t->env, freed, t));
    assert_int_equal(t->callbacks, t->free_in);
    assert_true(env_wait(&t->env, conns_gone, t));
    if (t->free_in == 8) t->options.timeout = 0.05;
  }
}

/* --- many ------------------------------------------------------------------------- */

static bool all_accepted(void *ctx) {
  return ((Test *)ctx)->fake.accepted == PACE_UNDER_WAY + 1;
}

/* The server is silent, so that no attempt ends: three sockets wait for their turn. One
 * is disconnected and one freed; only the third ever gets to the server. */
static void attempts_share_a_pace(void **state) {
  Test *t = *state;
  static const SocketCallbacks heard = {.state = on_state};
  Socket *sockets[PACE_UNDER_WAY + 3];
  Error err;
  t->hello = NULL;
  for (int i = 0; i < PACE_UNDER_WAY + 3; i++) {
    sockets[i] = socket_new(t->env.net, &t->options, &heard, t, &err);
    socket_connect(sockets[i]);
  }
  socket_disconnect(sockets[PACE_UNDER_WAY]);
  socket_free(sockets[PACE_UNDER_WAY + 1]);
  sockets[PACE_UNDER_WAY + 1] = NULL;
  assert_true(env_wait(&t->env, all_accepted, t));
  assert_int_equal(socket_state(sockets[PACE_UNDER_WAY]), SOCKET_IDLE);
  assert_int_equal(socket_state(sockets[PACE_UNDER_WAY + 2]), SOCKET_CONNECTING);
  for (int i = 0; i < PACE_UNDER_WAY + 3; i++) socket_free(sockets[i]);
}

/* --- floods ----------------------------------------------------------------------- */

enum { FLOOD_BYTES = 48 << 20, FLOOD_EVENT = 60000 };

static void slow(Test *t) {
  double until = loop_now(t->env.loop) + 0.0005;
  while (loop_now(t->env.loop) < until) {
  }
}

static bool flood_done(void *ctx) {
  Test *t = ctx;
  return t->events == FLOOD_BYTES / FLOOD_EVENT;
}

static size_t flood_ahead;
static void slow_and_look(Test *t) {
  slow(t);
  size_t queued = uv_stream_get_write_queue_size((uv_stream_t *)&t->conn->tcp);
  size_t sent = (size_t)(FLOOD_BYTES / FLOOD_EVENT) * (FLOOD_EVENT + 14) - queued;
  size_t ahead = sent > t->event_bytes ? sent - t->event_bytes : 0;
  if (ahead > flood_ahead) flood_ahead = ahead;
}

/* What is on its way is bounded by our 8 MiB and the system's own buffers (loopback: up
 * to about 10 MiB). */
static void a_slow_handler_is_felt_by_the_server(void **state) {
  Test *t = *state;
  char *event = xmalloc(FLOOD_EVENT + 1);
  memset(event, ' ', FLOOD_EVENT);
  memcpy(event, "42[\"a\"", 6);
  event[FLOOD_EVENT - 1] = ']';
  t->in_event = slow_and_look;
  connect_it(t);
  for (int i = 0; i < FLOOD_BYTES / FLOOD_EVENT; i++)
    fake_ws_send(t->conn, WS_TEXT, event, FLOOD_EVENT);
  assert_true(env_wait(&t->env, flood_done, t));
  assert_in_range(flood_ahead, 1, 24 << 20);
  free(event);
}

/* --- plain WebSocket -------------------------------------------------------------- */

static void a_plain_websocket_lasts_too(void **state) {
  Test *t = *state;
  Error err;
  t->options.protocol = SOCKET_WEBSOCKET;
  t->options.path = (char *)"/chat,room";
  t->options.query = (char *)"a=b";
  t->hello = NULL;
  make_socket(t);
  assert_int_equal(socket_send(t->socket, false, "early", 5, false, &err), 0);
  assert_int_equal(socket_send(t->socket, false, "volatile", 8, true, &err), 0);
  assert_int_equal(emit(t, "[\"a\"]"), ERR_UNSUPPORTED);
  socket_connect(t->socket);
  got(t, "early\n");
  assert_non_null(strstr(t->request, "GET /chat,room?a=b HTTP"));
  assert_int_equal(socket_send(t->socket, true, "\xff\x01", 2, false, &err), 0);
  got(t, "binary \xff\x01\n");
  say(t, "hello");
  fake_ws_send(t->conn, WS_BINARY, "bin", 3);
  told(t, "binary bin\n");
  fake_ws_close(t->conn, 4000, "later");
  told(t, "reconnecting");
  told(t, "retry\nconnected\n");
  assert_string_equal(
      buffer_text(&t->told),
      "connecting\nconnected\ntext hello\nbinary bin\nreconnecting (transport "
      "close) code=4000 CLOSED retry\nconnected\n");
  socket_disconnect(t->socket);
  got(t, "close 1000\n");
}

/* What it is sent of pings stands in `got` with the texts: "ping:" and the payload. */
static void record_pings(FakeConn *conn, WsEvent *event) {
  Test *t = conn->fake->ctx;
  if (event->type == WS_PING) {
    buffer_printf(&t->got, "ping:%.*s\n", (int)event->len, event->data);
    t->pings++;
    if (t->answers) fake_ws_send(conn, WS_PONG, event->data, event->len);
  } else if (event->len < 1000) {
    on_frame(conn, event);
  }
}

static void serve_pings(FakeConn *conn) {
  Test *t = conn->fake->ctx;
  if (conn->ended) return;
  if (fake_ws_accept(conn, "")) {
    t->conn = conn;
    conn->release = gone;
  }
  fake_ws_events(conn, record_pings);
}

static void connect_plain(Test *t, double interval, double timeout) {
  t->options.protocol = SOCKET_WEBSOCKET;
  t->options.heartbeat_interval = interval;
  t->options.heartbeat_timeout = timeout;
  t->fake.handler = serve_pings;
  connect_it(t);
}

static bool five_pings(void *ctx) {
  return ((Test *)ctx)->pings >= 5;
}

static void a_heartbeat_keeps_what_answers(void **state) {
  Test *t = *state;
  t->answers = true;
  connect_plain(t, 0.03, 0.08);
  double start = loop_now(t->env.loop);
  assert_true(env_wait(&t->env, five_pings, t));
  assert_in_range((loop_now(t->env.loop) - start) * 1000, 148, 2000);
  assert_string_equal(buffer_text(&t->got), "ping:\nping:\nping:\nping:\nping:\n");
  assert_string_equal(buffer_text(&t->told), "");
  t->answers = false;
  told(t, "reconnecting (ping timeout) TIMEOUT retry\n");
  told(t, "connected\n");
}

/* Each way round: the verdict before the next ping, and after several. */
static void a_server_that_reads_nothing_is_given_up(void **state) {
  static const double numbers[][2] = {{0.2, 0.05}, {0.05, 0.2}};
  Test *t = *state;
  for (int i = 0; i < 2; i++) {
    connect_plain(t, numbers[i][0], numbers[i][1]);
    uv_read_stop((uv_stream_t *)&t->conn->tcp);
    double start = loop_now(t->env.loop);
    told(t, "reconnecting (ping timeout) TIMEOUT retry\n");
    assert_in_range((loop_now(t->env.loop) - start) * 1000, 248, 2000);
    drop(t);
    buffer_clear(&t->told);
  }
}

static void on_tick(Timer *timer) {
  Test *t = CONTAINER_OF(timer, Test, tick);
  say(t, "tick");
  timer_start(t->env.loop, &t->tick, 0.02);
}

static void whatever_comes_is_a_sign_of_life(void **state) {
  Test *t = *state;
  t->tick.fire = on_tick;
  connect_plain(t, 0.03, 0.08);
  on_tick(&t->tick);
  assert_true(env_wait(&t->env, five_pings, t));
  pass(t, 0.1);
  assert_null(strstr(buffer_text(&t->told), "reconnecting"));
  timer_stop(t->env.loop, &t->tick);
  told(t, "reconnecting (ping timeout) TIMEOUT retry\n");
}

static void without_a_heartbeat_nothing_is_sent_or_missed(void **state) {
  Test *t = *state;
  t->options.no_heartbeat = true;
  connect_plain(t, 0.01, 0.01);
  wakes_slept(net_wakes(t->env.net), 86400);
  pass(t, 0.1);
  assert_int_equal(t->pings, 0);
  assert_string_equal(buffer_text(&t->told), "");
}

static bool a_ping(void *ctx) {
  return ((Test *)ctx)->pings > 0;
}

static void a_plain_one_notices_that_the_machine_slept(void **state) {
  Test *t = *state;
  t->answers = true;
  connect_plain(t, 0, 0); /* 25 and 20 */
  wakes_slept(net_wakes(t->env.net), 44);
  assert_true(env_wait(&t->env, a_ping, t)); /* it asks at once */
  pass(t, 0.02);
  assert_string_equal(buffer_text(&t->told), "");
  wakes_slept(net_wakes(t->env.net), 46);
  told(t, "reconnecting (ping timeout) TIMEOUT retry\n");
}

/* While we do not read, the server cannot be heard. */
static void a_slow_handler_is_not_the_servers_fault(void **state) {
  Test *t = *state;
  t->answers = true;
  connect_plain(t, 0.02, 0.05);
  socket_hold(t->socket, true);
  char *data = xcalloc(1, 1 << 20);
  for (int i = 0; i < 20; i++) fake_ws_send(t->conn, WS_BINARY, data, 1 << 20);
  pass(t, 0.5);
  assert_string_equal(buffer_text(&t->told), "");
  assert_non_null(strstr(env_log(&t->env), "nothing more is read"));
  socket_hold(t->socket, false);
  t->pings = 0;
  assert_true(env_wait(&t->env, five_pings, t));
  assert_null(strstr(buffer_text(&t->told), "reconnecting"));
  free(data);
}

static void on_thirst(Timer *timer) {
  Test *t = CONTAINER_OF(timer, Test, tick);
  if (t->conn) uv_read_start((uv_stream_t *)&t->conn->tcp, fake_alloc, fake_read);
}

/* Takes 1 MB, and the next after a while: the pings stand behind what it has not taken.
 */
static void sip(FakeConn *conn) {
  Test *t = conn->fake->ctx;
  t->sent += conn->in.len;
  serve_pings(conn);
  if (t->sent < 1 << 20 || conn->closing) return;
  t->sent = 0;
  uv_read_stop((uv_stream_t *)&conn->tcp);
  timer_start(t->env.loop, &t->tick, 0.02);
}

static void what_the_server_takes_is_a_sign_of_life(void **state) {
  Test *t = *state;
  Error err;
  size_t len = 4 << 20;
  char *data = xcalloc(1, len);
  t->answers = true;
  t->tick.fire = on_thirst;
  t->options.send_buffer = 64 << 20;
  connect_plain(t, 0.1, 0.2);
  t->fake.handler = sip;
  for (int i = 0; i < 10; i++)
    assert_int_equal(socket_send(t->socket, true, data, len, false, &err), 0);
  assert_int_equal(socket_send(t->socket, false, "end", 3, false, &err), 0);
  double start = loop_now(t->env.loop);
  got(t, "end\n");
  assert_true(loop_now(t->env.loop) - start > 0.5);
  assert_string_equal(buffer_text(&t->told), "");
  free(data);
}

/* It takes effect at once, on the connection that stands. */
static void a_heartbeat_is_retuned(void **state) {
  Test *t = *state;
  connect_plain(t, 0, 0);
  SocketOptions other = t->options;
  other.heartbeat_interval = 0.05;
  other.heartbeat_timeout = 0.05;
  assert_true(socket_options_tuned(&other, &t->options));
  assert_false(socket_options_moved(&other, &t->options, NULL));
  t->answers = true;
  socket_retune(t->socket, &other);
  assert_true(env_wait(&t->env, five_pings, t));
  other.no_heartbeat = true;
  assert_true(socket_options_tuned(&other, &t->options));
  socket_retune(t->socket, &other);
  t->pings = 0;
  t->answers = false;
  pass(t, 0.2);
  assert_int_equal(t->pings, 0);
  other.no_heartbeat = false;
  socket_retune(t->socket, &other);
  told(t, "reconnecting (ping timeout) TIMEOUT retry\n");
  assert_int_equal(t->connects, 1);
}

/* --- pings ------------------------------------------------------------------------ */

static int make_ping(Test *t, int i, const char *name, double timeout) {
  Error err;
  t->calls[i] = (Call){.call.done = on_call, .t = t, .name = name};
  return socket_ping(t->socket, &t->calls[i].call, timeout, &err);
}

static void pings_are_answered_each_by_its_own(void **state) {
  Test *t = *state;
  t->options.no_heartbeat = true;
  t->answers = true;
  connect_plain(t, 0, 0);
  assert_int_equal(make_ping(t, 0, "one", 5), 0);
  assert_int_equal(make_ping(t, 1, "two", 5), 0);
  told(t, "two ");
  assert_string_equal(buffer_text(&t->got), "ping:0\nping:1\n");
  assert_string_equal(buffer_text(&t->told), "one \ntwo \n");
  assert_true(t->calls[0].call.took > 0 && t->calls[0].call.took < 5);
}

/* A late one, one of nobody, others' payloads: none is taken for an answer. */
static void the_last_pong_answers_all_before_it(void **state) {
  Test *t = *state;
  t->options.no_heartbeat = true;
  connect_plain(t, 0, 0);
  static const char *const wrong[] = {
      "", "3", "99", "x", "0x", "-1", "9999999999999999999", "1 ", " "};
  for (int i = 0; i < 3; i++)
    assert_int_equal(make_ping(t, i, i ? "later" : "one", 5), 0);
  got(t, "ping:2\n");
  for (size_t i = 0; i < COUNT_OF(wrong); i++)
    fake_ws_send(t->conn, WS_PONG, wrong[i], strlen(wrong[i]));
  say(t, "end");
  told(t, "text end\n");
  assert_string_equal(buffer_text(&t->told), "text end\n");
  fake_ws_send(t->conn, WS_PONG, "1", 1);
  told(t, "one \nlater \n");
  fake_ws_send(t->conn, WS_PONG, "0", 1);
  fake_ws_send(t->conn, WS_PONG, "2", 1);
  told(t, "one \nlater \nlater \n");
  fake_ws_send(t->conn, WS_PONG, "2", 1);
  say(t, "last");
  told(t, "text last\n");
  assert_string_equal(buffer_text(&t->told),
                      "text end\none \nlater \nlater \ntext last\n");
}

static void a_ping_ends_without_an_answer_too(void **state) {
  Test *t = *state;
  t->options.no_heartbeat = true;
  t->options.protocol = SOCKET_WEBSOCKET;
  make_socket(t);
  assert_int_equal(make_ping(t, 0, "early", 5), ERR_NOT_CONNECTED);
  drop(t);
  connect_plain(t, 0, 0);
  assert_int_equal(make_ping(t, 0, "slow", 0.03), 0);
  assert_int_equal(make_ping(t, 1, "cancelled", 5), 0);
  socket_call_cancel(&t->calls[1].call);
  told(t, "slow TIMEOUT");
  fake_ws_send(t->conn, WS_PONG, "1", 1); /* of nobody by now */
  assert_int_equal(make_ping(t, 2, "lost", 5), 0);
  got(t, "ping:2\n");
  fake_close(t->conn);
  told(t, "lost CLOSED");
  told(t, "connected\n");
  assert_int_equal(make_ping(t, 3, "left", 5), 0);
  socket_disconnect(t->socket);
  told(t, "left CLOSED");
  assert_null(strstr(buffer_text(&t->told), "cancelled"));
}

static void on_dropped_ping(SocketCall *call) {
  Test *t = CONTAINER_OF(call, Call, call)->t;
  buffer_puts(&t->told, "dropped\n");
}

static void a_ping_may_free_the_socket(void **state) {
  Test *t = *state;
  t->options.no_heartbeat = true;
  t->answers = true;
  connect_plain(t, 0, 0);
  t->callbacks = 0;
  t->free_in = 1;
  assert_int_equal(make_ping(t, 0, "one", 5), 0);
  assert_int_equal(make_ping(t, 1, "two", 5), 0);
  t->calls[1].call.dropped = on_dropped_ping;
  assert_true(env_wait(&t->env, freed, t));
  assert_string_equal(buffer_text(&t->told), "one \ndropped\n");
}

/* Longer than the loop goes on with the inbox, and then it ends. */
static void dawdle_and_stop(Test *t) {
  double end = loop_now(t->env.loop) + 0.02;
  t->in_event = NULL;
  while (loop_now(t->env.loop) < end) continue;
  t->env.timed_out = true;
  loop_stop(t->env.loop);
}

/* What lies in the inbox then belongs to nobody, the net included. */
static void the_program_ends_with_events_in_the_inbox(void **state) {
  Test *t = *state;
  Buffer out = {0};
  connect_it(t);
  t->in_event = dawdle_and_stop;
  for (int i = 0; i < 20; i++) ws_frame(&out, true, WS_TEXT, NULL, "42[\"e\"]", 7);
  fake_write(t->conn, out.data, out.len);
  buffer_free(&out);
  env_wait(&t->env, env_never, NULL);
  assert_true(t->events > 0 && t->events < 20);
  assert_false(inbox_empty(t->env.loop));
}

static void options_are_compared_by_value(void **state) {
  Test *t = *state;
  SocketOptions copy;
  t->options.headers = (char *[]){(char *)"A: b", NULL};
  socket_options_copy(&copy, &t->options);
  assert_true(socket_options_equal(&copy, &t->options));
  copy.headers[0][0] = 'B';
  assert_false(socket_options_equal(&copy, &t->options));
  copy.headers[0][0] = 'A';
  copy.jitter = 0.25;
  assert_false(socket_options_equal(&copy, &t->options));
  socket_options_free(&copy);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  signal(SIGPIPE, SIG_IGN);
  const struct CMUnitTest tests[] = {
      TEST(it_connects_step_by_step),
      TEST(events_and_states_come_in_order),
      TEST(a_namespace_is_joined_and_named),
      TEST(auth_may_come_later_or_fail),
      TEST(a_rejection_is_told_and_not_tried_again),
      TEST(addresses_that_cannot_be_are_refused),
      TEST(a_lost_connection_is_made_again),
      TEST(attempts_end),
      TEST(without_reconnect_a_loss_is_the_end),
      TEST(an_attempt_that_leads_nowhere_times_out),
      TEST(backoff_caps_first_and_spreads_after),
      TEST(missed_heartbeats_are_a_ping_timeout),
      TEST(a_machine_that_slept_notices),
      TEST(pings_are_answered_and_keep_it_alive),
      TEST(violations_are_parse_errors),
      TEST(odd_packets_are_taken),
      TEST(a_second_connect_gives_another_id),
      TEST(ids_may_be_long_or_odd),
      TEST(a_server_of_protocol_3_is_told_by_its_name),
      TEST(a_refusal_without_words_is_one),
      TEST(a_binary_frame_without_a_packet_is_a_violation),
      TEST(a_wrong_handshake_is_a_parse_error),
      TEST(a_close_at_any_byte_is_told_once),
      TEST(what_waits_goes_out_in_order),
      TEST(the_buffer_has_limits),
      TEST(what_waits_too_long_is_dropped),
      TEST(the_servers_limit_is_kept),
      TEST(reserved_names_and_broken_text_are_refused),
      TEST(a_call_is_answered_once),
      TEST(a_call_times_out_where_it_is),
      TEST(a_cancelled_call_is_not_sent_and_not_told),
      TEST(a_loss_fails_what_is_in_flight),
      TEST(events_are_acknowledged_on_their_connection),
      TEST(binary_packets_come_whole_and_in_order),
      TEST(broken_binary_packets_are_parse_errors),
      TEST(a_binary_packet_that_is_cut_off_is_forgotten),
      TEST(what_waits_keeps_its_attachments),
      TEST(an_attachment_that_is_too_large_is_not_begun),
      TEST(a_disconnect_says_goodbye),
      TEST(after_a_disconnect_no_event_comes),
      TEST(freeing_in_any_callback_is_legal),
      TEST(attempts_share_a_pace),
      TEST(a_slow_handler_is_felt_by_the_server),
      TEST(a_plain_websocket_lasts_too),
      TEST(a_heartbeat_keeps_what_answers),
      TEST(a_server_that_reads_nothing_is_given_up),
      TEST(whatever_comes_is_a_sign_of_life),
      TEST(without_a_heartbeat_nothing_is_sent_or_missed),
      TEST(a_plain_one_notices_that_the_machine_slept),
      TEST(a_slow_handler_is_not_the_servers_fault),
      TEST(what_the_server_takes_is_a_sign_of_life),
      TEST(a_heartbeat_is_retuned),
      TEST(pings_are_answered_each_by_its_own),
      TEST(the_last_pong_answers_all_before_it),
      TEST(a_ping_ends_without_an_answer_too),
      TEST(a_ping_may_free_the_socket),
      TEST(the_program_ends_with_events_in_the_inbox),
      TEST(options_are_compared_by_value),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
