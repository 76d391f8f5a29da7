/* The ground of the Engine's tests: the client, and a server that does only what a test
 * says, so that a test reads as a conversation. What the server is asked lies in a list
 * of lines until the test expects it:
 *
 *   GET, POST packets     by polling; "GET abc" behind the handshake, abc being the sid
 *   WS                    a WebSocket is asked for; "WS abc" to probe
 *   ws packet             came over it; "ws binary x", "ws close 1000"
 *   GET gone, ws gone     the client hung up while that was under way
 *   two GET               at once, which ends a session
 *
 * Lines of one kind (their first word) come in the order in which they were sent. What
 * the client is told is a text of lines: "open", "message x", "binary x", "lost reason
 * CODE". '|' stands for the separator of a polling payload. */
#ifndef TIDELOCK_TESTS_ENGINE_ENV_H
#define TIDELOCK_TESTS_ENGINE_ENV_H

#include "fake_ws.h"
#include "net_env.h"
#include "socket/engine.h"

#define HELLO_WITH(upgrades, interval, timeout, most)                                    \
  "0{\"sid\":\"abc\",\"upgrades\":[" upgrades "],\"pingInterval\":" interval             \
  ",\"pingTimeout\":" timeout ",\"maxPayload\":" most "}"
#define HELLO HELLO_WITH("", "25000", "20000", "1000")
#define HELLO_UPGRADES HELLO_WITH("\"websocket\"", "25000", "20000", "1000")

enum { MOST_ASKED = 64 };

typedef struct Test {
  Env env;
  Fake fake;
  FakeConn *get, *post, *ws; /* under way; ws: asked for, or open */
  bool deaf, mute;           /* it answers no close frame; no ping: "ws ping" */
  char *asked[MOST_ASKED];
  int count;
  const char *kind; /* that is waited for */
  size_t told_len;
  char target[512]; /* of the last request by polling */
  /* the client */
  Engine *engine;
  EngineOptions options;
  char front[64];
  Buffer told;
  const char *free_in; /* what it is told first frees it */
  double lost_at;
  Error lost;
  int lost_code;
  Cookies *cookies;
} Test;

/* --- the server ------------------------------------------------------------------- */

static void note(Test *t, const char *kind, const char *data, size_t len) {
  CHECK(t->count < MOST_ASKED);
  char *line = xasprintf("%s%s%.*s", kind, len ? " " : "", (int)len, data);
  for (char *c = line; *c; c++)
    if (*c == 0x1e) *c = '|';
  t->asked[t->count++] = line;
}

static void on_frame(FakeConn *conn, WsEvent *event) {
  Test *t = conn->fake->ctx;
  char kind[32] = "ws";
  if (event->type == WS_PING && !t->mute) {
    fake_ws_send(conn, WS_PONG, event->data, event->len);
    return;
  }
  if (event->type == WS_BINARY) snprintf(kind, sizeof kind, "ws binary");
  if (event->type == WS_PING) snprintf(kind, sizeof kind, "ws ping");
  if (event->type == WS_CLOSE)
    snprintf(kind, sizeof kind, "ws close %d", event->close_code);
  note(t, kind, event->data, event->type == WS_CLOSE ? 0 : event->len);
  if (event->type != WS_CLOSE || t->deaf) return;
  fake_ws_close(conn, event->close_code, "");
  fake_close(conn);
  t->ws = NULL;
}

static void released(FakeConn *conn) {
  Test *t = conn->fake->ctx;
  if (t->get == conn) t->get = NULL;
  if (t->post == conn) t->post = NULL;
  if (t->ws == conn) t->ws = NULL;
  ws_parser_free(conn->data);
}

static void hung_up(Test *t, FakeConn *conn) {
  if (t->get == conn) note(t, "GET gone", "", 0);
  if (t->post == conn) note(t, "POST gone", "", 0);
  if (t->ws == conn) note(t, "ws gone", "", 0);
}

static void note_request(Test *t, const char *kind, const char *head) {
  const char *end = strchr(strchr(head, ' ') + 1, ' '), *sid = strstr(head, "&sid=");
  snprintf(t->target, sizeof t->target, "%.*s", (int)(end - head), head);
  bool has = sid && sid < end;
  note(t, kind, has ? sid + 5 : "", has ? (size_t)(end - sid - 5) : 0);
}

/* One request by polling, when it is whole. Two of a kind at once would end the session:
 * "two GET". */
static void take_request(Test *t, FakeConn *conn) {
  const char *text = buffer_text(&conn->in), *end = strstr(text, "\r\n\r\n");
  if (!end) return;
  const char *length = strstr(text, "Content-Length: ");
  size_t head = (size_t)(end - text) + 4, body = length ? strtoul(length + 16, 0, 10) : 0;
  bool get = strncmp(text, "GET ", 4) == 0;
  if (strstr(text, "Upgrade: websocket")) { /* fake_ws_accept takes it */
    if (!t->ws) note_request(t, "WS", text);
    t->ws = conn;
    return;
  }
  if (conn->in.len < head + body) return;
  if (get ? t->get : t->post) note(t, "two", text, 4);
  *(get ? &t->get : &t->post) = conn;
  if (get) note_request(t, "GET", text);
  else note(t, "POST", text + head, body);
  buffer_consume(&conn->in, head + body);
}

static void serve(FakeConn *conn) {
  Test *t = conn->fake->ctx;
  conn->release = released;
  if (conn->data) fake_ws_events(conn, on_frame);
  else if (!conn->ended) take_request(t, conn);
  if (conn->ended) hung_up(t, conn);
}

/* --- what the server says --------------------------------------------------------- */

static inline void answer(FakeConn **to, int status, const char *body) {
  FakeConn *conn = *to;
  assert_non_null(conn);
  Buffer out = {0};
  buffer_printf(&out, "HTTP/1.1 %d Whatever\r\nContent-Length: %zu\r\n\r\n", status,
                strlen(body));
  for (const char *c = body; *c; c++) buffer_putc(&out, *c == '|' ? 0x1e : *c);
  *to = NULL;
  fake_write(conn, out.data, out.len);
  buffer_free(&out);
}

static inline void answer_get(Test *t, const char *packets) {
  answer(&t->get, 200, packets);
}

static inline void answer_post(Test *t) {
  answer(&t->post, 200, "ok");
}

static inline void accept_ws(Test *t) {
  assert_true(t->ws && fake_ws_accept(t->ws, ""));
  t->ws->release = released;
}

static inline void say(Test *t, const char *packet) {
  assert_non_null(t->ws);
  fake_ws_text(t->ws, packet);
}

static inline void hang_up(FakeConn **conn) {
  assert_non_null(*conn);
  fake_close(*conn);
  *conn = NULL;
}

/* --- what it expects -------------------------------------------------------------- */

static int find_asked(const Test *t, const char *kind) {
  size_t len = strcspn(kind, " ");
  for (int i = 0; i < t->count; i++)
    if (strncmp(t->asked[i], kind, len) == 0 && strchr(" ", t->asked[i][len])) return i;
  return -1;
}

static bool was_asked(void *ctx) {
  Test *t = ctx;
  return find_asked(t, t->kind) >= 0;
}

/* The next line of its kind. */
static inline void expect(Test *t, const char *line) {
  t->kind = line;
  if (!env_wait(&t->env, was_asked, t)) fail_msg("waited in vain for: %s", line);
  int at = find_asked(t, line);
  char *got = t->asked[at];
  memmove(t->asked + at, t->asked + at + 1, (size_t)(--t->count - at) * sizeof *t->asked);
  assert_string_equal(got, line);
  free(got);
}

static inline void expect_nothing(Test *t) {
  if (t->count) fail_msg("nobody expected: %s", t->asked[0]);
}

static bool was_told(void *ctx) {
  Test *t = ctx;
  return t->told.len >= t->told_len;
}

/* All that the client was told since. */
static inline void told(Test *t, const char *lines) {
  t->told_len = strlen(lines);
  env_wait(&t->env, was_told, t);
  assert_string_equal(buffer_text(&t->told), lines);
  buffer_clear(&t->told);
}

static bool fired(void *ctx) {
  return !timer_active(ctx);
}

static void nothing(Timer *timer) {
  (void)timer;
}

/* Where that time passes is what is tested. */
static inline void let_pass(Test *t, double seconds) {
  Timer timer = {.fire = nothing};
  timer_start(t->env.loop, &timer, seconds);
  env_wait(&t->env, fired, &timer);
}

/* --- the client ------------------------------------------------------------------- */

static inline void leave(Test *t) {
  if (t->engine) engine_free(t->engine, 1000, NULL);
  t->engine = NULL;
}

static bool is_idle(void *ctx) {
  Test *t = ctx;
  return !t->get && !t->post && !t->ws;
}

/* Leaves a session over polling that stands: the GET is held until all is said. */
static inline void say_goodbye(Test *t) {
  leave(t);
  expect(t, "POST 1");
  answer_post(t);
  expect(t, "GET gone");
}

/* Leaves a session that was lost: what it had under way is given up. */
static inline void give_up(Test *t) {
  leave(t);
  assert_true(env_wait(&t->env, is_idle, t));
  while (t->count && strstr(t->asked[t->count - 1], " gone")) free(t->asked[--t->count]);
}

static void tell(Test *t, const char *line) {
  buffer_printf(&t->told, "%s\n", line);
  if (!t->free_in || strcmp(line, t->free_in) != 0) return;
  t->free_in = NULL;
  leave(t);
}

static void on_open(void *ctx) {
  tell(ctx, "open");
}

static void on_message(void *ctx, bool binary, const char *data, size_t len) {
  char *line = xasprintf("%s %.*s", binary ? "binary" : "message", (int)len, data);
  tell(ctx, line);
  free(line);
}

static void on_lost(void *ctx, const EngineLoss *loss) {
  Test *t = ctx;
  t->lost_at = loop_now(t->env.loop);
  t->lost = loss->err;
  t->lost_code = loss->code;
  char *line = xasprintf("lost %s %s", loss->reason, error_name(loss->err.code));
  tell(t, line);
  free(line);
}

static void on_unsent(void *ctx, bool binary, const char *data, size_t len) {
  char *line = xasprintf("unsent %s%.*s", binary ? "binary " : "",
                         len < 20 ? (int)len : 20, data ? data : "?");
  tell(ctx, line);
  free(line);
}

static void on_passed(void *ctx, uint32_t number) {
  char line[32];
  snprintf(line, sizeof line, "passed %u", number);
  tell(ctx, line);
}

static inline void open_client(Test *t, EioTransports first) {
  static const EngineCallbacks callbacks = {on_open, on_message, on_lost,
                                            NULL,    on_passed,  on_unsent};
  Error err;
  t->options.first = first;
  t->engine = engine_open(t->env.net, &t->options, &callbacks, t, &err);
  if (!t->engine) fail_msg("%s", err.message);
}

static inline void open_polling(Test *t, const char *hello) {
  open_client(t, EIO_POLLING);
  expect(t, "GET");
  answer_get(t, hello);
  told(t, "open\n");
  expect(t, "GET abc");
}

static inline void open_ws(Test *t) {
  open_client(t, EIO_WEBSOCKET);
  expect(t, "WS");
  accept_ws(t);
  say(t, HELLO);
  told(t, "open\n");
}

static inline int send_text(Test *t, const char *packet) {
  return engine_send(t->engine, false, packet, strlen(packet));
}

/* --- before and after ------------------------------------------------------------- */

static inline int setup(void **state) {
  Test *t = xcalloc(1, sizeof *t);
  env_open(&t->env);
  fake_listen(&t->fake, t->env.loop, serve, t);
  snprintf(t->front, sizeof t->front, "ws://127.0.0.1:%d", t->fake.port);
  t->cookies = cookies_new();
  t->options = (EngineOptions){.front = t->front, .upgrade = true, .cookies = t->cookies};
  t->options.ws = (WsOptions){.connect_timeout = 10, .max_message = 4000};
  *state = t;
  return 0;
}

/* Nothing may be left that nobody expected; env_close fails on what is left open. */
static inline int teardown(void **state) {
  Test *t = *state;
  int bad = t->told.len > 0;
  for (int i = 0; i < t->count; i++) {
    if (strstr(t->asked[i], " gone")) continue;
    print_message("nobody expected: %s\n", t->asked[i]);
    bad = 1;
  }
  if (t->told.len) print_message("told besides: %s\n", buffer_text(&t->told));
  leave(t);
  fake_stop(&t->fake);
  env_close(&t->env);
  for (int i = 0; i < t->count; i++) free(t->asked[i]);
  cookies_free(t->cookies);
  buffer_free(&t->told);
  free(t);
  return bad;
}

#endif
