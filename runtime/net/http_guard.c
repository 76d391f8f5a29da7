/* Requests and their breakers: see http_guard.h.
 *
 * A breaker counts calls, and a call may be several requests. What a request knows to be
 * the end of its call it tells here; of a failure that may be retried the caller tells
 * (http_settle). A probe is never retried: its end is always told here. */
#include "net/http_guard.h"

#include "net/guard.h"

static bool is_retried(int status) {
  static const int statuses[] = {408, 425, 429, 500, 502, 503, 504};
  for (size_t i = 0; i < COUNT_OF(statuses); i++)
    if (status == statuses[i]) return true;
  return false;
}

static bool is_failure(int status) {
  return status == 408 || status == 429 || status >= 500;
}

/* Whether the server, or the way to it, is to blame. */
static bool blames_server(ErrorCode code) {
  static const ErrorCode codes[] = {ERR_DNS,   ERR_CONNECT, ERR_PROXY,    ERR_TLS,
                                    ERR_RESET, ERR_TIMEOUT, ERR_PROTOCOL, ERR_DECODE};
  for (size_t i = 0; i < COUNT_OF(codes); i++)
    if (code == codes[i]) return true;
  return false;
}

static GuardPlace place_of(const HttpRequest *r) {
  return (GuardPlace){r->owner, r->first_origin};
}

int http_guard_begin(HttpRequest *r, Error *err) {
  double wait = 0;
  GuardPlace place = place_of(r);
  if (!r->guarded || r->taken) return 0;
  GuardEntry entry = guard_enter(guards_of(r->net), &place, &wait);
  r->probes = entry == GUARD_PROBES;
  if (entry != GUARD_REFUSED) return 0;
  error_set(err, ERR_UNAVAILABLE,
            "calls to %s have failed too often: the next is made in %.1f s", place.origin,
            wait);
  err->retry_after = wait;
  return ERR_UNAVAILABLE;
}

static void end_probe(HttpRequest *r) {
  GuardPlace place = place_of(r);
  bool failed =
      r->error.code ? blames_server(r->error.code) : is_failure(r->response.status);
  bool unknown = r->cancelled || (r->error.code && !failed);
  guard_end_probe(guards_of(r->net), &place,
                  unknown  ? GUARD_ABANDONED
                  : failed ? GUARD_FAILED
                           : GUARD_WORKED);
}

/* The budget is that of all calls, whether the breaker hears of them or not. */
void http_guard_end(HttpRequest *r) {
  if (r->probes) end_probe(r);
  if (r->cancelled || r->error.code || is_retried(r->response.status)) return;
  GuardPlace place = place_of(r);
  if (r->guarded && !r->probes)
    guard_leave(guards_of(r->net), &place, is_failure(r->response.status));
  guard_give(guards_of(r->net), &place, r->taken);
}

void http_settle(Net *net, const void *owner, const char *url, ErrorCode code,
                 int status) {
  NetUrl parsed;
  Error ignored;
  if (code && !blames_server(code)) return;
  if (net_url_parse(&parsed, url, false, &ignored) != 0) return;
  GuardPlace place = {owner, parsed.origin};
  guard_leave(guards_of(net), &place, code || is_failure(status));
  net_url_free(&parsed);
}

int http_take_retry(Net *net, const void *owner, const char *url, bool timeout) {
  NetUrl parsed;
  Error ignored;
  if (net_url_parse(&parsed, url, false, &ignored) != 0) return 0;
  GuardPlace place = {owner, parsed.origin};
  int cost = guard_take(guards_of(net), &place, timeout);
  net_url_free(&parsed);
  return cost;
}
