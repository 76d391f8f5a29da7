/* HTTP long-polling as an engine's transport: one GET that waits for packets and one POST
 * that brings ours, at most, each at a time; more would end the session, and so would
 * giving up the GET.
 *
 * Its connections are its own: a session opens on a fresh one, since one that is kept
 * from before may be as dead as what made the client connect again.
 *
 * A way may swallow a request: the server never sees it, and nothing comes back. The one
 * that opens the session is asked a second time, on a connection of its own, when a
 * quarter of the time to connect is over; the first goes on, for a server that is slow,
 * and whichever is answered first counts. A POST must not be repeated: the first of a
 * session has half of the time, then the session is given up.
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
 * Leaving (polling_leave.c). An engine that is freed while its session stands leaves this
 * behind: what was sent goes out yet, then "1", the GET being held as long, since giving
 * it up would end the session. It has no engine then, only what its requests are made of
 * (`leaving`), and belongs to the net: it ends when all is said, when an answer is
 * refused or late, or with the net. npm's server drops events that came in one body with
 * what ends their namespace or the session; so these go in a body of their own (`alone`),
 * each when the one before has been answered. */
#include "socket/engine_polling.h"

#include <math.h>
#include <stdlib.h>

#include "core/utf8.h"
#include "socket/engine_session.h"
#include "socket/polling_leave.h"
#include "socket/polling_request.h"

/* Of an answer, in one turn: bytes, of which each packet costs a little beside its own.
 */
enum { SLICE = 256 << 10, PACKET_COST = 64 };

/* It was ended, or lost: then it asks for nothing more until it is. */
static bool is_over(const Polling *p) {
  return !p->engine || p->engine->lost;
}

static void report_drained(Polling *p) {
  if (p->draining && !p->get && !p->post && !p->got.data)
    p->engine->events->drained(p->engine);
}

/* --- life ------------------------------------------------------------------------- */

static void release_polling(Polling *p) {
  if (p->engine || p->leaving || p->busy) return;
  while (p->queue.first) polling_drop_first(p);
  buffer_free(&p->got);
  charge_let_go(p->charge, p->charged);
  free(p);
}

static void leave_polling(Polling *p) {
  p->busy--;
  release_polling(p);
}

/* Nothing is asked for or sent any more. */
static void stop_polling(Polling *p) {
  if (p->get) http_cancel(p->get);
  if (p->post) http_cancel(p->post);
  if (p->spare) http_cancel(p->spare);
  p->get = p->post = p->spare = NULL;
  timer_stop(net_loop(p->net), &p->more);
  timer_stop(net_loop(p->net), &p->silent);
  p->engine = NULL;
  http_forget(p->net, p);
  release_polling(p);
}

/* --- GET -------------------------------------------------------------------------- */

static void take_part(Engine *e, const EioPart *part) {
  Error err;
  if (part->len > polling_max_message(e)) {
    error_set(&err, ERR_TOO_LARGE, "the server sent a message that is too large");
    error_detail(&err, "more than %zu bytes", polling_max_message(e));
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
  polling_recount(p);
  bool waits = p->got.data && !is_over(p) && !p->engine->paused;
  if (waits) timer_start(net_loop(p->net), &p->more, 0);
}

static void poll_more(Polling *p);

static void on_more(Timer *timer) {
  Polling *p = CONTAINER_OF(timer, Polling, more);
  p->busy++;
  take_more(p);
  poll_more(p);
  leave_polling(p);
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
  polling_recount(p);
  take_more(p);
}

static void drop_spare(Polling *p) {
  timer_stop(net_loop(p->net), &p->silent);
  if (p->spare) http_cancel(p->spare);
  p->spare = NULL;
}

static void take_answer(Polling *p, HttpResponse *response, const Error *err) {
  p->busy++;
  if (polling_went_well(p, response, err)) take_payload(p, &response->body);
  poll_more(p);
  leave_polling(p);
}

/* Of the two that open a session one may fail: the other is under way. */
static void on_got(void *ctx, HttpResponse *response, const Error *err) {
  Polling *p = ctx;
  p->get = NULL;
  if (p->leaving) return; /* it has been held long enough */
  if (err && p->spare) return;
  drop_spare(p);
  take_answer(p, response, err);
}

/* The request that opens a session has to end in time, one that waits has not. */
static void poll_more(Polling *p) {
  Engine *e = p->engine;
  Error err;
  if (is_over(p)) return;
  report_drained(p);
  if (p->draining || p->get || p->spare || p->got.data || e->paused) return;
  double timeout = e->hello ? INFINITY : engine_connect_timeout(e);
  p->get = polling_request_start(p, NULL, timeout, on_got, &err);
  if (!p->get) polling_fail(p, "transport error", &err);
}

/* --- POST ------------------------------------------------------------------------- */

static void post_more(Polling *p);

static void pass_fence(Polling *p, uint32_t *fence) {
  uint32_t number = *fence;
  *fence = 0;
  if (number && !is_over(p)) engine_take_fence(p->engine, number);
}

static void on_posted(void *ctx, HttpResponse *response, const Error *err) {
  Polling *p = ctx;
  p->post = NULL;
  p->posting = 0;
  polling_recount(p);
  p->busy++;
  if (p->leaving) {
    polling_leave_answered(p, response);
  } else if (polling_went_well(p, response, err)) {
    p->posted = true;
    pass_fence(p, &p->fence);
    post_more(p);
  }
  leave_polling(p);
}

/* The first brings what the socket begins with: without an answer nothing will come. */
static double post_timeout(const Polling *p) {
  const Engine *e = p->engine;
  double most = e->options->request_timeout > 0 ? e->options->request_timeout : 20;
  return p->posted ? most : fmin(most, engine_connect_timeout(e) / 2);
}

static void post_more(Polling *p) {
  Buffer payload = {0};
  Error err;
  if (is_over(p)) return;
  if (p->draining) {
    report_drained(p);
    return;
  }
  if (p->post || !p->queue.first || engine_is_given_up(p->engine)) return;
  polling_gather(p, &payload, p->engine->max_payload);
  p->posting = payload.len;
  polling_recount(p);
  p->post = polling_request_start(p, &payload, post_timeout(p), on_posted, &err);
  buffer_free(&payload);
  if (!p->post) polling_fail(p, "transport error", &err);
}

static void on_before_wait(BeforeWait *work) {
  Polling *p = CONTAINER_OF(work, Polling, flush);
  p->busy++;
  pass_fence(p, &p->passed);
  post_more(p);
  leave_polling(p);
}

/* --- the transport ---------------------------------------------------------------- */

/* A way that swallows requests leaves time for the other transport. */
static double opening_timeout(const Engine *e) {
  return engine_time_left(e) / (e->left ? 2 : 1);
}

static void on_spare_got(void *ctx, HttpResponse *response, const Error *err) {
  Polling *p = ctx;
  p->spare = NULL;
  if (err && p->get) return;
  if (p->get) http_cancel(p->get);
  p->get = NULL;
  take_answer(p, response, err);
}

/* A request that is not out yet (a look-up, a connection that takes long) is not asked a
 * second time. */
static void on_silent(Timer *timer) {
  Polling *p = CONTAINER_OF(timer, Polling, silent);
  double timeout = p->opening_until - loop_now(net_loop(p->net));
  Error ignored;
  if (is_over(p) || !p->get || !http_waits(p->get)) return;
  p->spare = polling_request_start(p, NULL, timeout, on_spare_got, &ignored);
}

static int start_polling(Engine *e, Error *err) {
  Polling *p = xcalloc(1, sizeof *p);
  p->engine = e;
  p->net = e->net;
  pieces_begin(&p->queue);
  p->flush.run = on_before_wait;
  p->silent.fire = on_silent;
  p->more.fire = on_more;
  p->charge = charge_ref(e->options->ws.charge);
  p->opening_until = loop_now(net_loop(p->net)) + opening_timeout(e);
  p->get = polling_request_start(p, NULL, opening_timeout(e), on_got, err);
  if (!p->get) {
    charge_unref(p->charge);
    free(p);
    return (int)err->code;
  }
  e->polling = p;
  timer_start(net_loop(p->net), &p->silent, engine_connect_timeout(e) / 4);
  return 0;
}

static size_t count_buffered(const Engine *e) {
  const Polling *p = e->polling;
  return p ? p->queue.bytes + p->posting : 0;
}

static int check_room(const Engine *e, size_t len, size_t most) {
  size_t all = e->options->ws.max_buffered, waits = count_buffered(e);
  if (waits > 0 && (len > most || waits > most - len)) return ERR_BACKPRESSURE;
  bool full = (all && waits + len > all) ||
              charge_is_over(e->polling->charge, sizeof(Piece) + len);
  return full ? ERR_BUFFER_FULL : 0;
}

/* However many pings a server puts into one answer, one pong waits. */
static int send_packet(Engine *e, bool binary, const char *data, size_t len,
                       size_t most) {
  Polling *p = e->polling;
  if (!p) return ERR_NOT_CONNECTED;
  int code = check_room(e, len, most);
  if (code) return code;
  if (!binary && !utf8_valid(data, len)) return ERR_DECODE;
  bool pong = !binary && len > 0 && *data == EIO_PONG;
  if (pong && p->queue.pong) return 0;
  Piece *piece = polling_put(p, binary, false, data, len);
  if (pong) p->queue.pong = piece;
  net_before_wait(p->net, &p->flush);
  return 0;
}

/* In a body of its own, when all before it has been answered. */
static int send_last(Engine *e, bool binary, const char *data, size_t len) {
  Polling *p = e->polling;
  if (!p) return ERR_NOT_CONNECTED;
  polling_put(p, binary, true, data, len);
  net_before_wait(p->net, &p->flush);
  return 0;
}

static void put_fence(Engine *e, uint32_t number) {
  Polling *p = e->polling;
  if (!p) return;
  Piece *last = pieces_last(&p->queue);
  if (last) {
    last->fence = number;
  } else if (p->post) {
    p->fence = number;
  } else {
    p->passed = number;
    net_before_wait(p->net, &p->flush);
  }
}

/* The engine is no longer paused, or a probe failed. */
static void resume_polling(Engine *e) {
  Polling *p = e->polling;
  if (!p) return;
  p->draining = e->upgrade == UPGRADE_DRAINING;
  p->busy++;
  if (p->got.data) timer_start(net_loop(p->net), &p->more, 0); /* not within this call */
  else poll_more(p);
  post_more(p);
  leave_polling(p);
}

static void report_unsent(Engine *e, bool dead) {
  Polling *p = e->polling;
  (void)dead; /* what waits goes out no more in any case */
  for (; p && p->queue.first; polling_drop_first(p))
    if (!p->queue.first->alone)
      engine_take_unsent(e, p->queue.first->binary, p->queue.first->data,
                         p->queue.first->len);
}

static void free_polling(Engine *e, int close_code, const char *reason, bool goodbye) {
  Polling *p = e->polling;
  (void)close_code, (void)reason; /* of WebSocket */
  e->polling = NULL;
  if (!p) return;
  net_before_wait_cancel(&p->flush);
  if (goodbye) polling_leave(p, on_posted, stop_polling);
  else stop_polling(p);
}

const EngineTransport engine_polling = {.start = start_polling,
                                        .send = send_packet,
                                        .send_last = send_last,
                                        .fence = put_fence,
                                        .buffered = count_buffered,
                                        .resume = resume_polling,
                                        .report_unsent = report_unsent,
                                        .free = free_polling};

/* --- the upgrade ------------------------------------------------------------------ */

void polling_drain(Polling *p) {
  p->draining = true;
  report_drained(p);
}

bool polling_get_is_stuck(const Polling *p) {
  return p->get && !p->post && http_waits(p->get);
}

void polling_hand_over(Polling *p) {
  Engine *e = p->engine;
  if (p->passed) e->carrier->fence(e, p->passed);
  while (p->queue.first) {
    Piece *piece = p->queue.first;
    if (e->carrier->send(e, piece->binary, piece->data, piece->len, SIZE_MAX) != 0)
      engine_take_unsent(e, piece->binary, piece->data, piece->len);
    if (piece->fence) e->carrier->fence(e, piece->fence);
    polling_drop_first(p);
  }
}
