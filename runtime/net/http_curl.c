/* One hop by curl's own HTTP: where HTTP/2 is asked for. Each has a connection of its
 * own: when a server ends a shared one (GOAWAY), curl 7.88 fails what is on it (212 of
 * 2,000 requests where each lasts for 20) and was seen to give answers to other requests
 * than their own. Headers, lengths and codings are read by the same functions as without.
 */
#include "net/http_curl.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "net/http_body.h"
#include "net/http_headers.h"
#include "net/http_hop.h"
#include "net/http_progress.h"
#include "net/http_stream.h"

/* The most that curl 7.88 takes: with 16 KB its HTTP/2 hangs on more headers than that.
 */
enum { CURL_BUFFER = 102400 };

/* --- curl's callbacks: collect, and give up by returning less than was offered ---- */

/* `wrong` says which rule is broken. */
static size_t refuse_answer(HttpRequest *r, const char *wrong) {
  char shown[NET_URL_SHOWN];
  net_url_show(net_url_name(&r->url), shown);
  error_set(&r->error, ERR_PROTOCOL, "the answer of %s breaks the rules of HTTP: %s",
            shown, wrong);
  return 0;
}

static size_t refuse_size(HttpRequest *r) {
  char shown[NET_URL_SHOWN];
  net_url_show(net_url_name(&r->url), shown);
  error_set(&r->error, ERR_TOO_LARGE,
            "the head of the answer of %s exceeds %d bytes or %d lines", shown,
            HTTP1_MAX_HEAD, HTTP1_MAX_FIELDS);
  return 0;
}

/* The empty line of a head came. Returns `all`, or 0 to give up. */
static size_t end_head(HttpRequest *r, size_t all) {
  Http1Answer *a = &r->answer;
  long status = 0;
  const char *wrong;
  curl_easy_getinfo(r->curl.transfer.easy, CURLINFO_RESPONSE_CODE, &status);
  a->status = (int)status;
  r->curl.head_complete = true;
  if (status == 101) return refuse_answer(r, "it switches protocols, unasked");
  if (status < 200)
    return ++a->interim > HTTP1_MAX_INTERIM
               ? refuse_answer(r, "more than 100 interim answers")
               : all;
  bool to_head = http_is_method(r, "HEAD");
  if (http1_head_framing(&a->head, a->status, 1, to_head, &a->framing, &wrong))
    return refuse_answer(r, wrong);
  return http_take_head(r) ? 0 : all;
}

/* A status line starts a response anew: what came before was a 1xx. What comes behind the
 * empty line of a final one are trailers, which are no headers. */
static size_t on_header(char *line, size_t size, size_t count, void *ctx) {
  HttpRequest *r = ctx;
  CurlHop *hop = &r->curl;
  size_t all = size * count, len = all;
  while (len && strchr("\r\n", line[len - 1])) len--;
  if (len >= 5 && memcmp(line, "HTTP/", 5) == 0) {
    http1_head_again(&r->answer.head);
    hop->head_complete = false;
    return all;
  }
  if (hop->head_complete) return all;
  if (len == 0) return end_head(r, all);
  int code = http1_head_take(&r->answer.head, line, len);
  if (code == ERR_TOO_LARGE) return refuse_size(r);
  return code ? refuse_answer(r, "a zero byte in its head") : all;
}

static size_t on_body(char *data, size_t size, size_t count, void *ctx) {
  HttpRequest *r = ctx;
  size_t len = size * count;
  if (r->discards) return 0;
  if (r->stream.paused) return CURL_WRITEFUNC_PAUSE;
  if (http_take_body(r, data, len) != 0) return 0;
  http_stream_fed(r);
  return len;
}

static size_t on_read(char *out, size_t size, size_t count, void *ctx) {
  HttpRequest *r = ctx;
  size_t len = 0, room = size * count;
  const char *bytes = out;
  if (r->curl.body_sent < http_body_len(r))
    bytes = http_body_at(r, r->curl.body_sent, out, room, &len);
  if (!bytes) return CURL_READFUNC_ABORT;
  if (len > room) len = room;
  if (len && bytes != out) memcpy(out, bytes, len);
  r->curl.body_sent += len;
  http_progress_sent(r, r->curl.body_sent);
  return len;
}

/* A body is not sent twice by itself. */
static int on_seek(void *ctx, curl_off_t offset, int origin) {
  (void)ctx, (void)offset, (void)origin;
  return CURL_SEEKFUNC_FAIL;
}

/* --- the hop ---------------------------------------------------------------------- */

static void set_method(HttpRequest *r, CURL *easy) {
  r->curl.body_sent = 0;
  if (http_is_method(r, "HEAD")) curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
  else if (!http_is_method(r, "GET") || http_body_len(r))
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, r->method);
  if (!http_sends_body(r)) return;
  curl_easy_setopt(easy, CURLOPT_POST, 1L);
  curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)http_body_len(r));
  curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_read);
  curl_easy_setopt(easy, CURLOPT_READDATA, r);
  curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, on_seek);
}

static void add_line(HttpRequest *r, const char *line) {
  r->curl.lines = curl_slist_append(r->curl.lines, line);
  CHECK(r->curl.lines != NULL);
}

static bool has_name(const char **headers, const char *line) {
  char name[64];
  size_t len = strcspn(line, ":");
  if (len >= sizeof name) return false;
  memcpy(name, line, len);
  name[len] = '\0';
  for (; *headers; headers++)
    if (http_header_is(*headers, name)) return true;
  return false;
}

static void set_headers(HttpRequest *r, CURL *easy) {
  char *basic =
      http_at_home(r) ? net_url_basic("Authorization", r->user, r->password) : NULL;
  const char **headers = http_hop_headers(r);
  const char **standard = http_standard_headers(r, basic, NULL);
  for (const char **h = standard; *h; h++)
    if (!has_name(headers, *h)) add_line(r, *h);
  for (const char **h = headers; *h; h++)
    if (!http_header_is(*h, "Expect")) r->curl.lines = http_header_add(r->curl.lines, *h);
  add_line(r, "Expect:");
  if (!has_name(headers, "Content-Type:")) add_line(r, "Content-Type:");
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, r->curl.lines);
  free(headers);
  free(standard);
  free(basic);
}

static void set_limits(HttpRequest *r, CURL *easy) {
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, net_milliseconds(r->connect_timeout));
  if (isinf(r->deadline)) return;
  if (r->stream.asked) {
    http_stream_await_head(r);
    return;
  }
  double left = r->deadline - loop_now(net_loop(r->net));
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, net_milliseconds(left));
}

static void set_callbacks(HttpRequest *r, CURL *easy) {
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, r);
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, r);
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, r->curl.words);
}

/* --- the end ---------------------------------------------------------------------- */

void http_curl_stop(HttpRequest *r) {
  if (r->curl.transfer.easy) net_remove(r->net, &r->curl.transfer);
  curl_slist_free_all(r->curl.lines);
  r->curl.lines = NULL;
}

static void fill_error(HttpRequest *r, CURLcode result) {
  Error known = r->error;
  net_error(&r->error, r->curl.transfer.easy, result, r->curl.words,
            net_url_name(&r->url));
  if (!known.code) return;
  known.phase = "response";
  known.sent = SENT_YES;
  r->error = known;
}

static void end_body(HttpRequest *r) {
  if (http_end_body(r) == 0) return;
  r->error.phase = "response";
  r->error.sent = SENT_YES;
}

static const char *version_of(CURL *easy) {
  long version = 0;
  curl_easy_getinfo(easy, CURLINFO_HTTP_VERSION, &version);
  return version == CURL_HTTP_VERSION_2_0   ? "2"
         : version == CURL_HTTP_VERSION_1_0 ? "1.0"
                                            : "1.1";
}

static void on_done(Transfer *transfer, CURLcode result) {
  HttpRequest *r = CONTAINER_OF(transfer, HttpRequest, curl.transfer);
  if (result == CURLE_OK && !r->curl.head_complete) result = CURLE_GOT_NOTHING;
  if (result != CURLE_OK && !r->discards) fill_error(r, result);
  else if (!r->discards) end_body(r);
  r->response.version = version_of(transfer->easy);
  http_curl_stop(r);
  r->hop_over(r);
}

void http_curl_start(HttpRequest *r) {
  CURL *easy = net_easy(r->net);
  Route route = http_hop_route(r);
  r->forwarded = false;
  r->curl = (CurlHop){.transfer = {.easy = easy, .done = on_done}};
  http1_answer_begin(&r->answer, http_is_method(r, "HEAD"));
  curl_easy_setopt(easy, CURLOPT_URL, r->url.url);
  curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
  curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, (long)CURL_BUFFER);
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
  curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
  curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
  route_apply(&route, &r->url, &r->curl.transfer);
  set_method(r, easy);
  set_headers(r, easy);
  set_limits(r, easy);
  set_callbacks(r, easy);
  net_add(r->net, &r->curl.transfer);
}
