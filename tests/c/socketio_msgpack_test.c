/* Socket.IO's packets in msgpack, as npm's socket.io-msgpack-parser writes them. */
#include "msgpack_env.h"

#include "proto/msgpack_put.h"
#include "proto/socketio_msgpack.h"

static void packet(const char *hex, const char *expected) {
  JsonArena *arena = json_arena_new(NULL);
  Buffer bytes = bytes_of(hex), out = {0};
  SioPacked p;
  Error err;
  if (sio_unpack(arena, bytes.data, bytes.len, &p, &err)) {
    buffer_printf(&out, "%s %s", error_name(err.code), err.message);
  } else {
    buffer_printf(&out, "%d %.*s #%lld ", p.type, (int)p.nsp_len, p.nsp,
                  (long long)p.ack);
    if (p.data) show_tree(&out, arena, p.data);
  }
  assert_string_equal(buffer_text(&out), expected);
  buffer_free(&out);
  buffer_free(&bytes);
  json_arena_free(arena);
}

#define TYPE "a4 74 79 70 65 "
#define NSP "a3 6e 73 70 "
#define DATA "a4 64 61 74 61 "
#define ID "a2 69 64 "

static void packets_are_read(void **state) {
  (void)state;
  packet("83 " TYPE "02 " NSP "a1 2f " DATA "92 a1 65 c4 01 ff", "2 / #-1 [\"e\",<ff>]");
  packet("84 " TYPE "03 " DATA "90 " ID "07 " NSP "a2 2f 6e", "3 /n #7 []");
  packet("83 " TYPE "03 " NSP "a1 2f " DATA "90", "3 / #-1 []");
  packet("83 " TYPE "00 " NSP "a1 2f " DATA "d4 00 00", "0 / #-1 ");
  packet("83 " TYPE "01 " NSP "a1 2f a1 78 91 c0", "1 / #-1 ");
  packet("83 " TYPE "04 " NSP "a1 2f " DATA "a1 78", "4 / #-1 \"x\"");
}

static void packets_that_are_refused(void **state) {
  (void)state;
  packet("90", "PROTOCOL the server sent a Socket.IO packet that is no map");
  packet("80", "PROTOCOL the server sent a Socket.IO packet of an unknown type");
  packet("81 " TYPE "05",
         "PROTOCOL the server sent a Socket.IO packet of an unknown type");
  packet("81 " TYPE "02",
         "PROTOCOL the server sent a Socket.IO packet without a namespace");
  packet("82 " TYPE "02 " NSP "a1 6e",
         "PROTOCOL the server sent a Socket.IO packet with a namespace that is none");
  packet("82 " TYPE "02 " NSP "a1 2f",
         "PROTOCOL the server sent a Socket.IO packet with a payload of the wrong kind");
  packet("84 " TYPE "02 " NSP "a1 2f " DATA "90 " ID "ff",
         "PROTOCOL the server sent a Socket.IO packet with an id that is none");
  packet("c1", "DECODE not msgpack at byte 1: a byte that starts no value");
}

static void packets_are_written(void **state) {
  (void)state;
  Buffer out = {0}, expected;
  assert_int_equal(sio_pack(&out, SIO_EVENT, "/n", 5, true), 0);
  msgpack_put_array(&out, 0);
  expected = bytes_of("84 " TYPE "02 " NSP "a2 2f 6e " ID "05 " DATA "90");
  assert_int_equal(out.len, expected.len);
  assert_memory_equal(out.data, expected.data, out.len);
  buffer_clear(&out);
  buffer_free(&expected);
  assert_int_equal(sio_pack(&out, SIO_CONNECT, NULL, SIO_NO_ACK, false), 0);
  expected = bytes_of("82 " TYPE "00 " NSP "a1 2f");
  assert_memory_equal(out.data, expected.data, expected.len);
  buffer_clear(&out);
  assert_int_equal(sio_pack(&out, SIO_EVENT, "/\xff", 5, true), ERR_DECODE);
  assert_int_equal(out.len, 0);
  buffer_free(&expected);
  buffer_free(&out);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(packets_are_read),
      cmocka_unit_test(packets_that_are_refused),
      cmocka_unit_test(packets_are_written),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
