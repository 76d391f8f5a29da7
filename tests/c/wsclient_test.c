/* The WebSocket client against a scripted server on the same loop. */
#include "net/wsclient.h"

#include "fake_ws.h"
#include "net_env.h"

typedef struct Test Test;
struct Test {
  Env env;
  Fake fake;
  /* the server */
  void (*on_open)(FakeConn *conn);
  void (*on_event)(FakeConn *conn, WsEvent *event);
  const char *more_headers;
  Buffer got; /* texts the server was sent, one a line; "ping:", "pong:", "close:" */
  size_t got_bytes;
  int got_count;
  /* the client */
  WsClient *ws;
  int opened, closes, messages;
  char subprotocol[128];
  Buffer texts; /* one a line */
  size_t bytes;
  int code;
  char reason[128];
  Error err;
  void (*in_message)(Test *t);
  Event answer; /* to a message, from the inbox */
  size_t sipped;
  Timer thirst;
  enum { FREE_NEVER, FREE_IN_OPEN, FREE_IN_MESSAGE, FREE_IN_CLOSED } free_in;
};

/* --- the server ------------------------------------------------------------------- */

static void record(FakeConn *conn, WsEvent *event) {
  Test *t = conn->fake->ctx;
  t->got_count++;
  t->got_bytes += event->len;
  if (event->type == WS_PING) buffer_puts(&t->got, "ping:");
  if (event->type == WS_PONG) buffer_puts(&t->got, "pong:");
  if (event->type == WS_CLOSE) buffer_printf(&t->got, "close:%d:", event->close_code);
  if (event->len < 1000) buffer_put(&t->got, event->data, event->len);
  buffer_putc(&t->got, '\n');
}

static void echo(FakeConn *conn, WsEvent *event) {
  record(conn, event);
  if (event->type == WS_TEXT || event->type == WS_BINARY)
    fake_ws_send(conn, event->type, event->data, event->len);
  if (event->type == WS_CLOSE) {
    fake_ws_close(conn, event->close_code, "");
    fake_close(conn);
  }
}

static void serve(FakeConn *conn) {
  Test *t = conn->fake->ctx;
  if (conn->ended) return;
  if (fake_ws_accept(conn, t->more_headers) && t->on_open) t->on_open(conn);
  fake_ws_events(conn, t->on_event);
}

/* --- the client ------------------------------------------------------------------- */

static void on_open(void *ctx, const char *subprotocol) {
  Test *t = ctx;
  t->opened++;
  snprintf(t->subprotocol, sizeof t->subprotocol, "%s", subprotocol);
  if (t->free_in == FREE_IN_OPEN) ws_free(t->ws), t->ws = NULL;
}

static void on_message(void *ctx, bool binary, const char *data, size_t len) {
  Test *t = ctx;
  t->messages++;
  t->bytes += len;
  if (binary) buffer_puts(&t->texts, "binary:");
  if (len < 1000) buffer_put(&t->texts, data, len);
  buffer_putc(&t->texts, '\n');
  if (t->in_message) t->in_message(t);
  if (t->free_in == FREE_IN_MESSAGE) ws_free(t->ws), t->ws = NULL;
}

static void on_closed(void *ctx, int code, const char *reason, size_t len,
                      const Error *err) {
  Test *t = ctx;
  t->closes++;
  t->code = code;
  t->err = *err;
  snprintf(t->reason, sizeof t->reason, "%.*s", (int)len, reason);
  if (t->free_in == FREE_IN_CLOSED) ws_free(t->ws), t->ws = NULL;
}

static const WsCallbacks callbacks = {
    .open = on_open, .message = on_message, .closed = on_closed};

static const char *url_of(Test *t) {
  static char url[64];
  snprintf(url, sizeof url, "ws://127.0.0.1:%d/chat?a=b", t->fake.port);
  return url;
}

static void open_with(Test *t, const WsOptions *options) {
  Error err = {0};
  t->opened = t->closes = t->messages = t->code = 0;
  t->bytes = t->got_bytes = 0;
  t->got_count = 0;
  t->err = (Error){0};
  buffer_clear(&t->texts);
  buffer_clear(&t->got);
  t->ws = ws_open(t->env.net, options, &callbacks, t, &err);
  if (!t->ws) printf("refused: %s\n", err.message);
  assert_non_null(t->ws);
}

static void open_client(Test *t) {
  WsOptions options = {.url = url_of(t), .close_timeout = 0.05, .connect_timeout = 5};
  open_with(t, &options);
}

static void drop(Test *t) {
  if (t->ws) ws_free(t->ws);
  t->ws = NULL;
}

static bool is_open(void *ctx) {
  return ((Test *)ctx)->opened > 0;
}

static bool is_closed(void *ctx) {
  return ((Test *)ctx)->closes > 0;
}

static bool has_message(void *ctx) {
  return ((Test *)ctx)->messages > 0;
}

static bool conns_gone(void *ctx) {
  return ((Test *)ctx)->fake.conns == NULL;
}

static int setup(void **state) {
  Test *t = xcalloc(1, sizeof *t);
  env_open(&t->env);
  fake_listen(&t->fake, t->env.loop, serve, t);
  t->on_event = echo;
  t->more_headers = "";
  *state = t;
  return 0;
}

static int teardown(void **state) {
  Test *t = *state;
  drop(t);
  fake_stop(&t->fake);
  env_close(&t->env);
  buffer_free(&t->got);
  buffer_free(&t->texts);
  free(t);
  return 0;
}

static void wait_closed(Test *t) {
  assert_true(env_wait(&t->env, is_closed, t));
  assert_int_equal(t->closes, 1);
}

static void expect_failure(Test *t, ErrorCode code, const char *phase) {
  wait_closed(t);
  if (t->err.code != code) printf("got: %s / %s\n", t->err.message, t->err.detail);
  assert_string_equal(error_name(t->err.code), error_name(code));
  if (phase) assert_string_equal(t->err.phase, phase);
  assert_int_equal(t->code, 1006);
  drop(t);
}

/* --- opening ---------------------------------------------------------------------- */

static void messages_of_all_sizes_are_echoed(void **state) {
  Test *t = *state;
  static const size_t sizes[] = {0, 1, 125, 126, 127, 65535, 65536, 1 << 20, 5 << 20};
  char *data = xmalloc(5 << 20);
  memset(data, 'x', 5 << 20);
  open_client(t);
  assert_true(env_wait(&t->env, is_open, t));
  for (size_t i = 0; i < COUNT_OF(sizes); i++) {
    t->messages = 0;
    t->bytes = 0;
    assert_int_equal(ws_send(t->ws, i % 2, data, sizes[i]), 0);
    assert_true(env_wait(&t->env, has_message, t));
    assert_int_equal(t->bytes, sizes[i]);
  }
  assert_int_equal(ws_buffered(t->ws), 0);
  free(data);
}

static char first_request[2048];
static void keep_request(FakeConn *conn) {
  if (!conn->data)
    snprintf(first_request, sizeof first_request, "%s", buffer_text(&conn->in));
  serve(conn);
}

static void the_request_says_what_was_asked(void **state) {
  Test *t = *state;
  char url[96];
  snprintf(url, sizeof url, "ws://us%%40er:pass@127.0.0.1:%d/a/../b%%20c?q=%%31#frag",
           t->fake.port);
  const char *headers[] = {"X-One: 1", NULL};
  WsOptions options = {.url = url, .headers = headers, .subprotocols = "one, two"};
  t->fake.handler = keep_request;
  t->more_headers = "Sec-WebSocket-Protocol: two\r\n";
  open_with(t, &options);
  assert_true(env_wait(&t->env, is_open, t));
  assert_string_equal(t->subprotocol, "two");
  assert_non_null(strstr(first_request, "GET /b%20c?q=%31 HTTP/1.1\r\n"));
  assert_non_null(strstr(first_request, "X-One: 1\r\n"));
  assert_non_null(strstr(first_request, "Sec-WebSocket-Protocol: one, two\r\n"));
  assert_non_null(strstr(first_request, "Authorization: Basic dXNAZXI6cGFzcw==\r\n"));
}

static void what_cannot_be_asked_is_refused_at_once(void **state) {
  Test *t = *state;
  Error err = {0};
  WsOptions options = {.url = "ftp://127.0.0.1/"};
  assert_null(ws_open(t->env.net, &options, &callbacks, t, &err));
  assert_int_equal(err.code, ERR_URL);
  const char *headers[] = {"X: a\r\nEvil: 1", NULL};
  options = (WsOptions){.url = url_of(t), .headers = headers};
  assert_null(ws_open(t->env.net, &options, &callbacks, t, &err));
  assert_int_equal(err.code, ERR_INVALID);
}

static void a_refused_port_is_connect(void **state) {
  Test *t = *state;
  char url[64];
  snprintf(url, sizeof url, "ws://127.0.0.1:%d/", fake_refused_port());
  WsOptions options = {.url = url};
  open_with(t, &options);
  expect_failure(t, ERR_CONNECT, "connect");
  assert_non_null(strstr(t->err.message, "Connection refused"));
}

static const char *plain_answer;
static void answer_plainly(FakeConn *conn) {
  if (!conn->ended && strstr(buffer_text(&conn->in), "\r\n\r\n")) {
    fake_puts(conn, plain_answer);
    fake_close(conn);
  }
}

static void wrong_answers_are_handshake(void **state) {
  Test *t = *state;
  static const char *const answers[] = {
      "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\ngone",
      "HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n",
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Accept: bm9wZQ==\r\n\r\n",
      "HTTP/1.1 101 Switching Protocols\r\n\r\n", "SSH-2.0-OpenSSH_9.2\r\n\r\n"};
  t->fake.handler = answer_plainly;
  for (size_t i = 0; i < COUNT_OF(answers); i++) {
    plain_answer = answers[i];
    open_client(t);
    expect_failure(t, ERR_HANDSHAKE, "handshake");
    assert_int_equal(t->opened, 0);
    if (i == 0) assert_non_null(strstr(t->err.message, "404"));
  }
}

static void endless_headers_are_refused(void **state) {
  Test *t = *state;
  Buffer answer = {0};
  buffer_puts(&answer, "HTTP/1.1 101 Switching Protocols\r\n");
  for (int i = 0; i < 100000; i++) buffer_puts(&answer, "X-Filler: 1\r\n");
  plain_answer = buffer_text(&answer);
  t->fake.handler = answer_plainly;
  open_client(t);
  expect_failure(t, ERR_TOO_LARGE, "handshake");
  buffer_free(&answer);
}

static void say_nothing(FakeConn *conn) {
  (void)conn;
}

static void a_silent_server_times_out_in_the_handshake(void **state) {
  Test *t = *state;
  t->fake.handler = say_nothing;
  WsOptions options = {.url = url_of(t), .connect_timeout = 0.1};
  open_with(t, &options);
  expect_failure(t, ERR_TIMEOUT, "handshake");
}

static size_t cut_at;
static void answer_cut(FakeConn *conn) {
  char accept[29];
  Buffer out = {0};
  if (conn->ended || !fake_ws_request(conn, accept)) return;
  fake_ws_put_answer(&out, accept, "");
  ws_frame(&out, true, WS_TEXT, NULL, "one", 3);
  ws_frame(&out, false, WS_TEXT, NULL, "t", 1);
  ws_frame(&out, true, WS_PING, NULL, "p", 1);
  ws_frame(&out, true, WS_CONTINUATION, NULL, "wo", 2);
  if (cut_at < out.len) out.len = cut_at;
  fake_write(conn, out.data, out.len);
  if (cut_at != SIZE_MAX) fake_close(conn);
  buffer_free(&out);
}

static void a_close_at_any_byte_is_reset(void **state) {
  Test *t = *state;
  t->fake.handler = answer_cut;
  for (cut_at = 0; cut_at < 150; cut_at++) {
    open_client(t);
    wait_closed(t);
    assert_int_equal(t->err.code, ERR_RESET);
    assert_int_equal(t->code, 1006);
    if (cut_at > 129 + 16) assert_string_equal(buffer_text(&t->texts), "one\ntwo\n");
    if (t->opened) assert_null(t->err.phase);
    else assert_string_equal(t->err.phase, "handshake");
    drop(t);
  }
  assert_int_equal(t->messages, 2);
}

static bool has_two_messages(void *ctx) {
  return ((Test *)ctx)->messages == 2;
}

static void frames_may_come_with_the_handshake(void **state) {
  Test *t = *state;
  cut_at = SIZE_MAX;
  t->fake.handler = answer_cut;
  open_client(t);
  assert_true(env_wait(&t->env, has_two_messages, t));
  assert_string_equal(buffer_text(&t->texts), "one\ntwo\n");
}

/* --- closing ---------------------------------------------------------------------- */

static void close_4001(FakeConn *conn) {
  fake_ws_close(conn, 4001, "bye");
}

static void record_and_hang_up(FakeConn *conn, WsEvent *event) {
  record(conn, event);
  if (event->type == WS_CLOSE) fake_close(conn);
}

static void a_close_by_the_server_is_answered(void **state) {
  Test *t = *state;
  t->on_open = close_4001;
  t->on_event = record_and_hang_up;
  open_client(t);
  wait_closed(t);
  assert_int_equal(t->code, 4001);
  assert_string_equal(t->reason, "bye");
  assert_int_equal(t->err.code, ERR_NONE);
  assert_string_equal(buffer_text(&t->got), "close:4001:\n");
}

static void a_server_that_does_not_hang_up_is_left(void **state) {
  Test *t = *state;
  t->on_open = close_4001;
  t->on_event = record;
  open_client(t);
  wait_closed(t);
  assert_int_equal(t->code, 4001);
  assert_int_equal(t->err.code, ERR_NONE);
  assert_true(env_wait(&t->env, conns_gone, t));
}

static void our_close_is_a_handshake(void **state) {
  Test *t = *state;
  open_client(t);
  assert_true(env_wait(&t->env, is_open, t));
  assert_int_equal(ws_send(t->ws, false, "last", 4), 0);
  ws_close(t->ws, 3000, "done");
  ws_close(t->ws, 3001, "again");
  assert_int_equal(ws_send(t->ws, false, "late", 4), ERR_NOT_CONNECTED);
  wait_closed(t);
  assert_int_equal(t->code, 3000);
  assert_int_equal(t->err.code, ERR_NONE);
  assert_string_equal(buffer_text(&t->got), "last\nclose:3000:done\n");
}

static const char *last_bytes;
static size_t last_len;
static void say_text_and_last(FakeConn *conn) {
  Buffer out = {0};
  ws_frame(&out, true, WS_TEXT, NULL, "question", 8);
  buffer_put(&out, last_bytes, last_len);
  fake_write(conn, out.data, out.len);
  buffer_free(&out);
}

static void answer(Event *event) {
  Test *t = CONTAINER_OF(event, Test, answer);
  if (t->ws) assert_int_equal(ws_send(t->ws, false, "answer", 6), 0);
}

static void answer_from_the_inbox(Test *t) {
  t->answer.run = answer;
  inbox_push(t->env.loop, &t->answer);
}

/* The message and the end lie in one segment, and the message is dispatched later. */
static void what_came_before_the_end_can_be_answered(void **state) {
  Test *t = *state;
  t->on_open = say_text_and_last;
  t->on_event = record_and_hang_up;
  t->in_message = answer_from_the_inbox;
  last_bytes = "\x88\x02\x0f\xa1"; /* close 4001 */
  last_len = 4;
  open_client(t);
  wait_closed(t);
  assert_int_equal(t->code, 4001);
  assert_int_equal(t->err.code, ERR_NONE);
  assert_string_equal(buffer_text(&t->got), "answer\nclose:4001:\n");
  drop(t);
  last_bytes = "\x83\x00"; /* an unknown opcode */
  last_len = 2;
  open_client(t);
  expect_failure(t, ERR_PROTOCOL, NULL);
  const char *got = buffer_text(&t->got);
  assert_ptr_equal(strstr(got, "answer\nclose:1002:"), got);
}

static void say_goodbye(Event *event) {
  Test *t = CONTAINER_OF(event, Test, answer);
  ws_send(t->ws, false, "answer", 6);
  ws_goodbye(t->ws, 1000, "ours");
  t->ws = NULL;
}

static void goodbye_from_the_inbox(Test *t) {
  t->answer.run = say_goodbye;
  inbox_push(t->env.loop, &t->answer);
}

static void a_goodbye_before_our_last_frame_says_it(void **state) {
  Test *t = *state;
  t->on_open = say_text_and_last;
  t->on_event = record_and_hang_up;
  t->in_message = goodbye_from_the_inbox;
  last_bytes = "\x88\x02\x0f\xa1";
  last_len = 4;
  open_client(t);
  assert_true(env_wait(&t->env, has_message, t));
  assert_true(env_wait(&t->env, conns_gone, t));
  assert_string_equal(buffer_text(&t->got), "answer\nclose:4001:\n");
  assert_int_equal(t->closes, 0);
}

static void an_unanswered_close_times_out(void **state) {
  Test *t = *state;
  t->on_event = record;
  open_client(t);
  assert_true(env_wait(&t->env, is_open, t));
  ws_close(t->ws, 1000, NULL);
  expect_failure(t, ERR_TIMEOUT, "close");
}

static void a_close_while_connecting_is_told(void **state) {
  Test *t = *state;
  open_client(t);
  ws_close(t->ws, 1000, NULL);
  assert_int_equal(t->closes, 0);
  expect_failure(t, ERR_ABORTED, NULL);
  assert_int_equal(t->opened, 0);
}

static void a_goodbye_reaches_the_server(void **state) {
  Test *t = *state;
  open_client(t);
  assert_true(env_wait(&t->env, is_open, t));
  assert_int_equal(ws_send(t->ws, false, "last", 4), 0);
  ws_goodbye(t->ws, 1000, "bye");
  t->ws = NULL;
  assert_true(env_wait(&t->env, conns_gone, t));
  assert_string_equal(buffer_text(&t->got), "last\nclose:1000:bye\n");
  assert_int_equal(t->closes, 0);
}

static void stop_reading(FakeConn *conn);

static void read_on(Test *t) {
  uv_read_start((uv_stream_t *)&t->fake.conns->tcp, fake_alloc, fake_read);
}

/* The peer reads nothing at first: the system cannot take it all at once. */
static void a_goodbye_stands_behind_all_that_was_sent(void **state) {
  Test *t = *state;
  size_t len = 12 << 20;
  char *data = xcalloc(1, len);
  t->on_open = stop_reading;
  WsOptions options = {.url = url_of(t), .close_timeout = 5};
  open_with(t, &options);
  assert_true(env_wait(&t->env, is_open, t));
  assert_int_equal(ws_send(t->ws, true, data, len), 0);
  t->on_event = record_and_hang_up;
  ws_goodbye(t->ws, 4002, "slow");
  t->ws = NULL;
  read_on(t);
  assert_true(env_wait(&t->env, conns_gone, t));
  assert_int_equal(t->got_bytes, len + 4);
  assert_string_equal(buffer_text(&t->got), "\nclose:4002:slow\n");
  assert_int_equal(t->closes, 0);
  free(data);
}

/* Takes 2 MB, and the next after a while. */
static void sip(FakeConn *conn) {
  Test *t = conn->fake->ctx;
  t->sipped += conn->in.len;
  serve(conn);
  if (t->sipped < 2 << 20 || conn->closing) return;
  t->sipped = 0;
  stop_reading(conn);
  timer_start(t->env.loop, &t->thirst, 0.05);
}

static void on_thirst(Timer *timer) {
  read_on(CONTAINER_OF(timer, Test, thirst));
}

/* In each period of close_timeout, which is much shorter than the whole. */
static void a_goodbye_waits_as_long_as_the_peer_goes_on(void **state) {
  Test *t = *state;
  size_t len = 32 << 20;
  char *data = xcalloc(1, len);
  t->fake.handler = sip;
  t->thirst.fire = on_thirst;
  t->on_event = record_and_hang_up;
  WsOptions options = {.url = url_of(t), .close_timeout = 0.2};
  open_with(t, &options);
  assert_true(env_wait(&t->env, is_open, t));
  assert_int_equal(ws_send(t->ws, true, data, len), 0);
  double start = loop_now(t->env.loop);
  ws_goodbye(t->ws, 4002, "slow");
  t->ws = NULL;
  assert_true(env_wait(&t->env, conns_gone, t));
  assert_int_equal(t->got_bytes, len + 4);
  assert_true(loop_now(t->env.loop) - start > 0.4);
  free(data);
}

/* A peer that never looks at it is left; so is one when all ends. */
static void a_goodbye_to_nobody_ends(void **state) {
  Test *t = *state;
  t->on_event = record;
  for (int i = 0; i < 2; i++) {
    open_client(t);
    assert_true(env_wait(&t->env, is_open, t));
    ws_goodbye(t->ws, 1000, NULL);
    t->ws = NULL;
    if (i == 0) assert_true(env_wait(&t->env, conns_gone, t));
  }
}

static void freeing_in_any_callback_is_legal(void **state) {
  Test *t = *state;
  cut_at = SIZE_MAX - 1;
  t->fake.handler = answer_cut;
  for (int when = FREE_IN_OPEN; when <= FREE_IN_CLOSED; when++) {
    t->free_in = (typeof(t->free_in))when;
    open_client(t);
    if (when == FREE_IN_OPEN) assert_true(env_wait(&t->env, is_open, t));
    if (when == FREE_IN_MESSAGE) assert_true(env_wait(&t->env, has_message, t));
    if (when == FREE_IN_CLOSED) wait_closed(t);
    assert_true(env_wait(&t->env, conns_gone, t));
    assert_null(t->ws);
    assert_int_equal(t->messages, when == FREE_IN_CLOSED ? 2 : when - 1);
    assert_int_equal(t->closes, when == FREE_IN_CLOSED);
  }
}

/* --- bad peers -------------------------------------------------------------------- */

static const char *bad_bytes;
static size_t bad_len;
static void say_bad(FakeConn *conn) {
  fake_ws_text(conn, "good");
  fake_write(conn, bad_bytes, bad_len);
}

static void violations_are_named_and_answered(void **state) {
  Test *t = *state;
  static const struct {
    const char *bytes;
    size_t len;
    const char *close;
  } cases[] = {{"\x91\x00", 2, "close:1002:"}, /* a reserved bit */
               {"\x83\x00", 2, "close:1002:"}, /* an unknown opcode */
               {"\x81\x82"
                "abcdef",
                8, "close:1002:"},                     /* a mask */
               {"\x81\x02\xc3\x28", 4, "close:1007:"}, /* not UTF-8 */
               {"\x88\x02\x03\xee", 4, "close:1002:"}, /* close code 1006 */
               {"\x80\x00", 2, "close:1002:"}};        /* a continuation of nothing */
  t->on_open = say_bad;
  t->on_event = record_and_hang_up;
  for (size_t i = 0; i < COUNT_OF(cases); i++) {
    bad_bytes = cases[i].bytes;
    bad_len = cases[i].len;
    open_client(t);
    expect_failure(t, ERR_PROTOCOL, NULL);
    assert_string_equal(buffer_text(&t->texts), "good\n");
    assert_ptr_equal(strstr(buffer_text(&t->got), cases[i].close), t->got.data);
  }
}

static void say_much(FakeConn *conn) {
  static char much[2000];
  fake_ws_send(conn, WS_BINARY, much, sizeof much);
}

static void an_oversized_message_is_too_large(void **state) {
  Test *t = *state;
  t->on_open = say_much;
  t->on_event = record_and_hang_up;
  WsOptions options = {.url = url_of(t), .max_message = 1999};
  open_with(t, &options);
  expect_failure(t, ERR_TOO_LARGE, NULL);
  assert_ptr_equal(strstr(buffer_text(&t->got), "close:1009:"), t->got.data);
}

static void ping_thrice(FakeConn *conn) {
  fake_ws_send(conn, WS_PING, "a", 1);
  fake_ws_send(conn, WS_PING, "", 0);
  fake_ws_send(conn, WS_PING, "c", 1);
}

static bool got_three(void *ctx) {
  return ((Test *)ctx)->got_count >= 3;
}

static void pings_are_answered(void **state) {
  Test *t = *state;
  t->on_open = ping_thrice;
  t->on_event = record;
  open_client(t);
  assert_true(env_wait(&t->env, got_three, t));
  assert_string_equal(buffer_text(&t->got), "pong:a\npong:\npong:c\n");
}

/* --- too much --------------------------------------------------------------------- */

enum { FLOOD = 200, FLOOD_SIZE = 50000 };

/* Pings between them, and does not read until `step` is set. */
static void flood(FakeConn *conn) {
  static char data[FLOOD_SIZE];
  memset(data, 'x', sizeof data);
  for (int i = 0; i < FLOOD; i++) fake_ws_send(conn, WS_TEXT, data, sizeof data);
}

static void pause_at_first(Test *t) {
  if (t->messages == 1) ws_pause(t->ws, true);
}

static bool has_flood(void *ctx) {
  return ((Test *)ctx)->messages == FLOOD;
}

static void a_paused_client_leaves_the_flood_to_the_peer(void **state) {
  Test *t = *state;
  t->on_open = flood;
  t->in_message = pause_at_first;
  open_client(t);
  assert_true(env_wait(&t->env, has_message, t));
  env_wait_for(&t->env, 0.1, env_never, NULL);
  assert_in_range(t->bytes, FLOOD_SIZE, 2 * NET_SCRATCH + FLOOD_SIZE);
  assert_true(uv_stream_get_write_queue_size((uv_stream_t *)&t->fake.conns->tcp) > 0);
  ws_pause(t->ws, false);
  assert_true(env_wait(&t->env, has_flood, t));
  assert_int_equal(t->bytes, FLOOD * FLOOD_SIZE);
}

static void stop_reading(FakeConn *conn) {
  uv_read_stop((uv_stream_t *)&conn->tcp);
}

static bool got_flood(void *ctx) {
  return ((Test *)ctx)->got_count == FLOOD;
}

static void a_slow_peer_fills_the_buffer_to_its_limit(void **state) {
  Test *t = *state;
  static char data[FLOOD_SIZE];
  memset(data, 'y', sizeof data);
  t->on_open = stop_reading;
  t->on_event = record;
  WsOptions options = {.url = url_of(t), .max_buffered = FLOOD * FLOOD_SIZE};
  open_with(t, &options);
  assert_true(env_wait(&t->env, is_open, t));
  for (int i = 0; i < FLOOD - 1; i++) {
    assert_int_equal(ws_send(t->ws, false, data, sizeof data), 0);
    if (i % 10 == 0) env_wait_for(&t->env, 0.001, env_never, NULL);
  }
  size_t buffered = ws_buffered(t->ws);
  assert_true(buffered > 0);
  assert_int_equal(ws_send(t->ws, true, data, sizeof data), 0);
  char *rest = xcalloc(1, FLOOD * FLOOD_SIZE);
  assert_int_equal(ws_send(t->ws, true, rest, FLOOD * FLOOD_SIZE), ERR_BUFFER_FULL);
  free(rest);
  uv_read_start((uv_stream_t *)&t->fake.conns->tcp, fake_alloc, fake_read);
  assert_true(env_wait(&t->env, got_flood, t));
  assert_int_equal(t->got_bytes, FLOOD * FLOOD_SIZE);
  assert_int_equal(ws_buffered(t->ws), 0);
}

static void text_that_is_not_utf8_is_not_sent(void **state) {
  Test *t = *state;
  open_client(t);
  assert_int_equal(ws_send(t->ws, false, "early", 5), ERR_NOT_CONNECTED);
  assert_true(env_wait(&t->env, is_open, t));
  assert_int_equal(ws_send(t->ws, false, "\xc3\x28", 2), ERR_DECODE);
  assert_int_equal(ws_send(t->ws, true, "\xc3\x28", 2), 0);
  assert_true(env_wait(&t->env, has_message, t));
  assert_string_equal(buffer_text(&t->texts), "binary:\xc3\x28\n");
}

static void say_part_and_reset(FakeConn *conn) {
  if (conn->ended || conn->closing || !conn->in.len) return;
  fake_puts(conn, "HTTP/1.1 101");
  fake_reset(conn);
}

static void a_reset_behind_bytes_is_told(void **state) {
  Test *t = *state;
  t->fake.handler = say_part_and_reset;
  open_client(t);
  expect_failure(t, ERR_RESET, "handshake");
}

static void a_reset_while_writing_is_told(void **state) {
  Test *t = *state;
  open_client(t);
  assert_true(env_wait(&t->env, is_open, t));
  fake_reset(t->fake.conns);
  ws_send(t->ws, false, "x", 1);
  expect_failure(t, ERR_RESET, NULL);
}

/* --- TLS -------------------------------------------------------------------------- */

static bool has_hundred(void *ctx) {
  return ((Test *)ctx)->messages == 100;
}

static void it_all_works_over_tls(void **state) {
  Test *t = *state;
  Front front;
  char url[64];
  char *data = xcalloc(1, 100000);
  front_start(&front, t->fake.port);
  snprintf(url, sizeof url, "wss://localhost:%d/", front.good);
  WsOptions options = {.url = url, .route.ca_file = front.ca_file};
  open_with(t, &options);
  assert_true(env_wait(&t->env, is_open, t));
  for (int i = 0; i < 100; i++)
    assert_int_equal(ws_send(t->ws, true, data, i % 2 ? 100000 : 10), 0);
  assert_true(env_wait(&t->env, has_hundred, t));
  assert_int_equal(t->bytes, 50 * 100010);
  ws_close(t->ws, 1000, "");
  wait_closed(t);
  assert_int_equal(t->err.code, ERR_NONE);
  drop(t);
  options.route.ca_file = NULL;
  open_with(t, &options);
  expect_failure(t, ERR_TLS, "tls");
  free(data);
  front_stop(&front);
}

static void a_paused_client_over_tls_goes_on_where_it_was(void **state) {
  Test *t = *state;
  Front front;
  char url[64];
  front_start(&front, t->fake.port);
  snprintf(url, sizeof url, "wss://localhost:%d/", front.good);
  WsOptions options = {.url = url, .route.ca_file = front.ca_file};
  t->on_open = flood;
  t->in_message = pause_at_first;
  open_with(t, &options);
  assert_true(env_wait(&t->env, has_message, t));
  env_wait_for(&t->env, 0.05, env_never, NULL);
  assert_true(t->messages < FLOOD);
  ws_pause(t->ws, false);
  assert_true(env_wait(&t->env, has_flood, t));
  drop(t);
  front_stop(&front);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  signal(SIGPIPE, SIG_IGN);
  const struct CMUnitTest tests[] = {
      TEST(messages_of_all_sizes_are_echoed),
      TEST(the_request_says_what_was_asked),
      TEST(what_cannot_be_asked_is_refused_at_once),
      TEST(a_refused_port_is_connect),
      TEST(wrong_answers_are_handshake),
      TEST(endless_headers_are_refused),
      TEST(a_silent_server_times_out_in_the_handshake),
      TEST(a_close_at_any_byte_is_reset),
      TEST(frames_may_come_with_the_handshake),
      TEST(a_close_by_the_server_is_answered),
      TEST(a_server_that_does_not_hang_up_is_left),
      TEST(our_close_is_a_handshake),
      TEST(what_came_before_the_end_can_be_answered),
      TEST(a_goodbye_before_our_last_frame_says_it),
      TEST(an_unanswered_close_times_out),
      TEST(a_close_while_connecting_is_told),
      TEST(a_goodbye_reaches_the_server),
      TEST(a_goodbye_stands_behind_all_that_was_sent),
      TEST(a_goodbye_waits_as_long_as_the_peer_goes_on),
      TEST(a_goodbye_to_nobody_ends),
      TEST(freeing_in_any_callback_is_legal),
      TEST(violations_are_named_and_answered),
      TEST(an_oversized_message_is_too_large),
      TEST(pings_are_answered),
      TEST(a_paused_client_leaves_the_flood_to_the_peer),
      TEST(a_slow_peer_fills_the_buffer_to_its_limit),
      TEST(text_that_is_not_utf8_is_not_sent),
      TEST(a_reset_behind_bytes_is_told),
      TEST(a_reset_while_writing_is_told),
      TEST(it_all_works_over_tls),
      TEST(a_paused_client_over_tls_goes_on_where_it_was),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
