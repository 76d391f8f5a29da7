/* The WebSocket client: its states, messages and ends. Opening stands in wsclient_open.c,
 * bytes in wsclient_io.c. Loop thread only; a WsClient belongs to whoever opened it.
 *
 *   CONNECTING → HANDSHAKE → OPEN → PARTING or CLOSING → DRAINING → ENDED
 *
 * Every state may fall to ENDED at once (ws_end), which closes all that is open and calls
 * `closed`; that happens exactly once. After a closing handshake, or a violation by the
 * peer, we say our last frame and DRAIN: the peer hangs up first, as RFC 6455 7.1.1 wants
 * it, and our last frame is not destroyed by an RST for bytes that we left unread. A
 * timer ends the waiting.
 *
 * What the peer said before its close frame, or before its violation, may still lie in
 * the inbox, and whoever gets it there may answer. So our last frame waits for its turn
 * in the inbox, too: until then we are PARTING, which still sends, but reads no more.
 *
 * After ws_goodbye nobody owns the client: it is an orphan, CLOSING or DRAINING, which
 * goes on writing, reads up to the peer's end and releases itself. net_free ends what is
 * left. With a last message to say it is OPEN until the peer has answered a ping that
 * stands behind all else: servers may drop what they read together with it.
 *
 * Callbacks may free the client. So each entry from outside (poll, timer, inbox, curl,
 * the loop that is to wait) is bracketed by ws_enter and ws_leave: ws_free closes
 * everything at once, but while `busy` the memory stays until the outermost ws_leave;
 * likewise while `later` or `part` is in the inbox. Between the two, whoever called a
 * callback looks at the state again: ENDED covers "freed". */
#include "net/wsclient.h"

#include <stdlib.h>
#include <string.h>

#include "core/utf8.h"
#include "net/net_url.h"
#include "net/wsclient_ends.h"
#include "net/wsclient_io.h"

enum { PONG_BACKLOG = 16 * 1024, FRAME_HEAD = 14 };
static const double stood_still = 0.05, one_more_turn = 0.2; /* seconds */
static const char last_ping[] = "goodbye"; /* no other pong is its answer */

/* --- life ------------------------------------------------------------------------- */

void ws_opening_free(Opening *opening) {
  if (!opening) return;
  buffer_free(&opening->in);
  free(opening->subprotocols);
  free(opening);
}

void ws_release(WsClient *ws) {
  if (!ws->freed || ws->busy || ws->later_queued || ws->part_queued) return;
  ws_parser_free(ws->parser);
  deflate_free(ws->deflate);
  ws_opening_free(ws->opening);
  buffer_free(&ws->last);
  charge_let_go(ws->charge, ws->charged_out + ws->charged_in);
  free(ws->outcome);
  free(ws->url);
  free(ws);
}

static void end_io(WsClient *ws) {
  ws->state = WS_ENDED;
  timer_stop(net_loop(ws->net), &ws->timer);
  ws_stop_io(ws);
}

void ws_free(WsClient *ws) {
  if (!ws) return;
  ws->freed = true;
  if (ws->state != WS_ENDED) end_io(ws);
  ws_release(ws);
}

/* --- the ends --------------------------------------------------------------------- */

void ws_end(WsClient *ws, int code, const char *reason, size_t len, const Error *err) {
  CHECK(ws->state != WS_ENDED && ws->busy);
  ws_report_unsent(ws);
  end_io(ws);
  if (!ws->orphan) {
    ws->callbacks.closed(ws->ctx, code, reason, len, err);
    return;
  }
  net_rest_over(&ws->rest);
  ws->freed = true;
}

static void wait_for_peer(WsClient *ws) {
  ws->unsent = ws->blocked ? ws_buffered(ws) : 0;
  timer_start(net_loop(ws->net), &ws->timer, ws->close_timeout);
}

/* Nothing more is said or taken: waits for the peer to hang up. */
static void wait_for_hang_up(WsClient *ws) {
  ws->state = WS_DRAINING;
  wait_for_peer(ws);
  ws_watch(ws);
  if (ws->tls) ws_read_later(ws); /* OpenSSL may hold some */
}

static void queue_close(WsClient *ws, int code, const char *reason, size_t len) {
  uint8_t mask[4];
  net_random(ws->net, mask, sizeof mask);
  ws_frame_close(&ws->queued, mask, code, reason, len);
  net_before_wait(ws->net, &ws->flush);
}

static void say_outcome(WsClient *ws) {
  const Error *err = &ws->outcome->err;
  queue_close(ws, ws->outcome->say, err->message, strlen(err->message));
}

static void part_now(WsClient *ws) {
  say_outcome(ws);
  wait_for_hang_up(ws);
}

static void on_part(Event *event) {
  WsClient *ws = CONTAINER_OF(event, WsClient, part);
  ws->part_queued = false;
  ws_enter(ws);
  if (ws->state == WS_PARTING) part_now(ws);
  ws_leave(ws);
}

/* The peer closed, or broke the rules: see `outcome`. */
static void begin_parting(WsClient *ws, const Outcome *outcome) {
  ws->outcome = xmalloc(sizeof *outcome);
  *ws->outcome = *outcome;
  if (ws->state != WS_IS_OPEN) {
    wait_for_hang_up(ws);
    return;
  }
  ws->state = WS_PARTING;
  ws->part_queued = true;
  ws->part.run = on_part;
  inbox_push(net_loop(ws->net), &ws->part);
  ws_watch(ws);
}

static void finish_parting(WsClient *ws) {
  const Outcome *outcome = ws->outcome;
  ws_end(ws, outcome->code, outcome->reason, outcome->reason_len, &outcome->err);
}

static const char *alert_of(const WsClient *ws, CURLcode result) {
  bool opening = ws->tls && ws->state == WS_HANDSHAKE;
  return opening ? net_tls_alert(ws->transfer.easy, result, ws->opening->words) : NULL;
}

static void describe_break(WsClient *ws, CURLcode result, Error *err) {
  char host[NET_URL_SHOWN];
  long os_error = ws->os_error;
  const char *alert = alert_of(ws, result);
  net_url_show_host(ws->url, host);
  if (ws->tls) curl_easy_getinfo(ws->transfer.easy, CURLINFO_OS_ERRNO, &os_error);
  if (result == CURLE_OK && ws->state == WS_HANDSHAKE)
    error_set(err, ERR_RESET, "%s closed the connection during the WebSocket handshake",
              host);
  else if (result == CURLE_OK)
    error_set(err, ERR_RESET, "%s closed the connection without a closing handshake",
              host);
  else if (alert)
    error_set(err, ERR_TLS, "%s refused the secure connection: %s", host, alert);
  else
    error_set(err, ERR_RESET, "the connection to %s broke: %s", host,
              os_error ? strerror((int)os_error) : curl_easy_strerror(result));
  err->phase = ws->state == WS_HANDSHAKE ? "handshake" : NULL;
}

void ws_break(WsClient *ws, CURLcode result) {
  Error err;
  if (ws->outcome) {
    finish_parting(ws);
    return;
  }
  describe_break(ws, result, &err);
  ws_end(ws, 1006, "", 0, &err);
}

/* What `last` holds. */
static void say_last(WsClient *ws) {
  buffer_put(&ws->queued, ws->last.data, ws->last.len);
  buffer_free(&ws->last);
  net_before_wait(ws->net, &ws->flush);
  ws->state = WS_CLOSING;
  wait_for_peer(ws);
}

static void end_late(WsClient *ws) {
  char host[NET_URL_SHOWN];
  Error err;
  net_url_show_host(ws->url, host);
  bool closing = ws->state == WS_CLOSING;
  error_set(&err, ERR_TIMEOUT, "timed out waiting for %s to %s", host,
            closing ? "answer the closing handshake" : "answer the WebSocket handshake");
  err.phase = closing ? "close" : "handshake";
  if (ws->state == WS_DRAINING) finish_parting(ws);
  else ws_end(ws, 1006, "", 0, &err);
}

/* Where this process stood still, what the peer has taken meanwhile is not seen yet. */
static bool is_late(const WsClient *ws) {
  return loop_now(net_loop(ws->net)) - ws->timer.due > stood_still;
}

/* A peer that still takes what stands before our close frame has not had its time yet. */
void ws_on_timer(Timer *timer) {
  WsClient *ws = CONTAINER_OF(timer, WsClient, timer);
  ws_enter(ws);
  if (ws_buffered(ws) < ws->unsent) wait_for_peer(ws);
  else if (ws->unsent > 0 && is_late(ws))
    timer_start(net_loop(ws->net), timer, one_more_turn);
  else if (ws->last.len && ws->state == WS_IS_OPEN) say_last(ws);
  else end_late(ws);
  ws_leave(ws);
}

/* --- what the peer says ----------------------------------------------------------- */

static void put_frame(WsClient *ws, WsOpcode opcode, const char *data, size_t len) {
  uint8_t mask[4];
  net_random(ws->net, mask, sizeof mask);
  ws_frame(&ws->queued, true, opcode, mask, data, len);
  net_before_wait(ws->net, &ws->flush);
}

/* The compressed form lives only until it is masked into the queue. */
static void put_deflated(WsClient *ws, WsOpcode opcode, const char *data, size_t len) {
  uint8_t mask[4];
  Buffer small = {0};
  deflate_write(ws->deflate, data, len, &small);
  net_random(ws->net, mask, sizeof mask);
  ws_frame_deflated(&ws->queued, opcode, mask, small.data, small.len);
  net_before_wait(ws->net, &ws->flush);
  buffer_free(&small);
}

static bool is_compressed(const WsClient *ws, size_t len) {
  return ws->deflate && len >= ws->compression.threshold &&
         deflate_can_write(ws->deflate);
}

/* Of many pings that cannot be answered now the last one will be (RFC 6455, 5.5.3). */
static void on_ping(WsClient *ws, const WsEvent *event) {
  if (ws->state != WS_IS_OPEN) return;
  if (ws_buffered(ws) < PONG_BACKLOG) {
    put_frame(ws, WS_PONG, event->data, event->len);
    return;
  }
  buffer_clear(&ws->pong);
  buffer_reserve(&ws->pong, 1);
  buffer_put(&ws->pong, event->data, event->len);
}

static void on_close(WsClient *ws, const WsEvent *event) {
  Outcome outcome = {.code = event->close_code, .say = event->close_code};
  outcome.reason_len = event->len;
  memcpy(outcome.reason, event->data, event->len);
  begin_parting(ws, &outcome);
}

static void on_pong(WsClient *ws, const WsEvent *event) {
  size_t len = strlen(last_ping);
  bool is_last = event->len == len && memcmp(event->data, last_ping, len) == 0;
  if (ws->orphan && ws->last.len && is_last) say_last(ws);
  else if (ws->state == WS_IS_OPEN && !ws->orphan && ws->callbacks.pong)
    ws->callbacks.pong(ws->ctx, event->data, event->len);
}

static void on_event(WsClient *ws, const WsEvent *event) {
  switch (event->type) {
  case WS_PING:
    on_ping(ws, event);
    break;
  case WS_CLOSE:
    on_close(ws, event);
    break;
  case WS_TEXT:
  case WS_BINARY:
    if (ws->state == WS_IS_OPEN && !ws->orphan)
      ws->callbacks.message(ws->ctx, event->type == WS_BINARY, event->data, event->len);
    break;
  case WS_PONG:
    on_pong(ws, event);
    break;
  default:
    break;
  }
}

static void end_violated(WsClient *ws, int close_code, const Error *err) {
  Outcome outcome = {.code = 1006, .say = close_code, .err = *err};
  char host[NET_URL_SHOWN];
  net_url_show_host(ws->url, host);
  if (!err->detail[0]) error_detail(&outcome.err, "%s", host);
  begin_parting(ws, &outcome);
}

static bool takes_frames(const WsClient *ws) {
  return ws->state == WS_IS_OPEN || ws->state == WS_CLOSING;
}

/* A message that is gathered is charged already. */
static size_t most_allowed(const WsClient *ws) {
  size_t room = charge_room(ws->charge), held = ws_parser_held(ws->parser);
  return room < SIZE_MAX - held ? room + held : SIZE_MAX;
}

static void recount_held(WsClient *ws) {
  charge_set(ws->charge, &ws->charged_in, ws_parser_held(ws->parser));
}

void ws_take_frames(WsClient *ws, char *data, size_t len) {
  size_t used = 0;
  int result = 0, close_code = 0;
  WsEvent event;
  Error err;
  while (takes_frames(ws)) {
    ws_parser_allow(ws->parser, most_allowed(ws));
    result =
        ws_parse(ws->parser, data + used, len - used, &used, &event, &close_code, &err);
    if (result <= 0) break;
    recount_held(ws); /* who takes a copy has that much less room */
    on_event(ws, &event);
  }
  if (result < 0 && takes_frames(ws)) end_violated(ws, close_code, &err);
  recount_held(ws);
}

/* After the end of a closing handshake only the peer's hanging up is waited for. */
static void take_bytes(WsClient *ws, char *data, size_t len) {
  if (ws->state != WS_DRAINING) ws_take_frames(ws, data, len);
}

const WsIoEvents ws_open_io = {take_bytes, ws_break, ws_release};

/* --- what we say ------------------------------------------------------------------ */

size_t ws_buffered(const WsClient *ws) {
  return ws->writing.len - ws->written + ws->queued.len;
}

int ws_send(WsClient *ws, bool binary, const char *data, size_t len) {
  if (ws->state != WS_IS_OPEN && ws->state != WS_PARTING) return ERR_NOT_CONNECTED;
  size_t buffered = ws_buffered(ws);
  if (buffered > ws->max_buffered || len > ws->max_buffered - buffered)
    return ERR_BUFFER_FULL;
  if (charge_is_over(ws->charge, len) || !buffer_can_take(&ws->queued, len + FRAME_HEAD))
    return ERR_BUFFER_FULL;
  if (!binary && !utf8_valid(data, len)) return ERR_DECODE;
  WsOpcode opcode = binary ? WS_BINARY : WS_TEXT;
  if (is_compressed(ws, len)) put_deflated(ws, opcode, data, len);
  else put_frame(ws, opcode, data, len);
  ws_recount(ws);
  return 0;
}

int ws_ping(WsClient *ws, const char *data, size_t len) {
  if (ws->state != WS_IS_OPEN) return ERR_NOT_CONNECTED;
  if (ws_buffered(ws) + len > ws->max_buffered) return ERR_BUFFER_FULL;
  put_frame(ws, WS_PING, data, len);
  return 0;
}

bool ws_heard(WsClient *ws) {
  bool heard = ws->heard;
  ws->heard = false;
  return heard;
}

void ws_pause(WsClient *ws, bool paused) {
  if (ws->paused == paused) return;
  ws->paused = paused;
  if (ws->state == WS_ENDED) return;
  ws_watch(ws);
  if (!paused && ws->tls && ws->poll) ws_read_later(ws); /* OpenSSL may hold some */
}

static void on_abandoned(Event *event) {
  WsClient *ws = CONTAINER_OF(event, WsClient, later);
  Error err;
  ws->later_queued = false;
  ws_enter(ws);
  error_set(&err, ERR_ABORTED, "closed before it was open");
  if (ws->state != WS_ENDED) ws_end(ws, 1006, "", 0, &err);
  ws_leave(ws);
}

static void abandon_later(WsClient *ws) {
  ws->later.run = on_abandoned; /* instead of reading, if it is there for that */
  if (ws->later_queued) return;
  ws->later_queued = true;
  inbox_push(net_loop(ws->net), &ws->later);
}

void ws_close(WsClient *ws, int code, const char *reason) {
  size_t len = reason ? strlen(reason) : 0;
  if (ws->state == WS_CONNECTING || ws->state == WS_HANDSHAKE) {
    ws->abandoned = true;
    abandon_later(ws);
  }
  if (ws->state != WS_IS_OPEN) return;
  queue_close(ws, code, reason, len);
  ws->state = WS_CLOSING;
  wait_for_peer(ws);
  ws_watch(ws);
}

static void on_net_end(NetRest *rest) {
  ws_free(CONTAINER_OF(rest, WsClient, rest));
}

void ws_send_last(WsClient *ws, bool binary, const char *data, size_t len) {
  uint8_t mask[4];
  net_random(ws->net, mask, sizeof mask);
  ws_frame(&ws->last, true, binary ? WS_BINARY : WS_TEXT, mask, data, len);
}

/* The close frame stands behind the last message, which waits for the answer. */
static void ask_peer(WsClient *ws, int code, const char *reason) {
  uint8_t mask[4];
  put_frame(ws, WS_PING, last_ping, strlen(last_ping));
  net_random(ws->net, mask, sizeof mask);
  ws_frame_close(&ws->last, mask, code, reason, reason ? strlen(reason) : 0);
  ws->paused = false;
}

static bool says_goodbye(const WsClient *ws) {
  return ws->state == WS_IS_OPEN || ws->state == WS_CLOSING || ws->state == WS_DRAINING;
}

void ws_goodbye(WsClient *ws, int code, const char *reason) {
  if (ws->given_up) {
    ws_free(ws);
    return;
  }
  if (ws->state == WS_IS_OPEN && ws->last.len) ask_peer(ws, code, reason);
  else if (ws->state == WS_IS_OPEN) ws_close(ws, code, reason);
  if (ws->state == WS_PARTING) part_now(ws);
  if (!says_goodbye(ws)) {
    ws_free(ws);
    return;
  }
  ws->orphan = true;
  ws->rest.end = on_net_end;
  net_rest(ws->net, &ws->rest);
  ws_write_out(ws);
  wait_for_peer(ws);
}
