/* How much of a body has passed: see http_progress.h. */
#include "net/http_progress.h"

#include "net/http_body.h"

static const double interval = 0.01; /* seconds between two calls */

static void tell_now(HttpRequest *r) {
  HttpPassed *p = &r->passed;
  p->told = p->done;
  p->told_at = loop_now(net_loop(r->net));
  p->tell(p->ctx, p->done, p->total);
}

static void on_timer(Timer *timer) {
  tell_now(CONTAINER_OF(timer, HttpRequest, passed.timer));
}

void http_progress_ask(HttpRequest *r, HttpProgress *tell, void *ctx) {
  r->passed =
      (HttpPassed){.tell = tell, .ctx = ctx, .told = UINT64_MAX, .timer.fire = on_timer};
}

static void note_passed(HttpRequest *r, uint64_t done, uint64_t total) {
  HttpPassed *p = &r->passed;
  p->done = done;
  p->total = total;
  if (done == p->told || timer_active(&p->timer)) return;
  double due = p->told_at + interval, now = loop_now(net_loop(r->net));
  timer_start_at(net_loop(r->net), &p->timer, due > now ? due : now);
}

void http_progress_sent(HttpRequest *r, uint64_t done) {
  if (!r->passed.tell) return;
  uint64_t all = http_body_len(r);
  if (all) note_passed(r, done, all);
}

void http_progress_got(HttpRequest *r, size_t more) {
  if (!r->passed.tell || http_body_len(r)) return;
  const Http1Framing *framing = &r->answer.framing;
  note_passed(r, r->passed.done + more,
              framing->body == HTTP1_LENGTH ? framing->length : UINT64_MAX);
}

void http_progress_end(HttpRequest *r) {
  if (!r->passed.tell || !timer_active(&r->passed.timer)) return;
  http_progress_stop(r);
  tell_now(r);
}

void http_progress_stop(HttpRequest *r) {
  timer_stop(net_loop(r->net), &r->passed.timer);
}
