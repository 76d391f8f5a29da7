/* HTTP: a request is read whole, delivered, and answered by its id, once. The next
 * request of the connection is read when the answer is in `out`, so pipelined requests
 * are answered in their order. */
#include "server/exchange.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "core/clock.h"
#include "net/hosts.h"
#include "server/channel.h"
#include "server/losses.h"

static void start_timer(Conn *conn, double seconds) {
  timer_start(conn->server->room->loop, &conn->timer, seconds);
}

/* --- answering -------------------------------------------------------------------- */

/* Nothing follows the head; a 205 says so by its length (RFC 9110, 15.3.6). */
static bool is_bodyless(int status) {
  return status == 204 || status == 304 || status == 205;
}

void exchange_put_head(Conn *conn, int status, const char *const *headers,
                       const char *framing) {
  Buffer *out = &conn->out;
  char date[64];
  time_t now = (time_t)clock_wall(); /* a test may have set it */
  strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", gmtime(&now));
  buffer_printf(out, "HTTP/1.1 %d %s\r\nDate: %s\r\n", status, http1_reason(status),
                date);
  for (; headers && *headers; headers++) buffer_printf(out, "%s\r\n", *headers);
  buffer_puts(out, framing);
  if (!conn->keep_alive) buffer_puts(out, "Connection: close\r\n");
  else if (conn->old) buffer_puts(out, "Connection: keep-alive\r\n");
  buffer_puts(out, "\r\n");
}

void exchange_finish(Conn *conn) {
  if (!conn->keep_alive) {
    conn_end(conn);
    return;
  }
  conn->phase = CONN_READING;
  start_timer(conn, conn->server->options.idle_timeout);
  conn_flush(conn);
}

static void put_answer(Conn *conn, int status, const char *const *headers,
                       const char *body, size_t len) {
  char framing[64] = "";
  if (status == 205 || !is_bodyless(status))
    snprintf(framing, sizeof framing, "Content-Length: %zu\r\n", status == 205 ? 0 : len);
  exchange_put_head(conn, status, headers, framing);
  if (!conn->head_only && !is_bodyless(status)) buffer_put(&conn->out, body, len);
  exchange_finish(conn);
}

static const char *refusal_code(int status) {
  switch (status) {
  case 403:
  case 421:
    return "REJECTED";
  case 408:
    return "TIMEOUT";
  case 413:
  case 414:
  case 431:
    return "TOO_LARGE";
  case 503:
    return "MEMORY";
  case 426:
  case 501:
  case 505:
    return "UNSUPPORTED";
  default:
    return "INVALID";
  }
}

/* A refusal by a limit of ours; what is wrong with a request itself is its sender's
 * business alone. */
static void note_refusal(const Conn *conn, int status, const char *message) {
  Server *server = conn->server;
  const ServerOptions *o = &server->options;
  bool body = conn->parser && http1_head_done(conn->parser);
  if (status == 408)
    loss_note(server, SERVER_LOSS_LATE,
              "a request of %s is refused with 408: its %s did not arrive within %g s "
              "(%s)",
              conn->remote, body ? "body" : "head",
              body ? o->request_timeout : o->head_timeout,
              body ? "request_timeout" : "head_timeout");
  else if (status == 413 || status == 414 || status == 431)
    loss_note(server, SERVER_LOSS_SIZE,
              "a request of %s is refused with %d: %s (max_head is %zu bytes, max_body "
              "%zu): raise the limit if such requests are right",
              conn->remote, status, message, o->max_head, o->max_body);
  else if (status == 503)
    loss_note(server, SERVER_LOSS_MEMORY,
              "a request of %s is refused with 503: %s: lower max_body or "
              "max_connections",
              conn->remote, message);
}

/* Answers without a delivery, and ends the connection: after a request that was not
 * understood it is unknown where the next begins. */
static void refuse_request(Conn *conn, int status, const char *message) {
  static const char *const headers[] = {"Content-Type: application/json",
                                        "Sec-WebSocket-Version: 13", NULL};
  static const char *const plain[] = {"Content-Type: application/json", NULL};
  char body[256];
  int len =
      snprintf(body, sizeof body, "{\"error\":{\"code\":\"%s\",\"message\":\"%s\"}}",
               refusal_code(status), message);
  note_refusal(conn, status, message);
  http1_free(conn->parser);
  conn->parser = NULL;
  conn->keep_alive = conn->head_only = false;
  put_answer(conn, status, status == 426 ? headers : plain, body, (size_t)len);
}

/* --- reading ---------------------------------------------------------------------- */

static void begin_request(Conn *conn) {
  const ServerOptions *o = &conn->server->options;
  conn->parser = http1_new(&(Http1Limits){o->max_head, o->max_body});
  start_timer(conn, o->head_timeout);
}

static const char base64_chars[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* Sixteen bytes in base64. */
static bool is_key(const char *key) {
  return key && strlen(key) == WS_KEY_LEN && strspn(key, base64_chars) == 22 &&
         strcmp(key + 22, "==") == 0;
}

static size_t count_header(const Http1Request *request, const char *name) {
  size_t n = 0;
  for (size_t i = 0; i < request->header_count; i++)
    if (strcmp(request->headers[i].name, name) == 0) n++;
  return n;
}

/* Checks the handshake of a WebSocket (RFC 6455): 0, or the status to refuse it with. */
static int check_upgrade(const Http1Request *request) {
  const char *version = http1_header(request, "sec-websocket-version");
  if (strcmp(request->method, "GET") != 0 || request->body_len > 0) return 400;
  if (!version || strcmp(version, "13") != 0) return 426;
  bool once = count_header(request, "sec-websocket-key") == 1 &&
              count_header(request, "sec-websocket-version") == 1;
  return once && is_key(http1_header(request, "sec-websocket-key")) ? 0 : 400;
}

static void deliver_request(Conn *conn, bool websocket) {
  Delivery *d = delivery_new(DELIVER_REQUEST, NULL, 0);
  d->request = conn->parser;
  d->flag = websocket;
  conn->parser = NULL;
  conn_deliver(conn, d);
}

/* Checks that the request names this server, and that a page of this server or an allowed
 * one sent it: 0, or the status to refuse it with. Only browsers send an Origin. */
static int check_sender(const Server *server, const Http1Request *request) {
  const char *from = http1_header(request, "origin");
  Authority host;
  Origin origin;
  if (request->host && *request->host && !authority_read(request->host, &host))
    return 400;
  if (request->host &&
      (!*request->host || !host_allowed(server->options.hosts, &host, server->port)))
    return 421;
  if (!from) return 0;
  bool whole = count_header(request, "origin") == 1 && origin_read(from, &origin);
  return whole && origin_allowed(server->options.origins, &origin,
                                 request->host ? &host : NULL, server->port)
             ? 0
             : 403;
}

static void note_sender(const Conn *conn, int status, const Http1Request *request) {
  const char *from = http1_header(request, "origin");
  loss_note(conn->server, SERVER_LOSS_SENDER,
            "a request of %s is refused with %d: %s \"%.80s\" is not in the server's "
            "option %s",
            conn->remote, status, status == 421 ? "the host" : "the origin",
            status == 421 ? request->host : from, status == 421 ? "hosts" : "origins");
}

static void refuse_sender(Conn *conn, int status, const Http1Request *request) {
  if (status == 400) {
    refuse_request(conn, 400, "malformed host");
    return;
  }
  note_sender(conn, status, request);
  refuse_request(conn, status,
                 status == 421
                     ? "the server does not answer to this host (see its option "
                       "hosts)"
                     : "the server takes no requests from pages of this origin "
                       "(see its option origins)");
}

static void take_request(Conn *conn) {
  const Http1Request *request = http1_request(conn->parser);
  bool websocket =
      request->upgrade && http1_has_token(http1_header(request, "upgrade"), "websocket");
  conn->keep_alive = request->keep_alive;
  conn->head_only = strcmp(request->method, "HEAD") == 0;
  conn->old = request->minor == 0;
  timer_stop(conn->server->room->loop, &conn->timer);
  int status = check_sender(conn->server, request);
  if (status) {
    refuse_sender(conn, status, request);
    return;
  }
  status = websocket ? check_upgrade(request) : 0;
  if (status) {
    refuse_request(conn, status, "not a WebSocket handshake of version 13");
    return;
  }
  free(conn->offered);
  conn->offered = NULL;
  if (websocket) {
    const char *offered = http1_header(request, "sec-websocket-protocol");
    ws_accept(http1_header(request, "sec-websocket-key"), conn->accept);
    conn->offered = xstrdup(offered ? offered : "");
  }
  conn_new_id(conn);
  conn->phase = CONN_PENDING;
  deliver_request(conn, websocket);
  if (conn->ended) conn_deliver(conn, delivery_new(DELIVER_GONE, NULL, 0));
}

static bool feed_request(Conn *conn) {
  if (!conn->parser) begin_request(conn);
  bool had_head = http1_head_done(conn->parser);
  size_t room = charge_room(conn->server->charge), held = http1_held(conn->parser);
  http1_allow(conn->parser, room < SIZE_MAX - held ? room + held : SIZE_MAX);
  size_t used = 0;
  Http1Result result = http1_parse(conn->parser, conn->in.data + conn->in_used,
                                   conn->in.len - conn->in_used, &used);
  conn->in_used += used;
  switch (result) {
  case HTTP1_CONTINUE:
    buffer_puts(&conn->out, "HTTP/1.1 100 Continue\r\n\r\n");
    conn_flush(conn);
    break;
  case HTTP1_DONE:
    take_request(conn);
    return true;
  case HTTP1_BAD:
    refuse_request(conn, http1_status(conn->parser), http1_complaint(conn->parser));
    return false;
  case HTTP1_MORE:
    break;
  }
  if (!had_head && http1_head_done(conn->parser))
    start_timer(conn, conn->server->options.request_timeout);
  return used > 0;
}

static void refuse_busy(Conn *conn, Refusal why) {
  if (why == REFUSE_LATE) refuse_request(conn, 408, "the request did not arrive in time");
  else refuse_request(conn, 503, "no memory for more requests");
}

/* A request that waits for its answer was delivered `gone` by close_conn. */
static void ignore_close(Conn *conn) {
  (void)conn;
}

const ConnOps exchange_ops = {feed_request, refuse_busy, ignore_close};

/* --- responding, from the script -------------------------------------------------- */

/* "Name: value" with a name of tokens; *own: the server sets it itself. */
static bool check_header(const char *header, bool *own) {
  static const char *const ours[] = {"content-length", "connection", "date",
                                     "transfer-encoding"};
  size_t len = strcspn(header, ":");
  char name[128];
  if (header[len] != ':' || len >= sizeof name) return false;
  memcpy(name, header, len);
  name[len] = '\0';
  *own = false;
  for (size_t i = 0; i < COUNT_OF(ours); i++)
    if (strcasecmp(name, ours[i]) == 0) *own = true;
  return http1_is_name(name) && http1_is_value(header + len + 1);
}

static int check_headers(const char *const *headers, Error *err) {
  for (; headers && *headers; headers++) {
    bool own = false;
    if (!check_header(*headers, &own))
      return error_set(err, ERR_INVALID, "malformed response header: %.80s", *headers);
    if (own)
      return error_set(err, ERR_INVALID, "the server sets this header itself: %.80s",
                       *headers);
  }
  return 0;
}

int exchange_check_head(int status, const char *const *headers, Error *err) {
  if (status < 200 || status > 599)
    return error_set(err, ERR_INVALID, "the status must be 200 to 599, not %d", status);
  return check_headers(headers, err);
}

Conn *exchange_find(Server *server, uint64_t id, Error *err) {
  Conn *conn = conn_find(server, id);
  if (conn && conn->fd >= 0 && conn->phase == CONN_PENDING) return conn;
  error_set(err, ERR_CLOSED, "the request is answered already, or its client is gone");
  return NULL;
}

static int lack_memory(size_t len, Error *err) {
  return error_set(err, ERR_MEMORY,
                   "no memory for an answer of %zu bytes: clients have not taken what "
                   "they were sent before",
                   len);
}

int exchange_respond(Server *server, uint64_t id, int status, const char *const *headers,
                     const char *body, size_t len, Error *err) {
  Conn *conn = exchange_find(server, id, err);
  if (!conn) return err->code;
  if (exchange_check_head(status, headers, err) != 0) return err->code;
  bool fits = conn_has_room(conn, conn->head_only ? 0 : len);
  if (fits) put_answer(conn, status, headers, body, len);
  else refuse_request(conn, 503, "no memory for the answer");
  conn_pump(conn);
  conn_settle(conn);
  return fits ? 0 : lack_memory(len, err);
}

int exchange_accept(Server *server, uint64_t id, const char *subprotocol, Error *err) {
  Conn *conn = exchange_find(server, id, err);
  if (!conn) return err->code;
  if (!conn->offered)
    return error_set(err, ERR_INVALID, "the request does not ask for a WebSocket");
  if (subprotocol && !http1_has_token(conn->offered, subprotocol))
    return error_set(err, ERR_INVALID, "the client did not offer the subprotocol %.80s",
                     subprotocol);
  buffer_printf(&conn->out,
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                "Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n",
                conn->accept);
  if (subprotocol)
    buffer_printf(&conn->out, "Sec-WebSocket-Protocol: %s\r\n", subprotocol);
  buffer_puts(&conn->out, "\r\n");
  conn->ws = ws_parser_new(WS_SERVER, server->options.max_message);
  conn->ops = &channel_ops;
  conn->phase = CONN_OPEN;
  conn_flush(conn);
  conn_pump(conn);
  conn_settle(conn);
  return 0;
}
