/* What the polling transport sends: the packets that wait, the requests that bring them,
 * and whether these are answered well. */
#include "socket/polling_request.h"

#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "net/http_headers.h"
#include "net/net_url.h"
#include "proto/httpdate.h"
#include "proto/websocket.h"
#include "socket/engine_session.h"

enum { LEAST_BODY = 64 << 20 };

/* --- the queue -------------------------------------------------------------------- */

void polling_recount(Polling *p) {
  charge_set(p->charge, &p->charged, pieces_memory(&p->queue) + p->posting + p->got.len);
}

void polling_drop_first(Polling *p) {
  pieces_drop_first(&p->queue);
  polling_recount(p);
}

Piece *polling_put(Polling *p, bool binary, bool alone, const char *data, size_t len) {
  Piece *piece = pieces_put(&p->queue, binary, alone, data, len);
  polling_recount(p);
  return piece;
}

void polling_gather(Polling *p, Buffer *payload, size_t most) {
  pieces_gather(&p->queue, payload, most, &p->fence);
  polling_recount(p);
}

/* --- requests --------------------------------------------------------------------- */

size_t polling_max_message(const Engine *e) {
  return e->options->ws.max_message ? e->options->ws.max_message : WS_MAX_MESSAGE;
}

/* Servers put all that waits into one answer, however many messages that is, but for the
 * handshake. */
static size_t max_body(const Engine *e) {
  size_t message = polling_max_message(e);
  if (!e->hello || message > SIZE_MAX / 8) return message;
  return 4 * message > LEAST_BODY ? 4 * message : LEAST_BODY;
}

void polling_request_fill(const Polling *p, bool post, Request *request) {
  const Engine *e = p->engine;
  const WsOptions *common = &e->options->ws;
  request->url = engine_target(e, EIO_POLLING);
  request->headers =
      engine_headers(e, post ? "Content-Type: text/plain;charset=UTF-8" : NULL);
  request->options = (HttpOptions){.method = post ? "POST" : "GET",
                                   .url = request->url,
                                   .headers = (const char *const *)request->headers,
                                   .connect_timeout = common->connect_timeout,
                                   .max_body = max_body(e),
                                   .max_redirects = 0,
                                   .once = true,
                                   .owner = p,
                                   .route = common->route};
}

void polling_request_free(Request *request) {
  engine_headers_free(request->headers);
  free(request->url);
}

HttpRequest *polling_request_start(Polling *p, const Buffer *body, double timeout,
                                   HttpDone *done, Error *err) {
  Request request;
  polling_request_fill(p, body != NULL, &request);
  request.options.timeout = timeout;
  if (body) request.options.body = body->data, request.options.body_len = body->len;
  else request.options.charge = p->charge;
  HttpRequest *started = http_start(p->net, &request.options, done, p, err);
  polling_request_free(&request);
  return started;
}

/* --- answers ---------------------------------------------------------------------- */

void polling_fail(Polling *p, const char *reason, const Error *err) {
  Engine *e = p->engine;
  if (e->hello) engine_end(e, reason, err);
  else e->events->failed(e, reason, 0, err);
}

/* Redirects are not followed: the option `url` should name where they lead. */
static bool describe_redirect(const HttpResponse *r, Error *err) {
  char place[300], shown[NET_URL_SHOWN];
  if (r->status < 300 || r->status > 399 ||
      !http_find_header(&r->headers, "Location", place, sizeof place))
    return false;
  net_url_show(place, shown);
  error_set(err, ERR_HTTP,
            "the server redirects a polling request (status %d), to %s, which is not "
            "followed",
            r->status, shown);
  return true;
}

/* {"code":1,"message":"Session ID unknown"}, or whatever a machine in between says. */
static void describe_refusal(const HttpResponse *r, Error *err) {
  int len = r->body.len < 200 ? (int)r->body.len : 200;
  if (r->status == 200)
    error_set(err, ERR_HTTP, "the server answered with something that is not Engine.IO");
  else if (!describe_redirect(r, err))
    error_set(err, ERR_HTTP, "the server answered a polling request with status %d%s",
              r->status, r->status == 404 ? " (is the option path right?)" : "");
  error_detail(err, "%d: %.*s", r->status, len, r->body.len ? r->body.data : "");
  for (char *c = err->detail; *c; c++)
    if ((unsigned char)*c < ' ' || (unsigned char)*c >= 127) *c = ' ';
  char value[64], date[64];
  bool dated = http_find_header(&r->headers, "Date", date, sizeof date);
  if (!http_find_header(&r->headers, "Retry-After", value, sizeof value)) return;
  double seconds = http_retry_after(value, dated ? date : NULL, clock_wall());
  if (seconds > 0) err->retry_after = seconds;
}

bool polling_went_well(Polling *p, const HttpResponse *r, const Error *err) {
  Error why;
  if (err) {
    polling_fail(p, "transport error", err);
    return false;
  }
  engine_take_cookies(p->engine, r->headers.data, r->headers.len);
  bool opens = p->engine->hello || (r->body.len && *r->body.data == EIO_OPEN);
  if (r->status == 200 && opens) return true;
  if (!p->engine->hello && eio_is_older(r->body.data, r->body.len)) {
    engine_is_older(p->engine);
    return false;
  }
  describe_refusal(r, &why);
  polling_fail(p, "transport error", &why);
  return false;
}
