/* Frames as they are written: heads, masks, close codes and reasons. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/websocket.h"

static const uint8_t mask[4] = {0x37, 0xfa, 0x21, 0x3d};

static void assert_bytes(Buffer *out, const char *bytes, size_t len) {
  assert_int_equal(out->len, len);
  assert_memory_equal(out->data, bytes, len);
  buffer_free(out);
}

/* RFC 6455, 5.7. */
static void the_examples_of_the_rfc(void **state) {
  (void)state;
  Buffer out = {0};
  ws_frame(&out, true, WS_TEXT, NULL, "Hello", 5);
  assert_bytes(&out, "\x81\x05Hello", 7);
  ws_frame(&out, true, WS_TEXT, mask, "Hello", 5);
  assert_bytes(&out, "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", 11);
  ws_frame(&out, false, WS_TEXT, NULL, "Hel", 3);
  ws_frame(&out, true, WS_CONTINUATION, NULL, "lo", 2);
  assert_bytes(&out, "\x01\x03Hel\x80\x02lo", 9);
  ws_frame(&out, true, WS_PONG, mask, "Hello", 5);
  assert_bytes(&out, "\x8a\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", 11);
}

static void assert_head(size_t len, const char *head, size_t head_len) {
  char *data = calloc(1, len + 1);
  Buffer out = {0};
  ws_frame(&out, true, WS_BINARY, NULL, data, len);
  assert_int_equal(out.len, head_len + len);
  assert_memory_equal(out.data, head, head_len);
  buffer_free(&out);
  free(data);
}

static void the_length_is_written_in_its_shortest_form(void **state) {
  (void)state;
  assert_head(0, "\x82\x00", 2);
  assert_head(125, "\x82\x7d", 2);
  assert_head(126, "\x82\x7e\x00\x7e", 4);
  assert_head(65535, "\x82\x7e\xff\xff", 4);
  assert_head(65536, "\x82\x7f\0\0\0\0\0\1\0\0", 10);
}

/* As byte by byte, at any place, of any length. */
static void masking_goes_on_where_it_was(void **state) {
  (void)state;
  char bytes[64];
  for (size_t offset = 0; offset < 9; offset++)
    for (size_t len = 0; len <= sizeof bytes; len++) {
      memset(bytes, 0, sizeof bytes);
      ws_mask(bytes, len, mask, offset);
      for (size_t i = 0; i < sizeof bytes; i++) {
        uint8_t expected = i < len ? mask[(offset + i) % 4] : 0;
        assert_int_equal((uint8_t)bytes[i], expected);
      }
    }
}

static void a_compressed_message_is_marked(void **state) {
  (void)state;
  Buffer out = {0};
  ws_frame_deflated(&out, WS_TEXT, NULL, "x", 1);
  assert_bytes(&out, "\xc1\x01x", 3);
  ws_frame_deflated(&out, WS_BINARY, NULL, "", 0);
  assert_bytes(&out, "\xc2\x00", 2);
}

static void codes_may_stand_in_a_frame_or_not(void **state) {
  (void)state;
  static const int yes[] = {1000, 1001, 1003, 1007, 1011, 1014, 3000, 4999};
  static const int no[] = {-1, 0, 999, 1004, 1005, 1006, 1015, 2000, 2999, 5000, 66536};
  for (size_t i = 0; i < COUNT_OF(yes); i++) assert_true(ws_close_code_valid(yes[i]));
  for (size_t i = 0; i < COUNT_OF(no); i++) assert_false(ws_close_code_valid(no[i]));
}

static void a_close_has_a_code_and_a_reason(void **state) {
  (void)state;
  Buffer out = {0};
  ws_frame_close(&out, NULL, 1000, "bye", 3);
  assert_bytes(&out,
               "\x88\x05\x03\xe8"
               "bye",
               7);
  ws_frame_close(&out, NULL, 1005, "bye", 3);
  assert_bytes(&out, "\x88\x00", 2);
  ws_frame_close(&out, NULL, 4999, "", 0);
  assert_bytes(&out, "\x88\x02\x13\x87", 4);
  ws_frame_close(&out, NULL, 1001, "\xff", 1);
  assert_bytes(&out, "\x88\x02\x03\xe9", 4);
}

static void a_reason_is_cut_between_characters(void **state) {
  (void)state;
  char reason[200];
  Buffer out = {0};
  memset(reason, 'x', sizeof reason);
  ws_frame_close(&out, NULL, 1000, reason, WS_MAX_REASON);
  assert_int_equal(out.len, 2 + 2 + WS_MAX_REASON);
  buffer_clear(&out);
  ws_frame_close(&out, NULL, 1000, reason, sizeof reason);
  assert_int_equal(out.len, 2 + 2 + WS_MAX_REASON);
  memcpy(reason + WS_MAX_REASON - 1, "\xE2\x82\xAC", 3);
  buffer_clear(&out);
  ws_frame_close(&out, NULL, 1000, reason, sizeof reason);
  assert_int_equal(out.len, 2 + 2 + WS_MAX_REASON - 1);
  assert_int_equal((uint8_t)out.data[1], 2 + WS_MAX_REASON - 1);
  buffer_free(&out);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_examples_of_the_rfc),
      cmocka_unit_test(the_length_is_written_in_its_shortest_form),
      cmocka_unit_test(masking_goes_on_where_it_was),
      cmocka_unit_test(a_compressed_message_is_marked),
      cmocka_unit_test(codes_may_stand_in_a_frame_or_not),
      cmocka_unit_test(a_close_has_a_code_and_a_reason),
      cmocka_unit_test(a_reason_is_cut_between_characters),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
