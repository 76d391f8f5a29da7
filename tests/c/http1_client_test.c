/* Answers of HTTP/1.1 as a client reads them, whole and cut at every byte. */
#include "proto/http1_client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef struct Read {
  Http1Answer answer;
  Buffer body;
  Http1Got got;
  size_t behind; /* bytes that are no part of the answer */
  bool ended;
} Read;

static void take(Read *r, const char *data, size_t len) {
  size_t at = 0, used, piece_len;
  const char *piece;
  do {
    r->got =
        http1_answer_take(&r->answer, data + at, len - at, &used, &piece, &piece_len);
    at += used;
    if (r->got == HTTP1_GOT_BODY) buffer_put(&r->body, piece, piece_len);
  } while (r->got == HTTP1_GOT_BODY || r->got == HTTP1_GOT_HEAD);
  r->behind += len - at;
}

/* Reads a text cut at `cut`; each part lies in memory of its own size. */
static void read_cut(Read *r, const char *text, size_t len, size_t cut, bool to_head) {
  *r = (Read){0};
  http1_answer_begin(&r->answer, to_head);
  size_t lens[] = {cut, len - cut};
  for (int i = 0; i < 2; i++) {
    char *part = xmalloc(lens[i] + 1);
    memcpy(part, text + (i ? cut : 0), lens[i]);
    take(r, part, lens[i]);
    free(part);
  }
  r->ended = http1_answer_ended(&r->answer);
}

static void read_free(Read *r) {
  http1_answer_free(&r->answer);
  buffer_free(&r->body);
}

/* KEEPS: the connection; TO_HEAD: it answers a HEAD; ENDS: with the connection. */
enum { KEEPS = 1, TO_HEAD = 2, ENDS = 4 };
typedef struct Case {
  const char *text;
  int status;
  const char *lines, *body;
  size_t behind;
  int flags;
} Case;

static void check(const Case *c, size_t cut) {
  Read r;
  read_cut(&r, c->text, strlen(c->text), cut, c->flags & TO_HEAD);
  if (r.got == HTTP1_GOT_WRONG) fail_msg("%s: %s", c->text, r.answer.wrong);
  assert_int_equal(r.got, c->flags & ENDS ? HTTP1_GOT_MORE : HTTP1_GOT_END);
  assert_true(r.ended);
  assert_int_equal(r.answer.status, c->status);
  assert_string_equal(buffer_text(&r.answer.head.lines), c->lines);
  assert_string_equal(buffer_text(&r.body), c->body);
  assert_int_equal(r.behind, c->behind);
  assert_int_equal(r.answer.framing.keep_alive, (c->flags & KEEPS) != 0);
  read_free(&r);
}

#define OK "HTTP/1.1 200 OK\r\n"
#define CHUNKED OK "Transfer-Encoding: chunked\r\n\r\n"
#define CHUNKED_LINE "Transfer-Encoding: chunked\n"

static void an_answer_is_read_however_it_is_cut(void **state) {
  (void)state;
  static const Case cases[] = {
      {OK "Content-Length: 2\r\n\r\nhi", 200, "Content-Length: 2\n", "hi", 0, KEEPS},
      {OK "Content-Length: 2\r\n\r\nhithere", 200, "Content-Length: 2\n", "hi", 5, KEEPS},
      {OK "content-length:0002\r\n\r\nhi", 200, "content-length:0002\n", "hi", 0, KEEPS},
      {OK "Content-Length: 2\r\nContent-Length: 2\r\n\r\nhi", 200,
       "Content-Length: 2\nContent-Length: 2\n", "hi", 0, KEEPS},
      {OK "Content-Length: 2, 2\r\n\r\nhi", 200, "Content-Length: 2, 2\n", "hi", 0,
       KEEPS},
      {OK "Content-Length : 2\r\n\r\nhi", 200, "Content-Length: 2\n", "hi", 0, KEEPS},
      {"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", 200, "Content-Length: 0\n", "", 0,
       KEEPS},
      {"HTTP/1.1 200 OK\nA: b\nContent-Length: 1\n\nx", 200, "A: b\nContent-Length: 1\n",
       "x", 0, KEEPS},
      {CHUNKED "5\r\nhello\r\n6;a=\"b\"\r\n world\r\n0\r\n\r\n", 200, CHUNKED_LINE,
       "hello world", 0, KEEPS},
      {CHUNKED "0000000000000000000000000005\r\nhello\r\n00000000000000000000\r\n\r\n",
       200, CHUNKED_LINE, "hello", 0, KEEPS},
      {CHUNKED "A  \r\n0123456789\r\n000\r\nX-Trailer: 1\r\nSet-Cookie: a\r\n\r\nmore",
       200, CHUNKED_LINE, "0123456789", 4, KEEPS},
      {OK "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n1\r\nx\r\n0\r\n\r\n",
       200, "Transfer-Encoding: chunked\nContent-Length: 5\n", "x", 0, 0},
      {"HTTP/1.0 200 OK\r\n\r\nall of it", 200, "", "all of it", 0, ENDS},
      {OK "\r\nall of it", 200, "", "all of it", 0, ENDS},
      {OK "Transfer-Encoding: identity\r\n\r\nx", 200, "Transfer-Encoding: identity\n",
       "x", 0, ENDS},
      {"HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 1\r\n\r\nx", 200,
       "Connection: Keep-Alive\nContent-Length: 1\n", "x", 0, KEEPS},
      {OK "Connection: x, Close\r\nContent-Length: 1\r\n\r\nx", 200,
       "Connection: x, Close\nContent-Length: 1\n", "x", 0, 0},
      {"HTTP/1.1 204 No\r\nContent-Length: 9\r\n\r\nunwanted!", 204,
       "Content-Length: 9\n", "", 9, KEEPS},
      {"HTTP/1.1 304 No\r\nTransfer-Encoding: chunked\r\n\r\n", 304, CHUNKED_LINE, "", 0,
       KEEPS},
      {OK "Content-Length: 9\r\n\r\n", 200, "Content-Length: 9\n", "", 0,
       KEEPS | TO_HEAD},
      {OK "\r\nunwanted", 200, "", "", 8, KEEPS | TO_HEAD},
      {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nLink: x\r\n\r\n" OK
       "Content-Length: 1\r\n\r\nx",
       200, "Content-Length: 1\n", "x", 0, KEEPS},
  };
  for (size_t i = 0; i < COUNT_OF(cases); i++)
    for (size_t cut = 0; cut <= strlen(cases[i].text); cut++) check(&cases[i], cut);
}

static void folded_lines_are_joined(void **state) {
  (void)state;
  static const Case cases[] = {
      {OK "A: b\r\n  c\r\n\td\r\nContent-Length: 0\r\n\r\n", 200,
       "A: b c d\nContent-Length: 0\n", "", 0, KEEPS},
      {OK "A: b\r\n Content-Length: 5\r\nContent-Length: 1\r\n\r\nx", 200,
       "A: b Content-Length: 5\nContent-Length: 1\n", "x", 0, KEEPS},
      {OK "Content-Length:\r\n 1\r\n\r\nx", 200, "Content-Length: 1\n", "x", 0, KEEPS},
      {OK "A: b\r\n   \r\n c\r\nContent-Length: 0\r\n\r\n", 200,
       "A: b c\nContent-Length: 0\n", "", 0, KEEPS},
      {OK " Evil: 1\r\nContent-Length: 0\r\n\r\n", 200, "Content-Length: 0\n", "", 0,
       KEEPS},
      {OK "no header\r\n Evil: 1\r\nContent-Length: 0\r\n\r\n", 200,
       "Content-Length: 0\n", "", 0, KEEPS},
      {OK "A: b\rEvil: 1\r\nContent-Length: 0\r\n\r\n", 200,
       "A: b Evil: 1\nContent-Length: 0\n", "", 0, KEEPS},
      {OK ": x\r\n{}: y\r\nContent-Length: 0\r\n\r\n", 200, "Content-Length: 0\n", "", 0,
       KEEPS},
  };
  for (size_t i = 0; i < COUNT_OF(cases); i++)
    for (size_t cut = 0; cut <= strlen(cases[i].text); cut++) check(&cases[i], cut);
}

static void refuses(const char *text, size_t len, ErrorCode code) {
  for (size_t cut = 0; cut <= len; cut++) {
    Read r;
    read_cut(&r, text, len, cut, false);
    if (r.got != HTTP1_GOT_WRONG) fail_msg("%s is taken, cut at %zu", text, cut);
    if (r.answer.code != code) fail_msg("%s: %s", text, error_name(r.answer.code));
    assert_non_null(r.answer.wrong);
    assert_false(r.ended);
    read_free(&r);
  }
}

static void broken_rules_are_refused(void **state) {
  (void)state;
  static const char *const broken[] = {
      OK "Content-Length: +2\r\n\r\nhi",
      OK "Content-Length: -2\r\n\r\nhi",
      OK "Content-Length: 2.0\r\n\r\nhi",
      OK "Content-Length: 0x2\r\n\r\nhi",
      OK "Content-Length: 2 2\r\n\r\nhi",
      OK "Content-Length: two\r\n\r\nhi",
      OK "Content-Length: \r\n\r\nhi",
      OK "Content-Length: ,2\r\n\r\nhi",
      OK "Content-Length: 2\r\nContent-Length: 3\r\n\r\nhi!",
      OK "Content-Length: 2\r\ncontent-length: x\r\n\r\nhi",
      OK "Content-Length: 2, 02, 3\r\n\r\nhi",
      OK "Transfer-Encoding: gzip\r\n\r\nhi",
      OK "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
      OK "Transfer-Encoding: chunked\r\nContent-Length: x\r\n\r\n0\r\n\r\n",
      CHUNKED "g\r\n",
      CHUNKED "\r\n",
      CHUNKED "-1\r\n",
      CHUNKED "0x1\r\nx\r\n",
      CHUNKED "1 x\r\n",
      CHUNKED ";a=b\r\n",
      CHUNKED "1\nx\r\n0\r\n\r\n",
      CHUNKED "1\r\nxx\r\n0\r\n\r\n",
      CHUNKED "2\r\nx\r\n0\r\n\r\n",
      CHUNKED "1000000000000000\r\n",
      "HTTP/1.1 101 Up\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
  };
  static const char *const no_http[] = {
      "HTTP/2 200\r\n\r\n",       "HTTP/1.1\r\n\r\n",
      "HTTP/1.1 20\r\n\r\n",      "HTTP/1.1 2000\r\n\r\n",
      "HTTP/1.1  200 OK\r\n\r\n", "HTTP/1.1 099 OK\r\n\r\n",
      "HTTP/1.x 200 OK\r\n\r\n",  "hello",
      "\r\n" OK "\r\n",           "http/1.1 200 OK\r\n\r\n"};
  for (size_t i = 0; i < COUNT_OF(broken); i++)
    refuses(broken[i], strlen(broken[i]), ERR_PROTOCOL);
  for (size_t i = 0; i < COUNT_OF(no_http); i++)
    refuses(no_http[i], strlen(no_http[i]), ERR_DECODE);
  static const char zero[] = OK "A: b\0c\r\n\r\n";
  refuses(zero, sizeof zero - 1, ERR_PROTOCOL);
}

static void refuses_once(Buffer *text, ErrorCode code) {
  Read r;
  read_cut(&r, text->data, text->len, text->len / 2, false);
  assert_int_equal(r.got, HTTP1_GOT_WRONG);
  assert_string_equal(error_name(r.answer.code), error_name(code));
  read_free(&r);
  buffer_free(text);
}

static void what_has_no_end_is_refused(void **state) {
  (void)state;
  Buffer text = {0};
  buffer_puts(&text, OK);
  for (int i = 0; i <= HTTP1_MAX_FIELDS; i++) buffer_puts(&text, "a:\r\n");
  refuses_once(&text, ERR_TOO_LARGE);
  buffer_puts(&text, OK "a: ");
  for (int i = 0; i < HTTP1_MAX_HEAD; i++) buffer_putc(&text, 'x');
  refuses_once(&text, ERR_TOO_LARGE);
  buffer_puts(&text, "HTTP/1.1 200 ");
  for (int i = 0; i < HTTP1_MAX_HEAD; i++) buffer_putc(&text, 'x');
  refuses_once(&text, ERR_TOO_LARGE);
  for (int i = 0; i <= HTTP1_MAX_INTERIM; i++)
    buffer_puts(&text, "HTTP/1.1 102 On\r\n\r\n");
  refuses_once(&text, ERR_PROTOCOL);
  buffer_puts(&text, CHUNKED "1;");
  for (int i = 0; i < 5000; i++) buffer_putc(&text, 'x');
  refuses_once(&text, ERR_PROTOCOL);
  buffer_puts(&text, CHUNKED "0\r\n");
  for (int i = 0; i < 70000; i++) buffer_puts(&text, "a:\r\n");
  refuses_once(&text, ERR_TOO_LARGE);
}

static void up_to_100_interim_answers_are_passed_over(void **state) {
  (void)state;
  Buffer text = {0};
  Read r;
  for (int i = 0; i < HTTP1_MAX_INTERIM; i++)
    buffer_puts(&text, "HTTP/1.1 102 On\r\n\r\n");
  buffer_puts(&text, OK "Content-Length: 1\r\n\r\nx");
  read_cut(&r, text.data, text.len, 7, false);
  assert_int_equal(r.got, HTTP1_GOT_END);
  assert_int_equal(r.answer.status, 200);
  read_free(&r);
  buffer_free(&text);
}

static void an_early_end_is_no_end(void **state) {
  (void)state;
  static const char *const whole[] = {OK "Content-Length: 3\r\n\r\nabc",
                                      CHUNKED "1\r\na\r\n0\r\n\r\n"};
  for (size_t i = 0; i < COUNT_OF(whole); i++)
    for (size_t len = 0; len < strlen(whole[i]); len++) {
      Read r;
      read_cut(&r, whole[i], len, 0, false);
      assert_int_equal(r.got, HTTP1_GOT_MORE);
      assert_false(r.ended);
      read_free(&r);
    }
}

static void one_reader_serves_one_answer_after_another(void **state) {
  (void)state;
  Read r = {0};
  for (int i = 0; i < 3; i++) {
    http1_answer_begin(&r.answer, false);
    take(&r, CHUNKED "1\r\nx\r\n0\r\n\r\n", strlen(CHUNKED "1\r\nx\r\n0\r\n\r\n"));
    assert_int_equal(r.got, HTTP1_GOT_END);
    assert_string_equal(buffer_text(&r.answer.head.lines), CHUNKED_LINE);
  }
  assert_string_equal(buffer_text(&r.body), "xxx");
  read_free(&r);
}

static void a_request_is_written_as_asked(void **state) {
  (void)state;
  Buffer out = {0};
  const char *headers[] = {"X-Empty:  ", "accept: a/b", "Expect: 100-continue", "X: y",
                           NULL};
  const char *standard[] = {"User-Agent: tidelock", "Accept: */*", NULL};
  Http1Ask ask = {.method = "POST",
                  .target = "/a?b",
                  .host = "h:81",
                  .headers = headers,
                  .standard = standard,
                  .has_body = true,
                  .body_len = 12};
  http1_put_ask(&out, &ask);
  assert_string_equal(buffer_text(&out),
                      "POST /a?b HTTP/1.1\r\nHost: h:81\r\nUser-Agent: tidelock\r\n"
                      "X-Empty:\r\naccept: a/b\r\nX: y\r\nContent-Length: 12\r\n\r\n");
  buffer_clear(&out);
  const char *with_host[] = {"host: other", NULL};
  ask = (Http1Ask){.method = "GET", .target = "/", .host = "h", .headers = with_host};
  http1_put_ask(&out, &ask);
  assert_string_equal(buffer_text(&out), "GET / HTTP/1.1\r\nhost: other\r\n\r\n");
  buffer_free(&out);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_answer_is_read_however_it_is_cut),
      cmocka_unit_test(folded_lines_are_joined),
      cmocka_unit_test(broken_rules_are_refused),
      cmocka_unit_test(what_has_no_end_is_refused),
      cmocka_unit_test(up_to_100_interim_answers_are_passed_over),
      cmocka_unit_test(an_early_end_is_no_end),
      cmocka_unit_test(one_reader_serves_one_answer_after_another),
      cmocka_unit_test(a_request_is_written_as_asked),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
