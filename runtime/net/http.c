/* HTTP requests. Owned by whoever started them until done or cancelled; loop thread only.
 *
 * A request is a chain of hops, each one transfer of curl's: redirects are followed here
 * and not by curl, so that one rule decides what another origin may see (scheme, host and
 * port, all three), and every hop starts with fresh errors, limits and phase.
 *
 * How a request ends. The transfer finishes in the poll (on_done): it is removed there,
 * so that nothing of curl's is held while the event waits in the inbox, and `deliver`
 * runs in dispatch. A cancel before on_done removes the transfer and frees at once; one
 * between on_done and deliver only marks the request, since its event is in the inbox. */
#include "net/http.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "net/http_headers.h"
#include "net/net_url.h"

enum { MAX_HEADERS = 256 * 1024, DEFAULT_REDIRECTS = 5 };
static const size_t default_max_body = 64u << 20;

struct HttpRequest {
  Transfer transfer;
  Event event;
  Net *net;
  HttpDone *done;
  void *ctx;

  /* what was asked for */
  char *method;
  NetUrl url; /* of this hop */
  char *first_origin;
  char *user, *password;
  char **headers; /* NULL-terminated */
  Buffer body;
  double connect_timeout, deadline; /* deadline: monotonic; INFINITY: none */
  size_t max_body;
  int redirects_left;
  bool http2;
  double not_before;
  Route route;

  /* this hop */
  struct curl_slist *lines;
  size_t body_sent;
  size_t header_bytes;
  bool head_complete; /* the empty line came: curl takes a head cut off for a whole one */
  char words[CURL_ERROR_SIZE];
  Error refused; /* why a callback of curl's gave up */

  HttpResponse response;
  Error error;
  bool cancelled, delivering;
  bool followed; /* at least one redirect: the first server has seen the request */
};

static void request_free(HttpRequest *r) {
  curl_slist_free_all(r->lines);
  net_url_free(&r->url);
  for (char **header = r->headers; header && *header; header++) free(*header);
  free(r->headers);
  free(r->method);
  free(r->first_origin);
  free(r->user);
  free(r->password);
  route_free(&r->route);
  buffer_free(&r->body);
  buffer_free(&r->response.headers);
  buffer_free(&r->response.body);
  free(r);
}

/* --- curl's callbacks: collect, and give up by returning less than was offered ---- */

static size_t refuse(HttpRequest *r, const char *what, size_t limit) {
  char shown[NET_URL_SHOWN];
  net_url_show(net_url_name(&r->url), shown);
  error_set(&r->refused, ERR_TOO_LARGE, "the %s of the answer of %s exceeds %zu bytes",
            what, shown, limit);
  return 0;
}

static size_t on_body(char *data, size_t size, size_t count, void *ctx) {
  HttpRequest *r = ctx;
  size_t len = size * count;
  if (len > r->max_body - r->response.body.len) return refuse(r, "body", r->max_body);
  buffer_put(&r->response.body, data, len);
  return len;
}

static void keep_header(Buffer *headers, const char *line, size_t len) {
  while (len && strchr("\r\n \t", line[len - 1])) len--;
  if (len == 0) return;
  buffer_put(headers, line, len);
  buffer_putc(headers, '\n');
}

/* A status line starts a response anew: what came before was a 1xx. Trailers come behind
 * the body; they are not kept among the headers. */
static size_t on_header(char *line, size_t size, size_t count, void *ctx) {
  HttpRequest *r = ctx;
  size_t len = size * count;
  r->header_bytes += len;
  if (r->header_bytes > MAX_HEADERS) return refuse(r, "head", MAX_HEADERS);
  bool starts = len >= 5 && memcmp(line, "HTTP/", 5) == 0;
  bool empty = line[0] == '\n' || (len == 2 && line[1] == '\n');
  r->head_complete = !starts && (r->head_complete || empty);
  if (starts) buffer_clear(&r->response.headers);
  else if (r->response.body.len == 0) keep_header(&r->response.headers, line, len);
  return len;
}

/* The body of a request that must not be repeated by itself is read through here: curl
 * cannot start over, so that it does not send a POST twice when a kept connection broke.
 */
static size_t on_read(char *out, size_t size, size_t count, void *ctx) {
  HttpRequest *r = ctx;
  size_t len = r->body.len - r->body_sent;
  if (len > size * count) len = size * count;
  if (len) memcpy(out, r->body.data + r->body_sent, len);
  r->body_sent += len;
  return len;
}

static int on_seek(void *ctx, curl_off_t offset, int origin) {
  (void)ctx, (void)offset, (void)origin;
  return CURL_SEEKFUNC_FAIL;
}

/* --- one hop ---------------------------------------------------------------------- */

static bool is_method(const HttpRequest *r, const char *method) {
  return strcmp(r->method, method) == 0;
}

static bool repeatable(const HttpRequest *r) {
  return !is_method(r, "POST") && !is_method(r, "PATCH");
}

static bool has_header(const HttpRequest *r, const char *name) {
  for (char **header = r->headers; *header; header++)
    if (http_header_is(*header, name)) return true;
  return false;
}

static void set_body(HttpRequest *r, CURL *easy) {
  bool sends = is_method(r, "POST") || is_method(r, "PUT") || is_method(r, "PATCH");
  r->body_sent = 0;
  if (r->body.len == 0 && !sends) return;
  curl_easy_setopt(easy, CURLOPT_POST, 1L);
  curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body.len);
  if (repeatable(r) || r->body.len == 0) {
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, r->body.len ? r->body.data : "");
    if (!repeatable(r)) curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
    return;
  }
  curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_read);
  curl_easy_setopt(easy, CURLOPT_READDATA, r);
  curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, on_seek);
}

static void set_method(HttpRequest *r, CURL *easy) {
  if (is_method(r, "HEAD")) curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
  else if (!is_method(r, "GET") || r->body.len)
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, r->method);
}

/* Another origin gets no secrets, and not the Host of the first. */
static bool stays_home(const char *header) {
  return http_header_secret(header) || http_header_is(header, "Host");
}

static void set_headers(HttpRequest *r, CURL *easy) {
  bool home = strcmp(r->url.origin, r->first_origin) == 0;
  curl_slist_free_all(r->lines);
  r->lines = NULL;
  for (char **header = r->headers; *header; header++)
    if (home || !stays_home(*header)) r->lines = http_header_add(r->lines, *header);
  if (!has_header(r, "Expect")) r->lines = curl_slist_append(r->lines, "Expect:");
  if (!has_header(r, "Content-Type"))
    r->lines = curl_slist_append(r->lines, "Content-Type:");
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, r->lines);
  curl_easy_setopt(easy, CURLOPT_USERAGENT, "tidelock");
  if (!home || !r->user || has_header(r, "Authorization")) return;
  curl_easy_setopt(easy, CURLOPT_USERNAME, r->user);
  curl_easy_setopt(easy, CURLOPT_PASSWORD, r->password ? r->password : "");
}

/* curl takes 0 as "no limit of mine", so that the least is 1 ms. */
static long milliseconds(double seconds) {
  if (seconds > 1e6) seconds = 1e6;
  return seconds < 0.001 ? 1 : lround(seconds * 1000);
}

static void set_limits(HttpRequest *r, CURL *easy) {
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, milliseconds(r->connect_timeout));
  if (isinf(r->deadline)) return;
  double left = r->deadline - loop_now(net_loop(r->net));
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, milliseconds(left));
}

/* When a server ends a shared HTTP/2 connection (GOAWAY), curl 7.88 fails what is on it
 * (212 of 2,000 requests where each lasts for 20) and was seen to give answers to other
 * requests than their own: so each request has a connection. */
static void set_version(const HttpRequest *r, CURL *easy) {
  if (!r->http2) return;
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
  curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
  curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
}

/* curl counts the age of a connection in whole seconds, up to the next one. */
static void set_age(const HttpRequest *r, CURL *easy) {
  double age = loop_now(net_loop(r->net)) - r->not_before;
  if (isinf(r->not_before)) curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
  else if (r->not_before > 0)
    curl_easy_setopt(easy, CURLOPT_MAXLIFETIME_CONN, age < 1 ? 1L : (long)age);
}

static void set_callbacks(HttpRequest *r, CURL *easy) {
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, r);
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, r);
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, r->words);
}

static void start_hop(HttpRequest *r) {
  CURL *easy = r->transfer.easy = net_easy(r->net);
  r->words[0] = '\0';
  r->header_bytes = 0;
  r->head_complete = false;
  buffer_clear(&r->response.headers);
  buffer_clear(&r->response.body);
  curl_easy_setopt(easy, CURLOPT_URL, r->url.url);
  curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
  curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "");
  route_apply(&r->route, r->url.unix_path, easy);
  set_body(r, easy);
  set_method(r, easy);
  set_headers(r, easy);
  set_limits(r, easy);
  set_version(r, easy);
  set_age(r, easy);
  set_callbacks(r, easy);
  net_add(r->net, &r->transfer);
}

/* --- redirects -------------------------------------------------------------------- */

static bool is_redirect(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 ||
         status == 308;
}

/* As browsers do: 303 asks for a GET, and so do 301 and 302 after a POST. */
static void change_method(HttpRequest *r, int status) {
  bool get = status == 303 ? !is_method(r, "HEAD") : status < 307 && is_method(r, "POST");
  if (!get) return;
  free(r->method);
  r->method = xstrdup("GET");
  buffer_free(&r->body);
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
    error_set(&r->error, ERR_URL, "the server redirects to where it cannot be followed");
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
static bool follow(HttpRequest *r, int status) {
  char *location = NULL;
  if (r->redirects_left < 0 || !is_redirect(status)) return false;
  curl_easy_getinfo(r->transfer.easy, CURLINFO_REDIRECT_URL, &location);
  if (!location || turn_to(r, location) != 0) return false;
  net_remove(r->net, &r->transfer);
  change_method(r, status);
  start_hop(r);
  return true;
}

/* --- the end ---------------------------------------------------------------------- */

static void deliver(Event *event) {
  HttpRequest *r = CONTAINER_OF(event, HttpRequest, event);
  r->delivering = true;
  r->response.url = r->url.url;
  if (r->cancelled) (void)0;
  else if (r->error.code) r->done(r->ctx, NULL, &r->error);
  else r->done(r->ctx, &r->response, NULL);
  request_free(r);
}

static void fill_error(HttpRequest *r, CURLcode result) {
  net_error(&r->error, r->transfer.easy, result, r->words, net_url_name(&r->url));
  if (r->refused.code) {
    r->error.code = r->refused.code;
    memcpy(r->error.message, r->refused.message, sizeof r->error.message);
  }
  if (r->followed) r->error.sent = SENT_YES;
}

static const char *version_of(CURL *easy) {
  long version = 0;
  curl_easy_getinfo(easy, CURLINFO_HTTP_VERSION, &version);
  return version == CURL_HTTP_VERSION_2_0   ? "2"
         : version == CURL_HTTP_VERSION_1_0 ? "1.0"
                                            : "1.1";
}

static void on_done(Transfer *transfer, CURLcode result) {
  HttpRequest *r = CONTAINER_OF(transfer, HttpRequest, transfer);
  long status = 0;
  curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
  r->response.status = (int)status;
  r->response.version = version_of(transfer->easy);
  if (result == CURLE_OK && !r->head_complete) result = CURLE_GOT_NOTHING;
  if (result != CURLE_OK) fill_error(r, result);
  else if (follow(r, (int)status)) return;
  net_remove(r->net, transfer);
  r->event.run = deliver;
  inbox_push(net_loop(r->net), &r->event);
}

void http_cancel(HttpRequest *r) {
  if (r->delivering) return;
  r->cancelled = true;
  if (!r->transfer.easy) return;
  net_remove(r->net, &r->transfer);
  request_free(r);
}

/* --- the beginning ---------------------------------------------------------------- */

static int check(const HttpOptions *options, Error *err) {
  const char *method = options->method;
  if (method && !http_token(method, strlen(method)))
    return error_set(err, ERR_INVALID, "that cannot be an HTTP method");
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
  double timeout = options->timeout > 0 ? options->timeout : 30;
  r->deadline = loop_now(net_loop(r->net)) + timeout;
  r->connect_timeout = options->connect_timeout > 0 ? options->connect_timeout : 10;
  r->max_body = options->max_body ? options->max_body : default_max_body;
  r->redirects_left = options->max_redirects < 0 ? DEFAULT_REDIRECTS
                      : options->max_redirects   ? options->max_redirects
                                                 : -1;
}

static void copy_options(HttpRequest *r, const HttpOptions *options) {
  r->method = xstrdup(options->method ? options->method : "GET");
  r->headers = copy_headers(options->headers);
  buffer_put(&r->body, options->body, options->body_len);
  r->first_origin = xstrdup(r->url.origin);
  r->user = xstrdup(r->url.user);
  r->password = xstrdup(r->url.password);
  r->http2 = options->http2;
  r->not_before = options->not_before;
  route_copy(&r->route, &options->route);
  copy_limits(r, options);
}

HttpRequest *http_start(Net *net, const HttpOptions *options, HttpDone *done, void *ctx,
                        Error *err) {
  NetUrl url;
  if (check(options, err) != 0 || net_url_parse(&url, options->url, false, err) != 0)
    return NULL;
  HttpRequest *r = xcalloc(1, sizeof *r);
  r->net = net;
  r->done = done;
  r->ctx = ctx;
  r->url = url;
  r->transfer.done = on_done;
  r->transfer.once = options->once;
  copy_options(r, options);
  start_hop(r);
  return r;
}
