/* WebSocket framing as scripted conversations: what the peer sends, in a small notation,
 * and what the parser makes of it. Every script is fed whole, byte by byte and in random
 * pieces; all must give the same.
 *
 * Notation: hex digits are bytes, 'text' stands for itself, and either may be repeated:
 * 'a'*300. Spaces separate. The transcript: `text "x"`, `binary`, `ping`, `pong`,
 * `close CODE "reason"`, `fail CLOSE_CODE ERROR`, separated by "; ". */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/websocket.h"

enum { LIMIT = 100000 }; /* max_message in these tests */

/* --- the notation ----------------------------------------------------------------- */

static int hex(char c) {
  return isdigit((unsigned char)c) ? c - '0' : tolower((unsigned char)c) - 'a' + 10;
}

static const char *put_item(Buffer *out, const char *at) {
  size_t start = out->len;
  if (*at == '\'') {
    const char *end = strchr(at + 1, '\'');
    buffer_put(out, at + 1, (size_t)(end - at - 1));
    at = end + 1;
  } else {
    assert_true(isxdigit((unsigned char)at[0]) && isxdigit((unsigned char)at[1]));
    buffer_putc(out, (char)(hex(at[0]) << 4 | hex(at[1])));
    at += 2;
  }
  if (*at != '*') return at;
  size_t len = out->len - start;
  char *end, *item = xstrndup(out->data + start, len);
  for (long n = strtol(at + 1, &end, 10); n > 1; n--) buffer_put(out, item, len);
  free(item);
  return end;
}

static Buffer bytes_of(const char *script) {
  Buffer out = {0};
  while (*script)
    if (*script == ' ') script++;
    else script = put_item(&out, script);
  return out;
}

/* --- the transcript --------------------------------------------------------------- */

static bool all_same(const char *data, size_t len) {
  return len > 0 && memcmp(data, data + 1, len - 1) == 0;
}

static void put_data(Buffer *out, const char *data, size_t len) {
  assert_non_null(data);
  if (len > 40 && all_same(data, len)) {
    buffer_printf(out, "%zu*'%c'", len, *data);
    return;
  }
  buffer_putc(out, '"');
  for (size_t i = 0; i < len; i++)
    if (data[i] >= ' ' && data[i] <= '~') buffer_putc(out, data[i]);
    else buffer_printf(out, "\\x%02x", (uint8_t)data[i]);
  buffer_putc(out, '"');
}

static void put_event(Buffer *out, const WsEvent *e) {
  if (out->len) buffer_puts(out, "; ");
  const char *name = e->type == WS_TEXT     ? "text "
                     : e->type == WS_BINARY ? "binary "
                     : e->type == WS_PING   ? "ping "
                     : e->type == WS_PONG   ? "pong "
                                            : "close ";
  buffer_puts(out, name);
  if (e->type == WS_CLOSE) buffer_printf(out, "%d ", e->close_code);
  put_data(out, e->data, e->len);
}

/* Presents one piece, in memory of its own so that a read beyond it is found. */
static void feed(WsParser *p, const char *piece, size_t len, Buffer *transcript) {
  char *copy = xmalloc(len);
  memcpy(copy, piece, len);
  size_t used = 0;
  WsEvent event;
  Error err;
  int close_code = 0, r;
  while ((r = ws_parse(p, copy + used, len - used, &used, &event, &close_code, &err)) > 0)
    put_event(transcript, &event);
  if (r < 0)
    buffer_printf(transcript, "%sfail %d %s", transcript->len ? "; " : "", close_code,
                  error_name(err.code));
  assert_int_equal(used, len); /* the caller never presents bytes twice */
  free(copy);
}

/* Pieces of `max` bytes, or of a random size up to -max. Returns the transcript. */
static Buffer converse(WsRole role, const Buffer *bytes, long max, unsigned seed) {
  WsParser *p = ws_parser_new(role, LIMIT);
  Buffer transcript = {0};
  for (size_t at = 0; at < bytes->len;) {
    size_t piece = max > 0 ? (size_t)max : 1 + (size_t)rand_r(&seed) % (size_t)-max;
    if (piece > bytes->len - at) piece = bytes->len - at;
    feed(p, bytes->data + at, piece, &transcript);
    at += piece;
  }
  ws_parser_free(p);
  return transcript;
}

static void expect_from(WsRole role, const char *script, const char *expected) {
  Buffer bytes = bytes_of(script);
  static const long pieces[] = {1 << 20, 1, 2, 7, -3, -10, -100, -1000, -70000};
  for (size_t i = 0; i < COUNT_OF(pieces); i++) {
    Buffer transcript = converse(role, &bytes, pieces[i], 7 + (unsigned)i);
    assert_string_equal(buffer_text(&transcript), expected);
    buffer_free(&transcript);
  }
  buffer_free(&bytes);
}

/* What a client makes of what a server sends. */
static void server_sends(const char *script, const char *expected) {
  expect_from(WS_CLIENT, script, expected);
}

static void client_sends(const char *script, const char *expected) {
  expect_from(WS_SERVER, script, expected);
}

/* --- messages --------------------------------------------------------------------- */

static void messages(void **state) {
  (void)state;
  server_sends("81 05 'Hello'", "text \"Hello\"");
  server_sends("82 03 00ff80", "binary \"\\x00\\xff\\x80\"");
  server_sends("81 00", "text \"\"");
  server_sends("82 00", "binary \"\"");
  server_sends("81 01 'a' 82 01 'b' 81 00 81 01 'c'",
               "text \"a\"; binary \"b\"; text \"\"; text \"c\"");
}

static void lengths(void **state) {
  (void)state;
  server_sends("82 7d 'a'*125", "binary 125*'a'");
  server_sends("82 7e007e 'a'*126", "binary 126*'a'");
  server_sends("81 7e0100 'a'*256", "text 256*'a'");
  server_sends("81 7effff 'a'*65535 81 01 'b'", "text 65535*'a'; text \"b\"");
  server_sends("81 7f0000000000010000 'a'*65536 81 01 'b'", "text 65536*'a'; text \"b\"");
}

static void lengths_that_are_refused(void **state) {
  (void)state;
  server_sends("82 7f8000000000000000", "fail 1002 PROTOCOL");
  server_sends("82 7fffffffffffffffff", "fail 1002 PROTOCOL");
  server_sends("82 7e007d", "fail 1002 PROTOCOL"); /* not minimal (5.2) */
  server_sends("82 7e0000", "fail 1002 PROTOCOL");
  server_sends("82 7f000000000000ffff", "fail 1002 PROTOCOL");
  server_sends("82 7f0000000000000000", "fail 1002 PROTOCOL");
}

static void messages_over_the_limit(void **state) {
  (void)state;
  server_sends("82 7f00000000000186a0 'a'*100000", "binary 100000*'a'");
  server_sends("82 7f00000000000186a1", "fail 1009 TOO_LARGE");
  server_sends("82 7f7fffffffffffffff", "fail 1009 TOO_LARGE");
  /* the sum of fragments counts, and is refused before its bytes come */
  server_sends("02 7f0000000000018000 'a'*98304 80 7e06a0 'a'*1696", "binary 100000*'a'");
  server_sends("02 7f0000000000018000 'a'*98304 80 7e06a1", "fail 1009 TOO_LARGE");
  server_sends("02 7f00000000000186a0 'a'*100000 00 00 80 01", "fail 1009 TOO_LARGE");
  /* a control frame never counts */
  server_sends("02 7f00000000000186a0 'a'*100000 89 01 'p' 80 00",
               "ping \"p\"; binary 100000*'a'");
}

static void no_limit_means_64_mebibytes(void **state) {
  (void)state;
  WsParser *p = ws_parser_new(WS_CLIENT, 0);
  Buffer bytes = bytes_of("82 7f0000000004000001"), transcript = {0};
  feed(p, bytes.data, bytes.len, &transcript);
  assert_string_equal(buffer_text(&transcript), "fail 1009 TOO_LARGE");
  buffer_free(&bytes);
  buffer_free(&transcript);
  ws_parser_free(p);
}

/* --- fragments -------------------------------------------------------------------- */

static void fragments(void **state) {
  (void)state;
  server_sends("01 03 'Hel' 80 02 'lo'", "text \"Hello\"");
  server_sends("02 01 'a' 00 01 'b' 00 01 'c' 80 01 'd'", "binary \"abcd\"");
  server_sends("01 00 80 00", "text \"\"");
  server_sends("01 00 00 00 00 00 80 01 'x'", "text \"x\"");
  server_sends("01 01 'x' 00 00 80 00", "text \"x\"");
  server_sends("01 01 'a' 80 00 01 01 'b' 80 01 'c' 81 01 'd'",
               "text \"a\"; text \"bc\"; text \"d\"");
  server_sends("01 7e0100 'a'*256 00 7e0100 'a'*256 80 7e0100 'a'*256", "text 768*'a'");
}

static void control_frames_between_fragments(void **state) {
  (void)state;
  server_sends("01 03 'Hel' 89 01 'p' 80 02 'lo'", "ping \"p\"; text \"Hello\"");
  server_sends("01 01 'a' 89 00 00 01 'b' 8a 02 'hi' 80 01 'c'",
               "ping \"\"; pong \"hi\"; text \"abc\"");
  server_sends("01 01 'a' 88 02 03e8 80 01 'b'", "close 1000 \"\"");
}

static void fragments_out_of_order(void **state) {
  (void)state;
  server_sends("80 01 'a'", "fail 1002 PROTOCOL");
  server_sends("00 01 'a'", "fail 1002 PROTOCOL");
  server_sends("81 01 'a' 80 01 'b'", "text \"a\"; fail 1002 PROTOCOL");
  server_sends("01 01 'a' 80 01 'b' 80 01 'c'", "text \"ab\"; fail 1002 PROTOCOL");
  server_sends("01 01 'a' 81 01 'b'", "fail 1002 PROTOCOL");
  server_sends("01 01 'a' 01 01 'b'", "fail 1002 PROTOCOL");
  server_sends("01 01 'a' 82 01 'b'", "fail 1002 PROTOCOL");
  server_sends("02 00 82 01 'b'", "fail 1002 PROTOCOL");
}

/* --- control frames --------------------------------------------------------------- */

static void pings_and_pongs(void **state) {
  (void)state;
  server_sends("89 00", "ping \"\"");
  server_sends("89 05 'Hello' 8a 05 'Hello'", "ping \"Hello\"; pong \"Hello\"");
  server_sends("89 04 00fffeff", "ping \"\\x00\\xff\\xfe\\xff\"");
  server_sends("89 7d 'p'*125 81 01 'a'", "ping 125*'p'; text \"a\"");
}

static void control_frames_that_are_refused(void **state) {
  (void)state;
  server_sends("89 7e", "fail 1002 PROTOCOL"); /* more than 125 bytes */
  server_sends("8a 7f", "fail 1002 PROTOCOL");
  server_sends("88 7e", "fail 1002 PROTOCOL");
  server_sends("09", "fail 1002 PROTOCOL"); /* in fragments */
  server_sends("0a", "fail 1002 PROTOCOL");
  server_sends("08", "fail 1002 PROTOCOL");
}

static void reserved_bits(void **state) {
  (void)state;
  server_sends("c1", "fail 1002 PROTOCOL");
  server_sends("a1", "fail 1002 PROTOCOL");
  server_sends("91", "fail 1002 PROTOCOL");
  server_sends("81 01 'a' d9", "text \"a\"; fail 1002 PROTOCOL");
  server_sends("01 01 'a' c0", "fail 1002 PROTOCOL"); /* on a continuation as well */
  server_sends("c8", "fail 1002 PROTOCOL");
}

static void opcodes_that_mean_nothing(void **state) {
  (void)state;
  static const char *const data[] = {"83", "84", "85", "86", "87"};
  static const char *const control[] = {"8b", "8c", "8d", "8e", "8f"};
  for (size_t i = 0; i < 5; i++) {
    server_sends(data[i], "fail 1002 PROTOCOL");
    server_sends(control[i], "fail 1002 PROTOCOL");
  }
}

/* --- masks ------------------------------------------------------------------------ */

static void masks_by_role(void **state) {
  (void)state;
  client_sends("81 85 37fa213d 7f9f4d5158", "text \"Hello\""); /* RFC 6455, 5.7 */
  client_sends("01 83 37fa213d 7f9f4d 80 82 37fa213d 5b95", "text \"Hello\"");
  client_sends("89 85 37fa213d 7f9f4d5158", "ping \"Hello\"");
  client_sends("81 80 37fa213d", "text \"\"");
  client_sends("88 82 00000000 03e8", "close 1000 \"\"");
  client_sends("81 05", "fail 1002 PROTOCOL");
  client_sends("89 00", "fail 1002 PROTOCOL");
  server_sends("81 85", "fail 1002 PROTOCOL");
  server_sends("88 80", "fail 1002 PROTOCOL");
}

/* What we write is read by the other role, at every length of header and mask phase. */
static void both_roles_understand_each_other(void **state) {
  (void)state;
  static const size_t lens[] = {0,   1,   2,    3,     4,     7,     8,    9,
                                125, 126, 1000, 65535, 65536, 65537, 99999};
  static const uint8_t mask[4] = {0x12, 0x34, 0x56, 0xfe};
  for (size_t i = 0; i < COUNT_OF(lens); i++) {
    char *data = xmalloc(lens[i]);
    memset(data, 'z', lens[i]);
    for (int role = WS_CLIENT; role <= WS_SERVER; role++) {
      Buffer out = {0}, expected = {0};
      ws_frame(&out, true, WS_TEXT, role == WS_CLIENT ? NULL : mask, data, lens[i]);
      ws_frame(&out, true, WS_PING, role == WS_CLIENT ? NULL : mask, "p", 1);
      WsEvent text = {WS_TEXT, 0, data, lens[i]}, ping = {WS_PING, 0, (char *)"p", 1};
      put_event(&expected, &text);
      put_event(&expected, &ping);
      Buffer whole = converse((WsRole)role, &out, 1 << 20, 0);
      Buffer pieces = converse((WsRole)role, &out, -13, 1);
      assert_string_equal(buffer_text(&whole), buffer_text(&expected));
      assert_string_equal(buffer_text(&pieces), buffer_text(&expected));
      buffer_free(&out);
      buffer_free(&expected);
      buffer_free(&whole);
      buffer_free(&pieces);
    }
    free(data);
  }
}

/* --- UTF-8 ------------------------------------------------------------------------ */

static void utf8(void **state) {
  (void)state;
  server_sends("81 04 f09f9880", "text \"\\xf0\\x9f\\x98\\x80\"");
  /* a character may lie over frames, and over a control frame */
  server_sends("01 01 f0 00 01 9f 89 00 00 01 98 80 01 80",
               "ping \"\"; text \"\\xf0\\x9f\\x98\\x80\"");
  server_sends("01 02 cebA 00 00 80 00", "text \"\\xce\\xba\"");
  server_sends("81 01 'a' 81 02 ceba", "text \"a\"; text \"\\xce\\xba\"");
  server_sends("82 02 ffff", "binary \"\\xff\\xff\""); /* binary is not looked at */
  server_sends("02 01 ff 80 01 ff", "binary \"\\xff\\xff\"");
}

static void text_that_is_not_utf8(void **state) {
  (void)state;
  server_sends("81 02 c080", "fail 1007 PROTOCOL");
  server_sends("81 03 eda080", "fail 1007 PROTOCOL"); /* a surrogate */
  server_sends("81 04 f4908080", "fail 1007 PROTOCOL");
  server_sends("81 01 ce", "fail 1007 PROTOCOL"); /* ends within a character */
  server_sends("01 01 ce 80 00", "fail 1007 PROTOCOL");
  server_sends("01 01 'a' 80 01 ff", "fail 1007 PROTOCOL");
  server_sends("01 01 ce 80 01 'a'", "fail 1007 PROTOCOL");
  server_sends("81 01 ce 81 01 ba", "fail 1007 PROTOCOL");
  client_sends("81 81 00000000 ff", "fail 1007 PROTOCOL");
}

/* It fails at the first wrong byte, in the middle of a frame or of a message. */
static void utf8_fails_fast(void **state) {
  (void)state;
  server_sends("81 7e1000 'a'*30 ff", "fail 1007 PROTOCOL");
  server_sends("81 7f0000000000010000 'a'*1000 f490", "fail 1007 PROTOCOL");
  server_sends("01 01 ff", "fail 1007 PROTOCOL");
  server_sends("01 05 'a' eda0", "fail 1007 PROTOCOL");
  server_sends("01 01 'a' 00 7e1000 c1", "fail 1007 PROTOCOL");
}

/* --- closing ---------------------------------------------------------------------- */

static void closing(void **state) {
  (void)state;
  server_sends("88 00", "close 1005 \"\"");
  server_sends("88 02 03e8", "close 1000 \"\"");
  server_sends("88 05 03e9 'bye'", "close 1001 \"bye\"");
  server_sends("88 04 03e8 ceba", "close 1000 \"\\xce\\xba\"");
  server_sends("88 7d 03e8 'r'*123", "close 1000 123*'r'");
}

static void closing_in_wrong_form(void **state) {
  (void)state;
  server_sends("88 01 03", "fail 1002 PROTOCOL");
  server_sends("88 01 03 e8", "fail 1002 PROTOCOL"); /* what follows is not its own */
  server_sends("88 04 03e8 c080", "fail 1007 PROTOCOL");
  server_sends("88 03 03e8 ce", "fail 1007 PROTOCOL"); /* ends within a character */
}

static void close_codes(void **state) {
  (void)state;
  static const int valid[] = {1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010,
                              1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999};
  static const int invalid[] = {0,    1,    999,  1004, 1005, 1006,  1015,
                                1016, 1100, 2000, 2999, 5000, 65535, -1};
  char script[64], expected[64];
  for (size_t i = 0; i < COUNT_OF(valid); i++) {
    assert_true(ws_close_code_valid(valid[i]));
    snprintf(script, sizeof script, "88 02 %04x", valid[i]);
    snprintf(expected, sizeof expected, "close %d \"\"", valid[i]);
    server_sends(script, expected);
  }
  for (size_t i = 0; i < COUNT_OF(invalid); i++) {
    assert_false(ws_close_code_valid(invalid[i]));
    if (invalid[i] < 0) continue;
    snprintf(script, sizeof script, "88 02 %04x", invalid[i]);
    server_sends(script, "fail 1002 PROTOCOL");
  }
}

static void nothing_after_the_end(void **state) {
  (void)state;
  server_sends("88 00 81 01 'a' c1", "close 1005 \"\"");
  server_sends("83 81 01 'a'", "fail 1002 PROTOCOL");
  server_sends("81 02 c0ff 81 01 'a'", "fail 1007 PROTOCOL");
}

static void a_whole_message_is_not_copied(void **state) {
  (void)state;
  Error err;
  WsEvent event;
  int code;
  size_t used = 0;
  char bytes[] = "\x81\x05Hello\x02\x01x\x89\x01p";
  WsParser *p = ws_parser_new(WS_CLIENT, LIMIT);
  assert_int_equal(ws_parse(p, bytes, 7, &used, &event, &code, &err), 1);
  assert_ptr_equal(event.data, bytes + 2);
  assert_int_equal(used, 7);
  assert_int_equal(ws_parse(p, bytes + 7, 6, &used, &event, &code, &err), 1);
  assert_ptr_equal(event.data, bytes + 12); /* nor is a control frame between fragments */
  assert_int_equal(used, 13);
  ws_parser_free(p);
  ws_parser_free(NULL);
}

static void errors_say_who_did_what(void **state) {
  (void)state;
  Error err;
  WsEvent event;
  int code;
  size_t used = 0;
  char bytes[] = "\xc1";
  WsParser *p = ws_parser_new(WS_CLIENT, LIMIT);
  assert_int_equal(ws_parse(p, bytes, 1, &used, &event, &code, &err), -1);
  assert_string_equal(err.message, "the server sent a frame with reserved bits set");
  ws_parser_free(p);
}

/* --- writing ---------------------------------------------------------------------- */

static void expect_bytes(Buffer *out, const char *script) {
  Buffer expected = bytes_of(script);
  assert_int_equal(out->len, expected.len);
  assert_memory_equal(out->data, expected.data, expected.len);
  buffer_free(&expected);
  buffer_clear(out);
}

static void frames_written(void **state) {
  (void)state;
  static const uint8_t mask[4] = {0x37, 0xfa, 0x21, 0x3d};
  Buffer out = {0};
  ws_frame(&out, true, WS_TEXT, NULL, "Hello", 5);
  expect_bytes(&out, "81 05 'Hello'");
  ws_frame(&out, true, WS_TEXT, mask, "Hello", 5);
  expect_bytes(&out, "81 85 37fa213d 7f9f4d5158");
  ws_frame(&out, false, WS_BINARY, NULL, "ab", 2);
  ws_frame(&out, true, WS_CONTINUATION, NULL, NULL, 0);
  expect_bytes(&out, "02 02 'ab' 80 00");
  char big[70000];
  memset(big, 'a', sizeof big);
  ws_frame(&out, true, WS_TEXT, NULL, big, 126);
  expect_bytes(&out, "81 7e007e 'a'*126");
  ws_frame(&out, true, WS_TEXT, NULL, big, 65536);
  expect_bytes(&out, "81 7f0000000000010000 'a'*65536");
  buffer_free(&out);
}

static void close_frames_written(void **state) {
  (void)state;
  Buffer out = {0};
  ws_frame_close(&out, NULL, 1000, "bye", 3);
  expect_bytes(&out, "88 05 03e8 'bye'");
  ws_frame_close(&out, NULL, 0, NULL, 0);
  expect_bytes(&out, "88 00");
  ws_frame_close(&out, NULL, 1005, "x", 1); /* an echo of a close without a code */
  expect_bytes(&out, "88 00");
  ws_frame_close(&out, NULL, 4000, NULL, 0);
  expect_bytes(&out, "88 02 0fa0");
  ws_frame_close(&out, NULL, 1000, "\xff", 1);
  expect_bytes(&out, "88 02 03e8");
  char reason[200];
  memset(reason, 'r', sizeof reason);
  ws_frame_close(&out, NULL, 1000, reason, sizeof reason);
  expect_bytes(&out, "88 7d 03e8 'r'*123");
  memcpy(reason + 121, "\xe2\x82\xac", 3); /* a character over the cut */
  ws_frame_close(&out, NULL, 1000, reason, sizeof reason);
  expect_bytes(&out, "88 7b 03e8 'r'*121");
  buffer_free(&out);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(messages),
      cmocka_unit_test(lengths),
      cmocka_unit_test(lengths_that_are_refused),
      cmocka_unit_test(messages_over_the_limit),
      cmocka_unit_test(no_limit_means_64_mebibytes),
      cmocka_unit_test(fragments),
      cmocka_unit_test(control_frames_between_fragments),
      cmocka_unit_test(fragments_out_of_order),
      cmocka_unit_test(pings_and_pongs),
      cmocka_unit_test(control_frames_that_are_refused),
      cmocka_unit_test(reserved_bits),
      cmocka_unit_test(opcodes_that_mean_nothing),
      cmocka_unit_test(masks_by_role),
      cmocka_unit_test(both_roles_understand_each_other),
      cmocka_unit_test(utf8),
      cmocka_unit_test(text_that_is_not_utf8),
      cmocka_unit_test(utf8_fails_fast),
      cmocka_unit_test(closing),
      cmocka_unit_test(closing_in_wrong_form),
      cmocka_unit_test(close_codes),
      cmocka_unit_test(nothing_after_the_end),
      cmocka_unit_test(a_whole_message_is_not_copied),
      cmocka_unit_test(errors_say_who_did_what),
      cmocka_unit_test(frames_written),
      cmocka_unit_test(close_frames_written),
  };
  return cmocka_run_group_tests_name("websocket", tests, NULL, NULL);
}
