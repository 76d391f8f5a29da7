/* The HTTP client against a server that misbehaves on purpose: which code, phase and sent
 * each failure gives, and what a request may and may not carry. */
#include "net/http.h"

#include <math.h>

#include "net_env.h"

/* What the server does with a request: write `bytes` (of `len`), then act. */
typedef enum Then { THEN_KEEP, THEN_CLOSE, THEN_RESET } Then;
typedef struct Script {
  const char *bytes;
  size_t len;
  Then then;
} Script;

typedef struct Test {
  Env env;
  Fake fake;
  Fake other;        /* a second origin; closing it outlives the test that opens it */
  Script scripts[8]; /* for the first request, the second, ...; the last one stays */
  int script_count, served;
  Buffer seen; /* all that the server was sent */
} Test;

typedef struct Result {
  bool done;
  int calls;
  HttpResponse response;
  char *url;
  Error err;
} Result;

/* A request is whole when its head, and the body that its Content-Length names, are
 * there. */
static size_t request_len(FakeConn *conn) {
  const char *text = buffer_text(&conn->in), *end = strstr(text, "\r\n\r\n");
  if (!end) return 0;
  const char *field = strstr(text, "Content-Length: ");
  size_t body = field && field < end ? strtoul(field + 16, NULL, 10) : 0;
  size_t head = (size_t)(end - text) + 4;
  return conn->in.len >= head + body ? head + body : 0;
}

static void serve(FakeConn *conn) {
  Test *t = conn->fake->ctx;
  size_t len = conn->ended ? 0 : request_len(conn);
  if (len == 0) return;
  buffer_put(&t->seen, conn->in.data, len);
  buffer_consume(&conn->in, len);
  int i = t->served++;
  Script *script = &t->scripts[i < t->script_count ? i : t->script_count - 1];
  fake_write(conn, script->bytes, script->len);
  if (script->then == THEN_CLOSE) fake_close(conn);
  if (script->then == THEN_RESET) fake_reset(conn);
}

static int setup(void **state) {
  Test *t = xcalloc(1, sizeof *t);
  env_open(&t->env);
  fake_listen(&t->fake, t->env.loop, serve, t);
  *state = t;
  return 0;
}

static int teardown(void **state) {
  Test *t = *state;
  fake_stop(&t->fake);
  env_close(&t->env);
  buffer_free(&t->seen);
  free(t);
  return 0;
}

static void script(Test *t, const char *text, Then then) {
  t->scripts[0] = (Script){text, strlen(text), then};
  t->script_count = 1;
  t->served = 0;
  buffer_clear(&t->seen);
}

static void script_more(Test *t, const char *text, Then then) {
  t->scripts[t->script_count++] = (Script){text, strlen(text), then};
}

static void on_done(void *ctx, HttpResponse *response, const Error *err) {
  Result *result = ctx;
  result->done = true;
  result->calls++;
  assert_true((response != NULL) != (err != NULL));
  if (err) result->err = *err;
  else {
    result->response = *response;
    result->url = xstrdup(response->url);
    response->headers = response->body = (Buffer){0};
  }
}

static bool is_done(void *ctx) {
  return ((Result *)ctx)->done;
}

static void result_free(Result *result) {
  buffer_free(&result->response.headers);
  buffer_free(&result->response.body);
  free(result->url);
  *result = (Result){0};
}

static void perform(Test *t, const HttpOptions *options, Result *result) {
  Error err = {0};
  *result = (Result){0};
  HttpRequest *request = http_start(t->env.net, options, on_done, result, &err);
  if (!request) printf("refused: %s\n", err.message);
  assert_non_null(request);
  assert_true(env_wait(&t->env, is_done, result));
  assert_int_equal(result->calls, 1);
}

static const char *url_of(Test *t, const char *path) {
  static char url[8][512];
  static int turn;
  char *out = url[turn++ % 8];
  snprintf(out, 512, "http://127.0.0.1:%d%s", t->fake.port, path);
  return out;
}

static void get(Test *t, const char *path, Result *result) {
  HttpOptions options = {.url = url_of(t, path), .max_redirects = -1, .timeout = 10};
  perform(t, &options, result);
}

static void expect_error(const Result *result, ErrorCode code, const char *phase,
                         const char *sent) {
  if (result->err.code != code)
    printf("got %s (%s): %s / %s\n", error_name(result->err.code), result->err.phase,
           result->err.message, result->err.detail);
  assert_string_equal(error_name(result->err.code), error_name(code));
  if (phase) assert_string_equal(result->err.phase, phase);
  if (sent) assert_string_equal(error_sent(result->err.sent), sent);
  assert_true(result->err.message[0] != '\0');
}

static void expect_body(Result *result, const char *body) {
  if (result->err.code) printf("got %s\n", result->err.message);
  assert_int_equal(result->err.code, ERR_NONE);
  assert_string_equal(buffer_text(&result->response.body), body);
}

#define OK(body_len, body) "HTTP/1.1 200 OK\r\nContent-Length: " #body_len "\r\n\r\n" body

static void a_response_arrives_whole(void **state) {
  Test *t = *state;
  Result result;
  script(t,
         "HTTP/1.1 404 Not Found\r\nX-One: 1\r\nX-Two:  two \r\nContent-Length: "
         "5\r\n\r\nhello",
         THEN_KEEP);
  get(t, "/a?b=c", &result);
  expect_body(&result, "hello");
  assert_int_equal(result.response.status, 404);
  assert_non_null(
      strstr(buffer_text(&result.response.headers), "X-One: 1\nX-Two:  two\n"));
  assert_string_equal(result.url, url_of(t, "/a?b=c"));
  assert_non_null(strstr(buffer_text(&t->seen), "GET /a?b=c HTTP/1.1\r\n"));
  result_free(&result);
}

static void a_connection_is_kept_and_used_again(void **state) {
  Test *t = *state;
  Result result;
  script(t, OK(2, "hi"), THEN_KEEP);
  for (int i = 0; i < 5; i++) {
    get(t, "/", &result);
    expect_body(&result, "hi");
    result_free(&result);
  }
  assert_int_equal(t->fake.accepted, 1);
}

static void what_is_kept_belongs_to_its_owner(void **state) {
  Test *t = *state;
  int owners[2];
  script(t, OK(2, "hi"), THEN_KEEP);
  for (int i = 0; i < 6; i++) {
    Result result;
    HttpOptions options = {.url = url_of(t, "/"), .owner = &owners[i % 2]};
    perform(t, &options, &result);
    expect_body(&result, "hi");
    result_free(&result);
  }
  assert_int_equal(t->fake.accepted, 2);
  http_forget(t->env.net, &owners[0]);
  for (int i = 0; i < 2; i++) {
    Result result;
    HttpOptions options = {.url = url_of(t, "/"), .owner = &owners[i % 2]};
    perform(t, &options, &result);
    result_free(&result);
  }
  assert_int_equal(t->fake.accepted, 3);
}

/* A POST may be sent twice by nobody: what may be dead is not asked. */
static void what_was_kept_over_a_sleep_is_old(void **state) {
  Test *t = *state;
  static const double asleep[] = {0, 1, 3, 200};
  static const int accepted[] = {1, 1, 2, 3};
  script(t, OK(2, "hi"), THEN_KEEP);
  for (size_t i = 0; i < COUNT_OF(asleep); i++) {
    Result result;
    HttpOptions options = {.url = url_of(t, "/"), .method = i < 3 ? "POST" : "GET"};
    wakes_slept(net_wakes(t->env.net), asleep[i]);
    perform(t, &options, &result);
    expect_body(&result, "hi");
    result_free(&result);
    assert_int_equal(t->fake.accepted, accepted[i]);
  }
}

static void a_kept_connection_may_have_gone_meanwhile(void **state) {
  Test *t = *state;
  Result result;
  script(t, OK(2, "hi"), THEN_CLOSE);
  for (int i = 0; i < 3; i++) {
    get(t, "/", &result);
    expect_body(&result, "hi");
    result_free(&result);
  }
  assert_int_equal(t->fake.accepted, 3);
}

static void methods_and_bodies_go_out_as_given(void **state) {
  Test *t = *state;
  static const char *const methods[] = {"POST", "PUT", "PATCH", "DELETE", "QUERY"};
  for (size_t i = 0; i < COUNT_OF(methods); i++) {
    Result result;
    char start[64];
    script(t, OK(2, "hi"), THEN_KEEP);
    const char *headers[] = {"Content-Type: application/json", "X-Empty: ", NULL};
    HttpOptions options = {.url = url_of(t, "/x"),
                           .method = methods[i],
                           .body = "{\"a\":1}",
                           .body_len = 7,
                           .headers = headers};
    perform(t, &options, &result);
    expect_body(&result, "hi");
    snprintf(start, sizeof start, "%s /x HTTP/1.1\r\n", methods[i]);
    const char *seen = buffer_text(&t->seen);
    assert_ptr_equal(strstr(seen, start), seen);
    assert_non_null(strstr(seen, "\r\n\r\n{\"a\":1}"));
    assert_non_null(strstr(seen, "Content-Type: application/json\r\n"));
    assert_non_null(strstr(seen, "X-Empty:\r\n"));
    assert_null(strstr(seen, "Expect"));
    result_free(&result);
  }
}

static void a_post_without_body_has_length_0(void **state) {
  Test *t = *state;
  Result result;
  script(t, OK(2, "hi"), THEN_KEEP);
  HttpOptions options = {.url = url_of(t, "/x"), .method = "POST"};
  perform(t, &options, &result);
  expect_body(&result, "hi");
  assert_non_null(strstr(buffer_text(&t->seen), "Content-Length: 0\r\n"));
  assert_null(strstr(buffer_text(&t->seen), "Content-Type"));
  result_free(&result);
}

static void head_has_no_body(void **state) {
  Test *t = *state;
  Result result;
  script(t, "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n", THEN_KEEP);
  HttpOptions options = {.url = url_of(t, "/x"), .method = "HEAD"};
  perform(t, &options, &result);
  expect_body(&result, "");
  result_free(&result);
}

static void chunks_are_joined_and_a_1xx_is_passed_over(void **state) {
  Test *t = *state;
  Result result;
  script(
      t,
      "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: "
      "chunked\r\n\r\n5\r\nhello\r\n6;ext=1\r\n world\r\n0\r\nX-Trailer: t\r\n\r\n",
      THEN_KEEP);
  get(t, "/", &result);
  expect_body(&result, "hello world");
  assert_string_equal(buffer_text(&result.response.headers),
                      "Transfer-Encoding: chunked\n");
  result_free(&result);
}

/* --- connecting ------------------------------------------------------------------- */

static void a_refused_port_is_connect_and_not_sent(void **state) {
  Test *t = *state;
  Result result;
  char url[64], message[128];
  int port = fake_refused_port();
  snprintf(url, sizeof url, "http://127.0.0.1:%d/", port);
  HttpOptions options = {.url = url};
  perform(t, &options, &result);
  expect_error(&result, ERR_CONNECT, "connect", "no");
  snprintf(message, sizeof message,
           "could not connect to 127.0.0.1:%d: Connection refused", port);
  assert_string_equal(result.err.message, message);
}

static void a_proxy_that_fails_is_told_as_one(void **state) {
  Test *t = *state;
  Result result;
  char proxy[64];
  snprintf(proxy, sizeof proxy, "http://127.0.0.1:%d", fake_refused_port());
  HttpOptions options = {.url = "https://secure.example/", .route.proxy = proxy};
  perform(t, &options, &result);
  expect_error(&result, ERR_PROXY, "proxy", "no");
  snprintf(proxy, sizeof proxy, "http://127.0.0.1:%d", t->fake.port);
  script(t, "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n",
         THEN_KEEP);
  perform(t, &options, &result);
  expect_error(&result, ERR_PROXY, "proxy", "no");
  static const char *const halves[] = {"", "HTTP/1.1 2", "HTTP/1.1 200 OK\r\nX",
                                       "SSH-2.0-no proxy\r\n"};
  for (size_t i = 0; i < 2 * COUNT_OF(halves); i++) {
    script(t, halves[i / 2], i % 2 ? THEN_CLOSE : THEN_RESET);
    perform(t, &options, &result);
    expect_error(&result, ERR_PROXY, "proxy", "no");
  }
}

static void an_unknown_name_is_dns_and_not_sent(void **state) {
  Test *t = *state;
  Result result;
  HttpOptions options = {.url = "http://user:secret@no-such-host.invalid/path"};
  perform(t, &options, &result);
  expect_error(&result, ERR_DNS, "dns", "no");
  assert_null(strstr(result.err.message, "secret"));
  assert_null(strstr(result.err.detail, "secret"));
}

static void urls_that_do_not_parse_are_refused_at_once(void **state) {
  Test *t = *state;
  static const char *const urls[] = {
      "",           "nonsense",       "ftp://127.0.0.1/",   "http://",
      "http:///x",  "http://[::1/",   "http://a b/",        "http://a:99999/",
      "//host/x",   "http://h/\r\nX", "file:///etc/passwd", "http://u:s/p@ss@h/",
      "ws://host/", "http://h/a b"};
  for (size_t i = 0; i < COUNT_OF(urls); i++) {
    Error err = {0};
    HttpOptions options = {.url = urls[i]};
    if (http_start(t->env.net, &options, on_done, NULL, &err)) fail_msg("%s", urls[i]);
    assert_int_equal(err.code, ERR_URL);
    assert_null(strstr(err.message, "p@ss"));
    assert_null(strchr(err.message, '\n'));
  }
}

static void headers_cannot_smuggle(void **state) {
  Test *t = *state;
  static const char *const headers[] = {
      "X: a\r\nEvil: 1", "X: a\nEvil: 1",     "X\r\nEvil: 1",
      "no colon",        ": empty",           "A B: c",
      "X: \x01",         "Content-Length: 3", "transfer-encoding: chunked"};
  for (size_t i = 0; i < COUNT_OF(headers); i++) {
    Error err = {0};
    const char *list[] = {headers[i], NULL};
    HttpOptions options = {.url = url_of(t, "/"), .headers = list};
    if (http_start(t->env.net, &options, on_done, NULL, &err)) fail_msg("%s", headers[i]);
    assert_int_equal(err.code, ERR_INVALID);
  }
  Error err = {0};
  HttpOptions options = {.url = url_of(t, "/"), .method = "GET / HTTP/1.1\r\nX:"};
  assert_null(http_start(t->env.net, &options, on_done, NULL, &err));
  assert_int_equal(err.code, ERR_INVALID);
}

/* --- what the server does wrong --------------------------------------------------- */

static void close_at_each_byte(Test *t, const char *whole, size_t head) {
  for (size_t len = 0; len < strlen(whole); len++) {
    Result result;
    script(t, whole, THEN_CLOSE);
    t->scripts[0].len = len;
    get(t, "/", &result);
    expect_error(&result, ERR_RESET, "response", len >= head ? "yes" : NULL);
    if (len == 0) assert_int_equal(result.err.sent, SENT_UNKNOWN);
  }
}

static void a_close_at_any_byte_is_reset(void **state) {
  close_at_each_byte(*state, OK(10, "0123456789"), 38);
  close_at_each_byte(*state,
                     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"
                     "0\r\n", /* from here on the body is whole */
                     47);
}

static void a_reset_is_reset(void **state) {
  Test *t = *state;
  Result result;
  script(t, "", THEN_RESET);
  get(t, "/", &result);
  expect_error(&result, ERR_RESET, "response", "unknown");
}

static void what_came_before_a_reset_is_taken(void **state) {
  Test *t = *state;
  Result result;
  script(t, "HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig", THEN_RESET);
  get(t, "/", &result);
  assert_int_equal(result.response.status, 413);
  expect_body(&result, "big");
  result_free(&result);
  script(t, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbig", THEN_RESET);
  get(t, "/", &result);
  expect_error(&result, ERR_RESET, "response", "yes");
}

static void answers_fail(Test *t, const char *const *answers, ErrorCode code) {
  for (; *answers; answers++) {
    Result result;
    script(t, *answers, THEN_CLOSE);
    get(t, "/", &result);
    expect_error(&result, code, "response", NULL);
  }
}

static void garbage_is_decode(void **state) {
  static const char *const answers[] = {
      "SSH-2.0-OpenSSH_9.2\r\n",
      "\x16\x03\x01garbage\r\n\r\n",
      "HTTP/2 200 OK\r\n\r\n",
      "HTTP/1.1 20 OK\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello",
      NULL};
  answers_fail(*state, answers, ERR_DECODE);
}

static void broken_rules_are_protocol(void **state) {
  static const char *const answers[] = {
      "HTTP/1.1 200 OK\r\nContent-Length: abc\r\n\r\nhello",
      "HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\nhello",
      "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello",
      "HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\nhello",
      "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
      "HTTP/1.1 200 OK\r\nContent-Length: 5, 6\r\n\r\nhello!",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\nhello\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0x5\r\nhello\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhello\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: "
      "chunked\r\n\r\nfffffffffffffffffffff\r\nhello\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
      NULL};
  answers_fail(*state, answers, ERR_PROTOCOL);
}

static void a_slow_answer_times_out_in_its_phase(void **state) {
  Test *t = *state;
  Result result;
  script(t, "HTTP/1.1 200 OK\r\nContent-Le", THEN_KEEP);
  HttpOptions options = {.url = url_of(t, "/"), .timeout = 0.1};
  perform(t, &options, &result);
  expect_error(&result, ERR_TIMEOUT, "response", NULL);
  script(t, "", THEN_KEEP);
  perform(t, &options, &result);
  expect_error(&result, ERR_TIMEOUT, "response", "unknown");
}

static void time_that_is_over_is_not_the_default(void **state) {
  Test *t = *state;
  Result result;
  script(t, "", THEN_KEEP);
  HttpOptions options = {.url = url_of(t, "/"), .timeout = -0.2};
  double began = loop_now(t->env.loop);
  perform(t, &options, &result);
  expect_error(&result, ERR_TIMEOUT, NULL, NULL);
  assert_true(loop_now(t->env.loop) - began < 2);
}

/* A listener whose queue is full accepts no more: connecting hangs. */
static void a_stalled_connect_times_out_in_connect(void **state) {
  Test *t = *state;
  struct sockaddr_in addr = {.sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t len = sizeof addr;
  int listener = socket(AF_INET, SOCK_STREAM, 0), fills[8];
  assert_int_equal(bind(listener, (struct sockaddr *)&addr, sizeof addr), 0);
  assert_int_equal(listen(listener, 0), 0);
  getsockname(listener, (struct sockaddr *)&addr, &len);
  for (size_t i = 0; i < COUNT_OF(fills); i++) {
    fills[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    connect(fills[i], (struct sockaddr *)&addr, sizeof addr);
  }
  Result result;
  char url[64];
  snprintf(url, sizeof url, "http://127.0.0.1:%d/", ntohs(addr.sin_port));
  HttpOptions options = {.url = url, .connect_timeout = 0.1};
  perform(t, &options, &result);
  expect_error(&result, ERR_TIMEOUT, "connect", "no");
  for (size_t i = 0; i < COUNT_OF(fills); i++) close(fills[i]);
  close(listener);
}

static void a_body_above_the_limit_is_too_large(void **state) {
  Test *t = *state;
  Result result;
  HttpOptions options = {.url = url_of(t, "/"), .max_body = 9};
  script(t, OK(10, "0123456789"), THEN_KEEP);
  perform(t, &options, &result);
  expect_error(&result, ERR_TOO_LARGE, "response", "yes");
  options.max_body = 10;
  perform(t, &options, &result);
  expect_body(&result, "0123456789");
  result_free(&result);
}

/* Its length is told in its head: neither it nor its end is waited for. */
static void a_body_that_will_be_too_large_is_not_read(void **state) {
  Test *t = *state;
  static const char *const lengths[] = {"11", "18446744073709551616",
                                        "99999999999999999999999"};
  Result result;
  Buffer answer = {0};
  HttpOptions options = {.url = url_of(t, "/"), .max_body = 10};
  for (size_t i = 0; i < COUNT_OF(lengths); i++) {
    buffer_clear(&answer);
    buffer_printf(&answer, "HTTP/1.1 200 OK\r\nContent-Length: %s\r\n\r\n", lengths[i]);
    script(t, buffer_text(&answer), THEN_KEEP);
    perform(t, &options, &result);
    expect_error(&result, ERR_TOO_LARGE, "response", "yes");
  }
  options.method = "HEAD";
  perform(t, &options, &result);
  expect_body(&result, "");
  result_free(&result);
  buffer_free(&answer);
}

static void gzip_of(Buffer *out, const char *command) {
  FILE *pipe = popen(command, "r");
  char bytes[4096];
  size_t n;
  while ((n = fread(bytes, 1, sizeof bytes, pipe))) buffer_put(out, bytes, n);
  assert_int_equal(pclose(pipe), 0);
}

static void serve_gzip(Test *t, Buffer *answer, const char *command) {
  Buffer packed = {0};
  gzip_of(&packed, command);
  buffer_printf(
      answer, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %zu\r\n\r\n",
      packed.len);
  buffer_put(answer, packed.data, packed.len);
  buffer_free(&packed);
  script(t, "", THEN_KEEP);
  t->scripts[0] = (Script){answer->data, answer->len, THEN_KEEP};
}

static void compression_is_undone(void **state) {
  Test *t = *state;
  Result result;
  Buffer answer = {0};
  serve_gzip(t, &answer, "printf 'hello gzip' | gzip");
  get(t, "/", &result);
  expect_body(&result, "hello gzip");
  assert_non_null(strstr(buffer_text(&t->seen), "Accept-Encoding: "));
  result_free(&result);
  buffer_free(&answer);
}

static void the_limit_counts_what_was_decompressed(void **state) {
  Test *t = *state;
  Result result;
  Buffer answer = {0};
  serve_gzip(t, &answer, "head -c 20000000 /dev/zero | gzip -9");
  HttpOptions options = {.url = url_of(t, "/"), .max_body = 1000000};
  perform(t, &options, &result);
  expect_error(&result, ERR_TOO_LARGE, "response", "yes");
  buffer_free(&answer);
}

static void endless_headers_are_too_large(void **state) {
  Test *t = *state;
  Result result;
  Buffer many = {0}, one = {0};
  buffer_puts(&many, "HTTP/1.1 200 OK\r\n");
  for (int i = 0; i < 20000; i++) buffer_printf(&many, "X-%d: 0123456789012345\r\n", i);
  buffer_puts(&one, "HTTP/1.1 200 OK\r\nX: ");
  for (int i = 0; i < 40000; i++) buffer_puts(&one, "0123456789");
  Buffer *heads[] = {&many, &one};
  for (size_t i = 0; i < COUNT_OF(heads); i++) {
    script(t, buffer_text(heads[i]), THEN_KEEP);
    t->scripts[0].len = heads[i]->len;
    get(t, "/", &result);
    expect_error(&result, ERR_TOO_LARGE, "response", NULL);
    buffer_free(heads[i]);
  }
}

static void a_post_is_not_sent_twice(void **state) {
  Test *t = *state;
  static const char *const bodies[] = {"", "body"};
  for (size_t i = 0; i < COUNT_OF(bodies); i++) {
    Result result;
    script(t, OK(2, "hi"), THEN_KEEP);
    script_more(t, "", THEN_CLOSE);
    script_more(t, OK(2, "hi"), THEN_KEEP);
    get(t, "/", &result);
    result_free(&result);
    HttpOptions options = {.url = url_of(t, "/"),
                           .method = "POST",
                           .body = bodies[i],
                           .body_len = strlen(bodies[i])};
    perform(t, &options, &result);
    expect_error(&result, ERR_RESET, "response", "unknown");
    assert_int_equal(t->served, 2);
  }
}

/* --- redirects -------------------------------------------------------------------- */

static const char *const secrets[] = {"Authorization: Bearer s3cret",
                                      "Cookie: a=s3cret",
                                      "X-Api-Key: s3cret",
                                      "X-Auth-Token: s3cret",
                                      "Host: home.example",
                                      "X-Plain: plain",
                                      NULL};

static void redirect_to(Buffer *out, int status, const char *url) {
  buffer_clear(out);
  buffer_printf(out, "HTTP/1.1 %d Moved\r\nLocation: %s\r\nContent-Length: 3\r\n\r\nold",
                status, url);
}

static void credentials_stay_at_their_origin(void **state) {
  Test *t = *state;
  Fake *other = &t->other;
  Result result;
  Buffer answer = {0};
  char url[128];
  fake_listen(other, t->env.loop, serve, t);
  snprintf(url, sizeof url, "http://127.0.0.1:%d/new", other->port);
  redirect_to(&answer, 302, url);
  script(t, buffer_text(&answer), THEN_KEEP);
  script_more(t, OK(2, "hi"), THEN_KEEP);
  char with_user[128];
  snprintf(with_user, sizeof with_user, "http://user:s3cret@127.0.0.1:%d/", t->fake.port);
  HttpOptions options = {.url = with_user, .headers = secrets, .max_redirects = -1};
  perform(t, &options, &result);
  expect_body(&result, "hi");
  assert_string_equal(result.url, url);
  const char *second = strstr(buffer_text(&t->seen), "GET /new");
  assert_non_null(second);
  assert_null(strstr(second, "s3cret"));
  assert_null(strstr(second, "uthorization"));
  assert_null(strstr(second, "home.example"));
  assert_non_null(strstr(second, "X-Plain: plain"));
  fake_stop(other);
  buffer_free(&answer);
  result_free(&result);
}

/* A connection is used again by requests of the same certificate, or none, alone. */
static void a_certificate_stays_at_its_origin(void **state) {
  Test *t = *state;
  Fake *other = &t->other;
  Result result;
  Buffer answer = {0};
  char url[128];
  fake_listen(other, t->env.loop, serve, t);
  snprintf(url, sizeof url, "http://127.0.0.1:%d/new", other->port);
  redirect_to(&answer, 302, url);
  script(t, buffer_text(&answer), THEN_KEEP);
  script_more(t, OK(2, "hi"), THEN_KEEP);
  HttpOptions options = {.url = url_of(t, "/"), .max_redirects = -1};
  options.route.cert = options.route.key = __FILE__;
  options.route.key_password = "s3cret";
  perform(t, &options, &result);
  expect_body(&result, "hi");
  result_free(&result);
  perform(t, &(HttpOptions){.url = url}, &result);
  fake_stop(other); /* first: the loop waits for it where an assertion fails */
  assert_int_equal(other->accepted, 1);
  buffer_free(&answer);
  result_free(&result);
}

static void credentials_follow_within_the_origin(void **state) {
  Test *t = *state;
  Result result;
  Buffer answer = {0};
  redirect_to(&answer, 302, "new?x=1");
  script(t, buffer_text(&answer), THEN_KEEP);
  script_more(t, OK(2, "hi"), THEN_KEEP);
  HttpOptions options = {
      .url = url_of(t, "/dir/old"), .headers = secrets, .max_redirects = -1};
  perform(t, &options, &result);
  expect_body(&result, "hi");
  const char *second = strstr(buffer_text(&t->seen), "GET /dir/new?x=1");
  assert_non_null(second);
  assert_non_null(strstr(second, "Bearer s3cret"));
  assert_non_null(strstr(second, "Cookie: a=s3cret"));
  assert_non_null(strstr(second, "X-Api-Key: s3cret"));
  buffer_free(&answer);
  result_free(&result);
}

static void a_redirect_keeps_or_drops_method_and_body(void **state) {
  Test *t = *state;
  static const struct {
    int status;
    const char *expect;
  } cases[] = {{301, "GET /to"},
               {302, "GET /to"},
               {303, "GET /to"},
               {307, "POST /to"},
               {308, "POST /to"}};
  for (size_t i = 0; i < COUNT_OF(cases); i++) {
    Result result;
    Buffer answer = {0};
    const char *headers[] = {"Content-Type: text/plain", NULL};
    redirect_to(&answer, cases[i].status, "/to");
    script(t, buffer_text(&answer), THEN_KEEP);
    script_more(t, OK(2, "hi"), THEN_KEEP);
    HttpOptions options = {.url = url_of(t, "/from"),
                           .method = "POST",
                           .body = "body",
                           .body_len = 4,
                           .max_redirects = -1,
                           .headers = headers};
    perform(t, &options, &result);
    expect_body(&result, "hi");
    const char *second = strstr(buffer_text(&t->seen), cases[i].expect);
    assert_non_null(second);
    bool kept = cases[i].status >= 307;
    assert_true((strstr(second, "\r\n\r\nbody") != NULL) == kept);
    assert_true((strstr(second, "Content-Type") != NULL) == kept);
    buffer_free(&answer);
    result_free(&result);
  }
}

static void redirects_end(void **state) {
  Test *t = *state;
  Result result;
  Buffer answer = {0};
  redirect_to(&answer, 302, "/again");
  script(t, buffer_text(&answer), THEN_KEEP);
  get(t, "/", &result);
  expect_error(&result, ERR_HTTP, NULL, "yes");
  assert_int_equal(t->served, 6);
  script(t, buffer_text(&answer), THEN_KEEP);
  HttpOptions options = {.url = url_of(t, "/"), .max_redirects = 0};
  perform(t, &options, &result);
  expect_body(&result, "old");
  assert_int_equal(result.response.status, 302);
  result_free(&result);
  buffer_free(&answer);
}

static void a_redirect_to_another_scheme_is_refused(void **state) {
  Test *t = *state;
  static const char *const urls[] = {"file:///etc/passwd", "ftp://127.0.0.1/",
                                     "gopher://x/"};
  for (size_t i = 0; i < COUNT_OF(urls); i++) {
    Result result;
    Buffer answer = {0};
    redirect_to(&answer, 302, urls[i]);
    script(t, buffer_text(&answer), THEN_KEEP);
    get(t, "/", &result);
    expect_error(&result, ERR_URL, NULL, "yes");
    buffer_free(&answer);
  }
}

typedef struct UnixServer {
  uv_pipe_t pipe;
  char path[64];
  int asked;
} UnixServer;

static void on_unix_client(uv_stream_t *stream, int status) {
  (void)status;
  CONTAINER_OF((uv_pipe_t *)stream, UnixServer, pipe)->asked++;
}

static void unix_listen(UnixServer *u, Loop *loop) {
  strcpy(u->path, "/tmp/tidelock-unix-XXXXXX");
  assert_non_null(mkdtemp(u->path));
  strcat(u->path, "/s");
  assert_int_equal(uv_pipe_init(loop_uv(loop), &u->pipe, 0), 0);
  assert_int_equal(uv_pipe_bind(&u->pipe, u->path), 0);
  assert_int_equal(uv_listen((uv_stream_t *)&u->pipe, 8, on_unix_client), 0);
}

static void unix_stop(UnixServer *u) {
  uv_close((uv_handle_t *)&u->pipe, NULL);
  *strrchr(u->path, '/') = '\0';
  rmdir(u->path);
}

/* One request that is sent on to `form` of the socket's path. */
static void is_not_led(Test *t, UnixServer *u, int status, const char *method,
                       const char *form) {
  Result result;
  Buffer answer = {0};
  char url[160];
  snprintf(url, sizeof url, form, u->path);
  redirect_to(&answer, status, url);
  script(t, buffer_text(&answer), THEN_KEEP);
  HttpOptions options = {.url = url_of(t, "/from"),
                         .method = method,
                         .body = "body",
                         .body_len = 4,
                         .max_redirects = -1};
  perform(t, &options, &result);
  expect_error(&result, ERR_URL, NULL, "yes");
  assert_int_equal(u->asked, 0);
  buffer_free(&answer);
  result_free(&result);
}

static void a_redirect_never_leads_to_a_unix_socket(void **state) {
  Test *t = *state;
  static UnixServer u; /* closing it outlives the test */
  static const int codes[] = {301, 302, 303, 307, 308};
  static const char *const methods[] = {"GET", "POST", "PUT", "DELETE"};
  static const char *const forms[] = {"unix:%s", "UNIX:%s:/x?a=b", "Unix://%s",
                                      "unix:/..%s:/a"};
  unix_listen(&u, t->env.loop);
  for (size_t i = 0; i < COUNT_OF(codes); i++)
    for (size_t j = 0; j < COUNT_OF(methods); j++)
      for (size_t k = 0; k < COUNT_OF(forms); k++)
        is_not_led(t, &u, codes[i], methods[j], forms[k]);
  unix_stop(&u);
}

static void a_redirect_to_nowhere_was_sent(void **state) {
  Test *t = *state;
  Result result;
  Buffer answer = {0};
  char url[64];
  snprintf(url, sizeof url, "http://127.0.0.1:%d/", fake_refused_port());
  redirect_to(&answer, 307, url);
  script(t, buffer_text(&answer), THEN_KEEP);
  get(t, "/", &result);
  expect_error(&result, ERR_CONNECT, "connect", "yes");
  buffer_free(&answer);
}

/* --- cancelling ------------------------------------------------------------------- */

static bool was_served(void *ctx) {
  return ((Test *)ctx)->served > 0;
}

static bool conn_gone(void *ctx) {
  return ((Test *)ctx)->fake.conns == NULL;
}

static void a_cancelled_request_is_gone(void **state) {
  Test *t = *state;
  Error err;
  Result result = {0};
  HttpOptions options = {.url = url_of(t, "/"), .timeout = INFINITY};
  script(t, "HTTP/1.1 200 OK\r\n", THEN_KEEP);
  HttpRequest *request = http_start(t->env.net, &options, on_done, &result, &err);
  assert_true(env_wait(&t->env, was_served, t));
  http_cancel(request);
  assert_true(env_wait(&t->env, conn_gone, t));
  http_cancel(http_start(t->env.net, &options, on_done, &result, &err));
  options.url = "http://no-such-host.invalid/";
  http_cancel(http_start(t->env.net, &options, on_done, &result, &err));
  assert_int_equal(result.calls, 0);
}

/* Two requests whose events wait in the inbox together: the first cancels the second. */
static HttpRequest *rival;
static void cancel_rival(void *ctx, HttpResponse *response, const Error *err) {
  if (rival) http_cancel(rival);
  rival = NULL;
  on_done(ctx, response, err);
}

static void a_cancel_between_finish_and_delivery_holds(void **state) {
  Test *t = *state;
  Error err;
  Result first = {0}, second = {0};
  char url[64];
  snprintf(url, sizeof url, "http://127.0.0.1:%d/", fake_refused_port());
  HttpOptions options = {.url = url};
  assert_non_null(http_start(t->env.net, &options, cancel_rival, &first, &err));
  rival = http_start(t->env.net, &options, on_done, &second, &err);
  assert_true(env_wait(&t->env, is_done, &first));
  env_wait_for(&t->env, 0.05, env_never, NULL);
  assert_int_equal(first.calls, 1);
  assert_int_equal(second.calls, 0);
}

/* --- TLS -------------------------------------------------------------------------- */

static void tls(Test *t, Result *result, int port, const char *host,
                const char *ca_file) {
  char url[64];
  snprintf(url, sizeof url, "https://%s:%d/", host, port);
  HttpOptions options = {.url = url, .route.ca_file = ca_file, .connect_timeout = 5};
  perform(t, &options, result);
}

static void certificates_are_checked(void **state) {
  Test *t = *state;
  Result result;
  Front front;
  front_start(&front, t->fake.port);
  script(t, OK(2, "hi"), THEN_KEEP);
  tls(t, &result, front.good, "localhost", front.ca_file);
  expect_body(&result, "hi");
  result_free(&result);
  tls(t, &result, front.good, "127.0.0.1", front.ca_file);
  expect_body(&result, "hi");
  result_free(&result);
  tls(t, &result, front.good, "localhost", NULL);
  expect_error(&result, ERR_TLS, "tls", "no");
  tls(t, &result, front.wrongname, "localhost", front.ca_file);
  expect_error(&result, ERR_TLS, "tls", "no");
  assert_non_null(strstr(result.err.message, "localhost"));
  tls(t, &result, front.expired, "localhost", front.ca_file);
  expect_error(&result, ERR_TLS, "tls", "no");
  assert_non_null(strstr(result.err.message, "expired"));
  front_stop(&front);
}

/* It says so behind the handshake and hangs up; the request may be on its way by then. */
static void a_server_that_wants_a_certificate_is_tls(void **state) {
  Test *t = *state;
  Result result;
  Front front;
  char url[64];
  Buffer body = {0};
  front_start(&front, t->fake.port);
  snprintf(url, sizeof url, "https://localhost:%d/", front.mutual);
  for (int i = 0; i < 12; i++) {
    HttpOptions options = {.method = "POST",
                           .url = url,
                           .route.ca_file = front.ca_file,
                           .body_len = body.len};
    options.body = body.data;
    perform(t, &options, &result);
    assert_string_equal(error_name(result.err.code), "TLS");
    assert_non_null(strstr(result.err.message, "certificate required"));
    for (int k = 0; k < 1000; k++) buffer_puts(&body, "0123456789");
  }
  buffer_free(&body);
  front_stop(&front);
}

static void expect_refused(Test *t, Route route, const char *url, ErrorCode code) {
  Error err = {0};
  HttpOptions options = {.url = url, .route = route};
  assert_null(http_start(t->env.net, &options, on_done, NULL, &err));
  assert_string_equal(error_name(err.code), error_name(code));
}

static void what_cannot_be_a_route_is_refused(void **state) {
  Test *t = *state;
  const char *url = "https://localhost/";
  expect_refused(t, (Route){.ca_file = "/no/such/file.pem"}, url, ERR_NOT_FOUND);
  expect_refused(t, (Route){.key = "/dev/null"}, url, ERR_INVALID);
  expect_refused(t, (Route){.pin = "sha256//short="}, url, ERR_INVALID);
  expect_refused(t, (Route){.proxy = "localhost"}, url, ERR_URL);
  expect_refused(t, (Route){.proxy = "ftp://localhost"}, url, ERR_URL);
  expect_refused(t, (Route){0}, "unix:relative.sock", ERR_URL);
}

static void a_stalled_tls_handshake_times_out_in_tls(void **state) {
  Test *t = *state;
  Result result;
  script(t, "", THEN_KEEP); /* not TLS, and silent */
  char url[64];
  snprintf(url, sizeof url, "https://127.0.0.1:%d/", t->fake.port);
  HttpOptions options = {.url = url, .connect_timeout = 0.2};
  perform(t, &options, &result);
  expect_error(&result, ERR_TIMEOUT, "tls", "no");
}

static void hang_up(FakeConn *conn) {
  if (!conn->ended) fake_close(conn);
}

static void talk_plain(FakeConn *conn) {
  if (!conn->ended) fake_puts(conn, "HTTP/1.1 400 Bad Request\r\n\r\n");
}

static void a_server_without_tls_is_told_apart(void **state) {
  Test *t = *state;
  Result result;
  t->fake.handler = hang_up;
  tls(t, &result, t->fake.port, "127.0.0.1", NULL);
  expect_error(&result, ERR_RESET, "tls", "no");
  t->fake.handler = talk_plain;
  tls(t, &result, t->fake.port, "127.0.0.1", NULL);
  expect_error(&result, ERR_TLS, "tls", "no");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  signal(SIGPIPE, SIG_IGN);
  const struct CMUnitTest tests[] = {
      TEST(a_response_arrives_whole),
      TEST(a_connection_is_kept_and_used_again),
      TEST(what_was_kept_over_a_sleep_is_old),
      TEST(a_kept_connection_may_have_gone_meanwhile),
      TEST(what_is_kept_belongs_to_its_owner),
      TEST(methods_and_bodies_go_out_as_given),
      TEST(a_post_without_body_has_length_0),
      TEST(head_has_no_body),
      TEST(chunks_are_joined_and_a_1xx_is_passed_over),
      TEST(a_refused_port_is_connect_and_not_sent),
      TEST(a_proxy_that_fails_is_told_as_one),
      TEST(an_unknown_name_is_dns_and_not_sent),
      TEST(urls_that_do_not_parse_are_refused_at_once),
      TEST(headers_cannot_smuggle),
      TEST(a_close_at_any_byte_is_reset),
      TEST(a_reset_is_reset),
      TEST(what_came_before_a_reset_is_taken),
      TEST(garbage_is_decode),
      TEST(broken_rules_are_protocol),
      TEST(a_slow_answer_times_out_in_its_phase),
      TEST(time_that_is_over_is_not_the_default),
      TEST(a_stalled_connect_times_out_in_connect),
      TEST(a_body_above_the_limit_is_too_large),
      TEST(a_body_that_will_be_too_large_is_not_read),
      TEST(compression_is_undone),
      TEST(the_limit_counts_what_was_decompressed),
      TEST(endless_headers_are_too_large),
      TEST(a_post_is_not_sent_twice),
      TEST(credentials_stay_at_their_origin),
      TEST(a_certificate_stays_at_its_origin),
      TEST(credentials_follow_within_the_origin),
      TEST(a_redirect_keeps_or_drops_method_and_body),
      TEST(redirects_end),
      TEST(a_redirect_to_another_scheme_is_refused),
      TEST(a_redirect_never_leads_to_a_unix_socket),
      TEST(a_redirect_to_nowhere_was_sent),
      TEST(a_cancelled_request_is_gone),
      TEST(a_cancel_between_finish_and_delivery_holds),
      TEST(certificates_are_checked),
      TEST(a_server_that_wants_a_certificate_is_tls),
      TEST(what_cannot_be_a_route_is_refused),
      TEST(a_stalled_tls_handshake_times_out_in_tls),
      TEST(a_server_without_tls_is_told_apart),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
