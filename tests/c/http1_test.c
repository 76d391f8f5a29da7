/* Reading HTTP/1.1 requests: whole, byte by byte, and wrong in every way worth refusing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/http1.h"

#define HOST "Host: a\r\n"
#define CHUNKED "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"

static const Http1Limits limits = {.max_head = 512, .max_body = 100};

/* Feeds `step` bytes at a time; returns the parser, and in *rest what was not taken. */
static Http1Parser *feed(const char *text, size_t len, size_t step, Http1Result *result,
                         size_t *rest) {
  Http1Parser *p = http1_new(&limits);
  size_t at = 0;
  *result = HTTP1_MORE;
  while (at < len && (*result == HTTP1_MORE || *result == HTTP1_CONTINUE)) {
    size_t n = len - at < step ? len - at : step, used = 0;
    char *copy = malloc(n); /* so that reading beyond it is noticed */
    memcpy(copy, text + at, n);
    *result = http1_parse(p, copy, n, &used);
    free(copy);
    assert_true(used <= n);
    at += used;
  }
  *rest = len - at;
  return p;
}

/* The host of the target wins over the header, in the headers, too. */
static void test_host(void **state) {
  (void)state;
  static const struct {
    const char *text, *host, *path, *query;
  } cases[] = {
      {"GET /x HTTP/1.1\r\nHost: h:1\r\n\r\n", "h:1", "/x", ""},
      {"GET http://t:2/x?y HTTP/1.1\r\nHost: h\r\n\r\n", "t:2", "/x", "y"},
      {"GET HTTP://t HTTP/1.1\r\nHost: h\r\n\r\n", "t", "/", ""},
      {"GET http://t?y HTTP/1.1\r\nHost: h\r\n\r\n", "t", "/", "y"},
      {"GET http://t/?y HTTP/1.1\r\nHost: h\r\n\r\n", "t", "/", "y"},
      {"OPTIONS http://t HTTP/1.1\r\nHost: h\r\n\r\n", "t", "*", ""},
      {"OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", "h", "*", ""},
      {"GET http://t/ HTTP/1.0\r\n\r\n", "t", "/", ""},
      {"GET / HTTP/1.1\r\nHost:\r\n\r\n", "", "/", ""},
  };
  for (size_t i = 0; i < COUNT_OF(cases); i++) {
    Http1Result result;
    size_t rest;
    Http1Parser *p = feed(cases[i].text, strlen(cases[i].text), 5, &result, &rest);
    assert_int_equal(result, HTTP1_DONE);
    const Http1Request *r = http1_request(p);
    assert_string_equal(r->host, cases[i].host);
    assert_string_equal(r->path, cases[i].path);
    assert_string_equal(r->query, cases[i].query);
    if (r->header_count) assert_string_equal(http1_header(r, "host"), cases[i].host);
    http1_free(p);
  }
}

static void test_whole_and_in_pieces(void **state) {
  (void)state;
  static const char text[] =
      "\r\nPOST /a%20b?x=1&y HTTP/1.1\r\nHOST: h\r\nX-Thing:  v w \t\r\n"
      "Content-Length: 5\r\n\r\nhelloGET";
  for (size_t step = 1; step < sizeof text; step++) {
    Http1Result result;
    size_t rest;
    Http1Parser *p = feed(text, sizeof text - 1, step, &result, &rest);
    assert_int_equal(result, HTTP1_DONE);
    assert_int_equal(rest, 3);
    const Http1Request *r = http1_request(p);
    assert_string_equal(r->method, "POST");
    assert_string_equal(r->path, "/a%20b");
    assert_string_equal(r->query, "x=1&y");
    assert_string_equal(http1_header(r, "x-thing"), "v w");
    assert_null(http1_header(r, "x-other"));
    assert_int_equal(r->body_len, 5);
    assert_string_equal(r->body, "hello");
    assert_true(r->keep_alive);
    assert_false(r->upgrade);
    http1_free(p);
  }
}

static void test_chunks(void **state) {
  (void)state;
  static const char text[] =
      "PUT / HTTP/1.1\r\n" HOST "Transfer-Encoding: Chunked\r\n\r\n"
      "5\r\nhello\r\nA;ext=\"1\"\r\n, world...\r\n0\r\nTrail: x\r\n\r\nG";
  for (size_t step = 1; step < sizeof text; step++) {
    Http1Result result;
    size_t rest;
    Http1Parser *p = feed(text, sizeof text - 1, step, &result, &rest);
    assert_int_equal(result, HTTP1_DONE);
    assert_int_equal(rest, 1);
    assert_string_equal(http1_request(p)->body, "hello, world...");
    http1_free(p);
  }
}

static void test_connection(void **state) {
  (void)state;
  static const struct {
    const char *text;
    bool keep_alive, upgrade;
  } cases[] = {
      {"GET / HTTP/1.1\r\n" HOST "\r\n", true, false},
      {"GET / HTTP/1.1\r\n" HOST "Connection: x, Close\r\n\r\n", false, false},
      {"GET / HTTP/1.0\r\n\r\n", false, false},
      {"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", true, false},
      {"GET / HTTP/1.1\r\n" HOST "Connection: keep-alive\r\nConnection: Upgrade\r\n\r\n",
       true, true},
      {"GET http://h/x?y HTTP/1.1\r\n" HOST "\r\n", true, false},
      {"GET http://h HTTP/1.1\r\n" HOST "\r\n", true, false},
      {"GET http://h?y HTTP/1.1\r\n" HOST "\r\n", true, false},
      {"OPTIONS * HTTP/1.1\r\n" HOST "\r\n", true, false},
  };
  for (size_t i = 0; i < COUNT_OF(cases); i++) {
    Http1Result result;
    size_t rest;
    Http1Parser *p = feed(cases[i].text, strlen(cases[i].text), 1000, &result, &rest);
    assert_int_equal(result, HTTP1_DONE);
    assert_int_equal(http1_request(p)->keep_alive, cases[i].keep_alive);
    assert_int_equal(http1_request(p)->upgrade, cases[i].upgrade);
    assert_true(strchr("/*", http1_request(p)->path[0]) != NULL);
    http1_free(p);
  }
}

static void test_continue(void **state) {
  (void)state;
  Http1Parser *p = http1_new(&limits);
  size_t used = 0;
  static const char head[] =
      "POST / HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nContent-Length: 1\r\n\r\n";
  assert_int_equal(http1_parse(p, head, sizeof head - 1, &used), HTTP1_CONTINUE);
  assert_int_equal(used, sizeof head - 1);
  assert_int_equal(http1_parse(p, "x", 1, &used), HTTP1_DONE);
  http1_free(p);
}

static void test_refused(void **state) {
  (void)state;
  static const struct {
    int status;
    const char *text;
  } cases[] = {
      {400, "GET / HTTP/1.1\nHost: a\n\n"},
      {400, "GET / HTTP/1.1\r\n" HOST "A: b\rc\r\n\r\n"},
      {400, "GET /\r\n\r\n"},
      {400, "GET  / HTTP/1.1\r\n" HOST "\r\n"},
      {400, "G@T / HTTP/1.1\r\n" HOST "\r\n"},
      {400, "GET nowhere HTTP/1.1\r\n" HOST "\r\n"},
      {400, "GET * HTTP/1.1\r\n" HOST "\r\n"},
      {400, "GET /\x80 HTTP/1.1\r\n" HOST "\r\n"},
      {400, "GET http:///x HTTP/1.1\r\n" HOST "\r\n"},
      {505, "GET / HTTP/2.0\r\n" HOST "\r\n"},
      {400, "GET / HTPP/1.1\r\n" HOST "\r\n"},
      {400, "GET / HTTP/1.1\r\n\r\n"},
      {400, "GET / HTTP/1.1\r\n" HOST HOST "\r\n"},
      {400, "GET / HTTP/1.1\r\n" HOST "No colon\r\n\r\n"},
      {400, "GET / HTTP/1.1\r\n" HOST "Space : x\r\n\r\n"},
      {400, "GET / HTTP/1.1\r\n" HOST "A: b\r\n folded\r\n\r\n"},
      {400, "GET / HTTP/1.1\r\n" HOST "A: \x01\r\n\r\n"},
      {400, "POST / HTTP/1.1\r\n" HOST "Content-Length: +1\r\n\r\nx"},
      {400, "POST / HTTP/1.1\r\n" HOST "Content-Length: 1, 1\r\n\r\nx"},
      {400, "POST / HTTP/1.1\r\n" HOST "Content-Length: \r\n\r\n"},
      {400, "POST / HTTP/1.1\r\n" HOST "Content-Length: 1\r\nContent-Length: 1\r\n\r\nx"},
      {400, "POST / HTTP/1.1\r\n" HOST
            "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"},
      {400, "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"},
      {501, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip, chunked\r\n\r\n"},
      {413, "POST / HTTP/1.1\r\n" HOST "Content-Length: 101\r\n\r\n"},
      {413, "POST / HTTP/1.1\r\n" HOST "Content-Length: 99999999999999999999999\r\n\r\n"},
      {413, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n65\r\n"},
      {413, "POST / HTTP/1.1\r\n" HOST
            "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n"},
      {400, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n-1\r\n"},
      {400, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n\r\n"},
      {400, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n1 \r\nx\r\n"},
      {400, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n1\nx\r\n"},
      {400, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n1\r\nxy\r\n"},
      {400, CHUNKED "1;a=\"\r\nx\r\n0\r\n\r\n"},
      {400, CHUNKED "1;\r\nx\r\n0\r\n\r\n"},
      {400, CHUNKED "1;a=\r\nx\r\n0\r\n\r\n"},
      {400, CHUNKED "1;a b\r\nx\r\n0\r\n\r\n"},
      {400, CHUNKED "1;a\x01\r\nx\r\n0\r\n\r\n"},
      {400, CHUNKED "+1\r\nx\r\n0\r\n\r\n"},
      {400, CHUNKED "0x1\r\nx\r\n0\r\n\r\n"},
      {400, CHUNKED "1\r\nx\n0\r\n\r\n"},
      {400, CHUNKED "0\r\nno colon\r\n\r\n"},
      {400, CHUNKED "0\r\nGET /x HTTP/1.1\r\n\r\n"},
      {400, CHUNKED "0\r\nA: b\r\n folded: x\r\n\r\n"},
      {400, CHUNKED "0\r\nA : b\r\n\r\n"},
      {400, CHUNKED "0\r\nA: \x01\r\n\r\n"},
      {400, CHUNKED "0\r\nA: b\n\r\n"},
      {400, CHUNKED "0\r\n: b\r\n\r\n"},
      {400, CHUNKED "0\r\nContent-Length: 5\r\n\r\n"},
      {400, CHUNKED "0\r\ntransfer-ENCODING: chunked\r\n\r\n"},
      {400, CHUNKED "0\r\nHost: b\r\n\r\n"},
      {417, "POST / HTTP/1.1\r\n" HOST "Expect: tea\r\nContent-Length: 1\r\n\r\nx"},
      {400, "\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n"},
  };
  for (size_t i = 0; i < COUNT_OF(cases); i++) {
    for (size_t step = 1; step <= 1000; step += 999) {
      Http1Result result;
      size_t rest;
      Http1Parser *p = feed(cases[i].text, strlen(cases[i].text), step, &result, &rest);
      if (result != HTTP1_BAD || http1_status(p) != cases[i].status)
        fail_msg("%d: %s", cases[i].status, cases[i].text);
      assert_non_null(http1_complaint(p));
      http1_free(p);
    }
  }
}

static void test_too_long(void **state) {
  (void)state;
  char text[2048];
  Http1Result result;
  size_t rest;
  memset(text, 'a', sizeof text);
  memcpy(text, "GET /", 5);
  Http1Parser *p = feed(text, sizeof text, 7, &result, &rest);
  assert_int_equal(result, HTTP1_BAD);
  assert_int_equal(http1_status(p), 414);
  http1_free(p);
  memcpy(text, "GET / HTTP/1.1\r\nA: ", 19);
  p = feed(text, sizeof text, 7, &result, &rest);
  assert_int_equal(http1_status(p), 431);
  http1_free(p);
  Buffer many = {.len = 0};
  buffer_puts(&many, "GET / HTTP/1.1\r\n" HOST);
  for (int i = 0; i < HTTP1_MAX_HEADERS; i++) buffer_puts(&many, "a:\r\n");
  buffer_puts(&many, "\r\n");
  p = feed(many.data, many.len, 4096, &result, &rest);
  assert_int_equal(http1_status(p), 431);
  http1_free(p);
  buffer_free(&many);
}

static uint32_t next_random(uint32_t *seed) {
  *seed = *seed * 1664525u + 1013904223u;
  return *seed >> 8;
}

/* Mutated requests never crash it, and however they are cut the answer is the same. */
static void test_mutations(void **state) {
  (void)state;
  static const char text[] = "POST /p?q HTTP/1.1\r\n" HOST "Content-Length: 3\r\n"
                             "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
  uint32_t seed = 7;
  for (int round = 0; round < 20000; round++) {
    char copy[sizeof text];
    memcpy(copy, text, sizeof text);
    for (int n = (int)(next_random(&seed) % 6); n >= 0; n--)
      copy[next_random(&seed) % (sizeof text - 1)] =
          "\r\n :;\0aA09\x80,?/"[next_random(&seed) % 15];
    Http1Result one, two;
    size_t rest_one, rest_two;
    Http1Parser *p = feed(copy, sizeof text - 1, 1000, &one, &rest_one);
    Http1Parser *q = feed(copy, sizeof text - 1, 1, &two, &rest_two);
    assert_int_equal(one, two);
    if (one == HTTP1_BAD) assert_int_equal(http1_status(p), http1_status(q));
    if (one == HTTP1_DONE) assert_int_equal(rest_one, rest_two);
    http1_free(p);
    http1_free(q);
  }
}

static void test_tokens(void **state) {
  (void)state;
  assert_true(http1_has_token("keep-alive, Upgrade", "upgrade"));
  assert_false(http1_has_token("keep-alive, Upgraded", "upgrade"));
  assert_true(http1_has_token("a;q=1 ,b", "b"));
  assert_false(http1_has_token("", "b"));
  assert_false(http1_has_token(NULL, "b"));
  assert_string_equal(http1_reason(404), "Not Found");
  assert_string_equal(http1_reason(299), "Unknown");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_host),     cmocka_unit_test(test_whole_and_in_pieces),
      cmocka_unit_test(test_chunks),   cmocka_unit_test(test_connection),
      cmocka_unit_test(test_continue), cmocka_unit_test(test_refused),
      cmocka_unit_test(test_too_long), cmocka_unit_test(test_mutations),
      cmocka_unit_test(test_tokens),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
