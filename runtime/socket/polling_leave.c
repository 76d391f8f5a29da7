/* A session over polling that is left: what was sent goes out yet, then "1". See
 * engine_polling.c. */
#include "socket/polling_leave.h"

#include <math.h>
#include <stdlib.h>

#include "socket/polling_request.h"

static void end_leaving(Polling *p) {
  Leaving *leaving = p->leaving;
  void (*over)(Polling *) = leaving->over;
  p->leaving = NULL;
  timer_stop(net_loop(p->net), &leaving->late);
  route_free(&leaving->route);
  polling_request_free(&leaving->request);
  free(leaving);
  over(p);
}

static void on_net_end(NetRest *rest) {
  end_leaving(CONTAINER_OF(rest, Leaving, rest)->polling);
}

static void finish_leaving(Polling *p) {
  net_rest_over(&p->leaving->rest);
  end_leaving(p);
}

static void on_late(Timer *timer) {
  finish_leaving(CONTAINER_OF(timer, Leaving, late)->polling);
}

static void say_more(Polling *p) {
  Leaving *leaving = p->leaving;
  HttpOptions options = leaving->request.options;
  Buffer payload = {0};
  Error err;
  if (p->post) return;
  polling_gather(p, &payload, leaving->max_payload);
  options.timeout = INFINITY; /* `late` will end it */
  options.body = payload.data;
  options.body_len = payload.len;
  if (payload.len) p->post = http_start(p->net, &options, leaving->posted, p, &err);
  buffer_free(&payload);
  if (!p->post) finish_leaving(p); /* all is said */
}

void polling_leave(Polling *p, HttpDone *posted, void (*over)(Polling *p)) {
  double patience = p->engine->options->ws.close_timeout;
  Leaving *leaving = p->leaving = xcalloc(1, sizeof *leaving);
  timer_stop(net_loop(p->net), &p->more);
  leaving->polling = p;
  leaving->posted = posted;
  leaving->over = over;
  leaving->rest.end = on_net_end;
  leaving->late.fire = on_late;
  leaving->max_payload = p->engine->max_payload;
  leaving->patience = patience > 0 ? patience : 5;
  polling_request_fill(p, true, &leaving->request);
  route_copy(&leaving->route, &leaving->request.options.route);
  leaving->request.options.route = leaving->route;
  p->engine = NULL;
  net_rest(p->net, &leaving->rest);
  timer_start(net_loop(p->net), &leaving->late, leaving->patience);
  polling_put(p, false, true, "1", 1);
  say_more(p);
}

void polling_leave_answered(Polling *p, const HttpResponse *response) {
  if (!response || response->status != 200) {
    finish_leaving(p);
    return;
  }
  timer_start(net_loop(p->net), &p->leaving->late, p->leaving->patience);
  say_more(p);
}
