/* Socket.IO packets: what each text means, and what is written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/socketio.h"

/* Parses in memory of the exact size, so that a read beyond it is found, and writes what
 * was understood: "TYPE[*attachments] namespace [#ack] json". */
static char *understand(const char *text, Error *err) {
  static const char *const names[] = {"CONNECT",       "DISCONNECT",   "EVENT",     "ACK",
                                      "CONNECT_ERROR", "BINARY_EVENT", "BINARY_ACK"};
  size_t len = strlen(text);
  char *exact = xmalloc(len), *ack = NULL, *count = NULL, *result = NULL;
  memcpy(exact, text, len);
  SioPacket p;
  if (sio_parse(exact, len, &p, err) == 0) {
    if (p.ack != SIO_NO_ACK) ack = xasprintf(" #%lld", (long long)p.ack);
    if (p.attachments) count = xasprintf("*%d", p.attachments);
    result = xasprintf("%s%s %.*s%s %.*s", names[p.type], count ? count : "",
                       (int)p.nsp_len, p.nsp, ack ? ack : "", (int)p.json_len, p.json);
  }
  free(exact);
  free(ack);
  free(count);
  return result;
}

static void means(const char *text, const char *expected) {
  Error err;
  char *result = understand(text, &err);
  if (!result) fail_msg("%s: %s", text, err.message);
  assert_string_equal(result, expected);
  free(result);
}

static void is_refused(const char *text, const char *message) {
  Error err;
  char *result = understand(text, &err);
  if (result) fail_msg("%s was taken for %s", text, result);
  assert_int_equal(err.code, ERR_PROTOCOL);
  if (!strstr(err.message, message)) fail_msg("%s: %s", text, err.message);
}

static void every_type(void **state) {
  (void)state;
  means("0{\"sid\":\"a\"}", "CONNECT / {\"sid\":\"a\"}");
  means("0", "CONNECT / ");
  means("1", "DISCONNECT / ");
  means("1/a,{\"message\":\"no\"}", "DISCONNECT /a {\"message\":\"no\"}");
  means("1\"no\"", "DISCONNECT / \"no\"");
  means("2[\"a\",1]", "EVENT / [\"a\",1]");
  means("30[]", "ACK / #0 []");
  means("4{\"message\":\"no\"}", "CONNECT_ERROR / {\"message\":\"no\"}");
  means("4\"no\"", "CONNECT_ERROR / \"no\"");
  means("51-[\"a\",{\"_placeholder\":true,\"num\":0}]",
        "BINARY_EVENT*1 / [\"a\",{\"_placeholder\":true,\"num\":0}]");
  means("610-7[]", "BINARY_ACK*10 / #7 []");
}

static void namespaces(void **state) {
  (void)state;
  means("0/admin,{\"sid\":\"a\"}", "CONNECT /admin {\"sid\":\"a\"}");
  means("0/admin", "CONNECT /admin ");
  means("0/admin,", "CONNECT /admin ");
  means("1/admin,", "DISCONNECT /admin ");
  means("2/a/b-c,[\"x\"]", "EVENT /a/b-c [\"x\"]");
  means("2/,[\"x\"]", "EVENT / [\"x\"]");
  means("0/admin?token=1&b=/,{}", "CONNECT /admin {}");
  means("0/?token=1,{}", "CONNECT / {}");
  means("52-/admin,3[\"x\"]", "BINARY_EVENT*2 /admin #3 [\"x\"]");
}

static void ack_ids(void **state) {
  (void)state;
  means("20[\"a\"]", "EVENT / #0 [\"a\"]");
  means("2456[\"a\"]", "EVENT / #456 [\"a\"]");
  means("3/n,12[1]", "ACK /n #12 [1]");
  means("39007199254740993[]", "ACK / #9007199254740993 []");
  means("29223372036854775807[\"a\"]", "EVENT / #9223372036854775807 [\"a\"]");
  means("29223372036854775808[\"a\"]", "EVENT / [\"a\"]");
  means("299999999999999999999999[\"a\"]", "EVENT / [\"a\"]");
  means("3[]", "ACK / []");
  means("61-[]", "BINARY_ACK*1 / []");
  means("01{}", "CONNECT / {}");
  means("4/a,1{}", "CONNECT_ERROR /a {}");
}

static void what_has_no_payload(void **state) {
  (void)state;
  means("2", "EVENT / ");
  means("2/a,", "EVENT /a ");
  means("212", "EVENT / #12 ");
  means("30", "ACK / #0 ");
  means("4", "CONNECT_ERROR / ");
  means("51-", "BINARY_EVENT*1 / ");
}

static void packets_that_are_refused(void **state) {
  (void)state;
  is_refused("", "that is empty");
  is_refused("7[]", "of an unknown type");
  is_refused("x", "of an unknown type");
  is_refused("5[\"a\"]", "a wrong number of attachments");
  is_refused("5-[\"a\"]", "a wrong number of attachments");
  is_refused("50-[\"a\"]", "a wrong number of attachments");
  is_refused("51[\"a\"]", "a wrong number of attachments");
  is_refused("51", "a wrong number of attachments");
  is_refused("5-1-[\"a\"]", "a wrong number of attachments");
  is_refused("51001-[\"a\"]", "a wrong number of attachments");
  is_refused("599999999999999999999-[\"a\"]", "a wrong number of attachments");
  is_refused("3-1[]", "a payload of the wrong kind");
}

static void payloads_that_are_refused(void **state) {
  (void)state;
  static const char *const texts[] = {"0[]",   "0\"a\"", "0null", "1null", "1[]",
                                      "2{}",   "2\"a\"", "2null", "30{}",  "4[]",
                                      "4null", "51-{}",  "2 []",  "2-[]"};
  for (size_t i = 0; i < COUNT_OF(texts); i++)
    is_refused(texts[i], "a payload of the wrong kind");
}

/* A NUL is no payload's first byte. */
static void a_nul_is_refused(void **state) {
  (void)state;
  static const char types[] = "012";
  for (size_t i = 0; types[i]; i++) {
    char text[] = {types[i], '\0'};
    SioPacket p;
    Error err;
    assert_int_equal(sio_parse(text, 2, &p, &err), ERR_PROTOCOL);
  }
}

static char *event_name(const char *json) {
  SioPacket p = {.type = SIO_EVENT, .json = json, .json_len = strlen(json)};
  const char *name;
  size_t len;
  return sio_event_name(&p, &name, &len) ? xstrndup(name, len) : NULL;
}

static void expect_name(const char *json, const char *expected) {
  char *name = event_name(json);
  if (!name) fail_msg("%s gave no name", json);
  assert_string_equal(name, expected);
  free(name);
}

static void event_names(void **state) {
  (void)state;
  expect_name("[\"new_message\",{\"a\":1}]", "new_message");
  expect_name("[\"a\"]", "a");
  expect_name("[\"\"]", "");
  expect_name("[ \t\r\n\"a b\" ,1]", "a b");
  expect_name("[\"a\"\r]", "a");
  expect_name("[\"gr\xc3\xbc\xc3\x9f\"]", "gr\xc3\xbc\xc3\x9f");
}

static void event_names_that_need_decoding(void **state) {
  (void)state;
  static const char *const texts[] = {
      "",           "[",          "[]",      "[1]",          "[\"a",
      "[\"a\"",     "[\"a\" ",    "[\"a\"x", "{\"a\":1}",    "[\"a\\n\"]",
      "[\"\\\"\"]", "[\"a\nb\"]", "\"a\"",   "[null,\"a\"]", "{\"a\"]",
      "[1\"]",      "[\"a\\]"};
  for (size_t i = 0; i < COUNT_OF(texts); i++) {
    char *name = event_name(texts[i]);
    if (name) fail_msg("%s gave %s", texts[i], name);
  }
}

static void expect_text(SioType type, const char *nsp, int64_t ack, const char *json,
                        const char *expected) {
  Buffer out = {0};
  sio_encode(&out, type, nsp, ack, json, json ? strlen(json) : 0);
  assert_string_equal(buffer_text(&out), expected);
  buffer_free(&out);
}

static void packets_written(void **state) {
  (void)state;
  expect_text(SIO_CONNECT, "/", SIO_NO_ACK, NULL, "40");
  expect_text(SIO_CONNECT, NULL, SIO_NO_ACK, "{\"token\":1}", "40{\"token\":1}");
  expect_text(SIO_CONNECT, "/admin", SIO_NO_ACK, "{}", "40/admin,{}");
  expect_text(SIO_DISCONNECT, "/admin", SIO_NO_ACK, NULL, "41/admin,");
  expect_text(SIO_EVENT, "/", SIO_NO_ACK, "[\"a\"]", "42[\"a\"]");
  expect_text(SIO_EVENT, "/", 0, "[\"a\"]", "420[\"a\"]");
  expect_text(SIO_EVENT, "admin", 12, "[\"a\"]", "42/admin,12[\"a\"]");
  expect_text(SIO_ACK, "", 9007199254740991, "[]", "439007199254740991[]");
}

static void what_is_written_is_understood(void **state) {
  (void)state;
  Buffer out = {0};
  sio_encode(&out, SIO_EVENT, "/n", 5, "[\"x\"]", 5);
  means(buffer_text(&out) + 1, "EVENT /n #5 [\"x\"]");
  buffer_free(&out);
}

static void reserved_names(void **state) {
  (void)state;
  static const char *const reserved[] = {"connect",     "connect_error",
                                         "disconnect",  "disconnecting",
                                         "newListener", "removeListener"};
  static const char *const free_names[] = {"", "message", "connected", "connec",
                                           "Connect"};
  for (size_t i = 0; i < COUNT_OF(reserved); i++)
    assert_true(sio_reserved(reserved[i], strlen(reserved[i])));
  for (size_t i = 0; i < COUNT_OF(free_names); i++)
    assert_false(sio_reserved(free_names[i], strlen(free_names[i])));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_type),
      cmocka_unit_test(namespaces),
      cmocka_unit_test(ack_ids),
      cmocka_unit_test(packets_that_are_refused),
      cmocka_unit_test(what_has_no_payload),
      cmocka_unit_test(payloads_that_are_refused),
      cmocka_unit_test(a_nul_is_refused),
      cmocka_unit_test(event_names),
      cmocka_unit_test(event_names_that_need_decoding),
      cmocka_unit_test(packets_written),
      cmocka_unit_test(what_is_written_is_understood),
      cmocka_unit_test(reserved_names),
  };
  return cmocka_run_group_tests_name("socketio", tests, NULL, NULL);
}
