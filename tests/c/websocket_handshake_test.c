/* The opening handshake: what is asked, and every way in which an answer can be wrong.
 * Answers are presented as they grow, byte by byte, and whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/websocket.h"

#define KEY "dGhlIHNhbXBsZSBub25jZQ==" /* RFC 6455, 1.3 */
#define ACCEPT "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
#define AGREED                                                                           \
  "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"    \
  "Sec-WebSocket-Accept: " ACCEPT "\r\n"

static void keys(void **state) {
  (void)state;
  char key[WS_KEY_LEN + 1], accept[29];
  ws_key((const uint8_t *)"the sample nonce", key);
  assert_string_equal(key, KEY);
  ws_accept(KEY, accept);
  assert_string_equal(accept, ACCEPT);
}

static void request(void **state) {
  (void)state;
  static const char *const headers[] = {"Authorization: Bearer x", "Cookie: a=b", NULL};
  WsRequest plain = {.host = "example.org:8080", .target = "/chat?x=1", .key = KEY};
  WsRequest full = plain;
  full.subprotocols = "a, b";
  full.headers = headers;
  Buffer out = {0};
  ws_request(&out, &plain);
  assert_string_equal(buffer_text(&out),
                      "GET /chat?x=1 HTTP/1.1\r\nHost: example.org:8080\r\n"
                      "Upgrade: websocket\r\nConnection: Upgrade\r\n"
                      "Sec-WebSocket-Key: " KEY "\r\nSec-WebSocket-Version: 13\r\n\r\n");
  buffer_clear(&out);
  ws_request(&out, &full);
  assert_non_null(strstr(buffer_text(&out), "\r\nSec-WebSocket-Protocol: a, b\r\n"
                                            "Authorization: Bearer x\r\n"
                                            "Cookie: a=b\r\n\r\n"));
  buffer_free(&out);
}

static void a_host_of_ones_own(void **state) {
  (void)state;
  static const char *const headers[] = {"host: other", NULL};
  WsRequest r = {.host = "here", .target = "/", .key = KEY, .headers = headers};
  Buffer out = {0};
  ws_request(&out, &r);
  assert_null(strstr(buffer_text(&out), "here"));
  assert_null(strstr(buffer_text(&out), "Host"));
  assert_non_null(strstr(buffer_text(&out), "\r\nhost: other\r\n"));
  buffer_free(&out);
}

static int check(const char *host, const char *target, const char *protocols,
                 const char *header) {
  const char *const headers[] = {header, NULL};
  Error err;
  return ws_request_check(&(WsRequest){.host = host,
                                       .target = target,
                                       .key = KEY,
                                       .subprotocols = protocols,
                                       .headers = headers},
                          &err);
}

static void requests_that_are_refused(void **state) {
  (void)state;
  assert_int_equal(check("h", "/p?q=%20", "a, b.c,d", "X-Name: any value"), 0);
  assert_int_equal(check("h", "/", NULL, NULL), 0);
  assert_int_equal(check("h", "/", NULL, "Upgrade-Insecure-Requests: 1"), 0);
  assert_int_equal(check("h", "/", NULL, "azAZ09!: "), 0);
  char protocol[129];
  memset(protocol, 'p', sizeof protocol);
  protocol[127] = '\0';
  assert_int_equal(check("h", "/", protocol, NULL), 0);
  protocol[127] = 'p';
  protocol[128] = '\0';
  assert_int_equal(check("h", "/", protocol, NULL), ERR_INVALID);
  static const char *const headers[] = {
      "A: b\r\nC: d", "A: b\n",           "No colon",      ": v",
      "A B: c",       "Upgrade: h2c",     "connection: x", "Sec-WebSocket-Key: x",
      "A\r\n: b",     "Content-Length: 1"};
  for (size_t i = 0; i < COUNT_OF(headers); i++)
    assert_int_equal(check("h", "/", NULL, headers[i]), ERR_INVALID);
  assert_int_equal(check("h\r\nX: y", "/", NULL, NULL), ERR_INVALID);
  assert_int_equal(check("", "/", NULL, NULL), ERR_INVALID);
  assert_int_equal(check("h", "/a b", NULL, NULL), ERR_INVALID);
  assert_int_equal(check("h", "/a\r\nX: y", NULL, NULL), ERR_INVALID);
  assert_int_equal(check("h", "a", NULL, NULL), ERR_INVALID);
  assert_int_equal(check("h", "/", "", NULL), ERR_INVALID);
  assert_int_equal(check("h", "/", "a,", NULL), ERR_INVALID);
  assert_int_equal(check("h", "/", "a\r\nX: y", NULL), ERR_INVALID);
}

static char agreed_protocol[128];
static Error refusal;

static DeflateOptions compression;
static DeflateTerms terms;

static long respond(const char *data, size_t len, const char *key, const char *offered,
                    char *protocol, Error *err) {
  WsRequest request = {.key = key, .subprotocols = offered, .deflate = &compression};
  WsAgreed agreed;
  long result = ws_response(data, len, &request, &agreed, err);
  strcpy(protocol, agreed.subprotocol);
  terms = agreed.deflate;
  return result;
}

/* Presents the answer as it grows byte by byte, as net does; returns the last result. */
static long answer(const char *text, const char *offered) {
  size_t len = strlen(text);
  long result = 0;
  for (size_t n = 0; n <= len && result == 0; n++) {
    char *copy = xstrndup(text, n); /* a read beyond it is found */
    char *exact = xmalloc(n);
    memcpy(exact, copy, n);
    result = respond(exact, n, KEY, offered, agreed_protocol, &refusal);
    free(copy);
    free(exact);
  }
  Error whole;
  char protocol[128];
  assert_int_equal(respond(text, len, KEY, offered, protocol, &whole), result);
  if (result < 0) refusal = whole;
  return result;
}

static void expect_refusal(const char *text, const char *offered, const char *message) {
  assert_int_equal(answer(text, offered), -1);
  assert_int_equal(refusal.code, ERR_HANDSHAKE);
  const char *at = strstr(refusal.message, message); /* its end, to the letter */
  if (!at || strlen(at) != strlen(message)) fail_msg("%s", refusal.message);
}

static void answers_that_agree(void **state) {
  (void)state;
  assert_int_equal(answer(AGREED "\r\n", NULL), strlen(AGREED) + 2);
  assert_string_equal(agreed_protocol, "");
  /* what follows belongs to the first frame */
  assert_int_equal(answer(AGREED "\r\n\x81\x01z", NULL), strlen(AGREED) + 2);
  assert_true(answer("HTTP/1.1 101\r\nUPGRADE:WebSocket\r\n"
                     "connection: keep-alive,  upgrade \r\nX: \r\n"
                     "sec-websocket-accept:\t" ACCEPT " \r\n\r\n",
                     NULL) > 0);
  assert_true(answer("HTTP/1.1 101 OK\r\nUpgrade: websocket\r\nConnection: x\r\n"
                     "Connection: upgrade\r\nSec-WebSocket-Accept: " ACCEPT "\r\n\r\n",
                     NULL) > 0);
  assert_true(answer(AGREED "Sec-WebSocket-Protocol: b\r\n\r\n", "a, b") > 0);
  assert_string_equal(agreed_protocol, "b");
  assert_true(answer(AGREED "\r\n", "a, b") > 0); /* the server chose none */
  assert_string_equal(agreed_protocol, "");
}

static void answers_that_need_more(void **state) {
  (void)state;
  assert_int_equal(answer("", NULL), 0);
  assert_int_equal(answer("HTT", NULL), 0);
  assert_int_equal(answer(AGREED, NULL), 0);
  assert_int_equal(answer(AGREED "\r", NULL), 0);
}

static void interim_answers_are_skipped(void **state) {
  (void)state;
  static const char early[] = "HTTP/1.1 100 Continue\r\n\r\n"
                              "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n";
  char text[512];
  snprintf(text, sizeof text, "%s%s\r\n", early, AGREED);
  assert_int_equal(answer(text, NULL), strlen(text));
  snprintf(text, sizeof text, "%sHTTP/1.1 404 Gone\r\n\r\n", early);
  expect_refusal(text, NULL, "the server answered 404 Gone");
  Buffer endless = {0};
  while (endless.len < 2 * WS_MAX_HANDSHAKE)
    buffer_puts(&endless, "HTTP/1.1 102 Processing\r\n\r\n");
  assert_int_equal(
      respond(endless.data, endless.len, KEY, NULL, agreed_protocol, &refusal), -1);
  buffer_free(&endless);
}

static void waits(const char *value, double seconds) {
  char answer[256];
  snprintf(answer, sizeof answer,
           "HTTP/1.1 503 Busy\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
           "Retry-After: %s\r\n\r\n",
           value);
  expect_refusal(answer, NULL, "the server answered 503 Busy");
  if (refusal.retry_after != seconds) fail_msg("%s: %f", value, refusal.retry_after);
}

static void says_when_to_ask_again(void **state) {
  (void)state;
  waits("1.5", 2);
  waits("Sun, 06 Nov 1994 08:50:37 GMT", 60);
  waits("Sunday, 06-Nov-94 08:49:40 GMT", 3);
  waits("Sun Nov  6 08:49:47 1994", 10);
  waits("Sun Nov  6 08:49:17 1994", 0);
  waits("99999999999", 365 * 86400);
  waits("-5", 0);
  waits("5 seconds", 0);
}

static void answers_with_another_status(void **state) {
  (void)state;
  expect_refusal("HTTP/1.1 404 Not Found\r\nContent-Length: 12\r\n\r\nCannot\nGET /",
                 NULL, "the server answered 404 Not Found");
  assert_string_equal(refusal.detail, "404 Not Found: Cannot GET /");
  expect_refusal("HTTP/1.0 503 \r\nRetry-After: 30\r\nX: 7\r\n\r\n", NULL,
                 "the server answered 503");
  assert_string_equal(refusal.detail, "503");
  assert_true(refusal.retry_after == 30);
  expect_refusal("HTTP/1.1 499 No\r\nRetry-After: Wed, 21 Oct\r\n\r\n", NULL,
                 "the server answered 499 No");
  assert_true(refusal.retry_after == 0);
  expect_refusal("HTTP/1.1 302 Found\r\nLocation: /login\r\nX: /x\r\n\r\n", NULL,
                 "the server answered 302 Found (it points to /login)");
  expect_refusal("HTTP/1.1 200 OK\r\nnonsense\r\n\r\n", NULL,
                 "the server answered 200 OK");
  expect_refusal("HTTP/1.1 400 \x1b[31m\xff\r\n\r\n\xe2\x82\xac\xe2\x82", NULL,
                 "the server answered 400  [31m?");
  assert_string_equal(refusal.detail, "400  [31m?: \xe2\x82\xac");
}

static void answers_that_are_not_http(void **state) {
  (void)state;
  expect_refusal("SSH-2.0-OpenSSH_9\r\n", NULL, "did not answer in HTTP/1.1");
  assert_string_equal(refusal.detail, "SSH-2.0-OpenSSH_9  ");
  expect_refusal("\x15\x03\x03", NULL, "did not answer in HTTP/1.1");
  expect_refusal("HTTP/2 101 x\r\n\r\n", NULL, "did not answer in HTTP/1.1");
  expect_refusal("HTTP/1.1 1x1 a\r\n\r\n", NULL, "did not answer in HTTP/1.1");
  expect_refusal("HTTP/1.1 1010 a\r\n\r\n", NULL, "did not answer in HTTP/1.1");
  expect_refusal("HTTP/1.1_101 OK\r\n\r\n", NULL, "did not answer in HTTP/1.1");
  expect_refusal("HTTP/1.1 404\r\n\r\n\xe2\x82x\xff", NULL, "the server answered 404");
  assert_string_equal(refusal.detail, "404: ???\?");
  expect_refusal("HTTP/1.1 10\r\n\r\n", NULL, "did not answer in HTTP/1.1");
  expect_refusal("HTTP/1.1\r\n\r\n", NULL, "did not answer in HTTP/1.1");
}

static void answers_that_do_not_agree(void **state) {
  (void)state;
  static const char status[] = "HTTP/1.1 101 OK\r\n", up[] = "Upgrade: websocket\r\n",
                    conn[] = "Connection: Upgrade\r\n",
                    acc[] = "Sec-WebSocket-Accept: " ACCEPT "\r\n";
  const struct {
    const char *a, *b, *c, *d, *message;
  } cases[] = {
      {"HTTP/1.0 101 OK\r\n", up, conn, acc, "is not HTTP/1.1"},
      {status, conn, acc, "", "lacks \"Upgrade: websocket\""},
      {status, "Upgrade: websocket2\r\n", conn, acc, "lacks \"Upgrade: websocket\""},
      {status, "X: websocket\r\n", conn, acc, "lacks \"Upgrade: websocket\""},
      {status, up, "X: Upgrade\r\n", acc, "lacks \"Connection: Upgrade\""},
      {status, "Upgrade: h2c\r\n", conn, acc, "lacks \"Upgrade: websocket\""},
      {status, up, acc, "", "lacks \"Connection: Upgrade\""},
      {status, up, "Connection: close, upgraded\r\n", acc,
       "lacks \"Connection: Upgrade\""},
      {status, up, conn, "", "lacks Sec-WebSocket-Accept"},
      {status, up, conn, "Sec-WebSocket-Accept: \r\n",
       "holds a wrong Sec-WebSocket-Accept"},
      {status, up, conn, "Sec-WebSocket-Accept: S3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n",
       "holds a wrong Sec-WebSocket-Accept"},
      {status, up, conn, "Sec-WebSocket-Accept: " ACCEPT "x\r\n",
       "holds a wrong Sec-WebSocket-Accept"},
      {AGREED, acc, "", "", "holds a header twice"},
      {AGREED, "Sec-WebSocket-Extensions: permessage-deflate\r\n", "", "",
       "names an extension that was not asked for"},
      {AGREED, "no header\r\n", "", "", "holds a line that is no header"},
      {AGREED, "X : y\r\n", "", "", "holds a line that is no header"},
      {AGREED, " folded: y\r\n", "", "", "holds a line that is no header"},
      {AGREED, "X: a\nY: b\r\n", "", "", "holds a line that is no header"},
  };
  for (size_t i = 0; i < COUNT_OF(cases); i++) {
    char text[400];
    snprintf(text, sizeof text, "%s%s%s%s\r\n", cases[i].a, cases[i].b, cases[i].c,
             cases[i].d);
    expect_refusal(text, NULL, cases[i].message);
  }
}

static void subprotocols_that_were_not_offered(void **state) {
  (void)state;
  static const char message[] = "names a subprotocol that was not offered";
  expect_refusal(AGREED "Sec-WebSocket-Protocol: c\r\n\r\n", "a, b", message);
  expect_refusal(AGREED "Sec-WebSocket-Protocol: a\r\n\r\n", NULL, message);
  expect_refusal(AGREED "Sec-WebSocket-Protocol: A\r\n\r\n", "a, b", message);
  expect_refusal(AGREED "Sec-WebSocket-Protocol: a, b\r\n\r\n", "a, b", message);
  expect_refusal(AGREED "Sec-WebSocket-Protocol:\r\n\r\n", "a, b", message);
  expect_refusal(AGREED "Sec-WebSocket-Protocol: a\r\nSec-WebSocket-Protocol: b\r\n\r\n",
                 "a, b", "holds a header twice");
}

static void answers_without_end(void **state) {
  (void)state;
  Buffer text = {0};
  buffer_puts(&text, AGREED);
  while (text.len < WS_MAX_HANDSHAKE - 20) buffer_puts(&text, "X: y\r\n");
  assert_int_equal(respond(text.data, text.len, KEY, NULL, agreed_protocol, &refusal), 0);
  while (text.len < 2 * WS_MAX_HANDSHAKE) buffer_puts(&text, "X: y\r\n");
  buffer_puts(&text, "\r\n");
  assert_int_equal(respond(text.data, text.len, KEY, NULL, agreed_protocol, &refusal),
                   -1);
  assert_int_equal(refusal.code, ERR_TOO_LARGE);
  buffer_free(&text);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(keys),
      cmocka_unit_test(request),
      cmocka_unit_test(a_host_of_ones_own),
      cmocka_unit_test(requests_that_are_refused),
      cmocka_unit_test(answers_that_agree),
      cmocka_unit_test(answers_that_need_more),
      cmocka_unit_test(interim_answers_are_skipped),
      cmocka_unit_test(says_when_to_ask_again),
      cmocka_unit_test(answers_with_another_status),
      cmocka_unit_test(answers_that_are_not_http),
      cmocka_unit_test(answers_that_do_not_agree),
      cmocka_unit_test(subprotocols_that_were_not_offered),
      cmocka_unit_test(answers_without_end),
  };
  return cmocka_run_group_tests_name("websocket handshake", tests, NULL, NULL);
}
