/* The embedded server through its door, spoken to with bare sockets on the same loop:
 * what it answers, what it refuses, and that nothing is left of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/utf8.h"
#include "net/hosts.h"
#include "server/door.h"
#include "proto/websocket.h"

/* The shared object finds these in whoever loads it: so this program must hold them. */
typedef void AnyFunction(void);
#define HELD(name) (AnyFunction *)name
static AnyFunction *const held[] __attribute__((used)) = {
    HELD(http1_new),   HELD(http1_reason),   HELD(ws_parse),   HELD(ws_parser_new),
    HELD(ws_frame),    HELD(ws_accept),      HELD(utf8_valid), HELD(buffer_consume),
    HELD(timer_start), HELD(authority_read), HELD(charge_set), HELD(charge_is_over)};

/* --- the world of a test ---------------------------------------------------------- */

enum { MAX_NOTES = 64 };

typedef struct World {
  Log *log;
  Loop *loop;
  Servers *servers;
  Server *server;
  Buffer notes;     /* what the callbacks saw, one line each */
  uint64_t last_id; /* of the latest request */
  int requests, gone, messages, closed;
  bool hold;   /* requests are not answered */
  bool accept; /* WebSockets are accepted, their messages echoed */
  bool mute;   /* but not these */
  size_t big;  /* size of the answer to /big */
} World;

static void turn(World *w) {
  uv_run(loop_uv(w->loop), UV_RUN_NOWAIT);
}

static double deadline(World *w) {
  return loop_now(w->loop) + 10;
}

static void answer(World *w, uint64_t id, const char *text) {
  static const char *const headers[] = {"Content-Type: text/plain", "X-Own: 1", NULL};
  Error err;
  assert_int_equal(server_respond(w->server, id, 200, headers, text, strlen(text), &err),
                   0);
}

static void on_request(void *ctx, const ServerRequest *request) {
  World *w = ctx;
  const Http1Request *http = request->http;
  Error err;
  w->requests++;
  w->last_id = request->id;
  buffer_printf(&w->notes, "%s %s?%s %.*s|", http->method, http->path, http->query,
                (int)http->body_len, http->body);
  assert_string_equal(request->remote, "127.0.0.1");
  if (w->hold) return;
  if (request->websocket && w->accept) {
    assert_int_equal(server_accept(w->server, request->id, NULL, &err), 0);
  } else if (strcmp(http->path, "/big") == 0) {
    char *body = malloc(w->big);
    memset(body, 'b', w->big);
    assert_int_equal(
        server_respond(w->server, request->id, 200, NULL, body, w->big, &err), 0);
    free(body);
  } else {
    char *text = xasprintf("<%s>", http->path);
    answer(w, request->id, text);
    free(text);
  }
}

static void on_gone(void *ctx, uint64_t id) {
  World *w = ctx;
  assert_int_equal(id, w->last_id);
  w->gone++;
}

static void on_message(void *ctx, uint64_t id, bool binary, const char *data,
                       size_t len) {
  World *w = ctx;
  Error err;
  w->messages++;
  if (len < 100) buffer_printf(&w->notes, "message %.*s|", (int)len, data);
  if (!w->mute) server_send(w->server, id, binary, data, len, &err);
}

static void on_drained(void *ctx, uint64_t id) {
  World *w = ctx;
  (void)id;
  buffer_puts(&w->notes, "drained|");
}

static void on_closed(void *ctx, uint64_t id, int code, const char *reason, size_t len) {
  World *w = ctx;
  (void)id;
  w->closed++;
  buffer_printf(&w->notes, "closed %d %.*s|", code, (int)len, reason);
}

static const ServerCallbacks callbacks = {on_request, on_gone, on_drained, on_message,
                                          on_closed};

static const char *const names[] = {"a", NULL}; /* as the requests below have it */

static World *world_telling(FILE *told, ServerOptions options) {
  World *w = calloc(1, sizeof *w);
  Error err;
  if (!options.hosts) options.hosts = names;
  w->log = log_new(told, LOG_WARN, LOG_TEXT);
  w->loop = loop_new(w->log);
  w->servers = servers_new(w->loop);
  w->server = server_open(w->servers, &options, &callbacks, w, &err);
  if (!w->server) fail_msg("%s (%s)", err.message, err.detail);
  return w;
}

static World *world_with(ServerOptions options) {
  return world_telling(stderr, options);
}

static World *world(void) {
  return world_with((ServerOptions){.max_body = 100000, .max_message = 1000});
}

static void world_free(World *w) {
  servers_free(w->servers);
  loop_finish(w->loop);
  loop_free(w->loop);
  log_free(w->log);
  buffer_free(&w->notes);
  free(w);
}

/* --- clients ---------------------------------------------------------------------- */

typedef struct Client {
  World *w;
  int fd;
  bool eof;
  Buffer got;
} Client;

static Client dial(World *w) {
  Client c = {.w = w, .fd = socket(AF_INET, SOCK_STREAM, 0)};
  struct sockaddr_in to = {.sin_family = AF_INET,
                           .sin_port = htons((uint16_t)server_port(w->server)),
                           .sin_addr = {htonl(INADDR_LOOPBACK)}};
  assert_int_equal(connect(c.fd, (struct sockaddr *)&to, sizeof to), 0);
  fcntl(c.fd, F_SETFL, O_NONBLOCK);
  return c;
}

static void hang_up(Client *c) {
  close(c->fd);
  buffer_free(&c->got);
}

static void read_some(Client *c) {
  char *room = buffer_reserve(&c->got, 65536);
  ssize_t n = recv(c->fd, room, 65536, 0);
  if (n > 0) c->got.len += (size_t)n;
  if (n == 0 || (n < 0 && errno != EAGAIN)) c->eof = true;
}

static void say_bytes(Client *c, const char *data, size_t len) {
  double end = deadline(c->w);
  while (len > 0) {
    ssize_t n = send(c->fd, data, len, MSG_NOSIGNAL);
    if (n < 0 && errno != EAGAIN) return; /* the server has had enough */
    if (n > 0) data += n, len -= (size_t)n;
    turn(c->w);
    if (loop_now(c->w->loop) > end) fail_msg("the server does not read");
  }
}

static void say(Client *c, const char *text) {
  say_bytes(c, text, strlen(text));
}

static bool has_from(Client *c, size_t from, const char *text) {
  if (from > c->got.len) return false;
  const char *data = c->got.data ? c->got.data : "";
  return memmem(data + from, c->got.len - from, text, strlen(text)) != NULL;
}

static bool has(Client *c, const char *text) {
  return has_from(c, 0, text);
}

static void expect(Client *c, const char *text) {
  double end = deadline(c->w);
  size_t from = 0, len = strlen(text);
  while (!has_from(c, from, text)) {
    if (loop_now(c->w->loop) > end || c->eof)
      fail_msg("expected \"%s\", got \"%.*s\"%s", text, (int)c->got.len, c->got.data,
               c->eof ? " and the end" : "");
    from = c->got.len > len ? c->got.len - len : 0;
    turn(c->w);
    read_some(c);
  }
}

static void expect_eof(Client *c) {
  double end = deadline(c->w);
  while (!c->eof) {
    turn(c->w);
    read_some(c);
    if (loop_now(c->w->loop) > end) fail_msg("expected the end");
  }
}

#define UNTIL(w, cond)                                                                   \
  do {                                                                                   \
    double end_ = deadline(w);                                                           \
    while (!(cond)) {                                                                    \
      turn(w);                                                                           \
      if (loop_now((w)->loop) > end_) fail_msg("waited in vain for " #cond);             \
    }                                                                                    \
  } while (0)

static size_t count_of(Client *c, const char *text) {
  size_t n = 0, len = strlen(text);
  for (size_t i = 0; i + len <= c->got.len; i++)
    if (memcmp(c->got.data + i, text, len) == 0) n++;
  return n;
}

/* --- HTTP ------------------------------------------------------------------------- */

#define GET(path) "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"

static void test_get_and_keep_alive(void **state) {
  (void)state;
  World *w = world();
  Client c = dial(w);
  say(&c, GET("/a?x=1"));
  expect(&c, "HTTP/1.1 200 OK\r\n");
  expect(&c, "Content-Type: text/plain\r\nX-Own: 1\r\nContent-Length: 4\r\n");
  expect(&c, "\r\n\r\n</a>");
  say(&c, "POST /b HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhe");
  say(&c, "llo");
  expect(&c, "</b>");
  assert_string_equal(buffer_text(&w->notes), "GET /a?x=1 |POST /b? hello|");
  assert_int_equal(server_connections(w->server), 1);
  hang_up(&c);
  UNTIL(w, server_connections(w->server) == 0);
  world_free(w);
}

static void test_head_and_close(void **state) {
  (void)state;
  World *w = world();
  Client c = dial(w);
  say(&c, "HEAD /head HTTP/1.1\r\nHost: a\r\n\r\n");
  expect(&c, "Content-Length: 7\r\n\r\n");
  say(&c, "GET /x HTTP/1.0\r\n\r\n");
  expect(&c, "Connection: close\r\n\r\n</x>");
  expect_eof(&c);
  assert_false(has(&c, "</head>"));
  hang_up(&c);
  world_free(w);
}

static void test_pipelining(void **state) {
  (void)state;
  World *w = world();
  Client c = dial(w);
  Buffer text = {.len = 0};
  for (int i = 0; i < 1000; i++)
    buffer_printf(&text, "GET /%d HTTP/1.1\r\nHost: a\r\n\r\n", i);
  say_bytes(&c, text.data, text.len);
  expect(&c, "</999>");
  const char *at = buffer_text(&c.got);
  for (int i = 0; i < 1000; i++) {
    char *want = xasprintf("</%d>", i);
    at = strstr(at, want);
    assert_non_null(at);
    free(want);
  }
  buffer_free(&text);
  hang_up(&c);
  world_free(w);
}

/* Answers given late, in an order of their own, reach their requests. */
static void test_late_answers(void **state) {
  (void)state;
  World *w = world();
  w->hold = true;
  Client a = dial(w), b = dial(w);
  Error err;
  say(&a, GET("/1") GET("/2"));
  UNTIL(w, w->requests == 1);
  uint64_t first = w->last_id;
  say(&b, GET("/3"));
  UNTIL(w, w->requests == 2);
  uint64_t third = w->last_id;
  answer(w, third, "third");
  expect(&b, "third");
  assert_int_equal(w->requests, 2); /* the second waits for the first */
  answer(w, first, "first");
  assert_int_equal(server_respond(w->server, first, 200, NULL, "x", 1, &err), ERR_CLOSED);
  UNTIL(w, w->requests == 3);
  answer(w, w->last_id, "second");
  expect(&a, "second");
  assert_int_equal(server_respond(w->server, 12345, 200, NULL, "x", 1, &err), ERR_CLOSED);
  hang_up(&a);
  hang_up(&b);
  world_free(w);
}

static bool begin(World *w, int status) {
  Error err;
  bool takes = false;
  assert_int_equal(server_begin(w->server, w->last_id, status, NULL, &takes, &err), 0);
  return takes;
}

static int put(World *w, const char *data, size_t len) {
  Error err;
  bool much;
  return server_write(w->server, w->last_id, data, len, &much, &err);
}

static void ask(Client *c, const char *request) {
  int before = c->w->requests;
  say(c, request);
  UNTIL(c->w, c->w->requests == before + 1);
}

/* An answer in pieces: chunks, to HTTP/1.0 the end; the next request comes after it. */
static void test_pieces(void **state) {
  (void)state;
  World *w = world();
  w->hold = true;
  Client c = dial(w), old = dial(w);
  Error err;
  bool takes;
  ask(&c, GET("/1") "HEAD /2 HTTP/1.1\r\nHost: a\r\n\r\n" GET("/3"));
  assert_int_equal(server_begin(w->server, w->last_id, 204, NULL, &takes, &err),
                   ERR_INVALID);
  assert_true(begin(w, 200));
  assert_int_equal(put(w, "first", 5), 0);
  assert_int_equal(put(w, "", 0), 0);
  expect(&c, "Transfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n");
  assert_int_equal(w->requests, 1);
  assert_int_equal(server_respond(w->server, w->last_id, 200, NULL, "", 0, &err),
                   ERR_CLOSED);
  assert_int_equal(put(w, "0123456789abcdefg", 17), 0);
  uint64_t first = w->last_id;
  server_finish(w->server, first, true);
  expect(&c, "11\r\n0123456789abcdefg\r\n0\r\n\r\n");
  UNTIL(w, w->requests == 2);
  server_finish(w->server, first, false); /* of an answer that has ended: nothing */
  assert_false(begin(w, 200));
  assert_int_equal(put(w, "x", 1), ERR_CLOSED);
  UNTIL(w, w->requests == 3);
  answer(w, w->last_id, "third");
  expect(&c, "third");
  assert_int_equal(count_of(&c, "0\r\n\r\n"), 1);
  ask(&old, "GET / HTTP/1.0\r\n\r\n");
  assert_true(begin(w, 200));
  assert_int_equal(put(w, "plain", 5), 0);
  server_finish(w->server, w->last_id, true);
  expect(&old, "Connection: close\r\n\r\nplain");
  expect_eof(&old);
  assert_false(has(&old, "chunked"));
  hang_up(&c);
  hang_up(&old);
  world_free(w);
}

/* One that its script breaks off has no last chunk; of a client that goes it hears. */
static void test_pieces_cut(void **state) {
  (void)state;
  World *w = world();
  w->hold = true;
  Client c = dial(w), gone = dial(w);
  ask(&c, GET("/cut"));
  begin(w, 200);
  assert_int_equal(put(w, "half", 4), 0);
  server_finish(w->server, w->last_id, false);
  expect(&c, "4\r\nhalf\r\n");
  expect_eof(&c);
  assert_false(has(&c, "0\r\n\r\n"));
  ask(&gone, GET("/gone"));
  begin(w, 200);
  setsockopt(gone.fd, SOL_SOCKET, SO_LINGER, &(struct linger){1, 0},
             sizeof(struct linger));
  hang_up(&gone);
  UNTIL(w, w->gone == 1);
  assert_int_equal(put(w, "x", 1), ERR_CLOSED);
  hang_up(&c);
  world_free(w);
}

/* Its script is told when the client has taken what waited. */
static void test_pieces_wait_for_the_client(void **state) {
  (void)state;
  World *w = world();
  w->hold = true;
  Client c = dial(w);
  Error err;
  bool much = false;
  size_t size = 1024 * 1024, sent = 0;
  char *piece = malloc(size);
  memset(piece, 'p', size);
  ask(&c, GET("/much"));
  begin(w, 200);
  int code = 0;
  for (; code == 0; sent += code == 0 ? size : 0)
    code = server_write(w->server, w->last_id, piece, size, &much, &err);
  assert_int_equal(code, ERR_BUFFER_FULL); /* who does not wait */
  assert_true(much);
  double end = deadline(w);
  while (strstr(w->notes.data, "drained|") == NULL && loop_now(w->loop) < end) {
    turn(w);
    read_some(&c);
  }
  assert_non_null(strstr(w->notes.data, "drained|"));
  server_finish(w->server, w->last_id, true);
  expect(&c, "p\r\n0\r\n\r\n");
  assert_int_equal(count_of(&c, "pppp\r\n"), sent / size);
  free(piece);
  hang_up(&c);
  world_free(w);
}

/* A client that leaves before its answer is noticed, and the answer is harmless: it
 * cannot be told from one that closed its sending half alone, until it resets. */
static void test_gone_before_answer(void **state) {
  (void)state;
  World *w = world();
  w->hold = true;
  Client c = dial(w), reset = dial(w);
  Error err;
  say(&c, GET("/slow"));
  UNTIL(w, w->requests == 1);
  hang_up(&c);
  UNTIL(w, w->gone == 1);
  assert_int_equal(server_respond(w->server, w->last_id, 200, NULL, "x", 1, &err), 0);
  UNTIL(w, server_connections(w->server) == 1);
  say(&reset, GET("/reset"));
  UNTIL(w, w->requests == 2);
  shutdown(reset.fd, SHUT_WR);
  UNTIL(w, w->gone == 2);
  setsockopt(reset.fd, SOL_SOCKET, SO_LINGER, &(struct linger){1, 0},
             sizeof(struct linger));
  hang_up(&reset);
  UNTIL(w, server_connections(w->server) == 0);
  assert_int_equal(w->gone, 2); /* told once */
  assert_int_equal(server_respond(w->server, w->last_id, 200, NULL, "x", 1, &err),
                   ERR_CLOSED);
  world_free(w);
}

/* Who closes the sending half of its connection gets the answers to all it has sent, at
 * once or late, then the end. */
static void test_half_closed(void **state) {
  (void)state;
  World *w = world();
  Client c = dial(w);
  w->big = 3 * 1024 * 1024;
  say(&c, GET("/1") GET("/2") GET("/big") GET("/3") "GET /never HTTP/1.1\r\nHo");
  shutdown(c.fd, SHUT_WR);
  expect(&c, "</1>");
  expect(&c, "</2>");
  expect(&c, "</3>");
  expect_eof(&c);
  assert_int_equal(count_of(&c, "HTTP/1.1 200 OK"), 4);
  assert_int_equal(count_of(&c, "HTTP/1.1"), 4);
  hang_up(&c);
  w->hold = true;
  w->gone = 0;
  c = dial(w);
  say(&c, GET("/late") GET("/later"));
  shutdown(c.fd, SHUT_WR);
  UNTIL(w, w->gone == 1);
  for (int i = 0; i < 20; i++) turn(w);
  answer(w, w->last_id, "late");
  expect(&c, "late");
  UNTIL(w, w->gone == 2); /* told of the second, too */
  answer(w, w->last_id, "later");
  expect(&c, "later");
  expect_eof(&c);
  hang_up(&c);
  UNTIL(w, server_connections(w->server) == 0);
  world_free(w);
}

static void wake(Timer *timer) {
  (void)timer;
}

/* While an answer is awaited the loop sleeps: it is not told of input again and again. */
static void test_pending_does_not_spin(void **state) {
  (void)state;
  World *w = world();
  w->hold = true;
  Client c = dial(w);
  Timer timer = {.fire = wake};
  int turns = 0;
  say(&c, GET("/1") GET("/2"));
  UNTIL(w, w->requests == 1);
  timer_start(w->loop, &timer, 0.1);
  for (; timer_active(&timer); turns++) uv_run(loop_uv(w->loop), UV_RUN_ONCE);
  assert_true(turns < 50);
  hang_up(&c);
  world_free(w);
}

/* Nor does a half-closed connection wake it, nor a byte sent out of band. */
static void test_half_closed_does_not_spin(void **state) {
  (void)state;
  World *w = world();
  w->hold = true;
  Client c = dial(w);
  Timer timer = {.fire = wake};
  int turns = 0;
  say(&c, GET("/1"));
  UNTIL(w, w->requests == 1);
  assert_int_equal(send(c.fd, "!", 1, MSG_OOB), 1);
  shutdown(c.fd, SHUT_WR);
  UNTIL(w, w->gone == 1);
  timer_start(w->loop, &timer, 0.1);
  for (; timer_active(&timer); turns++) uv_run(loop_uv(w->loop), UV_RUN_ONCE);
  assert_true(turns < 50);
  hang_up(&c);
  world_free(w);
}

static void test_large_answer(void **state) {
  (void)state;
  World *w = world();
  w->big = 12 * 1024 * 1024;
  Client c = dial(w);
  say(&c, GET("/big") GET("/after"));
  for (int i = 0; i < 200; i++) turn(w); /* the client is not in a hurry */
  expect(&c, "</after>");
  assert_int_equal(count_of(&c, "b"), w->big);
  hang_up(&c);
  world_free(w);
}

static void test_refusals(void **state) {
  (void)state;
  static const struct {
    const char *text, *status;
  } cases[] = {
      {"garbage\r\n\r\n", "400 Bad Request"},
      {"\x16\x03\x01\x02\x01\xfc\x03\x03\n", "400 Bad Request"},
      {"GET / HTTP/3.0\r\n\r\n", "505 "},
      {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100001\r\n\r\n", "413 "},
      {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: x\r\n\r\n", "501 "},
      {"GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
       "426 Upgrade Required"},
      {"GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"
       "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: short\r\n\r\n",
       "400 "},
  };
  World *w = world();
  for (size_t i = 0; i < COUNT_OF(cases); i++) {
    Client c = dial(w);
    say(&c, cases[i].text);
    expect(&c, cases[i].status);
    expect(&c, "{\"error\":{\"code\":\"");
    expect_eof(&c);
    hang_up(&c);
  }
  assert_int_equal(w->requests, 0);
  UNTIL(w, server_connections(w->server) == 0);
  world_free(w);
}

/* A refusal reaches a client that is still sending its overlong body. */
static void test_refusal_while_sending(void **state) {
  (void)state;
  World *w = world();
  Client c = dial(w);
  char *body = calloc(1, 4000000);
  say(&c, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4000000\r\n\r\n");
  say_bytes(&c, body, 4000000);
  expect(&c, "413 Content Too Large");
  free(body);
  hang_up(&c);
  world_free(w);
}

static void test_slow_clients(void **state) {
  (void)state;
  World *w = world_with((ServerOptions){
      .head_timeout = 0.05, .request_timeout = 0.05, .idle_timeout = 0.05});
  Client silent = dial(w), head = dial(w), body = dial(w), idle = dial(w);
  say(&head, "GET / HT");
  say(&body, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n1");
  say(&idle, GET("/idle"));
  expect(&head, "408 Request Timeout");
  expect(&body, "408 Request Timeout");
  expect(&idle, "</idle>");
  expect_eof(&silent);
  expect_eof(&idle);
  assert_int_equal(silent.got.len, 0);
  hang_up(&silent);
  hang_up(&head);
  hang_up(&body);
  hang_up(&idle);
  world_free(w);
}

/* One who does not read his answers is let go in time, whatever he goes on sending. */
static void test_stalled_reader(void **state) {
  (void)state;
  World *w = world_with((ServerOptions){.write_timeout = 0.1});
  w->big = 30 * 1024 * 1024;
  Client c = dial(w);
  say(&c, GET("/big"));
  UNTIL(w, w->requests == 1);
  for (int i = 0; i < 100; i++) send(c.fd, GET("/more"), sizeof GET("/more") - 1, 0);
  UNTIL(w, server_connections(w->server) == 0);
  hang_up(&c);
  world_free(w);
}

static void test_close_at_any_byte(void **state) {
  (void)state;
  static const char text[] =
      "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"
      "\r\n3\r\nabc\r\n0\r\n\r\n";
  World *w = world();
  for (size_t n = 0; n < sizeof text; n++) {
    Client c = dial(w);
    send(c.fd, text, n, MSG_NOSIGNAL);
    if (n % 2) turn(w);
    hang_up(&c);
    turn(w);
  }
  UNTIL(w, w->requests == 1);
  UNTIL(w, server_connections(w->server) == 0);
  world_free(w);
}

static void test_bad_answers(void **state) {
  (void)state;
  World *w = world();
  w->hold = true;
  Client c = dial(w);
  Error err;
  say(&c, GET("/"));
  UNTIL(w, w->requests == 1);
  const char *const split[] = {"A: b\r\nC: d", NULL}, *const own[] = {"Date: x", NULL},
                    *const nameless[] = {": x", NULL};
  uint64_t id = w->last_id;
  assert_int_equal(server_respond(w->server, id, 200, split, "", 0, &err), ERR_INVALID);
  assert_int_equal(server_respond(w->server, id, 200, own, "", 0, &err), ERR_INVALID);
  assert_int_equal(server_respond(w->server, id, 200, nameless, "", 0, &err),
                   ERR_INVALID);
  assert_int_equal(server_respond(w->server, id, 99, NULL, "", 0, &err), ERR_INVALID);
  assert_int_equal(server_accept(w->server, id, NULL, &err), ERR_INVALID);
  assert_int_equal(server_respond(w->server, id, 204, NULL, "", 0, &err), 0);
  expect(&c, "204 No Content\r\n");
  assert_false(has(&c, "Content-Length"));
  hang_up(&c);
  world_free(w);
}

/* --- who is let in ---------------------------------------------------------------- */

/* Sends a request with these header lines, in which %d is the port; returns its status.
 */
static int status_of(World *w, const char *line, const char *format) {
  Client c = dial(w);
  int port = server_port(w->server), status = 0;
  Buffer out = {.len = 0};
  buffer_printf(&out, "%s\r\n", line);
  buffer_printf(&out, format, port, port, port);
  buffer_puts(&out, "\r\n");
  say_bytes(&c, out.data, out.len);
  expect(&c, "\r\n\r\n");
  sscanf(buffer_text(&c.got), "HTTP/1.1 %d", &status);
  buffer_free(&out);
  hang_up(&c);
  return status;
}

static const struct {
  int status;
  const char *headers;
} senders[] = {
    {200, "Host: localhost:%d\r\n"},
    {200, "Host: LOCALHOST:%d\r\n"},
    {200, "Host: localhost.:%d\r\n"},
    {200, "Host: app.localhost:%d\r\n"},
    {200, "Host: 127.0.0.1:%d\r\n"},
    {200, "Host: 127.0.0.9:0%d\r\n"},
    {200, "Host: [::1]:%d\r\n"},
    {200, "Host: [0:0:0:0:0:0:0:1]:%d\r\n"},
    {200, "Host: a\r\n"},
    {200, "Host: A:1234\r\n"},
    {200, "Host: b:8080\r\n"},
    {200, "Host: x.y.c\r\n"},
    {421, "Host: b\r\n"},
    {421, "Host: b:80\r\n"},
    {421, "Host: c\r\n"},
    {421, "Host: xc\r\n"},
    {421, "Host: localhost\r\n"},
    {421, "Host: localhost:1\r\n"},
    {421, "Host: localhost:\r\n"},
    {421, "Host: 127.0.0.1\r\n"},
    {421, "Host: evil.example:%d\r\n"},
    {421, "Host: localhost.evil.example:%d\r\n"},
    {421, "Host: evillocalhost:%d\r\n"},
    {421, "Host: 127.0.0.1.evil.example:%d\r\n"},
    {421, "Host: 0.0.0.0:%d\r\n"},
    {421, "Host: [::]:%d\r\n"},
    {421, "Host: 128.0.0.1:%d\r\n"},
    {421, "Host: 127.1:%d\r\n"},
    {421, "Host: 0x7f.0.0.1:%d\r\n"},
    {421, "Host: 192.168.0.1:%d\r\n"},
    {421, "Host: \r\n"},
    {400, "Host: localhost..:%d\r\n"},
    {400, "Host: localhost:%d, evil.example\r\n"},
    {400, "Host: evil.example@localhost:%d\r\n"},
    {400, "Host: localhost:%d/\r\n"},
    {400, "Host: localhost:%d:%d\r\n"},
    {400, "Host: localhost:99999\r\n"},
    {400, "Host: localhost:-1\r\n"},
    {400, "Host: :%d\r\n"},
    {400, "Host: [::1\r\n"},
    {400, "Host: [::1%%25lo]:%d\r\n"},
    {400, "Host: ::1\r\n"},
    {400, "Host: http://localhost:%d\r\n"},
    {400, "Host: l\303\266calhost:%d\r\n"},
    {400, "Host: localhost:%d\r\nHost: localhost:%d\r\n"},
    {400, "X: y\r\n"},
    {200, "Host: localhost:%d\r\nOrigin: http://localhost:%d\r\n"},
    {200, "Host: localhost:%d\r\nOrigin: http://127.0.0.1:%d\r\n"},
    {200, "Host: [::1]:%d\r\nOrigin: http://[::1]:%d\r\n"},
    {200, "Host: localhost:%d\r\nOrigin: HTTP://LocalHost:%d\r\n"},
    {200, "Host: a\r\nOrigin: http://a\r\n"},
    {200, "Host: a\r\nOrigin: https://a\r\n"},
    {200, "Host: a:9\r\nOrigin: http://a:9\r\n"},
    {200, "Host: localhost:%d\r\nOrigin: https://page.example\r\n"},
    {200, "Host: localhost:%d\r\nOrigin: https://page.example:443\r\n"},
    {200, "Host: localhost:%d\r\nOrigin: http://x.pages.example:81\r\n"},
    {403, "Host: localhost:%d\r\nOrigin: http://page.example\r\n"},
    {403, "Host: localhost:%d\r\nOrigin: https://page.example:444\r\n"},
    {403, "Host: localhost:%d\r\nOrigin: https://xpage.example\r\n"},
    {403, "Host: localhost:%d\r\nOrigin: http://pages.example:81\r\n"},
    {403, "Host: localhost:%d\r\nOrigin: http://evil.example\r\n"},
    {403, "Host: localhost:%d\r\nOrigin: http://evil.example:%d\r\n"},
    {403, "Host: localhost:%d\r\nOrigin: http://localhost.evil.example:%d\r\n"},
    {403, "Host: localhost:%d\r\nOrigin: http://localhost\r\n"},
    {403, "Host: localhost:%d\r\nOrigin: http://localhost:1\r\n"},
    {403, "Host: localhost:%d\r\nOrigin: null\r\n"},
    {403, "Host: localhost:%d\r\nOrigin: \r\n"},
    {403, "Host: localhost:%d\r\nOrigin: localhost:%d\r\n"},
    {403, "Host: localhost:%d\r\nOrigin: file://\r\n"},
    {403, "Host: localhost:%d\r\nOrigin: chrome-extension://localhost:%d\r\n"},
    {403, "Host: localhost:%d\r\nOrigin: http://localhost:%d/\r\n"},
    {403, "Host: localhost:%d\r\nOrigin: http://evil.example@localhost:%d\r\n"},
    {403, "Host: localhost:%d\r\nOrigin: http://localhost:%d http://evil.example\r\n"},
    {403, "Host: a\r\nOrigin: http://a:81\r\n"},
    {403, "Host: localhost:%d\r\nOrigin: http://localhost:%d\r\nOrigin: "
          "http://evil.example\r\n"},
    {403, "Host: localhost:%d\r\nOrigin: http://evil.example\r\nOrigin: "
          "http://localhost:%d\r\n"},
    {421, "Host: evil.example:%d\r\nOrigin: http://evil.example:%d\r\n"},
};

static void test_senders(void **state) {
  (void)state;
  static const char *const hosts[] = {"a", "B:8080", "*.c", NULL};
  static const char *const origins[] = {"https://Page.example",
                                        "http://*.pages.example:81", NULL};
  FILE *told = tmpfile();
  World *w = world_telling(told, (ServerOptions){.hosts = hosts, .origins = origins});
  for (size_t i = 0; i < COUNT_OF(senders); i++) {
    int requests = w->requests;
    int status = status_of(w, "GET /x HTTP/1.1", senders[i].headers);
    if (status != senders[i].status)
      fail_msg("%d instead of %d: %s", status, senders[i].status, senders[i].headers);
    assert_int_equal(w->requests - requests, status == 200);
  }
  assert_true(ftell(told) > 0 && ftell(told) < 400); /* once, not for each */
  size_t refused = 0;
  for (size_t i = 0; i < COUNT_OF(senders); i++)
    refused += senders[i].status == 403 || senders[i].status == 421;
  world_free(w); /* logs how many there were */
  char text[1000] = "", wanted[80];
  rewind(told);
  text[fread(text, 1, sizeof text - 1, told)] = '\0';
  snprintf(wanted, sizeof wanted, "%zu more requests were refused (hosts, origins)",
           refused - 1);
  assert_non_null(strstr(text, wanted));
  fclose(told);
}

/* A page of a stranger opens no WebSocket either. */
static void test_sender_of_an_upgrade(void **state) {
  (void)state;
  FILE *told = tmpfile();
  World *w = world_telling(told, (ServerOptions){.port = 0});
#define WANTS                                                                            \
  "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"           \
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
  w->accept = true;
  const char *line = "GET /ws HTTP/1.1";
  assert_int_equal(status_of(w, line, WANTS "Host: localhost:%d\r\n"), 101);
  assert_int_equal(
      status_of(w, line, WANTS "Host: localhost:%d\r\nOrigin: http://localhost:%d\r\n"),
      101);
  assert_int_equal(
      status_of(w, line, WANTS "Host: localhost:%d\r\nOrigin: http://evil.example\r\n"),
      403);
  assert_int_equal(status_of(w, line, WANTS "Host: evil.example:%d\r\n"), 421);
  world_free(w);
  fclose(told);
}

/* The host in the target wins; a request of HTTP/1.0 may name none. */
static void test_host_in_target(void **state) {
  (void)state;
  FILE *told = tmpfile();
  World *w = world_telling(told, (ServerOptions){.port = 0});
  const char *evil = "Host: evil.example\r\n", *own = "Host: localhost:%d\r\n";
  char *line = xasprintf("GET http://localhost:%d/x HTTP/1.1", server_port(w->server));
  assert_int_equal(status_of(w, line, own), 200);
  assert_int_equal(status_of(w, line, evil), 200);
  free(line);
  assert_int_equal(status_of(w, "GET http://evil.example/ HTTP/1.1", own), 421);
  assert_int_equal(status_of(w, "GET http://u@localhost/ HTTP/1.1", own), 400);
  assert_int_equal(status_of(w, "GET http://evil.example HTTP/1.0", own), 421);
  assert_int_equal(status_of(w, "GET / HTTP/1.0", ""), 200);
  assert_int_equal(status_of(w, "GET / HTTP/1.0", evil), 421);
  assert_int_equal(status_of(w, "GET / HTTP/1.0", "Origin: http://evil.example\r\n"),
                   403);
  world_free(w);
  fclose(told);
}

/* Other names come into force at once, also for connections that are open. */
static void test_names_change_in_place(void **state) {
  (void)state;
  static const char *const others[] = {"b", NULL};
  World *w = world();
  Client c = dial(w);
  say(&c, GET("/1"));
  expect(&c, "</1>");
  ServerOptions options = {.port = server_port(w->server), .hosts = others};
  server_retune(w->server, &options);
  say(&c, "GET /2 HTTP/1.1\r\nHost: b\r\n\r\n");
  expect(&c, "</2>");
  say(&c, GET("/3"));
  expect(&c, "421 Misdirected Request");
  hang_up(&c);
  world_free(w);
}

/* --- WebSocket -------------------------------------------------------------------- */

#define UPGRADE                                                                          \
  "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"         \
  "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"

static void say_frame(Client *c, WsOpcode opcode, const char *data, size_t len) {
  static const uint8_t mask[4] = {1, 2, 3, 4};
  Buffer out = {.len = 0};
  ws_frame(&out, true, opcode, mask, data, len);
  say_bytes(c, out.data, out.len);
  buffer_free(&out);
}

static Client dial_ws(World *w) {
  Client c = dial(w);
  w->accept = true;
  say(&c, UPGRADE);
  expect(&c, "101 Switching Protocols");
  expect(&c, "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n");
  buffer_clear(&c.got);
  return c;
}

static void test_echo(void **state) {
  (void)state;
  World *w = world();
  Client c = dial_ws(w);
  say_frame(&c, WS_TEXT, "hi", 2);
  expect(&c, "\x81\x02hi");
  say_frame(&c, WS_PING, "p", 1);
  expect(&c, "\x8a\x01p");
  say_frame(&c, WS_CLOSE,
            "\x03\xe8"
            "bye",
            5);
  UNTIL(w, w->closed == 1);
  expect(&c, "\x88\x02\x03\xe8");
  expect_eof(&c);
  assert_true(strstr(buffer_text(&w->notes), "message hi|closed 1000 bye|") != NULL);
  hang_up(&c);
  world_free(w);
}

static void test_upgrade_rejected(void **state) {
  (void)state;
  World *w = world();
  w->hold = true;
  Client c = dial(w);
  Error err;
  say(&c, UPGRADE GET("/next"));
  UNTIL(w, w->requests == 1);
  assert_int_equal(server_accept(w->server, w->last_id, "chat", &err), ERR_INVALID);
  assert_int_equal(server_respond(w->server, w->last_id, 403, NULL, "no", 2, &err), 0);
  expect(&c, "403 Forbidden");
  UNTIL(w, w->requests == 2);
  answer(w, w->last_id, "still http");
  expect(&c, "still http");
  hang_up(&c);
  world_free(w);
}

static void test_too_large_and_wrong(void **state) {
  (void)state;
  World *w = world();
  char big[2000];
  memset(big, 'x', sizeof big);
  Client c = dial_ws(w);
  say_frame(&c, WS_TEXT, big, 1001);
  expect(&c, "\x88\x02\x03\xf1"); /* 1009 */
  UNTIL(w, w->closed == 1);
  hang_up(&c);
  c = dial_ws(w);
  say(&c, "\x81\x02hi");          /* not masked */
  expect(&c, "\x88\x02\x03\xea"); /* 1002 */
  UNTIL(w, w->closed == 2);
  hang_up(&c);
  c = dial_ws(w);
  say_frame(&c, WS_TEXT, "\xff", 1);
  expect(&c, "\x88\x02\x03\xef"); /* 1007 */
  UNTIL(w, w->closed == 3);
  hang_up(&c);
  world_free(w);
}

/* All that was sent before the end is delivered before it, however much it was. */
static void test_flood_then_gone(void **state) {
  (void)state;
  World *w = world();
  Client c = dial_ws(w);
  w->mute = true;
  for (int i = 0; i < 5000; i++) say_frame(&c, WS_TEXT, "m", 1);
  hang_up(&c);
  UNTIL(w, w->closed == 1);
  assert_int_equal(w->messages, 5000);
  assert_true(strstr(buffer_text(&w->notes), "closed 1006") != NULL);
  world_free(w);
}

static void test_backlog_and_hang_up(void **state) {
  (void)state;
  World *w = world_with((ServerOptions){.max_backlog = 100000});
  Client c = dial_ws(w);
  char text[10000];
  Error err;
  memset(text, 'x', sizeof text);
  int n = 0;
  while (server_send(w->server, w->last_id, false, text, sizeof text, &err) == 0) n++;
  assert_int_equal(err.code, ERR_BUFFER_FULL);
  assert_int_equal(n, 9);
  assert_true(server_buffered(w->server, w->last_id) >= 90000);
  assert_int_equal(server_send(w->server, w->last_id, false, "\xff", 1, &err),
                   ERR_DECODE);
  server_hang_up(w->server, w->last_id, 4001, "enough");
  assert_int_equal(server_send(w->server, w->last_id, false, "x", 1, &err),
                   ERR_NOT_CONNECTED);
  expect(&c, "enough");
  say_frame(&c, WS_CLOSE, "\x0f\xa1", 2);
  UNTIL(w, w->closed == 1);
  assert_true(strstr(buffer_text(&w->notes), "closed 4001") != NULL);
  expect_eof(&c);
  hang_up(&c);
  world_free(w);
}

/* --- servers ---------------------------------------------------------------------- */

static void test_busy_and_invalid(void **state) {
  (void)state;
  World *w = world();
  Error err;
  ServerOptions taken = {.port = server_port(w->server)};
  assert_null(server_open(w->servers, &taken, &callbacks, w, &err));
  assert_int_equal(err.code, ERR_BUSY);
  char *port = xasprintf("port %d", taken.port);
  assert_non_null(strstr(err.message, port));
  free(port);
  ServerOptions host = {.host = "nowhere.example"}, high = {.port = 70000},
                foreign = {.host = "192.0.2.1", .hosts = names},
                open = {.host = "0.0.0.0"};
  assert_null(server_open(w->servers, &host, &callbacks, w, &err));
  assert_int_equal(err.code, ERR_INVALID);
  assert_null(server_open(w->servers, &high, &callbacks, w, &err));
  assert_int_equal(err.code, ERR_INVALID);
  assert_null(server_open(w->servers, &open, &callbacks, w, &err));
  assert_int_equal(err.code, ERR_INVALID);
  assert_non_null(strstr(err.message, "hosts"));
  assert_null(server_open(w->servers, &foreign, &callbacks, w, &err));
  assert_int_equal(err.code, ERR_IO);
  world_free(w);
}

/* Closing frees the port at once, says goodbye to WebSockets, and leaves others alone. */
static void test_close_and_open_again(void **state) {
  (void)state;
  World *w = world();
  Error err;
  for (int round = 0; round < 20; round++) {
    Client ws = dial_ws(w), half = dial(w);
    say(&half, "GET / HT");
    int port = server_port(w->server);
    server_close(w->server);
    w->server = server_open(w->servers, &(ServerOptions){.port = port, .hosts = names},
                            &callbacks, w, &err);
    if (!w->server) fail_msg("%s", err.message);
    expect(&ws, "\x88\x02\x03\xe9"); /* 1001 */
    expect_eof(&ws);
    expect_eof(&half);
    Client c = dial(w);
    say(&c, GET("/again"));
    expect(&c, "</again>");
    hang_up(&c);
    hang_up(&ws);
    hang_up(&half);
  }
  world_free(w);
}

static void test_two_servers(void **state) {
  (void)state;
  World *w = world();
  Error err;
  Server *other =
      server_open(w->servers, &(ServerOptions){.port = 0}, &callbacks, w, &err);
  assert_non_null(other);
  assert_true(server_port(other) != server_port(w->server));
  Client c = dial(w);
  server_close(other);
  for (int i = 0; i < 50; i++) turn(w);
  say(&c, GET("/still"));
  expect(&c, "</still>");
  hang_up(&c);
  world_free(w);
}

/* Torn down with everything open and half done, and with deliveries on their way. */
static void test_teardown_in_the_middle(void **state) {
  (void)state;
  World *w = world();
  w->hold = true;
  w->big = 1000000;
  Client clients[40];
  for (size_t i = 0; i < COUNT_OF(clients); i++) {
    clients[i] = dial(w);
    static const char *const texts[] = {"", "GET / HT", GET("/x"), UPGRADE, GET("/big")};
    const char *text = texts[i % COUNT_OF(texts)];
    send(clients[i].fd, text, strlen(text), 0);
    if (i % 3 == 0) uv_run(loop_uv(w->loop), UV_RUN_NOWAIT);
    w->hold = i % 2;
  }
  world_free(w);
  for (size_t i = 0; i < COUNT_OF(clients); i++) hang_up(&clients[i]);
}

static void test_many_connections(void **state) {
  (void)state;
  enum { MANY = 500 };
  World *w = world_with((ServerOptions){.max_connections = MANY});
  Client *clients = calloc(MANY + 1, sizeof *clients);
  for (int i = 0; i < MANY; i++) {
    clients[i] = dial(w);
    say(&clients[i], GET("/many"));
  }
  for (int i = 0; i < MANY; i++) expect(&clients[i], "</many>");
  clients[MANY] = dial(w); /* one too many */
  expect_eof(&clients[MANY]);
  for (int i = 0; i <= MANY; i++) hang_up(&clients[i]);
  UNTIL(w, server_connections(w->server) == 0);
  free(clients);
  world_free(w);
}

/* Descriptors that something else has open, up to and with the number `last`. */
typedef struct Others {
  int fds[2000], count;
} Others;

static Others take_descriptors(int last) {
  Others others = {.count = 0};
  int fd;
  do {
    fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
    assert_true(fd >= 0 && others.count < 2000);
    others.fds[others.count++] = fd;
  } while (fd < last);
  return others;
}

static void give_back(Others *others) {
  while (others->count) close(others->fds[--others->count]);
}

/* A server for few connections answers whatever else is open in the process. */
static void test_many_other_descriptors(void **state) {
  (void)state;
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  if (files.rlim_cur < 1600) skip();
  World *w = world_with((ServerOptions){.max_connections = 10});
  Others others = take_descriptors(1500);
  Client clients[10];
  for (size_t i = 0; i < COUNT_OF(clients); i++) {
    clients[i] = dial(w);
    say(&clients[i], GET("/high"));
    expect(&clients[i], "</high>");
  }
  for (size_t i = 0; i < COUNT_OF(clients); i++) hang_up(&clients[i]);
  UNTIL(w, server_connections(w->server) == 0);
  give_back(&others);
  world_free(w);
}

static struct rlimit set_file_limit(rlim_t soft) {
  struct rlimit was, now;
  getrlimit(RLIMIT_NOFILE, &was);
  now = was;
  now.rlim_cur = soft;
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &now), 0);
  return was;
}

/* Connections come on descriptors for which libwebsockets has no place, too: how many it
 * was told of depends on the limit when the server was opened. */
static void test_beyond_the_table(void **state) {
  (void)state;
  struct rlimit was = set_file_limit(300);
  World *w = world();
  setrlimit(RLIMIT_NOFILE, &was);
  Others others = take_descriptors(310);
  Client clients[50];
  for (size_t i = 0; i < COUNT_OF(clients); i++) {
    clients[i] = dial(w);
    say(&clients[i], GET("/high"));
    expect(&clients[i], "</high>");
  }
  give_back(&others);
  for (size_t i = 0; i < COUNT_OF(clients); i++) hang_up(&clients[i]);
  UNTIL(w, server_connections(w->server) == 0);
  world_free(w);
}

/* Where no descriptor is left connections are closed, which is told once; when there are
 * some again, they are taken again. */
static void test_no_descriptors_left(void **state) {
  (void)state;
  FILE *told = tmpfile();
  World *w = world_telling(told, (ServerOptions){.port = 0});
  struct rlimit was = set_file_limit(100);
  Others others = take_descriptors(91);
  for (int i = 0; i < 50; i++) {
    Client c = dial(w);
    expect_eof(&c);
    hang_up(&c);
  }
  assert_int_equal(server_connections(w->server), 0);
  give_back(&others);
  Client c = dial(w);
  say(&c, GET("/low"));
  expect(&c, "</low>");
  hang_up(&c);
  setrlimit(RLIMIT_NOFILE, &was);
  assert_true(ftell(told) > 0 && ftell(told) < 300);
  world_free(w);
  fclose(told);
}

/* No server is opened on the last descriptors, and that says why. */
static void test_no_descriptors_for_a_server(void **state) {
  (void)state;
  World *w = world();
  Error err;
  struct rlimit was = set_file_limit(100);
  for (int last = 70; last < 99; last++) {
    Others others = take_descriptors(last);
    Server *server = server_open(w->servers, &(ServerOptions){0}, &callbacks, w, &err);
    if (server) server_close(server);
    else assert_int_equal(err.code, ERR_IO);
    give_back(&others);
    assert_true(server ? last < 97 : last > 80);
    for (int i = 0; i < 20; i++) turn(w);
  }
  setrlimit(RLIMIT_NOFILE, &was);
  world_free(w);
}

/* As the program does for itself: two of the tests want more than the usual 1,024. */
static void raise_file_limit(void) {
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  if (files.rlim_cur < 4096)
    files.rlim_cur = files.rlim_max < 4096 ? files.rlim_max : 4096;
  setrlimit(RLIMIT_NOFILE, &files);
}

int main(void) {
  raise_file_limit();
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_get_and_keep_alive),
      cmocka_unit_test(test_head_and_close),
      cmocka_unit_test(test_pipelining),
      cmocka_unit_test(test_late_answers),
      cmocka_unit_test(test_pieces),
      cmocka_unit_test(test_pieces_cut),
      cmocka_unit_test(test_pieces_wait_for_the_client),
      cmocka_unit_test(test_gone_before_answer),
      cmocka_unit_test(test_half_closed),
      cmocka_unit_test(test_pending_does_not_spin),
      cmocka_unit_test(test_half_closed_does_not_spin),
      cmocka_unit_test(test_large_answer),
      cmocka_unit_test(test_refusals),
      cmocka_unit_test(test_refusal_while_sending),
      cmocka_unit_test(test_slow_clients),
      cmocka_unit_test(test_stalled_reader),
      cmocka_unit_test(test_close_at_any_byte),
      cmocka_unit_test(test_bad_answers),
      cmocka_unit_test(test_senders),
      cmocka_unit_test(test_sender_of_an_upgrade),
      cmocka_unit_test(test_host_in_target),
      cmocka_unit_test(test_names_change_in_place),
      cmocka_unit_test(test_echo),
      cmocka_unit_test(test_upgrade_rejected),
      cmocka_unit_test(test_too_large_and_wrong),
      cmocka_unit_test(test_flood_then_gone),
      cmocka_unit_test(test_backlog_and_hang_up),
      cmocka_unit_test(test_busy_and_invalid),
      cmocka_unit_test(test_close_and_open_again),
      cmocka_unit_test(test_two_servers),
      cmocka_unit_test(test_teardown_in_the_middle),
      cmocka_unit_test(test_many_connections),
      cmocka_unit_test(test_many_other_descriptors),
      cmocka_unit_test(test_beyond_the_table),
      cmocka_unit_test(test_no_descriptors_left),
      cmocka_unit_test(test_no_descriptors_for_a_server),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
