/* WebSocket as an engine's transport. */
#include "socket/engine_ws.h"

#include <stdlib.h>
#include <string.h>

#include "net/route.h"
#include "socket/engine_session.h"

/* --- what comes ------------------------------------------------------------------- */

static const char *reason_of(ErrorCode code) {
  if (code == ERR_PROTOCOL || code == ERR_TOO_LARGE) return "parse error";
  return code == ERR_NONE || code == ERR_RESET ? "transport close" : "transport error";
}

static void on_hello_late(Timer *timer) {
  Engine *e = CONTAINER_OF(timer, Engine, probe);
  Error err;
  error_set(&err, ERR_TIMEOUT, "the server opened a WebSocket and did not begin");
  err.phase = "handshake";
  e->events->failed(e, "transport error", 0, &err);
}

/* As for the answer to the handshake: time is left for the other transport. */
static void await_hello(Engine *e) {
  e->probe.fire = on_hello_late;
  timer_start(net_loop(e->net), &e->probe, engine_connect_timeout(e) / 2);
}

static void on_open(void *ctx, const char *subprotocol) {
  Engine *e = ctx;
  if (e->options->plain) engine_become_open(e, subprotocol);
  else if (e->left) await_hello(e);
}

static void on_pong(void *ctx, const char *data, size_t len) {
  Engine *e = ctx;
  uint32_t number;
  if (e->options->plain) {
    engine_take_pong(e, data, len);
  } else if (len == sizeof number) {
    memcpy(&number, data, len);
    engine_take_fence(e, number);
  }
}

static void on_ws_message(void *ctx, bool binary, const char *data, size_t len) {
  Engine *e = ctx;
  if (e->options->plain) engine_take_frame(e, binary, data, len);
  else if (binary) engine_take_bytes(e, data, len);
  else engine_take_packet(e, data, len);
}

/* What the server says may be any text; an error's message is one line. */
static void closed_by_server(Error *err, int code, const char *reason, size_t len) {
  error_set(err, ERR_CLOSED, "the server closed the connection (%d)%s%.*s", code,
            len ? ": " : "", (int)len, reason);
  for (char *c = err->message; *c; c++)
    if ((unsigned char)*c < ' ') *c = ' ';
  error_detail(err, "%.*s", (int)len, reason);
}

static void on_closed(void *ctx, int code, const char *reason, size_t len,
                      const Error *err) {
  Engine *e = ctx;
  Error why = *err;
  if (err->code == ERR_NONE) closed_by_server(&why, code, reason, len);
  bool refused = err->code == ERR_HANDSHAKE && !e->options->plain;
  if (refused && eio_is_older(err->detail, strlen(err->detail))) {
    engine_is_older(e);
    return;
  }
  e->events->failed(e, reason_of(err->code), code, &why);
}

static void on_unsent(void *ctx, bool binary, const char *data, size_t len) {
  Engine *e = ctx;
  if (e->upgrade == UPGRADE_NONE) engine_take_unsent(e, binary, data, len);
}

const WsCallbacks engine_ws_callbacks = {on_open, on_ws_message, on_closed,
                                         on_pong, on_unsent,     engine_may_write};

/* --- the transport ---------------------------------------------------------------- */

bool engine_ws_has_detour(const Engine *e) {
  char *target = engine_target(e, EIO_POLLING);
  NetUrl url;
  RouteProxy proxy = {0};
  Error ignored;
  if (net_url_parse(&url, target, true, &ignored) == 0) {
    route_proxy(&e->options->ws.route, &url, &proxy);
    net_url_free(&url);
  }
  bool forwarded = proxy.forward;
  route_proxy_free(&proxy);
  free(target);
  return forwarded;
}

/* A machine in between that swallows the handshake leaves time for the other transport,
 * and so does a proxy that swallows what asks it for a tunnel. */
static void leave_time(const Engine *e, WsOptions *options) {
  double timeout = engine_connect_timeout(e);
  if (!e->left || e->hello) return;
  options->answer_timeout = timeout / 2;
  if (engine_ws_has_detour(e)) options->connect_timeout = timeout / 2;
}

int engine_ws_open(Engine *e, const WsCallbacks *callbacks, Error *err) {
  char *url = engine_target(e, EIO_WEBSOCKET), **headers = engine_headers(e, NULL);
  WsOptions options = e->options->ws;
  options.url = url;
  leave_time(e, &options);
  options.headers = (const char *const *)headers;
  e->ws = ws_open(e->net, &options, callbacks, e, err);
  engine_headers_free(headers);
  free(url);
  return e->ws ? 0 : (int)err->code;
}

static int start_ws(Engine *e, Error *err) {
  return engine_ws_open(e, &engine_ws_callbacks, err);
}

static int send_ws(Engine *e, bool binary, const char *data, size_t len, size_t most) {
  if (!e->ws) return ERR_NOT_CONNECTED;
  size_t waits = ws_buffered(e->ws);
  if (waits > 0 && (len > most || waits > most - len)) return ERR_BACKPRESSURE;
  return ws_send(e->ws, binary, data, len);
}

static int send_last(Engine *e, bool binary, const char *data, size_t len) {
  if (!e->ws) return ERR_NOT_CONNECTED;
  ws_send_last(e->ws, binary, data, len);
  return 0;
}

/* A fence is a ping with its number. */
static void send_fence(Engine *e, uint32_t number) {
  char data[sizeof number];
  memcpy(data, &number, sizeof number);
  if (e->ws) ws_ping(e->ws, data, sizeof data);
}

static size_t count_buffered(const Engine *e) {
  return e->ws ? ws_buffered(e->ws) : 0;
}

/* The engine pauses and resumes a WebSocket itself, one that is being probed as well. */
static void resume_ws(Engine *e) {
  (void)e;
}

/* What waits to be written goes out with the goodbye yet, unless nobody reads it. */
static void report_unsent(Engine *e, bool dead) {
  if (dead && e->ws && e->upgrade == UPGRADE_NONE) ws_report_unsent(e->ws);
}

static void free_ws(Engine *e, int close_code, const char *reason, bool goodbye) {
  WsClient *ws = e->ws;
  (void)goodbye; /* a WebSocket always says one */
  e->ws = NULL;
  if (ws) ws_goodbye(ws, close_code, reason);
}

const EngineTransport engine_ws = {.start = start_ws,
                                   .send = send_ws,
                                   .send_last = send_last,
                                   .fence = send_fence,
                                   .buffered = count_buffered,
                                   .resume = resume_ws,
                                   .report_unsent = report_unsent,
                                   .free = free_ws};
