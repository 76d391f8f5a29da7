/* permessage-deflate: messages through the WebSocket parser, the examples of RFC 7692
 * first. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/websocket.h"

enum { LIMIT = 100000 };

/* --- through the parser ----------------------------------------------------------- */

static const DeflateTerms usual = {.agreed = true, .client_bits = 15, .server_bits = 15};

static void note(Buffer *out, const WsEvent *e) {
  static const char *const names[] = {"", "text", "binary"};
  const char *name = e->type <= WS_BINARY ? names[e->type] : "control";
  buffer_printf(out, "%s:", name);
  if (e->len > 100) buffer_printf(out, "%zu", e->len);
  else buffer_put(out, e->data, e->len);
  buffer_putc(out, ' ');
}

/* What the parser makes of bytes that come in pieces of this size. */
static char *hear(const Buffer *bytes, size_t piece, const DeflateTerms *terms) {
  Deflate *d = terms ? deflate_new(terms, true, 0) : NULL;
  WsParser *p = ws_parser_new(WS_CLIENT, LIMIT);
  Buffer out = {0};
  WsEvent event;
  Error err;
  int code = 0, r = 0;
  ws_parser_inflate(p, d);
  for (size_t at = 0; at < bytes->len; at += piece) {
    size_t len = bytes->len - at < piece ? bytes->len - at : piece, used = 0;
    char *copy = xmalloc(len);
    memcpy(copy, bytes->data + at, len);
    while ((r = ws_parse(p, copy + used, len - used, &used, &event, &code, &err)) > 0)
      note(&out, &event);
    if (r < 0) buffer_printf(&out, "fail %d %s ", code, error_name(err.code));
    free(copy);
  }
  ws_parser_free(p);
  deflate_free(d);
  return buffer_take(&out, NULL);
}

static Buffer bytes_of(const char *hex) {
  Buffer out = {0};
  unsigned byte;
  int n;
  for (; sscanf(hex, "%2x%n", &byte, &n) == 1; hex += n) buffer_putc(&out, (char)byte);
  return out;
}

static void check_heard(const Buffer *bytes, const DeflateTerms *terms,
                        const char *expected) {
  static const size_t pieces[] = {1, 2, 3, 7, 1000, 1 << 20};
  for (size_t i = 0; i < COUNT_OF(pieces); i++) {
    char *got = hear(bytes, pieces[i], terms);
    assert_string_equal(got, expected);
    free(got);
  }
}

static void heard(const char *hex, const char *expected) {
  Buffer bytes = bytes_of(hex);
  check_heard(&bytes, &usual, expected);
  buffer_free(&bytes);
}

static void examples_of_the_rfc(void **state) {
  (void)state;
  heard("c1 07 f2 48 cd c9 c9 07 00", "text:Hello ");
  heard("41 03 f2 48 cd 80 04 c9 c9 07 00", "text:Hello ");
  heard("c1 07 f2 48 cd c9 c9 07 00 c1 05 f2 00 11 00 00", "text:Hello text:Hello ");
  heard("c1 0b 00 05 00 fa ff 48 65 6c 6c 6f 00", "text:Hello ");
  heard("c1 08 f3 48 cd c9 c9 07 00 00", "text:Hello ");
  heard("c1 0d f2 48 05 00 00 00 ff ff ca c9 c9 07 00", "text:Hello ");
}

static void empty_and_plain_messages(void **state) {
  (void)state;
  heard("c1 01 00", "text: ");
  heard("c2 01 00 c2 01 00", "binary: binary: ");
  heard("41 00 00 00 80 01 00", "text: ");
  heard("81 05 48 65 6c 6c 6f c1 07 f2 48 cd c9 c9 07 00", "text:Hello text:Hello ");
  heard("41 03 f2 48 cd 89 01 70 80 04 c9 c9 07 00", "control:p text:Hello ");
  /* a last block in the middle, and what is said before it is still referred to */
  heard("c1 08 f3 48 cd c9 c9 07 00 00 c1 05 f2 00 11 00 00", "text:Hello text:Hello ");
}

static void reserved_bits(void **state) {
  (void)state;
  heard("c9 00", "fail 1002 PROTOCOL ");
  heard("c8 00", "fail 1002 PROTOCOL ");
  heard("41 03 f2 48 cd c0 04 c9 c9 07 00", "fail 1002 PROTOCOL ");
  heard("e1 07", "fail 1002 PROTOCOL ");
  heard("a1 07", "fail 1002 PROTOCOL ");
  Buffer bytes = bytes_of("c1 07 f2 48 cd c9 c9 07 00");
  check_heard(&bytes, NULL, "fail 1002 PROTOCOL ");
  buffer_free(&bytes);
}

static void what_cannot_be_inflated(void **state) {
  (void)state;
  heard("c1 02 07 ff", "fail 1007 PROTOCOL ");    /* a block of no type */
  heard("c1 03 f2 48 cd", "fail 1007 PROTOCOL "); /* cut short */
  heard("c1 00", "fail 1007 PROTOCOL ");          /* nothing at all is cut short too */
  heard("c1 05 f2 00 11 00 00", "fail 1007 PROTOCOL "); /* refers to before the start */
  heard("c1 09 00 01 00 fe ff ff 00", "fail 1007 PROTOCOL "); /* not UTF-8 */
}

/* --- round trips ------------------------------------------------------------------ */

static void put_message(Deflate *d, Buffer *out, const char *data, size_t len) {
  Buffer small = {0};
  deflate_write(d, data, len, &small);
  ws_frame_deflated(out, WS_BINARY, NULL, small.data, small.len);
  buffer_free(&small);
}

/* Half noise, half text that repeats: the same for each seed. */
static void make_data(char *data, size_t len, unsigned seed) {
  for (size_t i = 0; i < len; i++)
    data[i] = (char)(i & 4096 ? rand_r(&seed) : "chatter "[i % 8]);
}

static void round_trip(const DeflateTerms *terms) {
  static const size_t sizes[] = {0, 1, 125, 0, 70000, 5000, 5000, 99999};
  Deflate *d = deflate_new(terms, false, 1 + terms->server_bits % 9);
  Buffer out = {0}, expected = {0};
  char *data = xmalloc(LIMIT);
  for (size_t i = 0; i < COUNT_OF(sizes); i++) {
    if (sizes[i] > 100) buffer_printf(&expected, "binary:%zu ", sizes[i]);
    else buffer_printf(&expected, "binary:%.*s ", (int)sizes[i], "c");
    make_data(data, sizes[i], 3);
    put_message(d, &out, data, sizes[i]);
  }
  char *got = hear(&out, 1 << 20, terms);
  assert_string_equal(got, buffer_text(&expected));
  free(got);
  free(data);
  buffer_free(&out);
  buffer_free(&expected);
  deflate_free(d);
}

static void all_windows_and_both_takeovers(void **state) {
  (void)state;
  for (int bits = 9; bits <= 15; bits++)
    for (int forgets = 0; forgets < 2; forgets++)
      round_trip(&(DeflateTerms){.agreed = true,
                                 .server_bits = bits,
                                 .client_bits = 15,
                                 .server_no_takeover = forgets});
}

static void takeover_makes_the_second_shorter(void **state) {
  (void)state;
  char data[2000];
  unsigned seed = 1;
  for (size_t i = 0; i < sizeof data; i++) data[i] = (char)rand_r(&seed);
  for (int forgets = 0; forgets < 2; forgets++) {
    DeflateTerms terms = {.client_bits = 15, .client_no_takeover = forgets};
    Deflate *d = deflate_new(&terms, true, 0);
    Buffer first = {0}, second = {0};
    deflate_write(d, data, sizeof data, &first);
    deflate_write(d, data, sizeof data, &second);
    assert_true(forgets ? second.len == first.len : second.len < 100);
    buffer_free(&first);
    buffer_free(&second);
    deflate_free(d);
  }
}

static void a_window_of_8_bits_is_not_written(void **state) {
  (void)state;
  DeflateTerms terms = {.client_bits = 8, .server_bits = 15};
  Deflate *d = deflate_new(&terms, true, 0);
  assert_false(deflate_can_write(d));
  deflate_free(d);
}

static void a_bomb_stops_at_the_limit(void **state) {
  (void)state;
  enum { BIG = 64 << 20 };
  char *zeros = xcalloc(1, BIG);
  Deflate *d = deflate_new(&usual, false, 9);
  Buffer small = {0}, out = {0};
  deflate_write(d, zeros, BIG, &small);
  assert_true(small.len < BIG / 900);
  deflate_free(d);
  d = deflate_new(&usual, true, 0);
  assert_int_equal(deflate_read(d, small.data, small.len, true, LIMIT, &out),
                   DEFLATE_TOO_LARGE);
  assert_true(out.len <= LIMIT && out.cap < 16 * LIMIT);
  buffer_clear(&small);
  ws_frame_deflated(&small, WS_TEXT, NULL, zeros, 0);
  deflate_free(d);
  /* and through the parser: the limit itself is still taken */
  for (int over = 0; over < 2; over++) {
    d = deflate_new(&usual, false, 9);
    buffer_clear(&small);
    put_message(d, &small, zeros, LIMIT + (size_t)over);
    check_heard(&small, &usual, over ? "fail 1009 TOO_LARGE " : "binary:100000 ");
    deflate_free(d);
  }
  free(zeros);
  buffer_free(&small);
  buffer_free(&out);
}

/* Blocks without bytes inflate to nothing, but do not go on for ever. */
static void endless_emptiness_is_too_large(void **state) {
  (void)state;
  Buffer bytes = bytes_of("42 7f 00 00 00 00 00 10 00 00");
  check_heard(&bytes, &usual, "fail 1009 TOO_LARGE ");
  buffer_free(&bytes);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(examples_of_the_rfc),
      cmocka_unit_test(empty_and_plain_messages),
      cmocka_unit_test(reserved_bits),
      cmocka_unit_test(what_cannot_be_inflated),
      cmocka_unit_test(all_windows_and_both_takeovers),
      cmocka_unit_test(takeover_makes_the_second_shorter),
      cmocka_unit_test(a_window_of_8_bits_is_not_written),
      cmocka_unit_test(a_bomb_stops_at_the_limit),
      cmocka_unit_test(endless_emptiness_is_too_large),
  };
  return cmocka_run_group_tests_name("deflate", tests, NULL, NULL);
}
