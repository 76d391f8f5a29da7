/* An Engine: one session, from the first request or frame until it is lost or freed.
 *
 * Which transport. The first of the options' is tried; where it cannot be had although
 * the server can be reached (no WebSocket behind that proxy, say) the next one is. What
 * shows that the server itself cannot be reached (DNS, CONNECT, PROXY, TLS, or a TIMEOUT
 * before it is connected) ends the attempt. engine_ws.c and engine_polling.c carry
 * packets; both hand them to engine_take_packet. A session that began over polling may go
 * on over WebSocket (the upgrade, engine_ws.c).
 *
 * The end. engine_end tells `lost`, once; after it nothing more is told or asked for, and
 * the owner frees the engine, often from within. So whoever calls something that may end
 * it looks no further at the engine; functions that go on afterwards hold what they need.
 *
 * The heartbeat is watched by a timer, whose clock stands still while the machine sleeps,
 * and measured by one that does not: the machine's waking makes it look at that. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/clock.h"
#include "core/utf8.h"
#include "socket/engine_parts.h"
#include "net/http_headers.h"

/* --- the end ---------------------------------------------------------------------- */

void engine_unsent(Engine *e, bool binary, const char *data, size_t len) {
  if (e->callbacks.unsent) e->callbacks.unsent(e->ctx, binary, data, len);
}

/* What waits to be written goes out with the goodbye yet, unless there is nobody to read
 * it. */
static void tell_unsent(Engine *e, const EngineLoss *loss) {
  bool dead = strcmp(loss->reason, "ping timeout") == 0;
  if (dead && e->ws && e->upgrade == UPGRADE_NONE) ws_tell_unsent(e->ws);
  if (e->polling) polling_tell_unsent(e->polling);
}

static void tell_lost(Engine *e, const EngineLoss *loss) {
  if (e->lost) return;
  e->lost = true; /* there is nobody to say goodbye to */
  tell_unsent(e, loss);
  timer_stop(net_loop(e->net), &e->heartbeat);
  timer_stop(net_loop(e->net), &e->probe);
  wakes_leave(&e->wake);
  e->callbacks.lost(e->ctx, loss);
}

void engine_end(Engine *e, const char *reason, const Error *err) {
  EngineLoss loss = {.reason = reason, .err = *err};
  tell_lost(e, &loss);
}

void engine_is_older(Engine *e) {
  EngineLoss loss = {.reason = "parse error", .final = true};
  eio_older(&loss.err);
  tell_lost(e, &loss);
}

void engine_violated(Engine *e, const char *what) {
  Error err;
  error_set(&err, ERR_PROTOCOL, "the server broke the protocol: %s", what);
  engine_end(e, "parse error", &err);
}

/* --- the heartbeat ---------------------------------------------------------------- */

/* It has been silent for longer than its heartbeat allows. Where this process stood still
 * that is seen here before the timer can tell it. */
bool engine_is_overdue(const Engine *e) {
  double deadline = e->options->plain ? engine_beat_deadline(e) : e->ping_deadline;
  if (!e->hello || e->lost || e->paused || !(deadline > 0)) return false;
  if (wakes_now(net_wakes(e->net)) - e->last_sign <= deadline) return false;
  return !e->options->plain || engine_beat_stood_still(e);
}

static void lose_silent(Engine *e) {
  Error err;
  double silent = wakes_now(net_wakes(e->net)) - e->last_sign;
  error_set(&err, ERR_TIMEOUT, "the server sent no ping for %.3g seconds", silent);
  err.phase = "heartbeat";
  engine_end(e, "ping timeout", &err);
}

bool engine_lose_overdue(Engine *e) {
  bool overdue = engine_is_overdue(e);
  if (overdue) lose_silent(e);
  return overdue;
}

/* Before something is sent. The callbacks are for later: this may be a call from outside.
 */
bool engine_is_given_up(Engine *e) {
  bool overdue = engine_is_overdue(e);
  if (overdue) timer_start(net_loop(e->net), &e->heartbeat, 0);
  return overdue;
}

/* While we do not read, the server's pings are not seen: that is not its fault. */
static void on_heartbeat(Timer *timer) {
  Engine *e = CONTAINER_OF(timer, Engine, heartbeat);
  if (e->paused) timer_start(net_loop(e->net), timer, e->ping_deadline);
  else lose_silent(e);
}

static void note_beat(Engine *e) {
  e->last_sign = wakes_now(net_wakes(e->net));
  timer_start(net_loop(e->net), &e->heartbeat, e->ping_deadline);
}

static void on_woke(WakeListener *listener) {
  engine_lose_overdue(CONTAINER_OF(listener, Engine, wake));
}

void engine_heard(Engine *e) {
  e->last_sign = wakes_now(net_wakes(e->net));
}

/* --- packets ---------------------------------------------------------------------- */

/* One that comes again changes the numbers, and the sid, of the session that stands: the
 * reference client takes it. */
static void on_hello(Engine *e, const EioPacket *packet) {
  EioOpen open;
  Error err;
  bool again = e->hello;
  JsonArena *arena = json_arena_new();
  int code = eio_parse_open(arena, packet->data, packet->len, &open, &err);
  json_arena_free(arena);
  if (code) {
    engine_end(e, "parse error", &err);
    return;
  }
  e->hello = true;
  e->ping_deadline = open.ping_interval + open.ping_timeout;
  e->max_payload = open.max_payload;
  free(e->sid);
  e->sid = xstrdup(open.sid);
  note_beat(e);
  if (again) return;
  wakes_listen(net_wakes(e->net), &e->wake);
  if (e->transport == EIO_POLLING && open.websocket) engine_probe(e);
  e->callbacks.open(e->ctx);
}

/* One that lies there unread after a long standstill is of a server that has given this
 * connection up since. */
static void on_ping(Engine *e, const EioPacket *packet) {
  char pong[64] = {EIO_PONG};
  if (engine_lose_overdue(e)) return;
  size_t len = packet->len < sizeof pong - 1 ? packet->len : sizeof pong - 1;
  if (len) memcpy(pong + 1, packet->data, len);
  note_beat(e);
  engine_send(e, false, pong, len + 1);
}

static void on_close(Engine *e) {
  Error err;
  error_set(&err, ERR_CLOSED, "the server closed the session");
  engine_end(e, "transport close", &err);
}

void engine_take_bytes(Engine *e, const char *data, size_t len) {
  if (!e->hello) engine_violated(e, "a packet before the handshake");
  else if (!e->lost) e->callbacks.message(e->ctx, true, data, len);
}

void engine_take_packet(Engine *e, const char *data, size_t len) {
  EioPacket packet;
  Error err;
  if (e->lost) return;
  if (eio_parse(data, len, &packet, &err) != 0) {
    engine_end(e, "parse error", &err);
    return;
  }
  if (packet.type == EIO_OPEN) on_hello(e, &packet);
  else if (!e->hello) engine_violated(e, "a packet before the handshake");
  else if (packet.type == EIO_MESSAGE)
    e->callbacks.message(e->ctx, false, packet.data, packet.len);
  else if (packet.type == EIO_PING) on_ping(e, &packet);
  else if (packet.type == EIO_CLOSE) on_close(e);
  /* What else comes is a noop, or is taken for one, as the reference client does. */
}

/* --- choosing a transport --------------------------------------------------------- */

char *engine_target(const Engine *e, EioTransports transport) {
  const EngineOptions *o = e->options;
  Buffer url = {0};
  if (o->plain) return xstrdup(o->front);
  bool ws = strncasecmp(o->front, "ws", 2) == 0; /* ws is http, wss is https */
  if (ws) buffer_puts(&url, "http");
  buffer_puts(&url, o->front + (ws ? 2 : 0));
  eio_target(&url, o->path, !o->no_slash, o->query, transport, e->sid);
  return buffer_take(&url, NULL);
}

char **engine_headers(const Engine *e, const char *more) {
  const char *const *given = e->options->ws.headers;
  size_t n = 0;
  while (given && given[n]) n++;
  char **list = xcalloc(n + 3, sizeof *list);
  n = 0;
  for (size_t i = 0; given && given[i]; i++)
    if (!http_header_is(given[i], "Cookie")) list[n++] = xstrdup(given[i]);
  if (more) list[n++] = xstrdup(more);
  Buffer own = {0}, all = {0};
  http_join_cookies(&own, given);
  if (cookies_merge(e->options->cookies, buffer_text(&own), &all, clock_wall()))
    list[n] = buffer_take(&all, NULL);
  buffer_free(&own);
  buffer_free(&all);
  return list;
}

void engine_headers_free(char **headers) {
  for (char **header = headers; *header; header++) free(*header);
  free(headers);
}

static int start(Engine *e, EioTransports transport, Error *err) {
  e->transport = transport;
  e->left &= (EioTransports)~transport;
  return transport == EIO_POLLING ? polling_start(e, err) : engine_ws_start(e, err);
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

static void release_transports(Engine *e, int close_code, const char *reason,
                               bool goodbye) {
  WsClient *ws = e->ws;
  Polling *polling = e->polling;
  e->ws = NULL;
  e->polling = NULL;
  if (ws) ws_goodbye(ws, close_code, reason);
  if (polling) polling_free(polling, goodbye);
}

void engine_transport_failed(Engine *e, const char *reason, int code, const Error *err) {
  EngineLoss loss = {.reason = reason, .code = code, .err = *err};
  EioTransports next = next_left(e);
  if (e->hello || e->lost || !next || is_of_the_way(err)) {
    tell_lost(e, &loss);
    return;
  }
  release_transports(e, 1000, NULL, false);
  if (start(e, next, &loss.err) != 0) tell_lost(e, &loss);
}

/* --- from outside ----------------------------------------------------------------- */

Engine *engine_open(Net *net, const EngineOptions *options,
                    const EngineCallbacks *callbacks, void *ctx, Error *err) {
  Engine *e = xcalloc(1, sizeof *e);
  e->net = net;
  e->options = options;
  e->callbacks = *callbacks;
  e->ctx = ctx;
  e->heartbeat.fire = on_heartbeat;
  e->wake.woke = on_woke;
  e->left = options->plain ? EIO_NONE : options->others;
  if (start(e, options->plain ? EIO_WEBSOCKET : options->first, err) == 0) return e;
  free(e);
  return NULL;
}

static bool over_polling(const Engine *e) {
  return e->transport == EIO_POLLING && e->polling;
}

int engine_send(Engine *e, bool binary, const char *data, size_t len) {
  if (engine_is_given_up(e)) return ERR_NOT_CONNECTED;
  if (!over_polling(e))
    return e->ws ? ws_send(e->ws, binary, data, len) : (int)ERR_NOT_CONNECTED;
  size_t most = e->options->ws.max_buffered;
  if (most && polling_buffered(e->polling) + len > most) return ERR_BUFFER_FULL;
  if (!polling_has_room(e->polling, len)) return ERR_BUFFER_FULL;
  if (!binary && !utf8_valid(data, len)) return ERR_DECODE;
  polling_send(e->polling, binary, data, len);
  return 0;
}

int engine_ping(Engine *e, const char *data, size_t len) {
  return e->hello && e->ws && !engine_is_given_up(e) ? ws_ping(e->ws, data, len)
                                                     : (int)ERR_NOT_CONNECTED;
}

void engine_fence(Engine *e, uint32_t number) {
  if (over_polling(e)) polling_fence(e->polling, number);
  else if (e->ws) engine_ws_fence(e->ws, number);
}

void engine_passed(Engine *e, uint32_t number) {
  if (!e->lost) e->callbacks.passed(e->ctx, number);
}

int engine_send_last(Engine *e, bool binary, const char *data, size_t len) {
  if (over_polling(e)) polling_send_last(e->polling, binary, data, len);
  else if (e->ws) ws_send_last(e->ws, binary, data, len);
  else return ERR_NOT_CONNECTED;
  return 0;
}

size_t engine_buffered(const Engine *e) {
  size_t polled = e->polling ? polling_buffered(e->polling) : 0;
  return polled + (e->ws && !over_polling(e) ? ws_buffered(e->ws) : 0);
}

size_t engine_max_payload(const Engine *e) {
  return e->max_payload;
}

bool engine_is_open(const Engine *e) {
  return e->hello;
}

const char *engine_transport(const Engine *e) {
  return eio_transport_name(e->transport);
}

const char *engine_subprotocol(const Engine *e) {
  return e->subprotocol;
}

bool engine_has_upgraded(const Engine *e) {
  return e->upgraded;
}

void engine_pause(Engine *e, bool paused) {
  e->paused = paused;
  if (e->ws) ws_pause(e->ws, paused);
  if (e->polling && !paused) polling_resume(e->polling);
  if (paused || !e->hello || e->lost) return;
  if (e->options->plain) engine_beat_spare(e);
  else note_beat(e);
}

void engine_free(Engine *e, int close_code, const char *reason) {
  timer_stop(net_loop(e->net), &e->heartbeat);
  timer_stop(net_loop(e->net), &e->probe);
  wakes_leave(&e->wake);
  release_transports(e, close_code, reason, e->hello && !e->lost);
  free(e->subprotocol);
  free(e->sid);
  free(e);
}
