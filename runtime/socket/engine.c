/* An Engine: which transport carries its session, and when that changes.
 *
 * Which transport. The first of the options' is tried; where it cannot be had although
 * the server can be reached (no WebSocket behind that proxy, say) the next one is. What
 * shows that the server itself cannot be reached (DNS, CONNECT, PROXY, TLS, or a TIMEOUT
 * before it is connected) ends the attempt. Polling goes by another way where an HTTP
 * proxy forwards its requests: then a proxy that lets no tunnel through ends none.
 * engine_ws.c and engine_polling.c carry
 * packets; both hand them to engine_session.c, and report here when they fail.
 *
 * The upgrade. With the handshake done over polling, a WebSocket of the same session is
 * opened and asked "2probe". Its "3probe" means that the server will take it: from then
 * on nothing new is asked for or sent by polling (DRAINING), and the server lets go of
 * the request that it holds. When none is under way, "5" goes out over the WebSocket,
 * then what waits. A probe that fails, or takes longer than connecting may, leaves the
 * session on polling. */
#include "socket/engine.h"

#include <stdlib.h>
#include <string.h>

#include "socket/engine_polling.h"
#include "socket/engine_session.h"
#include "socket/engine_ws.h"

/* --- choosing a transport --------------------------------------------------------- */

static int start_transport(Engine *e, EioTransports transport, Error *err) {
  e->transport = transport;
  e->carrier = transport == EIO_POLLING ? &engine_polling : &engine_ws;
  e->left &= (EioTransports)~transport;
  return e->carrier->start(e, err);
}

static EioTransports next_left(const Engine *e) {
  return e->left & EIO_WEBSOCKET ? EIO_WEBSOCKET : e->left & EIO_POLLING;
}

/* The way to the server fails whatever is to be spoken there. */
static bool is_of_the_way(const Error *err) {
  ErrorCode code = err->code;
  bool late = code == ERR_TIMEOUT && err->phase;
  return code == ERR_DNS || code == ERR_CONNECT || code == ERR_PROXY || code == ERR_TLS ||
         (late && strcmp(err->phase, "handshake") && strcmp(err->phase, "response"));
}

/* Both: a WebSocket may be on its way while polling is in use. */
static void release_transports(Engine *e, int close_code, const char *reason,
                               bool goodbye) {
  engine_ws.free(e, close_code, reason, goodbye);
  engine_polling.free(e, close_code, reason, goodbye);
}

static void on_failed(Engine *e, const char *reason, int code, const Error *err) {
  EngineLoss loss = {.reason = reason, .code = code, .err = *err};
  EioTransports next = next_left(e);
  bool other_way = next == EIO_POLLING && engine_ws_has_detour(e);
  if (e->hello || e->lost || !next || (is_of_the_way(err) && !other_way)) {
    engine_lose(e, &loss);
    return;
  }
  timer_stop(net_loop(e->net), &e->probe);
  release_transports(e, 1000, NULL, false);
  if (start_transport(e, next, &loss.err) != 0) engine_lose(e, &loss);
}

/* --- the upgrade ------------------------------------------------------------------ */

static void stop_probe(Engine *e) {
  WsClient *ws = e->ws;
  if (e->upgrade == UPGRADE_NONE) return;
  timer_stop(net_loop(e->net), &e->probe);
  e->ws = NULL;
  e->upgrade = UPGRADE_NONE;
  if (ws) ws_goodbye(ws, 1000, NULL);
  engine_polling.resume(e);
}

/* The server lets go of the request that it holds when it says "3probe": where that does
 * not come the way has swallowed it, and what the answer would have brought is lost. A
 * POST may take its time. */
static void on_probe_timeout(Timer *timer) {
  Engine *e = CONTAINER_OF(timer, Engine, probe);
  if (e->upgrade != UPGRADE_DRAINING || !polling_get_is_stuck(e->polling)) {
    stop_probe(e);
    return;
  }
  Error err;
  error_set(&err, ERR_TIMEOUT, "the server did not answer a polling request in time");
  err.phase = "response";
  engine_end(e, "transport error", &err);
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
    engine_ws_callbacks.message(ctx, binary, data, len);
  } else if (e->upgrade == UPGRADE_PROBING && !binary && len == 6 &&
             memcmp(data, "3probe", 6) == 0) {
    e->upgrade = UPGRADE_DRAINING;
    timer_start(net_loop(e->net), &e->probe, engine_connect_timeout(e) / 4);
    polling_drain(e->polling);
  } else {
    stop_probe(e);
  }
}

static void on_probe_closed(void *ctx, int code, const char *reason, size_t len,
                            const Error *err) {
  Engine *e = ctx;
  if (e->upgrade == UPGRADE_NONE) engine_ws_callbacks.closed(ctx, code, reason, len, err);
  else stop_probe(e);
}

/* The handshake is done over polling: begins to probe if it may. */
static void on_probe(Engine *e) {
  WsCallbacks probing = engine_ws_callbacks;
  Error err;
  if (!e->options->upgrade) return;
  probing.open = on_probe_open;
  probing.message = on_probe_message;
  probing.closed = on_probe_closed;
  e->upgrade = UPGRADE_OPENING;
  e->probe.fire = on_probe_timeout;
  timer_start(net_loop(e->net), &e->probe, engine_connect_timeout(e));
  if (engine_ws_open(e, &probing, &err) != 0) stop_probe(e);
}

static void on_drained(Engine *e) {
  if (e->upgrade != UPGRADE_DRAINING) return;
  timer_stop(net_loop(e->net), &e->probe);
  e->upgrade = UPGRADE_NONE;
  e->upgraded = true;
  e->transport = EIO_WEBSOCKET;
  e->carrier = &engine_ws;
  ws_send(e->ws, false, "5", 1);
  polling_hand_over(e->polling);
  engine_polling.free(e, 1000, NULL, false);
  if (e->paused) ws_pause(e->ws, true);
}

/* --- life ------------------------------------------------------------------------- */

static const EngineEvents events = {
    .failed = on_failed, .probe = on_probe, .drained = on_drained};

Engine *engine_open(Net *net, const EngineOptions *options,
                    const EngineCallbacks *callbacks, void *ctx, Error *err) {
  Engine *e = xcalloc(1, sizeof *e);
  e->net = net;
  e->began = loop_now(net_loop(net));
  e->options = options;
  e->callbacks = *callbacks;
  e->ctx = ctx;
  e->events = &events;
  e->left = options->plain ? EIO_NONE : options->others;
  if (start_transport(e, options->plain ? EIO_WEBSOCKET : options->first, err) == 0)
    return e;
  free(e);
  return NULL;
}

void engine_free(Engine *e, int close_code, const char *reason) {
  engine_stop_timers(e);
  release_transports(e, close_code, reason, e->hello && !e->lost);
  free(e->subprotocol);
  free(e->sid);
  free(e);
}
