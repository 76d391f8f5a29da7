/* HTTP long-polling as an engine's transport: one GET that waits for packets and one POST
 * that brings ours, at most, each at a time; more would end the session, and so would
 * giving up the GET.
 *
 * Its connections are its own: a session opens on a fresh one, since one that is kept
 * from before may be as dead as what made the client connect again.
 *
 * A request whose connection breaks is not repeated: the server may have answered, and
 * the next answer would hide that something is missing. The session ends.
 *
 * What is sent within a turn, and while a POST is under way, gathers and goes out
 * together, up to the server's maxPayload. The answers come in dispatch. The payload of
 * one is handed on packet by packet; any packet may end the engine, so each step looks
 * whether it still stands (is_over), and the memory stays until the last one has returned
 * (`busy`).
 *
 * Leaving. An engine that is freed while its session stands leaves this behind: what was
 * sent goes out yet, then "1", the GET being held as long, since giving it up would end
 * the session. It has no engine then, only what its requests are made of (`leaving`), and
 * belongs to the net: it ends when all is said, when an answer is refused or late, or
 * with the net. npm's server drops events that came in one body with what ends their
 * namespace or the session; so these go in a body of their own (`alone`), each when the
 * one before has been answered. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "socket/engine_parts.h"
#include "socket/engine_pieces.h"
#include "net/http.h"
#include "net/http_headers.h"
#include "net/net_url.h"
#include "proto/httpdate.h"
#include "proto/websocket.h"

/* What a request is made of. */
typedef struct Way {
  char *url, **headers;
  HttpOptions options; /* borrows them */
} Way;

typedef struct Leaving {
  Polling *polling;
  NetRest rest;
  Timer late;
  Way way;     /* of a POST */
  Route route; /* owned */
  double patience;
  size_t max_payload;
} Leaving;

struct Polling {
  Engine *engine;   /* NULL: over, or leaving */
  Leaving *leaving; /* owned */
  Net *net;
  HttpRequest *get, *post;
  Pieces queue;   /* that wait */
  size_t posting; /* bytes that are on their way */
  Buffer got;     /* an answer of which `rest` is still to be taken */
  char *rest;
  size_t left;
  uint32_t fence, passed; /* behind what is on its way; behind nothing; 0: none */
  TurnEnd flush;
  Timer more;     /* the rest of an answer is due */
  Charge *charge; /* a reference; what waits and what came is charged there */
  size_t charged;
  bool draining, taking;
  int busy;
};

enum { LEAST_BODY = 64 << 20 };
/* Of an answer, in one turn: bytes, of which each packet costs a little beside its own.
 */
enum { SLICE = 256 << 10, PACKET_COST = 64 };

/* It was ended, or lost: then it asks for nothing more until it is. */
static bool is_over(const Polling *p) {
  return !p->engine || p->engine->lost;
}

/* --- the queue -------------------------------------------------------------------- */

static void recount(Polling *p) {
  charge_set(p->charge, &p->charged, pieces_memory(&p->queue) + p->posting + p->got.len);
}

static void drop_first(Polling *p) {
  pieces_drop_first(&p->queue);
  recount(p);
}

size_t polling_buffered(const Polling *p) {
  return p->queue.bytes + p->posting;
}

static Piece *put(Polling *p, bool binary, bool alone, const char *data, size_t len) {
  Piece *piece = pieces_put(&p->queue, binary, alone, data, len);
  recount(p);
  return piece;
}

bool polling_has_room(const Polling *p, size_t len) {
  return !charge_is_over(p->charge, sizeof(Piece) + len);
}

void polling_tell_unsent(Polling *p) {
  for (; p->queue.first; drop_first(p))
    if (!p->queue.first->alone)
      engine_unsent(p->engine, p->queue.first->binary, p->queue.first->data,
                    p->queue.first->len);
}

static void gather(Polling *p, Buffer *payload, size_t most) {
  pieces_gather(&p->queue, payload, most, &p->fence);
  recount(p);
}

/* --- requests --------------------------------------------------------------------- */

static size_t max_message(const Engine *e) {
  return e->options->ws.max_message ? e->options->ws.max_message : WS_MAX_MESSAGE;
}

/* Servers put all that waits into one answer, however many messages that is, but for the
 * handshake. */
static size_t max_body(const Engine *e) {
  size_t message = max_message(e);
  if (!e->hello || message > SIZE_MAX / 8) return message;
  return 4 * message > LEAST_BODY ? 4 * message : LEAST_BODY;
}

static void way_for(const Polling *p, bool post, Way *way) {
  const Engine *e = p->engine;
  const WsOptions *common = &e->options->ws;
  way->url = engine_target(e, EIO_POLLING);
  way->headers =
      engine_headers(e, post ? "Content-Type: text/plain;charset=UTF-8" : NULL);
  way->options = (HttpOptions){.method = post ? "POST" : "GET",
                               .url = way->url,
                               .headers = (const char *const *)way->headers,
                               .connect_timeout = common->connect_timeout,
                               .max_body = max_body(e),
                               .max_redirects = 0,
                               .once = true,
                               .owner = p,
                               .route = common->route};
}

static void way_free(Way *way) {
  engine_headers_free(way->headers);
  free(way->url);
}

/* body: NULL for a GET. */
static HttpRequest *request(Polling *p, const Buffer *body, double timeout,
                            HttpDone *done, Error *err) {
  Way way;
  way_for(p, body != NULL, &way);
  way.options.timeout = timeout;
  if (body) way.options.body = body->data, way.options.body_len = body->len;
  else way.options.charge = p->charge;
  HttpRequest *started = http_start(p->net, &way.options, done, p, err);
  way_free(&way);
  return started;
}

static void drained_if_idle(Polling *p) {
  if (p->draining && !p->get && !p->post && !p->got.data) engine_drained(p->engine);
}

/* --- failing ---------------------------------------------------------------------- */

static void fail(Polling *p, const char *reason, const Error *err) {
  Engine *e = p->engine;
  if (e->hello) engine_end(e, reason, err);
  else engine_transport_failed(e, reason, 0, err);
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
static void describe(const HttpResponse *r, Error *err) {
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

/* Whether the request went well; else the engine has been told. */
static bool went_well(Polling *p, const HttpResponse *r, const Error *err) {
  Error why;
  if (err) {
    fail(p, "transport error", err);
    return false;
  }
  if (p->engine->options->cookies)
    cookies_take(p->engine->options->cookies, r->headers.data, r->headers.len,
                 clock_wall());
  bool opens = p->engine->hello || (r->body.len && *r->body.data == EIO_OPEN);
  if (r->status == 200 && opens) return true;
  if (!p->engine->hello && eio_is_older(r->body.data, r->body.len)) {
    engine_is_older(p->engine);
    return false;
  }
  describe(r, &why);
  fail(p, "transport error", &why);
  return false;
}

/* --- life ------------------------------------------------------------------------- */

static void release(Polling *p) {
  if (p->engine || p->leaving || p->busy) return;
  while (p->queue.first) drop_first(p);
  buffer_free(&p->got);
  charge_let_go(p->charge, p->charged);
  free(p);
}

static void leave(Polling *p) {
  p->busy--;
  release(p);
}

/* --- GET -------------------------------------------------------------------------- */

static void take_part(Engine *e, const EioPart *part) {
  Error err;
  if (part->len > max_message(e)) {
    error_set(&err, ERR_TOO_LARGE, "the server sent a message that is too large");
    error_detail(&err, "more than %zu bytes", max_message(e));
    engine_end(e, "parse error", &err);
  } else if (part->binary) engine_take_bytes(e, part->data, part->len);
  else engine_take_packet(e, part->data, part->len);
}

/* Packet by packet; what is behind one that paused the engine waits until it is not, and
 * what is more than one turn should do waits for the next. */
static void take_more(Polling *p) {
  EioPart part;
  Error err;
  if (p->taking) return;
  p->taking = true;
  size_t taken = 0;
  while (p->got.data && !is_over(p) && !p->engine->paused && taken < SLICE) {
    size_t left = p->left;
    int more = eio_next(&p->rest, &p->left, &part, &err);
    taken += left - p->left + PACKET_COST;
    if (more > 0) take_part(p->engine, &part);
    else buffer_free(&p->got);
    if (more < 0) engine_end(p->engine, "parse error", &err);
  }
  p->taking = false;
  recount(p);
  bool waits = p->got.data && !is_over(p) && !p->engine->paused;
  if (waits) timer_start(net_loop(p->net), &p->more, 0);
}

static void poll_more(Polling *p);

static void on_more(Timer *timer) {
  Polling *p = CONTAINER_OF(timer, Polling, more);
  p->busy++;
  take_more(p);
  poll_more(p);
  leave(p);
}

static void take_payload(Polling *p, Buffer *body) {
  if (!body->len) {
    engine_violated(p->engine, "an empty answer to a polling request");
    return;
  }
  p->got = *body;
  *body = (Buffer){0};
  p->rest = p->got.data;
  p->left = p->got.len;
  recount(p);
  take_more(p);
}

static void on_got(void *ctx, HttpResponse *response, const Error *err) {
  Polling *p = ctx;
  p->get = NULL;
  if (p->leaving) return; /* it has been held long enough */
  p->busy++;
  if (went_well(p, response, err)) take_payload(p, &response->body);
  poll_more(p);
  leave(p);
}

/* The request that opens a session has to end in time, one that waits has not. */
static void poll_more(Polling *p) {
  Engine *e = p->engine;
  Error err;
  if (is_over(p)) return;
  drained_if_idle(p);
  if (p->draining || p->get || p->got.data || e->paused) return;
  double timeout = e->hello ? INFINITY : e->options->ws.connect_timeout;
  p->get = request(p, NULL, timeout, on_got, &err);
  if (!p->get) fail(p, "transport error", &err);
}

/* --- leaving ---------------------------------------------------------------------- */

/* Nothing is asked for or sent any more. */
static void stop(Polling *p) {
  Leaving *leaving = p->leaving;
  if (p->get) http_cancel(p->get);
  if (p->post) http_cancel(p->post);
  p->get = p->post = NULL;
  timer_stop(net_loop(p->net), &p->more);
  p->engine = NULL;
  p->leaving = NULL;
  http_forget(p->net, p);
  if (leaving) {
    timer_stop(net_loop(p->net), &leaving->late);
    route_free(&leaving->route);
    way_free(&leaving->way);
    free(leaving);
  }
  release(p);
}

static void on_net_end(NetRest *rest) {
  stop(CONTAINER_OF(rest, Leaving, rest)->polling);
}

static void has_left(Polling *p) {
  net_rest_over(&p->leaving->rest);
  stop(p);
}

static void on_late(Timer *timer) {
  has_left(CONTAINER_OF(timer, Leaving, late)->polling);
}

static void on_posted(void *ctx, HttpResponse *response, const Error *err);

static void say_more(Polling *p) {
  Leaving *leaving = p->leaving;
  HttpOptions options = leaving->way.options;
  Buffer payload = {0};
  Error err;
  if (p->post) return;
  gather(p, &payload, leaving->max_payload);
  options.timeout = INFINITY; /* `late` will end it */
  options.body = payload.data;
  options.body_len = payload.len;
  if (payload.len) p->post = http_start(p->net, &options, on_posted, p, &err);
  buffer_free(&payload);
  if (!p->post) has_left(p); /* all is said */
}

static void begin_leaving(Polling *p) {
  double patience = p->engine->options->ws.close_timeout;
  Leaving *leaving = p->leaving = xcalloc(1, sizeof *leaving);
  timer_stop(net_loop(p->net), &p->more);
  leaving->polling = p;
  leaving->rest.end = on_net_end;
  leaving->late.fire = on_late;
  leaving->max_payload = p->engine->max_payload;
  leaving->patience = patience > 0 ? patience : 5;
  way_for(p, true, &leaving->way);
  route_copy(&leaving->route, &leaving->way.options.route);
  leaving->way.options.route = leaving->route;
  p->engine = NULL;
  net_rest(p->net, &leaving->rest);
  timer_start(net_loop(p->net), &leaving->late, leaving->patience);
  put(p, false, true, "1", 1);
  say_more(p);
}

static void was_answered(Polling *p, const HttpResponse *response) {
  if (!response || response->status != 200) {
    has_left(p);
    return;
  }
  timer_start(net_loop(p->net), &p->leaving->late, p->leaving->patience);
  say_more(p);
}

/* --- POST ------------------------------------------------------------------------- */

static void post_more(Polling *p);

static void pass(Polling *p, uint32_t *fence) {
  uint32_t number = *fence;
  *fence = 0;
  if (number && !is_over(p)) engine_passed(p->engine, number);
}

static void on_posted(void *ctx, HttpResponse *response, const Error *err) {
  Polling *p = ctx;
  p->post = NULL;
  p->posting = 0;
  recount(p);
  p->busy++;
  if (p->leaving) {
    was_answered(p, response);
  } else if (went_well(p, response, err)) {
    pass(p, &p->fence);
    post_more(p);
  }
  leave(p);
}

static void post_more(Polling *p) {
  Buffer payload = {0};
  Error err;
  if (is_over(p)) return;
  if (p->draining) {
    drained_if_idle(p);
    return;
  }
  if (p->post || !p->queue.first || engine_is_given_up(p->engine)) return;
  gather(p, &payload, p->engine->max_payload);
  p->posting = payload.len;
  recount(p);
  p->post = request(p, &payload, p->engine->options->request_timeout, on_posted, &err);
  buffer_free(&payload);
  if (!p->post) fail(p, "transport error", &err);
}

static void on_turn_end(TurnEnd *work) {
  Polling *p = CONTAINER_OF(work, Polling, flush);
  p->busy++;
  pass(p, &p->passed);
  post_more(p);
  leave(p);
}

/* --- from the engine -------------------------------------------------------------- */

int polling_start(Engine *e, Error *err) {
  Polling *p = xcalloc(1, sizeof *p);
  p->engine = e;
  p->net = e->net;
  pieces_begin(&p->queue);
  p->flush.run = on_turn_end;
  p->more.fire = on_more;
  p->charge = charge_ref(e->options->ws.charge);
  p->get = request(p, NULL, e->options->ws.connect_timeout, on_got, err);
  if (!p->get) {
    charge_unref(p->charge);
    free(p);
    return (int)err->code;
  }
  e->polling = p;
  return 0;
}

/* However many pings a server puts into one answer, one pong waits. */
void polling_send(Polling *p, bool binary, const char *data, size_t len) {
  bool pong = !binary && len > 0 && *data == EIO_PONG;
  if (pong && p->queue.pong) return;
  Piece *piece = put(p, binary, false, data, len);
  if (pong) p->queue.pong = piece;
  net_at_turn_end(p->net, &p->flush);
}

void polling_send_last(Polling *p, bool binary, const char *data, size_t len) {
  put(p, binary, true, data, len);
  net_at_turn_end(p->net, &p->flush);
}

void polling_fence(Polling *p, uint32_t number) {
  Piece *last = pieces_last(&p->queue);
  if (last) {
    last->fence = number;
  } else if (p->post) {
    p->fence = number;
  } else {
    p->passed = number;
    net_at_turn_end(p->net, &p->flush);
  }
}

void polling_resume(Polling *p) {
  p->draining = p->engine->upgrade == UPGRADE_DRAINING;
  p->busy++;
  take_more(p);
  poll_more(p);
  post_more(p);
  leave(p);
}

void polling_drain(Polling *p) {
  p->draining = true;
  drained_if_idle(p);
}

void polling_hand_over(Polling *p, WsClient *ws) {
  if (p->passed) engine_ws_fence(ws, p->passed);
  while (p->queue.first) {
    Piece *piece = p->queue.first;
    if (ws_send(ws, piece->binary, piece->data, piece->len) != 0)
      engine_unsent(p->engine, piece->binary, piece->data, piece->len);
    if (piece->fence) engine_ws_fence(ws, piece->fence);
    drop_first(p);
  }
}

void polling_free(Polling *p, bool goodbye) {
  net_turn_end_cancel(&p->flush);
  if (goodbye) begin_leaving(p);
  else stop(p);
}
