/* HTTP requests. Owned by whoever started them until done or cancelled; loop thread only.
 *
 * A request is a chain of hops: redirects are followed here, so that one rule decides
 * what another origin may see (scheme, host and port, all three), and every hop starts
 * with fresh errors, limits and phase. A hop speaks HTTP/1.1 on a connection of ours
 * (http_exchange.c), or is one transfer of curl's where HTTP/2 is asked for
 * (http_curl.c); what an answer's headers and body become stands in http_hop.c
 * for both.
 *
 * How a request ends. A hop is over in the poll or a timer (end_hop): nothing of it
 * is held while the event waits in the inbox, and `deliver_answer` runs in dispatch. A
 * cancel before that ends the hop and frees at once; one between only marks the request,
 * since its event is in the inbox. */
#include "net/http.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "net/http_body.h"
#include "net/http_headers.h"
#include "net/http_curl.h"
#include "net/http_exchange.h"
#include "net/http_guard.h"
#include "net/http_hop.h"
#include "net/http_progress.h"
#include "net/http_stream.h"
#include "net/pool.h"

enum { DEFAULT_REDIRECTS = 5 };
static const size_t default_max_body = 64u << 20;

static void release_request(HttpRequest *r) {
  if (r->net) {
    timer_stop(net_loop(r->net), &r->stream.limit);
    http_progress_stop(r);
  }
  http_end_charge(r);
  net_url_free(&r->url);
  for (char **header = r->headers; header && *header; header++) free(*header);
  free(r->headers);
  free(r->cookie);
  free(r->method);
  free(r->first_origin);
  free(r->user);
  free(r->password);
  route_free(&r->route);
  coding_free(r->coding);
  http1_answer_free(&r->answer);
  http_body_free(r);
  buffer_free(&r->response.headers);
  buffer_free(&r->response.body);
  free(r);
}

static void begin_hop(HttpRequest *r) {
  bool secure = strncmp(r->url.url, "https:", 6) == 0;
  r->discards = false;
  coding_free(r->coding);
  r->coding = NULL;
  buffer_clear(&r->response.body);
  if (r->http2 && secure) http_curl_start(r);
  else http_exchange_start(r);
}

/* --- waiting for a place ---------------------------------------------------------- */

static void on_place(SlotTurn *turn) {
  HttpRequest *r = CONTAINER_OF(turn, HttpRequest, slot);
  timer_stop(net_loop(r->net), &r->slot_limit);
  begin_hop(r);
}

static void on_no_place(Timer *timer) {
  HttpRequest *r = CONTAINER_OF(timer, HttpRequest, slot_limit);
  char host[NET_URL_SHOWN];
  net_url_show_host(net_url_name(&r->url), host);
  error_set(&r->error, ERR_TIMEOUT,
            "timed out waiting for one of %d connections to %s, which are in use",
            r->max_connections, host);
  r->error.phase = "queue";
  r->error.sent = SENT_NO;
  r->hop_over(r);
}

static void start_hop(HttpRequest *r) {
  Slots *slots = r->max_connections ? slots_of(r->net) : NULL;
  r->slot.go = on_place;
  if (!slots ||
      slots_take(slots, r->owner, r->url.origin, r->max_connections, &r->slot)) {
    begin_hop(r);
  } else if (!isinf(r->deadline)) {
    r->slot_limit.fire = on_no_place;
    timer_start_at(net_loop(r->net), &r->slot_limit, r->deadline);
  }
}

static void leave_place(HttpRequest *r) {
  slots_leave(&r->slot);
  timer_stop(net_loop(r->net), &r->slot_limit);
}

/* --- redirects -------------------------------------------------------------------- */

/* As browsers do: 303 asks for a GET, and so do 301 and 302 after a POST. */
static void change_method(HttpRequest *r, int status) {
  bool get = status == 303 ? !http_is_method(r, "HEAD")
                           : status < 307 && http_is_method(r, "POST");
  if (!get) return;
  free(r->method);
  r->method = xstrdup("GET");
  http_body_free(r);
  char **kept = r->headers;
  for (char **header = r->headers; *header; header++)
    if (http_header_of_body(*header)) free(*header);
    else *kept++ = *header;
  *kept = NULL;
}

static int too_many(HttpRequest *r) {
  char shown[NET_URL_SHOWN];
  net_url_show(net_url_name(&r->url), shown);
  error_set(&r->error, ERR_HTTP, "too many redirects; the last one came from %s", shown);
  r->error.sent = SENT_YES;
  return ERR_HTTP;
}

/* A server may send us on to http and https, and nowhere else: never to a socket in this
 * machine's file system, behind which others trust whoever can open it. */
static int parse_location(NetUrl *next, const char *location, Error *why) {
  int code = net_url_parse(next, location, false, why);
  if (code || !next->unix_path) return code;
  net_url_free(next);
  return error_set(why, ERR_URL, "a redirect leads to http and https only");
}

/* Returns 0 with the next hop's URL taken, or a code with r->error filled. */
static int turn_to(HttpRequest *r, const char *location) {
  if (r->redirects_left == 0) return too_many(r);
  NetUrl next;
  Error why;
  if (parse_location(&next, location, &why) != 0) {
    char shown[NET_URL_SHOWN];
    net_url_show(net_url_name(&r->url), shown);
    error_set(&r->error, ERR_URL, "%s redirects to where it cannot be followed: %s",
              shown, why.message);
    error_detail(&r->error, "%s", why.message);
    r->error.sent = SENT_YES;
    return ERR_URL;
  }
  net_url_stay(&next, &r->url);
  net_url_free(&r->url);
  r->url = next;
  r->redirects_left--;
  r->followed = true;
  return 0;
}

/* Returns whether another hop was started. On a failure r->error is set. */
static bool follow_redirect(HttpRequest *r) {
  size_t len;
  if (r->error.code || !r->discards) return false;
  const char *value = http1_head_value(&r->answer.head, "Location", 0, &len);
  char *location = net_url_resolve(&r->url, value, len);
  int code = turn_to(r, location);
  free(location);
  if (code) return false;
  change_method(r, r->answer.status);
  start_hop(r);
  return true;
}

/* --- the end ---------------------------------------------------------------------- */

static void deliver_answer(Event *event) {
  HttpRequest *r = CONTAINER_OF(event, HttpRequest, event);
  r->delivering = true;
  r->response.url = r->url.url;
  http_end_charge(r);
  http_guard_end(r);
  if (!r->cancelled) http_progress_end(r);
  if (r->cancelled) (void)0;
  else if (r->error.code) r->done(r->ctx, NULL, &r->error);
  else r->done(r->ctx, &r->response, NULL);
  release_request(r);
}

/* A proxy that was asked for the whole URL answers for itself. */
static void check_proxy(HttpRequest *r) {
  char shown[NET_URL_SHOWN];
  if (r->error.code || !r->forwarded || r->answer.status != 407) return;
  net_url_show(net_url_name(&r->url), shown);
  error_set(&r->error, ERR_PROXY,
            "the proxy for %s refused: it answered 407, it wants other credentials",
            shown);
  r->error.phase = "proxy";
  r->error.sent = SENT_NO;
}

static void end_hop(HttpRequest *r) {
  leave_place(r);
  check_proxy(r);
  if (follow_redirect(r)) return;
  timer_stop(net_loop(r->net), &r->stream.limit);
  if (r->error.code && r->followed) r->error.sent = SENT_YES;
  if (r->stream.opened) {
    http_stream_end(r);
    return;
  }
  if (!r->error.code) {
    buffer_free(&r->response.headers);
    r->response.headers = r->answer.head.lines;
    r->answer.head.lines = (Buffer){0};
  }
  r->event.run = deliver_answer;
  inbox_push(net_loop(r->net), &r->event);
}

static void stop_hop(HttpRequest *r) {
  http_exchange_stop(r);
  http_curl_stop(r);
}

static void resume_hop(HttpRequest *r) {
  if (r->exchange.conn) http_exchange_resume(r);
  else if (r->curl.transfer.easy) curl_easy_pause(r->curl.transfer.easy, CURLPAUSE_CONT);
}

static bool is_under_way(const HttpRequest *r) {
  return r->slot.waits || r->exchange.conn || r->curl.transfer.easy;
}

bool http_waits(const HttpRequest *r) {
  const Exchange *x = &r->exchange;
  return x->conn && !x->connecting && !x->sending && !x->heard;
}

void http_cancel(HttpRequest *r) {
  if (r->delivering) return;
  bool under_way = is_under_way(r);
  r->cancelled = true;
  leave_place(r);
  if (r->stream.opened) {
    if (!http_stream_cancel(r)) release_request(r);
    return;
  }
  if (!under_way) return;
  stop_hop(r);
  http_guard_end(r);
  release_request(r);
}

bool http_has_probed(const HttpRequest *r) {
  return r->probes;
}

void http_forget(Net *net, const void *owner) {
  pool_forget(net, owner);
}

/* --- the beginning ---------------------------------------------------------------- */

static int check_options(const HttpOptions *options, Error *err) {
  const char *method = options->method;
  if (method && !http_token(method, strlen(method)))
    return error_set(err, ERR_INVALID, "that cannot be an HTTP method");
  if (method && strcmp(method, "CONNECT") == 0)
    return error_set(err, ERR_INVALID, "CONNECT is between a client and its proxy");
  for (const char *const *header = options->headers; header && *header; header++) {
    int code = http_check_header(*header, err);
    if (code) return code;
  }
  return route_check(&options->route, err);
}

/* Several Cookie headers become one. */
static char **copy_headers(const char *const *headers) {
  size_t count = 0, n = 0;
  Buffer cookies = {0};
  while (headers && headers[count]) count++;
  char **copy = xcalloc(count + 1, sizeof *copy);
  http_join_cookies(&cookies, headers);
  for (size_t i = 0; i < count; i++)
    if (!http_header_is(headers[i], "Cookie")) copy[n++] = xstrdup(headers[i]);
  if (cookies.len) copy[n] = xasprintf("Cookie: %s", buffer_text(&cookies));
  buffer_free(&cookies);
  return copy;
}

static void copy_limits(HttpRequest *r, const HttpOptions *options) {
  double timeout = options->timeout == 0 ? 30 : options->timeout;
  r->deadline = loop_now(net_loop(r->net)) + fmax(timeout, 0);
  r->connect_timeout = options->connect_timeout > 0 ? options->connect_timeout : 10;
  r->max_body = options->max_body ? options->max_body : default_max_body;
  http_progress_ask(r, options->progress, options->progress_ctx);
  r->max_connections = options->max_connections;
  r->keep_alive = options->keep_alive;
  r->stream.asked = options->stream;
  r->stream.open_ended = options->open_ended;
  r->stream.idle = options->idle_timeout > 0 ? options->idle_timeout : 30;
  if (options->stream) r->max_body = SIZE_MAX / 2;
  r->redirects_left = options->max_redirects < 0 ? DEFAULT_REDIRECTS
                      : options->max_redirects   ? options->max_redirects
                                                 : -1;
}

static void copy_options(HttpRequest *r, const HttpOptions *options) {
  r->method = xstrdup(options->method ? options->method : "GET");
  r->headers = copy_headers(options->headers);
  http_body_copy(r, options);
  r->first_origin = xstrdup(r->url.origin);
  r->user = xstrdup(r->url.user);
  r->password = xstrdup(r->url.password);
  r->http2 = options->http2;
  r->once = options->once;
  r->raw = options->raw;
  r->owner = options->owner;
  r->cookies = options->cookies;
  r->guarded = options->guarded;
  r->taken = options->taken;
  route_copy(&r->route, &options->route);
  copy_limits(r, options);
}

/* What is copied besides the body. */
static size_t head_size(const HttpOptions *options) {
  size_t size = strlen(options->url);
  for (const char *const *header = options->headers; header && *header; header++)
    size += strlen(*header) + sizeof *header;
  return 2 * size; /* and what of them goes out */
}

HttpRequest *http_start(Net *net, const HttpOptions *options, HttpDone *done, void *ctx,
                        Error *err) {
  NetUrl url;
  if (check_options(options, err) != 0 ||
      net_url_parse(&url, options->url, false, err) != 0)
    return NULL;
  HttpRequest *r = xcalloc(1, sizeof *r);
  r->charge = charge_ref(options->charge);
  r->url = url;
  if (http_charge_more(r, sizeof *r + options->body_len + head_size(options)) != 0) {
    release_request(r);
    error_set(err, ERR_MEMORY, "no memory for a request with a body of %zu bytes",
              options->body_len);
    return NULL;
  }
  r->net = net;
  r->hop_over = end_hop;
  r->stop_hop = stop_hop;
  r->resume_hop = resume_hop;
  r->release = release_request;
  r->done = done;
  r->ctx = ctx;
  copy_options(r, options);
  if (http_guard_begin(r, err) != 0) {
    release_request(r);
    return NULL;
  }
  start_hop(r);
  return r;
}
