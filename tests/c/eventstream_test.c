/* Server-sent events: the standard's own examples, every end of line, cut at every byte.
 */
#include "proto/eventstream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TEXT(literal) literal, sizeof(literal) - 1

/* "type|data|id" of each event, a line each; ends with the result. */
static void feed(EventStream *s, const char *bytes, size_t len, Buffer *out) {
  EventStreamResult result;
  StreamEvent e;
  size_t used;
  do {
    char *piece =
        xmalloc(len + 1); /* of its own, so that a sanitizer sees what lies behind */
    memcpy(piece, bytes, len);
    result = eventstream_take(s, piece, len, &used, &e);
    free(piece);
    if (result == EVENTSTREAM_EVENT) {
      buffer_put(out, e.type, e.type_len);
      buffer_putc(out, '|');
      buffer_put(out, e.data, e.data_len);
      buffer_putc(out, '|');
      buffer_put(out, e.id, e.id_len);
      buffer_putc(out, '\n');
    }
    bytes += used;
    len -= used;
  } while (result == EVENTSTREAM_EVENT);
  if (result != EVENTSTREAM_MORE) buffer_printf(out, "result %d", (int)result);
  else assert_int_equal(len, 0);
}

static void gives(const char *stream, size_t len, const char *expected) {
  for (size_t step = 1; step <= len; step++) {
    EventStream *s = eventstream_new(1000);
    Buffer out = {0};
    for (size_t at = 0; at < len; at += step)
      feed(s, stream + at, len - at < step ? len - at : step, &out);
    assert_string_equal(buffer_text(&out), expected);
    buffer_free(&out);
    eventstream_free(s);
  }
}

static void the_examples_of_the_standard(void **state) {
  (void)state;
  gives(TEXT("data: YHOO\ndata: +2\ndata: 10\n\n"), "message|YHOO\n+2\n10|\n");
  gives(TEXT(": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\n"
             "data:  third event\n"),
        "message|first event|1\nmessage|second event|\n");
  gives(TEXT("data\n\ndata\ndata\n\ndata:\n"), "message||\nmessage|\n|\n");
  gives(TEXT("data:test\n\ndata: test\n\n"), "message|test|\nmessage|test|\n");
  gives(TEXT("event: add\ndata: 73857293\n\nevent: remove\ndata: 2153\n\nevent: add\n"
             "data: 113411\n\n"),
        "add|73857293|\nremove|2153|\nadd|113411|\n");
}

static void three_ends_of_line(void **state) {
  (void)state;
  gives(TEXT("data: a\r\ndata: b\r\n\r\n"), "message|a\nb|\n");
  gives(TEXT("data: a\rdata: b\r\r"), "message|a\nb|\n");
  gives(TEXT("data: a\rdata: b\n\r\ndata: c\r\n\n\r"), "message|a\nb|\nmessage|c|\n");
  gives(TEXT("data: a\n\r\n\rdata: b\r\r\n"), "message|a|\nmessage|b|\n");
}

/* eventsource-parser 3 holds it back until more comes. */
static void a_stream_of_cr_alone_is_not_late(void **state) {
  (void)state;
  EventStream *s = eventstream_new(1000);
  Buffer out = {0};
  feed(s, TEXT("data: a\r\r"), &out);
  assert_string_equal(buffer_text(&out), "message|a|\n");
  feed(s, TEXT("\n"), &out); /* belongs to the CR before it */
  feed(s, TEXT("data: b\r\r"), &out);
  assert_string_equal(buffer_text(&out), "message|a|\nmessage|b|\n");
  buffer_free(&out);
  eventstream_free(s);
}

static void a_byte_order_mark_once(void **state) {
  (void)state;
  gives(TEXT("\xEF\xBB\xBF"
             "data: a\n\n"),
        "message|a|\n");
  gives(TEXT("\xEF\xBB\xBF\xEF\xBB\xBF"
             "data: a\n\ndata: b\n\n"),
        "message|b|\n");
  gives(TEXT("\xEF\xBB"
             "data: a\n\ndata: b\n\n"),
        "message|b|\n");
  gives(TEXT("\n\xEF\xBB\xBF"
             "data: a\n\ndata: b\n\n"),
        "message|b|\n");
}

static void fields_and_comments(void **state) {
  (void)state;
  gives(TEXT("Data: a\ndatax: b\n data: c\ndata : d\n:data: e\nfoo\n\n"), "");
  gives(TEXT("data: a:b: c\nevent:  two\n\n"), " two|a:b: c|\n");
  gives(TEXT("event: x\n\ndata: a\n\n"), "message|a|\n");
  gives(TEXT("event: x\nevent: y\ndata: a\n\ndata: b\n\n"), "y|a|\nmessage|b|\n");
  gives(TEXT("event: x\nevent\ndata: a\n\n"), "message|a|\n");
}

static void an_id_lasts(void **state) {
  (void)state;
  gives(TEXT("id: 7\n\ndata: a\n\nid: 8\ndata: b\n\nid: \xC3\xA9\ndata: c\n\n"),
        "message|a|7\nmessage|b|8\nmessage|c|\xC3\xA9\n");
  gives(TEXT("id: 7\ndata: a\n\nid: 8\0\ndata: b\n\nid\ndata: c\n\n"),
        "message|a|7\nmessage|b|7\nmessage|c|\n");
}

static void a_new_connection_discards_what_is_not_complete(void **state) {
  (void)state;
  EventStream *s = eventstream_new(1000);
  Buffer out = {0};
  size_t len;
  assert_true(eventstream_seed(s, TEXT("41")));
  feed(s, TEXT("data: a\n\nid: 42\ndata: lost\nda"), &out);
  assert_memory_equal(eventstream_last_id(s, &len), "41", 2);
  eventstream_restart(s);
  feed(s,
       TEXT("\xEF\xBB\xBF"
            "data: b\n\nid: 43\n\n"),
       &out);
  assert_string_equal(buffer_text(&out), "message|a|41\nmessage|b|41\n");
  assert_memory_equal(eventstream_last_id(s, &len), "43", 2);
  assert_int_equal(len, 2);
  assert_false(eventstream_seed(s, TEXT("a\nb")));
  assert_false(eventstream_seed(s, TEXT("a\rb")));
  assert_false(eventstream_seed(s, TEXT("a\0b")));
  assert_true(eventstream_seed(s, TEXT("")));
  eventstream_last_id(s, &len);
  assert_int_equal(len, 0);
  buffer_free(&out);
  eventstream_free(s);
}

static double retry_after(const char *stream) {
  EventStream *s = eventstream_new(1000);
  Buffer out = {0};
  feed(s, stream, strlen(stream), &out);
  double retry = eventstream_retry(s);
  buffer_free(&out);
  eventstream_free(s);
  return retry;
}

static void retry_is_digits_alone(void **state) {
  (void)state;
  assert_true(retry_after("retry: 2500\n") == 2.5);
  assert_true(retry_after("retry:0\n") == 0);
  assert_true(retry_after("retry: 2500") == -1);
  assert_true(retry_after("retry: 10\nretry: 20\nretry: x\nretry: -1\nretry\nretry: 1.5\n"
                          "retry:  7\nretry: 0x10\n") == 0.02);
  assert_true(retry_after("retry: 99999999999999999999999999\n") == 86400);
}

static void bytes_that_are_no_utf8_are_replaced(void **state) {
  (void)state;
  gives(TEXT("event: \xFF\ndata: a\xC3\ndata: \xE2\x82\xACz\xE2\x82\n\n"),
        "\xEF\xBF\xBD|a\xEF\xBF\xBD\n\xE2\x82\xACz\xEF\xBF\xBD|\n");
  gives(TEXT("data: a\0b\n\n"), "message|a");
}

static void an_event_has_a_limit(void **state) {
  (void)state;
  char stream[3000];
  memset(stream, 'x', sizeof stream);
  memcpy(stream, "data:", 5);
  gives(stream, 1000, "");
  gives(stream, 1001, "result 2");
  for (size_t at = 0; at < sizeof stream - 10; at += 10)
    memcpy(stream + at, "data: 567\n", 10);
  EventStream *s = eventstream_new(1000);
  Buffer out = {0};
  feed(s, stream, sizeof stream, &out);
  assert_string_equal(buffer_text(&out), "result 2");
  assert_true(eventstream_held(s) < 4000);
  buffer_free(&out);
  eventstream_free(s);
}

static void large_events_leave_no_memory_behind(void **state) {
  (void)state;
  EventStream *s = eventstream_new(10 << 20);
  Buffer out = {0};
  char *stream = xmalloc(1 << 20);
  memset(stream, 'x', 1 << 20);
  memcpy(stream, "data:", 5);
  memcpy(stream + (1 << 20) - 2, "\n\n", 2);
  feed(s, stream, 1 << 20, &out);
  assert_int_equal(out.len, (1 << 20) - 7 + 10);
  feed(s, TEXT(":\n"), &out);
  assert_true(eventstream_held(s) < 200 << 10);
  free(stream);
  buffer_free(&out);
  eventstream_free(s);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_examples_of_the_standard),
      cmocka_unit_test(three_ends_of_line),
      cmocka_unit_test(a_stream_of_cr_alone_is_not_late),
      cmocka_unit_test(a_byte_order_mark_once),
      cmocka_unit_test(fields_and_comments),
      cmocka_unit_test(an_id_lasts),
      cmocka_unit_test(a_new_connection_discards_what_is_not_complete),
      cmocka_unit_test(retry_is_digits_alone),
      cmocka_unit_test(bytes_that_are_no_utf8_are_replaced),
      cmocka_unit_test(an_event_has_a_limit),
      cmocka_unit_test(large_events_leave_no_memory_behind),
  };
  return cmocka_run_group_tests_name("eventstream", tests, NULL, NULL);
}
