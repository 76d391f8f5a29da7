/* The session of an Engine, whatever carries it: handshake, packets, heartbeat, end. The
 * transports hand to it what comes; it knows them by their tables alone.
 *
 * The end. engine_lose calls `lost`, once; after it nothing more is reported or asked
 * for, and the owner frees the engine, often from within. So whoever calls something that
 * may end it looks no further at the engine; functions that go on afterwards hold what
 * they need.
 *
 * The heartbeat is watched by a timer, whose clock stands still while the machine sleeps,
 * and measured by one that does not: the machine's waking makes it look at that.
 *
 * A plain WebSocket has pings of our own, since the server need not send any. One goes
 * out every ping_interval. Whatever comes, and whatever the peer takes of what was stuck,
 * is a sign of its life; without one for ping_timeout after a ping the connection is
 * lost. One timer is due for the next ping or for the verdict, whichever is first. Before
 * the verdict the loop gets one more turn: if this process stood still for a while, what
 * came meanwhile lies there unread. A machine that wakes finds out at once: it asks by a
 * ping, unless it slept for so long that the server must have given this connection up. A
 * process that was stopped for so long takes it for lost as well, whatever lies there
 * unread; one whose handlers worked for so long does not. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/clock.h"
#include "net/http_headers.h"
#include "socket/engine_session.h"

static const double one_more_turn = 0.05;
static const double busy_machine = 0.3; /* so much no standstill is made of */

/* --- the end ---------------------------------------------------------------------- */

void engine_take_unsent(Engine *e, bool binary, const char *data, size_t len) {
  if (e->callbacks.unsent) e->callbacks.unsent(e->ctx, binary, data, len);
}

void engine_stop_timers(Engine *e) {
  timer_stop(net_loop(e->net), &e->heartbeat);
  timer_stop(net_loop(e->net), &e->probe);
  wakes_leave(&e->wake);
}

/* What waits to be written goes out with the goodbye yet, unless there is nobody to read
 * it. */
void engine_lose(Engine *e, const EngineLoss *loss) {
  if (e->lost) return;
  e->lost = true; /* there is nobody to say goodbye to */
  e->carrier->report_unsent(e, strcmp(loss->reason, "ping timeout") == 0);
  engine_stop_timers(e);
  e->callbacks.lost(e->ctx, loss);
}

void engine_end(Engine *e, const char *reason, const Error *err) {
  EngineLoss loss = {.reason = reason, .err = *err};
  engine_lose(e, &loss);
}

void engine_is_older(Engine *e) {
  EngineLoss loss = {.reason = "parse error", .final = true};
  eio_older(&loss.err);
  engine_lose(e, &loss);
}

void engine_violated(Engine *e, const char *what) {
  Error err;
  error_set(&err, ERR_PROTOCOL, "the server broke the protocol: %s", what);
  engine_end(e, "parse error", &err);
}

/* --- the heartbeat ---------------------------------------------------------------- */

/* Altogether: the loop's clock stands still meanwhile. */
static double time_slept(const Engine *e) {
  return wakes_now(net_wakes(e->net)) - loop_now(net_loop(e->net));
}

/* After so many seconds without a sign of life the verdict should have come; 0: there is
 * no heartbeat. */
static double beat_deadline(const Engine *e) {
  const EngineOptions *o = e->options;
  return o->ping_interval > 0 ? o->ping_interval + o->ping_timeout + busy_machine : 0;
}

/* Whether the process did nothing for longer than the heartbeat allows: it was stopped,
 * or got no processor. A handler that works for long is no such thing. */
static bool stood_still(const Engine *e) {
  double idle =
      wakes_now(net_wakes(e->net)) - e->beat.looked - (clock_cpu() - e->beat.cpu);
  return idle > beat_deadline(e);
}

/* It has been silent for longer than its heartbeat allows. Where this process stood still
 * that is seen here before the timer fires. */
static bool is_overdue(const Engine *e) {
  double deadline = e->options->plain ? beat_deadline(e) : e->ping_deadline;
  if (!e->hello || e->lost || e->paused || !(deadline > 0)) return false;
  if (wakes_now(net_wakes(e->net)) - e->last_sign <= deadline) return false;
  return !e->options->plain || stood_still(e);
}

static void lose_silent(Engine *e) {
  Error err;
  double silent = wakes_now(net_wakes(e->net)) - e->last_sign;
  error_set(&err, ERR_TIMEOUT, "the server sent no ping for %.3g seconds", silent);
  err.phase = "heartbeat";
  engine_end(e, "ping timeout", &err);
}

static bool lose_overdue(Engine *e) {
  bool overdue = is_overdue(e);
  if (overdue) lose_silent(e);
  return overdue;
}

/* Before something is sent. The callbacks are for later: this may be a call from outside.
 */
bool engine_is_given_up(Engine *e) {
  bool overdue = is_overdue(e);
  if (overdue) timer_start(net_loop(e->net), &e->heartbeat, 0);
  return overdue;
}

/* While we do not read, the server's pings are not seen: that is not its fault. Nor is it
 * that they stand behind much else which comes. */
static void on_heartbeat(Timer *timer) {
  Engine *e = CONTAINER_OF(timer, Engine, heartbeat);
  double left = e->last_sign + e->ping_deadline - wakes_now(net_wakes(e->net));
  if (e->paused) timer_start(net_loop(e->net), timer, e->ping_deadline);
  else if (left > 0) timer_start(net_loop(e->net), timer, left);
  else lose_silent(e);
}

static void restart_heartbeat(Engine *e) {
  e->last_sign = wakes_now(net_wakes(e->net));
  timer_start(net_loop(e->net), &e->heartbeat, e->ping_deadline);
}

static void on_woke(WakeListener *listener) {
  lose_overdue(CONTAINER_OF(listener, Engine, wake));
}

static void note_sign(Engine *e) {
  e->last_sign = wakes_now(net_wakes(e->net));
}

/* --- the heartbeat of a plain WebSocket ------------------------------------------- */

static void lose_beat(Engine *e, const char *what, double seconds) {
  Error err;
  error_set(&err, ERR_TIMEOUT, "%s for %.3g seconds", what, seconds);
  err.phase = "heartbeat";
  engine_end(e, "ping timeout", &err);
}

static void note_look(Engine *e) {
  e->beat.looked = wakes_now(net_wakes(e->net));
  e->beat.cpu = clock_cpu();
}

static void excuse_silence(Engine *e) {
  note_sign(e);
  e->beat.since = 0;
  e->beat.again = false;
  e->beat.slept = time_slept(e);
}

/* A connection that is ending reports its end itself. */
static void send_beat(Engine *e) {
  double now = loop_now(net_loop(e->net));
  bool ends = ws_ping(e->ws, NULL, 0) == ERR_NOT_CONNECTED;
  if (e->beat.since == 0 && !ends) e->beat.since = now;
  e->beat.next = now + e->options->ping_interval;
}

static void arm_beat(Engine *e) {
  double due = e->beat.next, verdict = e->beat.since + e->options->ping_timeout;
  if (e->beat.since > 0 && verdict < due) due = verdict;
  timer_start_at(net_loop(e->net), &e->heartbeat, due);
}

static void on_beat(Timer *timer) {
  Engine *e = CONTAINER_OF(timer, Engine, heartbeat);
  double now = loop_now(net_loop(e->net)), timeout = e->options->ping_timeout;
  if (lose_overdue(e)) return;
  note_look(e);
  if (ws_heard(e->ws) || e->paused) excuse_silence(e);
  bool late = e->beat.since > 0 && now >= e->beat.since + timeout;
  if (late && e->beat.again) {
    lose_beat(e, "a ping was not answered", now - e->beat.since);
    return;
  }
  e->beat.again = late;
  if (now >= e->beat.next) send_beat(e);
  if (late) timer_start(net_loop(e->net), timer, one_more_turn);
  else arm_beat(e);
}

static void on_beat_woke(WakeListener *listener) {
  Engine *e = CONTAINER_OF(listener, Engine, wake);
  double lately = time_slept(e) - e->beat.slept;
  if (lately > e->options->ping_interval + e->options->ping_timeout) {
    lose_beat(e, "the machine slept", lately);
    return;
  }
  send_beat(e);
  arm_beat(e);
}

static void start_beat(Engine *e) {
  double interval = e->options->ping_interval;
  if (!(interval > 0)) return;
  e->heartbeat.fire = on_beat;
  e->wake.woke = on_beat_woke;
  note_look(e);
  excuse_silence(e);
  e->beat.next = loop_now(net_loop(e->net)) + interval;
  wakes_listen(net_wakes(e->net), &e->wake);
  arm_beat(e);
}

void engine_retune(Engine *e) {
  if (!e->options->plain || !e->hello || e->lost) return;
  timer_stop(net_loop(e->net), &e->heartbeat);
  wakes_leave(&e->wake);
  start_beat(e);
}

/* --- packets ---------------------------------------------------------------------- */

/* One that comes again changes the numbers, and the sid, of the session that stands: the
 * reference client takes it. */
static void on_hello(Engine *e, const EioPacket *packet) {
  EioOpen open;
  Error err;
  bool again = e->hello;
  JsonArena *arena = json_arena_new(NULL);
  int code = eio_parse_open(arena, packet->data, packet->len, &open, &err);
  json_arena_free(arena);
  if (code) {
    engine_end(e, "parse error", &err);
    return;
  }
  e->hello = true;
  if (!again) timer_stop(net_loop(e->net), &e->probe); /* it was to come in time */
  e->ping_deadline = open.ping_interval + open.ping_timeout;
  e->max_payload = open.max_payload;
  free(e->sid);
  e->sid = xstrdup(open.sid);
  e->heartbeat.fire = on_heartbeat;
  restart_heartbeat(e);
  if (again) return;
  e->wake.woke = on_woke;
  wakes_listen(net_wakes(e->net), &e->wake);
  if (e->transport == EIO_POLLING && open.websocket) e->events->probe(e);
  e->callbacks.open(e->ctx);
}

/* One that lies there unread after a long standstill is of a server that has given this
 * connection up since. */
static void on_ping(Engine *e, const EioPacket *packet) {
  char pong[64] = {EIO_PONG};
  if (lose_overdue(e)) return;
  size_t len = packet->len < sizeof pong - 1 ? packet->len : sizeof pong - 1;
  if (len) memcpy(pong + 1, packet->data, len);
  restart_heartbeat(e);
  engine_send(e, false, pong, len + 1);
}

static void on_close(Engine *e) {
  Error err;
  error_set(&err, ERR_CLOSED, "the server closed the session");
  engine_end(e, "transport close", &err);
}

/* A message is a sign of life as a ping is, but for what lies there unread after a long
 * standstill. */
static void take_message(Engine *e, bool binary, const char *data, size_t len) {
  if (!is_overdue(e)) note_sign(e);
  e->callbacks.message(e->ctx, binary, data, len);
}

void engine_take_bytes(Engine *e, const char *data, size_t len) {
  if (!e->hello) engine_violated(e, "a packet before the handshake");
  else if (!e->lost) take_message(e, true, data, len);
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
  else if (packet.type == EIO_MESSAGE) take_message(e, false, packet.data, packet.len);
  else if (packet.type == EIO_PING) on_ping(e, &packet);
  else if (packet.type == EIO_CLOSE) on_close(e);
  /* What else comes is a noop, or is taken for one, as the reference client does. */
}

/* --- a plain WebSocket ------------------------------------------------------------ */

void engine_become_open(Engine *e, const char *subprotocol) {
  if (*subprotocol) e->subprotocol = xstrdup(subprotocol);
  e->hello = true;
  start_beat(e);
  e->callbacks.open(e->ctx);
}

void engine_take_frame(Engine *e, bool binary, const char *data, size_t len) {
  take_message(e, binary, data, len);
}

void engine_take_pong(Engine *e, const char *data, size_t len) {
  if (lose_overdue(e)) return;
  note_sign(e);
  e->callbacks.pong(e->ctx, data, len);
}

double engine_connect_timeout(const Engine *e) {
  double timeout = e->options->ws.connect_timeout;
  return timeout > 0 ? timeout : 20;
}

double engine_time_left(const Engine *e) {
  double timeout = engine_connect_timeout(e);
  double left = e->began + timeout - loop_now(net_loop(e->net));
  return left > timeout / 20 ? left : timeout / 20;
}

/* --- what a request is made of ---------------------------------------------------- */

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

/* Where the requests go, as cookies see it. */
static bool read_place(const Engine *e, NetUrl *url) {
  char *text = engine_target(e, EIO_POLLING);
  Error ignored;
  bool good = e->options->cookies && net_url_parse(url, text, true, &ignored) == 0;
  free(text);
  return good;
}

void engine_take_cookies(const Engine *e, const char *lines, size_t len) {
  NetUrl url;
  if (!read_place(e, &url)) return;
  cookies_take(e->options->cookies, &url, lines, len, clock_wall());
  net_url_free(&url);
}

/* Appends the cookies of the script, and those of the jar. */
static bool put_cookies(const Engine *e, const char *given, Buffer *out) {
  NetUrl url = {0};
  bool placed = read_place(e, &url);
  bool any =
      cookies_put(placed ? e->options->cookies : NULL, &url, given, out, clock_wall());
  net_url_free(&url);
  return any;
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
  if (put_cookies(e, buffer_text(&own), &all)) list[n] = buffer_take(&all, NULL);
  buffer_free(&own);
  buffer_free(&all);
  return list;
}

void engine_headers_free(char **headers) {
  for (char **header = headers; *header; header++) free(*header);
  free(headers);
}

/* --- from outside ----------------------------------------------------------------- */

int engine_send_below(Engine *e, bool binary, const char *data, size_t len, size_t most) {
  if (engine_is_given_up(e)) return ERR_NOT_CONNECTED;
  return e->carrier->send(e, binary, data, len, most);
}

int engine_send(Engine *e, bool binary, const char *data, size_t len) {
  return engine_send_below(e, binary, data, len, SIZE_MAX);
}

bool engine_may_write(void *ctx) {
  Engine *e = ctx;
  return e->upgrade != UPGRADE_NONE || !engine_is_given_up(e);
}

int engine_ping(Engine *e, const char *data, size_t len) {
  return e->hello && e->ws && !engine_is_given_up(e) ? ws_ping(e->ws, data, len)
                                                     : (int)ERR_NOT_CONNECTED;
}

void engine_fence(Engine *e, uint32_t number) {
  e->carrier->fence(e, number);
}

void engine_take_fence(Engine *e, uint32_t number) {
  if (!e->lost) e->callbacks.passed(e->ctx, number);
}

int engine_send_last(Engine *e, bool binary, const char *data, size_t len) {
  return e->carrier->send_last(e, binary, data, len);
}

size_t engine_buffered(const Engine *e) {
  return e->carrier->buffered(e);
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
  if (paused) return;
  if (e->hello && !e->lost && e->options->plain) excuse_silence(e);
  else if (e->hello && !e->lost) restart_heartbeat(e);
  e->carrier->resume(e); /* last: what it sends may find that the connection is gone */
}
