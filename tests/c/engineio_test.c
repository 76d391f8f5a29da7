/* Engine.IO packets, handshakes and addresses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/engineio.h"

static void packets(void **state) {
  (void)state;
  static const char types[] = "0123456";
  EioPacket packet;
  Error err;
  for (size_t i = 0; types[i]; i++) {
    char text[] = {types[i], 'x', 'y'};
    assert_int_equal(eio_parse(text, 3, &packet, &err), 0);
    assert_int_equal(packet.type, types[i]);
    assert_ptr_equal(packet.data, text + 1);
    assert_int_equal(packet.len, 2);
  }
  assert_int_equal(eio_parse("2", 1, &packet, &err), 0);
  assert_int_equal(packet.type, EIO_PING);
  assert_int_equal(packet.len, 0);
}

static void packets_that_are_refused(void **state) {
  (void)state;
  static const char *const texts[] = {"7", "/", "b", "[1]", "\xff", " 2"};
  EioPacket packet;
  Error err;
  assert_int_equal(eio_parse("", 0, &packet, &err), ERR_PROTOCOL);
  for (size_t i = 0; i < COUNT_OF(texts); i++)
    assert_int_equal(eio_parse(texts[i], strlen(texts[i]), &packet, &err), ERR_PROTOCOL);
  assert_int_equal(eio_parse("x", 1, &packet, &err), ERR_PROTOCOL);
  assert_string_equal(err.detail, "first byte 0x78");
}

static int open_with(const char *json, EioOpen *out, Error *err) {
  JsonArena *arena = json_arena_new(NULL);
  int result = eio_parse_open(arena, json, strlen(json), out, err);
  json_arena_free(arena);
  return result;
}

static void handshakes(void **state) {
  (void)state;
  EioOpen out;
  Error err;
  assert_int_equal(open_with("{\"sid\":\"lv_VI97HAXpY6yYWAAAC\",\"upgrades\":[],"
                             "\"pingInterval\":25000,\"pingTimeout\":20000,"
                             "\"maxPayload\":1000000}",
                             &out, &err),
                   0);
  assert_string_equal(out.sid, "lv_VI97HAXpY6yYWAAAC");
  assert_true(out.ping_interval == 25 && out.ping_timeout == 20);
  assert_int_equal(out.max_payload, 1000000);
  assert_int_equal(
      open_with("{\"sid\":\"a\",\"pingInterval\":300.5,\"pingTimeout\":1}", &out, &err),
      0);
  assert_true(out.ping_interval == 0.3005 && out.ping_timeout == 0.001);
  assert_int_equal(out.max_payload, 0);
  assert_int_equal(
      open_with("{\"sid\":\"!~\",\"pingInterval\":2147483647,\"pingTimeout\":1}", &out,
                &err),
      0);
}

/* Each handshake lacks one thing alone. */
static void handshakes_that_are_refused(void **state) {
  (void)state;
  static const char *const cases[][2] = {
      {"", "is not JSON"},
      {"{\"sid\":", "is not JSON"},
      {"[]", "is not an object"},
      {"null", "is not an object"},
      {"{\"pingInterval\":1,\"pingTimeout\":1}", "names no sid"},
      {"{\"SID\":\"a\",\"pingInterval\":1,\"pingTimeout\":1}", "names no sid"},
      {"{\"sid\":\"\",\"pingInterval\":1,\"pingTimeout\":1}", "empty or too long"},
      {"{\"sid\":\"a\",\"pingTimeout\":1}", "lacks a delay"},
      {"{\"sid\":\"a\",\"pingInterval\":1}", "lacks a delay"},
      {"{\"sid\":\"a\",\"pingInterval\":2147483648,\"pingTimeout\":1}", "lacks a delay"},
      {"{\"sid\":null,\"pingInterval\":1,\"pingTimeout\":1}", "names no sid"},
      {"{\"sid\":\"a\",\"pingInterval\":0,\"pingTimeout\":0}", "lacks a delay"},
      {"{\"sid\":\"a\",\"pingInterval\":-1,\"pingTimeout\":1}", "lacks a delay"},
      {"{\"sid\":\"a\",\"pingInterval\":1,\"pingTimeout\":\"1\"}", "lacks a delay"},
      {"{\"sid\":\"a\",\"pingInterval\":1,\"pingTimeout\":null}", "lacks a delay"},
  };
  for (size_t i = 0; i < COUNT_OF(cases); i++) {
    EioOpen out;
    Error err;
    if (open_with(cases[i][0], &out, &err) != ERR_PROTOCOL) fail_msg("%s", cases[i][0]);
    if (!strstr(err.message, cases[i][1])) fail_msg("%s: %s", cases[i][0], err.message);
  }
}

static void expect_sid(const char *json, const char *escaped) {
  char *text = xasprintf("{\"sid\":%s,\"pingInterval\":1,\"pingTimeout\":1}", json);
  EioOpen out;
  Error err;
  if (open_with(text, &out, &err) != 0) fail_msg("%s: %s", json, err.message);
  assert_string_equal(out.sid, escaped);
  free(text);
}

/* As encodeURIComponent has them. */
static void sids_of_any_kind(void **state) {
  (void)state;
  expect_sid("7", "7");
  expect_sid("\"-_.!~*'()\"", "-_.!~*'()");
  expect_sid("\"a b&c=d+/?#%\"", "a%20b%26c%3Dd%2B%2F%3F%23%25");
  expect_sid("\"\xc3\xa4\"", "%C3%A4");
  expect_sid("\"\\u0000\\r\\n\\\"\"", "%00%0D%0A%22");
}

static void a_sid_fits_or_is_refused(void **state) {
  (void)state;
  for (int n = EIO_MAX_SID - 1; n <= EIO_MAX_SID + 1; n++) {
    EioOpen out;
    Error err;
    char *json =
        xasprintf("{\"sid\":\"%0*d\",\"pingInterval\":1,\"pingTimeout\":1}", n, 7);
    assert_int_equal(open_with(json, &out, &err), n <= EIO_MAX_SID ? 0 : ERR_PROTOCOL);
    if (n <= EIO_MAX_SID) assert_int_equal(strlen(out.sid), n);
    free(json);
  }
}

static void limits_that_are_none(void **state) {
  (void)state;
  static const char *const none[] = {"0",        "null",  "-5",   "{}",
                                     "\"many\"", "1e400", "false"};
  EioOpen out;
  Error err;
  for (size_t i = 0; i < COUNT_OF(none); i++) {
    char *json = xasprintf(
        "{\"sid\":\"a\",\"pingInterval\":1,\"pingTimeout\":1,\"maxPayload\":%s}",
        none[i]);
    if (open_with(json, &out, &err) != 0) fail_msg("%s: %s", json, err.message);
    assert_int_equal(out.max_payload, 0);
    free(json);
  }
  assert_int_equal(
      open_with("{\"sid\":\"a\",\"pingInterval\":0,\"pingTimeout\":1e9,\"x\":[],"
                "\"upgrades\":null,\"maxPayload\":10.5}",
                &out, &err),
      0);
  assert_int_equal(out.max_payload, 10);
  assert_true(out.ping_interval == 0 && out.ping_timeout == 1e6);
}

static void older_servers(void **state) {
  (void)state;
  static const char *const older[] = {
      "97:0{\"sid\":\"a\"}2:40",
      "{\"code\":5,\"message\":\"Unsupported protocol version\"}",
      "\"The client is using an unsupported version of the Socket.IO or Engine.IO "
      "protocols\""};
  static const char *const others[] = {"",
                                       "0{\"sid\":\"a\"}",
                                       "97",
                                       "97:",
                                       "97:0",
                                       "12:30{",
                                       ":0{}",
                                       "<html>",
                                       "{\"code\":3,\"message\":\"Bad request\"}"};
  for (size_t i = 0; i < COUNT_OF(older); i++)
    if (!eio_is_older(older[i], strlen(older[i]))) fail_msg("%s", older[i]);
  for (size_t i = 0; i < COUNT_OF(others); i++)
    if (eio_is_older(others[i], strlen(others[i]))) fail_msg("%s", others[i]);
}

static void expect_target(const char *path, const char *query, const char *expected) {
  Buffer out = {0};
  eio_target(&out, path, true, query, EIO_WEBSOCKET, NULL);
  assert_string_equal(buffer_text(&out), expected);
  buffer_free(&out);
}

static void targets(void **state) {
  (void)state;
  expect_target("/socket.io/", NULL, "/socket.io/?EIO=4&transport=websocket");
  expect_target(NULL, NULL, "/socket.io/?EIO=4&transport=websocket");
  expect_target("", "", "/socket.io/?EIO=4&transport=websocket");
  expect_target("/socket.io", "", "/socket.io/?EIO=4&transport=websocket");
  expect_target("live", NULL, "/live/?EIO=4&transport=websocket");
  expect_target("/", NULL, "/?EIO=4&transport=websocket");
  expect_target("/live/", "a=b&c", "/live/?a=b&c&EIO=4&transport=websocket");
  expect_target("/live/", "?a=b", "/live/?a=b&EIO=4&transport=websocket");
}

/* --- polling payloads ------------------------------------------------------------- */

/* What the payload's parts are, one a line. */
static void parts_are(const char *payload, size_t len, const char *wanted) {
  char *copy = xmalloc(len + 1), *rest = copy;
  Buffer seen = {0};
  EioPart part;
  Error err;
  memcpy(copy, payload, len);
  int more;
  while ((more = eio_next(&rest, &len, &part, &err)) > 0) {
    buffer_puts(&seen, part.binary ? "binary " : "");
    buffer_put(&seen, part.data, part.len);
    buffer_putc(&seen, '\n');
  }
  if (more < 0) buffer_printf(&seen, "%s", error_name(err.code));
  assert_string_equal(buffer_text(&seen), wanted);
  buffer_free(&seen);
  free(copy);
}

static void payloads_are_taken_apart(void **state) {
  (void)state;
  parts_are("4a", 2, "4a\n");
  parts_are("4a\x1e"
            "2\x1e"
            "4b",
            7, "4a\n2\n4b\n");
  parts_are("bAQIDBA==\x1e"
            "4x",
            12, "binary \1\2\3\4\n4x\n");
  parts_are("b", 1, "binary \n");
  parts_are("\x1e", 1, "\n\n");
  parts_are("bA", 2, "PROTOCOL");
  parts_are("4a\x1e"
            "b====",
            8, "4a\nPROTOCOL");
  parts_are("bAB==", 5, "PROTOCOL"); /* bits left over */
  parts_are("bAQ=A", 5, "PROTOCOL");
}

static void payloads_are_put_together(void **state) {
  (void)state;
  Buffer out = {0};
  eio_put(&out, false, "4a", 2);
  eio_put(&out, true, "\1\2\3\4", 4);
  eio_put(&out, true, "", 0);
  eio_put(&out, false, "2", 1);
  assert_int_equal(out.len, 16);
  assert_memory_equal(out.data,
                      "4a\x1e"
                      "bAQIDBA==\x1e"
                      "b\x1e"
                      "2",
                      16);
  buffer_free(&out);
}

/* Whatever the bytes, they come back. */
static void bytes_survive_a_payload(void **state) {
  (void)state;
  char bytes[64];
  for (size_t len = 0; len < sizeof bytes; len++) {
    Buffer out = {0};
    EioPart part;
    Error err;
    for (size_t i = 0; i < len; i++) bytes[i] = (char)(i * 37 + len);
    eio_put(&out, true, bytes, len);
    assert_true(out.len <= eio_put_len(true, len));
    char *rest = out.data;
    size_t left = out.len;
    assert_int_equal(eio_next(&rest, &left, &part, &err), 1);
    assert_true(part.binary);
    assert_int_equal(part.len, len);
    assert_memory_equal(part.data, bytes, len);
    assert_int_equal(eio_next(&rest, &left, &part, &err), 0);
    buffer_free(&out);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(packets),
      cmocka_unit_test(packets_that_are_refused),
      cmocka_unit_test(handshakes),
      cmocka_unit_test(handshakes_that_are_refused),
      cmocka_unit_test(a_sid_fits_or_is_refused),
      cmocka_unit_test(sids_of_any_kind),
      cmocka_unit_test(limits_that_are_none),
      cmocka_unit_test(older_servers),
      cmocka_unit_test(targets),
      cmocka_unit_test(payloads_are_taken_apart),
      cmocka_unit_test(payloads_are_put_together),
      cmocka_unit_test(bytes_survive_a_payload),
  };
  return cmocka_run_group_tests_name("engineio", tests, NULL, NULL);
}
