/* A Socket's packets in both parsers: what goes out comes in again as it was. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "socket/socket_packet.h"

static SocketData data_of(const char *json) {
  return (SocketData){.json = json, .len = strlen(json)};
}

static void text_is_written(void **state) {
  (void)state;
  Buffer out = {0};
  Error err;
  SioBytes bytes[] = {{.data = "ab", .len = 2}, {.data = "", .len = 0}};
  SocketData frames, plain = data_of("[\"x\",1]"),
                     with = data_of("[\"x\",{\"_placeholder\":true,\"num\":0}]");
  PacketForm form = {.nsp = "/n"};
  assert_int_equal(packet_encode(form, SIO_EVENT, 7, &plain, &out, &frames, &err), 0);
  assert_string_equal(buffer_text(&out), "42/n,7[\"x\",1]");
  assert_int_equal(frames.count, 0);
  buffer_clear(&out);
  with.bytes = bytes, with.count = 2;
  assert_int_equal(packet_encode(form, SIO_EVENT, SIO_NO_ACK, &with, &out, &frames, &err),
                   0);
  assert_memory_equal(out.data, "452-/n,[", 8);
  assert_int_equal(frames.count, 2);
  assert_ptr_equal(frames.bytes, bytes); /* borrowed */
  assert_int_equal(socket_data_total(&with), with.len + 2);
  buffer_free(&out);
}

/* By msgpack and back: the text that the packet holds then. */
static void round_trip(const char *json, SioBytes *bytes, int count,
                       const char *expected) {
  Buffer out = {0};
  Error err;
  SocketData frames, data = data_of(json);
  Unpacked unpacked = {0};
  SioPacket packet;
  data.bytes = bytes, data.count = count;
  PacketForm form = {.nsp = "/n", .msgpack = true};
  assert_int_equal(packet_encode(form, SIO_EVENT, 3, &data, &out, &frames, &err), 0);
  assert_int_equal(frames.count, 0); /* attachments are inside */
  assert_int_equal(packet_unpack(out.data, out.len, &unpacked, &packet, &err), 0);
  assert_int_equal(packet.type, SIO_EVENT);
  assert_int_equal(packet.ack, 3);
  assert_memory_equal(packet.nsp, "/n", packet.nsp_len);
  assert_int_equal(packet.attachments, count);
  for (int i = 0; i < count; i++)
    assert_memory_equal(unpacked.bytes[i].data, bytes[i].data, bytes[i].len);
  char *text = xstrndup(packet.json, packet.json_len);
  assert_string_equal(text, expected);
  free(text);
  packet_free(&unpacked);
  buffer_free(&out);
}

static void msgpack_goes_there_and_back(void **state) {
  (void)state;
  static const char *const same[] = {
      "[\"x\"]", "[\"x\",null,true,false,-1,1.5,\"\xc3\xbc\\n\",{\"a\":[{}]}]",
      "[9007199254740993,-9223372036854775808]", "[\"\",\"a\\u0000b\"]", "[[[[]]]]"};
  for (size_t i = 0; i < COUNT_OF(same); i++) round_trip(same[i], NULL, 0, same[i]);
  SioBytes bytes[] = {{.data = "a\0b", .len = 3}, {.data = "", .len = 0}};
  round_trip(
      "[\"x\",{\"_placeholder\":true,\"num\":0},[{\"_placeholder\":true,\"num\":1}]]",
      bytes, 2,
      "[\"x\",{\"_placeholder\":true,\"num\":0},[{\"_placeholder\":true,\"num\":1}]]");
}

static void what_is_no_packet_is_refused(void **state) {
  (void)state;
  Unpacked unpacked = {0};
  SioPacket packet;
  Error err;
  static const struct {
    const char *data;
    size_t len;
  } wrong[] = {{"", 0},
               {"\x01", 1},
               {"\x80", 1},
               {"\x81\xa4type\x02", 7},
               {"\xdf\xff\xff\xff\xff", 5}};
  for (size_t i = 0; i < COUNT_OF(wrong); i++)
    assert_int_not_equal(
        packet_unpack(wrong[i].data, wrong[i].len, &unpacked, &packet, &err), 0);
  packet_free(&unpacked);
}

static void one_copy_holds_its_attachments(void **state) {
  (void)state;
  SioBytes bytes[] = {{.data = "abc", .len = 3}};
  SocketData data = data_of("[]");
  data.bytes = bytes, data.count = 1;
  assert_int_equal(socket_data_total(&data), 5);
  assert_int_equal(socket_data_room(&data), sizeof(SioBytes) + 5);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(text_is_written),
                                     cmocka_unit_test(msgpack_goes_there_and_back),
                                     cmocka_unit_test(what_is_no_packet_is_refused),
                                     cmocka_unit_test(one_copy_holds_its_attachments)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
