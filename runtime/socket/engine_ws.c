/* WebSocket as an engine's transport, and the upgrade from polling to it.
 *
 * The upgrade. With the handshake done over polling, a WebSocket of the same session is
 * opened and asked "2probe". Its "3probe" means that the server will take it: from then
 * on nothing new is asked for or sent by polling (DRAINING), and the server lets go of
 * the request that it holds. When none is under way, "5" goes out over the WebSocket,
 * then what waits. A probe that fails, or takes longer than connecting may, leaves the
 * session on polling.
 */
#include <stdlib.h>
#include <string.h>

#include "socket/engine_parts.h"

/* --- the transport ---------------------------------------------------------------- */

static const char *reason_of(ErrorCode code) {
  if (code == ERR_PROTOCOL || code == ERR_TOO_LARGE) return "parse error";
  return code == ERR_NONE || code == ERR_RESET ? "transport close" : "transport error";
}

static void on_open(void *ctx, const char *subprotocol) {
  Engine *e = ctx;
  if (!e->options->plain) return;
  if (*subprotocol) e->subprotocol = xstrdup(subprotocol);
  e->hello = true;
  engine_beat_start(e);
  e->callbacks.open(e->ctx);
}

/* A fence is a ping with its number. */
void engine_ws_fence(WsClient *ws, uint32_t number) {
  char data[sizeof number];
  memcpy(data, &number, sizeof number);
  ws_ping(ws, data, sizeof data);
}

static void on_pong(void *ctx, const char *data, size_t len) {
  Engine *e = ctx;
  uint32_t number;
  if (e->options->plain) {
    if (!engine_lose_overdue(e)) engine_heard(e), e->callbacks.pong(e->ctx, data, len);
  } else if (len == sizeof number) {
    memcpy(&number, data, len);
    engine_passed(e, number);
  }
}

/* What lies there unread after a standstill is told, but is no sign of life. */
static void take_plain(Engine *e, bool binary, const char *data, size_t len) {
  if (!engine_is_overdue(e)) engine_heard(e);
  e->callbacks.message(e->ctx, binary, data, len);
}

static void on_message(void *ctx, bool binary, const char *data, size_t len) {
  Engine *e = ctx;
  if (e->options->plain) take_plain(e, binary, data, len);
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
  engine_transport_failed(e, reason_of(err->code), code, &why);
}

/* A machine in between that swallows the handshake leaves time for the other transport.
 */
static double answer_timeout(const Engine *e) {
  double timeout = e->options->ws.connect_timeout;
  return e->left && !e->hello ? (timeout > 0 ? timeout : 20) / 2 : 0;
}

static int open_ws(Engine *e, const WsCallbacks *callbacks, Error *err) {
  char *url = engine_target(e, EIO_WEBSOCKET), **headers = engine_headers(e, NULL);
  WsOptions options = e->options->ws;
  options.url = url;
  options.answer_timeout = answer_timeout(e);
  options.headers = (const char *const *)headers;
  e->ws = ws_open(e->net, &options, callbacks, e, err);
  engine_headers_free(headers);
  free(url);
  return e->ws ? 0 : (int)err->code;
}

static void on_unsent(void *ctx, bool binary, const char *data, size_t len) {
  Engine *e = ctx;
  if (e->upgrade == UPGRADE_NONE) engine_unsent(e, binary, data, len);
}

static bool may_write(void *ctx) {
  Engine *e = ctx;
  return e->upgrade != UPGRADE_NONE || !engine_is_given_up(e);
}

static const WsCallbacks in_use = {on_open, on_message, on_closed,
                                   on_pong, on_unsent,  may_write};

int engine_ws_start(Engine *e, Error *err) {
  return open_ws(e, &in_use, err);
}

/* --- the upgrade ------------------------------------------------------------------ */

void engine_probe_stop(Engine *e) {
  WsClient *ws = e->ws;
  if (e->upgrade == UPGRADE_NONE) return;
  timer_stop(net_loop(e->net), &e->probe);
  e->ws = NULL;
  e->upgrade = UPGRADE_NONE;
  if (ws) ws_goodbye(ws, 1000, NULL);
  if (e->polling) polling_resume(e->polling);
}

static void on_probe_timeout(Timer *timer) {
  engine_probe_stop(CONTAINER_OF(timer, Engine, probe));
}

static void on_probe_open(void *ctx, const char *subprotocol) {
  Engine *e = ctx;
  (void)subprotocol;
  e->upgrade = UPGRADE_PROBING;
  ws_send(e->ws, false, "2probe", 6);
}

static void on_probe_message(void *ctx, bool binary, const char *data, size_t len) {
  Engine *e = ctx;
  if (e->upgrade == UPGRADE_NONE) { /* it is in use by now */
    on_message(ctx, binary, data, len);
  } else if (e->upgrade == UPGRADE_PROBING && !binary && len == 6 &&
             memcmp(data, "3probe", 6) == 0) {
    e->upgrade = UPGRADE_DRAINING;
    polling_drain(e->polling);
  } else {
    engine_probe_stop(e);
  }
}

static void on_probe_closed(void *ctx, int code, const char *reason, size_t len,
                            const Error *err) {
  Engine *e = ctx;
  if (e->upgrade == UPGRADE_NONE) on_closed(ctx, code, reason, len, err);
  else engine_probe_stop(e);
}

static const WsCallbacks probing = {on_probe_open, on_probe_message, on_probe_closed,
                                    on_pong,       on_unsent,        may_write};

void engine_probe(Engine *e) {
  Error err;
  double timeout = e->options->ws.connect_timeout;
  if (!e->options->upgrade) return;
  e->upgrade = UPGRADE_OPENING;
  e->probe.fire = on_probe_timeout;
  timer_start(net_loop(e->net), &e->probe, timeout > 0 ? timeout : 20);
  if (open_ws(e, &probing, &err) != 0) engine_probe_stop(e);
}

void engine_drained(Engine *e) {
  Polling *polling = e->polling;
  if (e->upgrade != UPGRADE_DRAINING) return;
  timer_stop(net_loop(e->net), &e->probe);
  e->upgrade = UPGRADE_NONE;
  e->upgraded = true;
  e->transport = EIO_WEBSOCKET;
  e->polling = NULL;
  ws_send(e->ws, false, "5", 1);
  polling_hand_over(polling, e->ws);
  polling_free(polling, false);
  if (e->paused) ws_pause(e->ws, true);
}
