/* One request and its answer on a connection of ours: HTTP/1.1 by proto/http1_client.
 *
 * Reading and writing go on at once: a server may answer as it reads. An answer that is
 * whole before the request is out ends the sending, and so does the head of one that
 * refuses, or leads elsewhere: it is handed over and the connection is closed, since the
 * server may take what follows for another request. A connection on which
 * writing fails is read all the same: what the peer said before it hung up is its answer.
 *
 * Which connection. A kept one that is quiet; for a request that may not be repeated only
 * one that was used a moment ago, else a fresh one. An idempotent request whose kept
 * connection ends before a byte of an answer is sent once more, on a fresh one: the
 * server had given the connection up before it saw the request. */
#include "net/http_exchange.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "net/http_body.h"
#include "net/http_headers.h"
#include "net/http_hop.h"
#include "net/http_progress.h"
#include "net/http_stream.h"
#include "net/pool.h"

enum { JOINED_BODY = 16 * 1024, READS = 8, WRITES = 4, PIECE = 256 * 1024 };
enum { PACKED_PIECE = 4096 };
static const double just_now = 2; /* seconds */

/* --- the ends --------------------------------------------------------------------- */

/* Whether it still has the connection that it had when `conns` was read. A pointer does
 * not show it: a new connection may lie where one that was closed lay. */
static bool goes_on(const HttpRequest *r, unsigned conns) {
  return r->exchange.conn && r->exchange.conns == conns;
}

static void close_conn(HttpRequest *r) {
  if (r->exchange.conn) httpconn_close(r->exchange.conn);
  r->exchange.conn = NULL;
}

void http_exchange_stop(HttpRequest *r) {
  close_conn(r);
  timer_stop(net_loop(r->net), &r->exchange.limit);
  timer_stop(net_loop(r->net), &r->exchange.more);
  route_proxy_free(&r->exchange.proxy);
  free(r->exchange.key);
  r->exchange.key = NULL;
  buffer_free(&r->exchange.out);
}

/* The error is filled but for whether the server can have seen the request. */
static void fail_hop(HttpRequest *r) {
  Exchange *x = &r->exchange;
  r->error.phase = "response";
  if (!x->heard && x->conn) pool_distrust(pool_of(r->net), x->conn);
  r->error.sent = r->answer.began ? SENT_YES : x->written ? SENT_UNKNOWN : SENT_NO;
  http_exchange_stop(r);
  r->hop_over(r);
}

/* A small body goes out with the head. */
static bool is_joined(const HttpRequest *r) {
  return r->body.len <= JOINED_BODY && r->file_count == 0;
}

static bool is_whole(const Exchange *x, const HttpRequest *r) {
  return x->written == x->out.len + (is_joined(r) ? 0 : http_body_len(r));
}

/* Behind a 408 the answer to a request that it crossed may come. */
static bool may_keep(const HttpRequest *r, bool alone) {
  for (char **header = r->headers; *header; header++)
    if (http_header_is(*header, "Connection") && strcasestr(*header, "close"))
      return false;
  return alone && r->answer.framing.keep_alive && r->answer.status != 408 &&
         is_whole(&r->exchange, r);
}

/* alone: nothing came behind the answer. */
static void finish_hop(HttpRequest *r, bool alone) {
  HttpConn *conn = r->exchange.conn;
  bool keeps = may_keep(r, alone);
  if (!r->discards && http_end_body(r) != 0) {
    fail_hop(r);
    return;
  }
  if (keeps && r->keep_alive >= 0) {
    r->exchange.conn = NULL;
    pool_give(pool_of(r->net), conn, r->keep_alive);
  }
  http_exchange_stop(r);
  r->hop_over(r);
}

/* --- what goes wrong -------------------------------------------------------------- */

static void describe_wrong(HttpRequest *r) {
  char shown[NET_URL_SHOWN];
  net_url_show(net_url_name(&r->url), shown);
  const Http1Answer *a = &r->answer;
  if (a->code == ERR_TOO_LARGE)
    error_set(&r->error, ERR_TOO_LARGE,
              "the %s of the answer of %s exceeds %d bytes or %d lines", a->wrong, shown,
              HTTP1_MAX_HEAD, HTTP1_MAX_FIELDS);
  else if (a->code == ERR_DECODE)
    error_set(&r->error, ERR_DECODE, "the answer of %s is not well-formed HTTP: %s",
              shown, a->wrong);
  else
    error_set(&r->error, ERR_PROTOCOL, "the answer of %s breaks the rules of HTTP: %s",
              shown, a->wrong);
}

static void describe_break(HttpRequest *r, CURLcode result) {
  const HttpConn *conn = r->exchange.conn;
  char host[NET_URL_SHOWN];
  net_url_show_host(net_url_name(&r->url), host);
  const char *alert =
      conn->tls ? net_tls_alert(conn->transfer.easy, result, conn->words) : NULL;
  if (alert)
    error_set(&r->error, ERR_TLS, "%s refused the secure connection: %s", host, alert);
  else
    error_set(&r->error, ERR_RESET, "the connection to %s broke before the answer %s",
              host, r->exchange.heard ? "was complete" : "came");
  if (conn->os_error) error_detail(&r->error, "%s", strerror(conn->os_error));
  else if (result != CURLE_OK)
    error_detail(&r->error, "%s",
                 conn->words[0] ? conn->words : curl_easy_strerror(result));
}

static void start_fresh(HttpRequest *r);

static bool is_idempotent(const HttpRequest *r) {
  static const char *const methods[] = {"GET",    "HEAD",    "PUT",
                                        "DELETE", "OPTIONS", "TRACE"};
  for (size_t i = 0; i < COUNT_OF(methods); i++)
    if (http_is_method(r, methods[i])) return !r->once;
  return false;
}

static bool may_repeat(const HttpRequest *r) {
  return r->exchange.reused && !r->exchange.repeated && is_idempotent(r);
}

static void repeat_request(HttpRequest *r) {
  close_conn(r);
  timer_stop(net_loop(r->net), &r->exchange.more);
  r->exchange.repeated = true;
  http1_answer_begin(&r->answer, http_is_method(r, "HEAD"));
  start_fresh(r);
}

/* What a server says that gives up a connection for being idle; it may cross a request on
 * its way (RFC 9110, 15.5.9). One that does not say that it closes the connection may as
 * well mean the request: it is handed on. */
static bool is_idle_end(const HttpRequest *r) {
  return r->answer.status == 408 && !r->answer.framing.keep_alive;
}

/* The connection ended, or broke. */
static void lose_conn(HttpRequest *r, CURLcode result) {
  Exchange *x = &r->exchange;
  if (result == CURLE_OK && http1_answer_ended(&r->answer)) {
    finish_hop(r, false);
  } else if (!x->heard && may_repeat(r)) {
    repeat_request(r);
  } else {
    describe_break(r, result);
    fail_hop(r);
  }
}

/* --- reading ---------------------------------------------------------------------- */

static void stop_sending(HttpRequest *r) {
  r->exchange.sending = false;
  httpconn_want_write(r->exchange.conn, false);
}

/* A server that refuses wants no more of the body; one that answers as it reads does. */
static void heed_answer(HttpRequest *r) {
  if (r->answer.status >= 300) stop_sending(r);
}

/* Takes what came; afterwards the exchange may be over. */
static void take_bytes(HttpRequest *r, const char *data, size_t len) {
  size_t at = 0, used, piece_len;
  const char *piece;
  for (;;) {
    Http1Got got =
        http1_answer_take(&r->answer, data + at, len - at, &used, &piece, &piece_len);
    int code = 0;
    at += used;
    if (got == HTTP1_GOT_MORE) return;
    if (got == HTTP1_GOT_END) {
      finish_hop(r, at == len);
      return;
    }
    if (got == HTTP1_GOT_HEAD && is_idle_end(r) && may_repeat(r)) {
      repeat_request(r);
      return;
    }
    if (got == HTTP1_GOT_WRONG && r->discards) return; /* nobody looks */
    if (got == HTTP1_GOT_WRONG) describe_wrong(r);
    if (got == HTTP1_GOT_HEAD && r->exchange.sending) heed_answer(r);
    if (got == HTTP1_GOT_HEAD) code = http_take_head(r);
    if (got == HTTP1_GOT_BODY && !r->discards) code = http_take_body(r, piece, piece_len);
    if (got == HTTP1_GOT_WRONG || code) {
      fail_hop(r);
      return;
    }
  }
}

/* A body that is unpacked as it is read becomes many times larger. */
static size_t most_at_once(const HttpRequest *r) {
  bool packed = r->stream.asked && (r->coding || !r->stream.opened);
  return packed ? PACKED_PIECE : NET_SCRATCH;
}

static void on_readable(void *ctx) {
  HttpRequest *r = ctx;
  char *scratch = net_scratch(r->net);
  unsigned conns = r->exchange.conns;
  for (int i = 0; i < READS; i++) {
    HttpConn *conn = r->exchange.conn;
    size_t len, room = most_at_once(r);
    CURLcode result = httpconn_read(conn, scratch, room, &len);
    if (result == CURLE_AGAIN) return;
    if (result != CURLE_OK || len == 0) {
      lose_conn(r, result);
      return;
    }
    bool last = !conn->tls && len < room; /* saves a call */
    r->exchange.heard = true;
    take_bytes(r, scratch, len);
    if (!goes_on(r, conns)) return;
    if (r->discards) {
      http_exchange_stop(r);
      r->hop_over(r);
      return;
    }
    if (!http_stream_fed(r) || last) return;
  }
  /* What OpenSSL holds does not show at the socket. */
  timer_start(net_loop(r->net), &r->exchange.more, 0);
}

void http_exchange_resume(HttpRequest *r) {
  httpconn_want_read(r->exchange.conn, true);
  timer_start(net_loop(r->net), &r->exchange.more, 0);
}

static void on_more(Timer *timer) {
  HttpRequest *r = CONTAINER_OF(timer, HttpRequest, exchange.more);
  if (!r->stream.paused) on_readable(r);
}

/* --- writing ---------------------------------------------------------------------- */

/* NULL: the error is filled. */
static const char *next_bytes(HttpRequest *r, size_t *len) {
  const Exchange *x = &r->exchange;
  if (x->written < x->out.len) {
    *len = x->out.len - x->written;
    return x->out.data + x->written;
  }
  return http_body_at(r, x->written - x->out.len, net_scratch(r->net), NET_SCRATCH, len);
}

/* Writing failed: the peer may have said why before it hung up. */
static void write_failed(HttpRequest *r, CURLcode result) {
  unsigned conns = r->exchange.conns;
  stop_sending(r);
  on_readable(r);
  if (goes_on(r, conns)) lose_conn(r, result);
}

static void tell_written(HttpRequest *r) {
  const Exchange *x = &r->exchange;
  size_t head = x->out.len - (is_joined(r) ? r->body.len : 0);
  if (x->written > head) http_progress_sent(r, x->written - head);
}

/* What a peer that reads as we write would take is without bound: the rest is for the
 * next time. */
static void on_writable(void *ctx) {
  HttpRequest *r = ctx;
  Exchange *x = &r->exchange;
  CURLcode result = CURLE_OK;
  for (int i = 0; i < WRITES && result == CURLE_OK && !is_whole(x, r); i++) {
    size_t len, taken;
    const char *bytes = next_bytes(r, &len);
    if (!bytes) {
      fail_hop(r);
      return;
    }
    result = httpconn_write(x->conn, bytes, len < PIECE ? len : PIECE, &taken);
    x->written += taken;
  }
  tell_written(r);
  if (result != CURLE_OK && result != CURLE_AGAIN) write_failed(r, result);
  else if (is_whole(x, r)) stop_sending(r);
  else httpconn_want_write(x->conn, true);
}

static void send_request(HttpRequest *r) {
  Exchange *x = &r->exchange;
  x->conn->used++;
  x->written = 0;
  x->heard = false;
  x->sending = true;
  on_writable(r);
}

/* --- the connection --------------------------------------------------------------- */

static void connect_failed(HttpRequest *r, CURLcode result) {
  HttpConn *conn = r->exchange.conn;
  net_error(&r->error, conn->transfer.easy, result, conn->words, net_url_name(&r->url));
  r->error.sent = SENT_NO;
  http_exchange_stop(r);
  r->hop_over(r);
}

static void on_connected(void *ctx, CURLcode result) {
  HttpRequest *r = ctx;
  bool crowded = result != CURLE_OK && r->exchange.conn->transfer.no_files;
  r->exchange.connecting = false;
  if (crowded && !r->exchange.crowded) {
    r->exchange.crowded = true;
    close_conn(r);
    pool_empty(pool_of(r->net)); /* what is kept had the descriptors */
    start_fresh(r);
  } else if (result != CURLE_OK) {
    connect_failed(r, result);
  } else if (r->exchange.conn->fd == CURL_SOCKET_BAD) {
    lose_conn(r, CURLE_RECV_ERROR);
  } else {
    send_request(r);
  }
}

static const HttpConnEvents in_use = {on_connected, on_readable, on_writable};

/* A part that is empty differs from one that is missing. */
static void put_part(Buffer *key, const char *part) {
  buffer_putc(key, part ? '=' : '-');
  if (part) buffer_puts(key, part);
  buffer_putc(key, '\n');
}

/* Everything that makes a connection what it is. Returns new. */
static char *key_of(const HttpRequest *r, const RouteProxy *proxy) {
  Route o = http_hop_route(r);
  const char *parts[] = {o.ca_file, o.cert, o.key, o.key_password, o.pin, o.ciphers};
  Buffer key = {0};
  buffer_reserve(&key, 128);
  put_part(&key, proxy->forward ? NULL : r->url.origin);
  put_part(&key, proxy->url);
  for (size_t i = 0; i < COUNT_OF(parts); i++) put_part(&key, parts[i]);
  if (o.insecure) buffer_putc(&key, '!');
  return buffer_take(&key, NULL);
}

static void start_fresh(HttpRequest *r) {
  Exchange *x = &r->exchange;
  Route route = http_hop_route(r);
  HttpConnWay way = {.url = &r->url,
                     .route = &route,
                     .via = x->proxy.url,
                     .connect_timeout = r->connect_timeout};
  /* A kept one that this request cannot take makes room for one that it can. */
  if (r->max_connections)
    pool_trim(pool_of(r->net), x->key, r->owner,
              r->max_connections - slots_used(&r->slot));
  x->reused = false;
  x->connecting = true;
  x->conns++;
  x->conn = httpconn_open(r->net, &way, xstrdup(x->key), r->owner, &in_use, r);
}

static HttpConn *take_kept(HttpRequest *r) {
  return pool_take(pool_of(r->net), r->exchange.key, r->owner,
                   is_idempotent(r) ? INFINITY : just_now);
}

/* --- the request ------------------------------------------------------------------ */

static void write_request(HttpRequest *r) {
  Exchange *x = &r->exchange;
  char *basic =
      http_at_home(r) ? net_url_basic("Authorization", r->user, r->password) : NULL;
  char *proxy = NULL;
  NetUrl via = {0};
  Error ignored;
  if (x->proxy.url && net_url_parse(&via, x->proxy.url, false, &ignored) == 0)
    proxy = net_url_basic("Proxy-Authorization", via.user, via.password);
  const char **headers = http_hop_headers(r);
  const char **standard = http_standard_headers(r, basic, proxy);
  const char *path = strchr(strstr(r->url.url, "://") + 3, '/');
  Http1Ask ask = {.method = r->method,
                  .target = x->proxy.url ? r->url.url : path,
                  .host = r->url.authority,
                  .headers = headers,
                  .standard = standard,
                  .has_body = http_sends_body(r),
                  .body_len = http_body_len(r)};
  buffer_clear(&x->out);
  http1_put_ask(&x->out, &ask);
  if (is_joined(r)) buffer_put(&x->out, r->body.data, r->body.len);
  net_url_free(&via);
  free(headers);
  free(standard);
  free(basic);
  free(proxy);
}

static void on_limit(Timer *timer) {
  HttpRequest *r = CONTAINER_OF(timer, HttpRequest, exchange.limit);
  char shown[NET_URL_SHOWN];
  if (r->exchange.connecting) {
    connect_failed(r, CURLE_OPERATION_TIMEDOUT);
    return;
  }
  net_url_show(net_url_name(&r->url), shown);
  error_set(&r->error, ERR_TIMEOUT, "timed out waiting for the answer of %s", shown);
  fail_hop(r);
}

void http_exchange_start(HttpRequest *r) {
  Exchange *x = &r->exchange;
  *x = (Exchange){
      .out = x->out, .conns = x->conns, .limit.fire = on_limit, .more.fire = on_more};
  route_proxy(&r->route, &r->url, &x->proxy);
  x->key = key_of(r, &x->proxy);
  if (!x->proxy.forward) route_proxy_free(&x->proxy);
  r->forwarded = x->proxy.url != NULL;
  http1_answer_begin(&r->answer, http_is_method(r, "HEAD"));
  write_request(r);
  if (!isinf(r->deadline)) timer_start_at(net_loop(r->net), &x->limit, r->deadline);
  x->conn = take_kept(r);
  if (!x->conn) {
    start_fresh(r);
    return;
  }
  x->conns++;
  x->conn->events = &in_use;
  x->conn->ctx = r;
  x->reused = true;
  send_request(r);
}
