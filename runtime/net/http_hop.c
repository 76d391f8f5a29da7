/* What both ways of a hop have in common: see http_hop.h. */
#include "net/http_hop.h"

#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "net/http_body.h"
#include "net/http_headers.h"
#include "net/http_progress.h"
#include "net/http_stream.h"

/* The owner is charged for so much more; gives ERR_MEMORY when that is too much. */
int http_charge_more(HttpRequest *r, size_t bytes) {
  if (!r->charge) return 0;
  if (charge_is_full(r->charge, bytes)) return ERR_MEMORY;
  charge_add(r->charge, bytes);
  r->charged += bytes;
  return 0;
}

/* What there is of it is about to be handed over, or to go. */
void http_end_charge(HttpRequest *r) {
  charge_let_go(r->charge, r->charged);
  r->charge = NULL;
}

/* --- what a hop asks -------------------------------------------------------------- */

bool http_is_method(const HttpRequest *r, const char *method) {
  return strcmp(r->method, method) == 0;
}

bool http_at_home(const HttpRequest *r) {
  return strcmp(r->url.origin, r->first_origin) == 0;
}

bool http_sends_body(const HttpRequest *r) {
  return http_body_len(r) > 0 || http_is_method(r, "POST") || http_is_method(r, "PUT") ||
         http_is_method(r, "PATCH");
}

Route http_hop_route(const HttpRequest *r) {
  Route route = r->route;
  if (!http_at_home(r)) route.cert = route.key = route.key_password = NULL;
  return route;
}

/* Another origin gets no secrets, and not the Host of the first. */
static bool stays_home(const char *header) {
  return http_header_secret(header) || http_header_is(header, "Host");
}

/* What of it is there: the script's own at home, and what the jar has. */
static void join_cookies(HttpRequest *r, bool home) {
  Buffer given = {0}, out = {0};
  if (home) http_join_cookies(&given, (const char *const *)r->headers);
  free(r->cookie);
  r->cookie = NULL;
  if (cookies_put(r->cookies, &r->url, buffer_text(&given), &out, clock_wall()))
    r->cookie = buffer_take(&out, NULL);
  buffer_free(&given);
  buffer_free(&out);
}

const char **http_hop_headers(HttpRequest *r) {
  bool home = http_at_home(r);
  size_t count = 0, n = 0;
  while (r->headers[count]) count++;
  const char **list = xcalloc(count + 2, sizeof *list);
  if (r->cookies) join_cookies(r, home);
  for (char **header = r->headers; *header; header++) {
    bool joined = r->cookies && http_header_is(*header, "Cookie");
    if (!joined && (home || !stays_home(*header))) list[n++] = *header;
  }
  if (r->cookies && r->cookie) list[n] = r->cookie;
  return list;
}

const char **http_standard_headers(const HttpRequest *r, const char *basic,
                                   const char *proxy) {
  const char **list = xcalloc(6, sizeof *list);
  size_t n = 0;
  list[n++] = "User-Agent: tidelock";
  list[n++] = "Accept: */*";
  if (!r->raw) list[n++] = "Accept-Encoding: gzip, deflate";
  if (basic) list[n++] = basic;
  if (proxy) list[n++] = proxy;
  return list;
}

/* --- what an answer becomes ------------------------------------------------------- */

static bool is_redirect(const HttpRequest *r) {
  static const int codes[] = {301, 302, 303, 307, 308};
  size_t len;
  for (size_t i = 0; i < COUNT_OF(codes); i++)
    if (r->answer.status == codes[i])
      return http1_head_value(&r->answer.head, "Location", 0, &len) && len > 0;
  return false;
}

/* Returns new: the elements of all Content-Encoding fields. */
static char *codings_of(const HttpRequest *r) {
  Buffer all = {0};
  const char *value;
  size_t len;
  for (size_t n = 0;
       (value = http1_head_value(&r->answer.head, "Content-Encoding", n, &len)); n++) {
    if (n) buffer_putc(&all, ',');
    buffer_put(&all, value, len);
  }
  return buffer_take(&all, NULL);
}

static int refuse_body(HttpRequest *r, int code) {
  char shown[NET_URL_SHOWN];
  net_url_show(net_url_name(&r->url), shown);
  if (code == ERR_TOO_LARGE)
    error_set(&r->error, ERR_TOO_LARGE, "the body of the answer of %s exceeds %zu bytes",
              shown, r->max_body);
  else if (code == ERR_MEMORY)
    error_set(&r->error, ERR_MEMORY, "no memory for the body of the answer of %s", shown);
  else if (code)
    error_set(&r->error, ERR_DECODE, "the answer of %s could not be decompressed", shown);
  return code;
}

/* What says that it is too large is not waited for. */
static int check_length(HttpRequest *r) {
  const Http1Framing *framing = &r->answer.framing;
  bool known = framing->body == HTTP1_LENGTH && !r->coding;
  return known && framing->length > r->max_body ? refuse_body(r, ERR_TOO_LARGE) : 0;
}

static int take_head(HttpRequest *r) {
  r->response.status = r->answer.status;
  r->response.version = r->answer.minor == 0 ? "1.0" : "1.1";
  r->discards = r->redirects_left >= 0 && is_redirect(r);
  if (r->discards || http_is_method(r, "HEAD")) return 0;
  if (!r->raw) {
    char *codings = codings_of(r);
    r->coding = coding_new(codings, strlen(codings));
    free(codings);
  }
  return check_length(r);
}

/* Of each hop, also of one that leads elsewhere; but what a proxy says for itself is not
 * the server's. */
static void take_cookies(HttpRequest *r) {
  const Buffer *lines = &r->answer.head.lines;
  if (!r->cookies || (r->forwarded && r->answer.status == 407)) return;
  cookies_take(r->cookies, &r->url, lines->data, lines->len, clock_wall());
}

int http_take_head(HttpRequest *r) {
  take_cookies(r);
  int code = take_head(r);
  if (code == 0 && r->stream.asked && !r->discards) http_stream_open(r);
  return code;
}

static int add_piece(HttpRequest *r, const char *piece, size_t len) {
  Buffer *body = &r->response.body;
  size_t room = charge_room(r->charge), most = r->max_body;
  if (room < most - body->len) most = body->len + room;
  bool less = most < r->max_body;
  if (r->coding) {
    int code = coding_take(r->coding, piece, len, most, body);
    return code == ERR_TOO_LARGE && less ? ERR_MEMORY : code;
  }
  if (len > most - body->len) return less ? ERR_MEMORY : ERR_TOO_LARGE;
  if (!buffer_can_take(body, len)) return ERR_MEMORY;
  buffer_put(body, piece, len);
  return 0;
}

int http_take_body(HttpRequest *r, const char *piece, size_t len) {
  http_progress_got(r, len);
  size_t before = r->response.body.len;
  int code = add_piece(r, piece, len);
  if (code == 0) code = http_charge_more(r, r->response.body.len - before);
  return refuse_body(r, code);
}

int http_end_body(HttpRequest *r) {
  return refuse_body(r, r->coding ? coding_end(r->coding) : 0);
}
