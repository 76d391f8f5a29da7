/* Bodies that are read as they come: see http_stream.h. Until the head is there a request
 * with a stream is like any other. Then it belongs to its reader, who cancels it in the
 * end, whatever has become of it. */
#include "net/http_stream.h"

#include <math.h>

#include "net/http_guard.h"
#include "net/http_progress.h"

enum { MUCH = 256 * 1024 };

/* --- what the reader is told ------------------------------------------------------ */

static void deliver_news(Event *event) {
  HttpRequest *r = CONTAINER_OF(event, HttpRequest, event);
  HttpStream *s = &r->stream;
  s->queued = false;
  if (r->cancelled) {
    if (!s->told) http_guard_end(r);
    r->release(r);
  } else if (s->told) {
    if (s->over) http_progress_end(r);
    s->more(s->ctx);
  } else {
    s->told = true;
    http_guard_end(r);
    r->response.url = r->url.url;
    r->done(r->ctx, &r->response, NULL);
  }
}

static void tell_reader(HttpRequest *r) {
  HttpStream *s = &r->stream;
  if (s->queued || (s->told && !s->waits)) return;
  s->queued = true;
  s->waits = false;
  r->event.run = deliver_news;
  inbox_push(net_loop(r->net), &r->event);
}

/* --- time ------------------------------------------------------------------------- */

static void on_limit(Timer *timer) {
  HttpRequest *r = CONTAINER_OF(timer, HttpRequest, stream.limit);
  char shown[NET_URL_SHOWN];
  bool all = loop_now(net_loop(r->net)) >= r->deadline;
  net_url_show(net_url_name(&r->url), shown);
  if (!r->stream.opened)
    error_set(&r->error, ERR_TIMEOUT, "timed out waiting for the answer of %s", shown);
  else if (all) error_set(&r->error, ERR_TIMEOUT, "the body of %s took too long", shown);
  else
    error_set(&r->error, ERR_TIMEOUT, "nothing came of the body of %s for %g s", shown,
              r->stream.idle);
  r->error.phase = r->stream.opened ? "body" : "response";
  r->error.sent = r->stream.opened ? SENT_YES : SENT_UNKNOWN;
  r->stop_hop(r);
  r->hop_over(r);
}

void http_stream_await_head(HttpRequest *r) {
  r->stream.limit.fire = on_limit;
  timer_start_at(net_loop(r->net), &r->stream.limit, r->deadline);
}

/* The peer has its time as long as it is not this side that does not read. */
static void await_piece(HttpRequest *r) {
  HttpStream *s = &r->stream;
  Loop *loop = net_loop(r->net);
  double idle = s->paused ? INFINITY : loop_now(loop) + s->idle;
  double due = idle < r->deadline ? idle : r->deadline;
  if (isinf(due)) timer_stop(loop, &s->limit);
  else timer_start_at(loop, &s->limit, due);
}

/* --- reading ---------------------------------------------------------------------- */

/* A proxy that refuses is an error, told as a whole. */
void http_stream_open(HttpRequest *r) {
  HttpStream *s = &r->stream;
  if (r->forwarded && r->answer.status == 407) return;
  s->opened = true;
  s->limit.fire = on_limit;
  buffer_put(&r->response.headers, r->answer.head.lines.data, r->answer.head.lines.len);
  timer_stop(net_loop(r->net), &r->exchange.limit);
  if (s->open_ended) r->deadline = INFINITY;
  await_piece(r);
  tell_reader(r);
}

bool http_stream_fed(HttpRequest *r) {
  HttpStream *s = &r->stream;
  if (!s->opened) return true;
  if (r->response.body.len >= MUCH && !s->paused) {
    s->paused = true;
    if (r->exchange.conn) httpconn_want_read(r->exchange.conn, false);
  }
  await_piece(r);
  if (r->response.body.len) tell_reader(r);
  return !s->paused;
}

static void resume(HttpRequest *r) {
  r->stream.paused = false;
  await_piece(r);
  r->resume_hop(r);
}

void http_on_more(HttpRequest *r, void (*more)(void *ctx), void *ctx) {
  r->stream.more = more;
  r->stream.ctx = ctx;
}

HttpGot http_peek(HttpRequest *r, const char **bytes, size_t *len) {
  HttpStream *s = &r->stream;
  *bytes = r->response.body.data;
  *len = r->response.body.len;
  if (*len) return HTTP_PIECE;
  if (s->over) return r->error.code ? HTTP_FAILED : HTTP_END;
  s->waits = true;
  return HTTP_LATER;
}

void http_taken(HttpRequest *r) {
  size_t len = r->response.body.len;
  if (r->charge) charge_remove(r->charge, len);
  if (r->charge) r->charged -= len;
  buffer_clear(&r->response.body);
  if (r->stream.paused && !r->stream.over) resume(r);
}

const Error *http_failure(const HttpRequest *r) {
  return &r->error;
}

/* --- the end ---------------------------------------------------------------------- */

void http_stream_end(HttpRequest *r) {
  r->stream.over = true;
  timer_stop(net_loop(r->net), &r->stream.limit);
  tell_reader(r);
}

bool http_stream_cancel(HttpRequest *r) {
  timer_stop(net_loop(r->net), &r->stream.limit);
  r->stop_hop(r);
  return r->stream.queued;
}
