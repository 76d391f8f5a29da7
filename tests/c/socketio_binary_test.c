/* Socket.IO's binary packets: put together, filled in, written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/socketio.h"

enum { LIMIT = 1000 };

/* --- putting together ------------------------------------------------------------- */

/* A conversation: texts, and (with '=' in front) binary messages, NULL at the end. Says
 * what each gives: "more", "EVENT nsp #ack json [attachments]" or the error. */
static char *converse(const char *const *messages) {
  SioAssembly *a = sio_assembly_new(LIMIT);
  Buffer out = {0};
  SioPacket p;
  Error err;
  for (; *messages; messages++) {
    const char *m = *messages;
    int r = *m == '=' ? sio_take_binary(a, m + 1, strlen(m + 1), &p, &err)
                      : sio_take_text(a, m, strlen(m), &p, &err);
    if (r < 0) buffer_printf(&out, "%s %s; ", error_name(err.code), err.message);
    if (r == 0) buffer_puts(&out, "more; ");
    if (r <= 0) continue;
    buffer_printf(&out, "%d %.*s #%lld %.*s", p.type, (int)p.nsp_len, p.nsp,
                  (long long)p.ack, (int)p.json_len, p.json);
    for (int i = 0; i < p.attachments; i++)
      buffer_printf(&out, " <%.*s>", (int)sio_attachments(a)[i].len,
                    sio_attachments(a)[i].data);
    buffer_puts(&out, "; ");
  }
  if (sio_assembly_end(a, &err)) buffer_printf(&out, "end: %s", err.detail);
  sio_assembly_free(a);
  return buffer_take(&out, NULL);
}

#define says(expected, ...) check_says(expected, (const char *const[]){__VA_ARGS__, NULL})
static void check_says(const char *expected, const char *const *messages) {
  char *got = converse(messages);
  assert_string_equal(got, expected);
  free(got);
}

static void packets_are_put_together(void **state) {
  (void)state;
  says("2 / #-1 [\"a\"]; ", "2[\"a\"]");
  says("more; 5 / #-1 [\"a\"] <xyz>; ", "51-[\"a\"]", "=xyz");
  says("more; more; more; 6 /n #12 [] <> <b> <>; ", "63-/n,12[]", "=", "=b", "=");
  says("more; 5 / #-1 [1] <a>; 2 / #-1 [2]; more; 5 / #-1 [3] <c>; ", "51-[1]", "=a",
       "2[2]", "51-[3]", "=c");
}

static void what_is_out_of_order_is_refused(void **state) {
  (void)state;
  says("more; PROTOCOL the server sent a Socket.IO text between the attachments of "
       "another; end: 1 of 1 are missing",
       "51-[1]", "2[1]");
  says("PROTOCOL the server sent a binary message that belongs to no Socket.IO packet; ",
       "=x");
  says("more; 5 / #-1 [1] <a>; PROTOCOL the server sent a binary message that belongs to "
       "no Socket.IO packet; ",
       "51-[1]", "=a", "=b");
  says("more; more; end: 2 of 3 are missing", "53-[1]", "=a");
  says("PROTOCOL the server sent a Socket.IO packet with a wrong number of attachments; ",
       "51001-[1]");
}

static void packets_have_a_limit(void **state) {
  (void)state;
  char big[LIMIT + 2] = "=";
  memset(big + 1, 'x', LIMIT - 5);
  says("more; TOO_LARGE the server sent a binary packet that is too large; end: 1 of 1 "
       "are missing",
       "51-[1]", big);
  big[LIMIT - 6] = '\0';
  char *got = converse((const char *const[]){"51-[1]", big, NULL});
  assert_null(strstr(got, "TOO_LARGE"));
  free(got);
}

/* --- placeholders ----------------------------------------------------------------- */

static const SioBytes parts[] = {{"zero", 4}, {"\xff\x00one", 5}, {"", 0}};

static int fill(JsonArena *arena, const char *json, int count, const cJSON **root,
                Error *err) {
  *root = json_parse(arena, json, strlen(json), err);
  assert_non_null(*root);
  return sio_fill(arena, *root, parts, count, err);
}

static void placeholders_are_filled_anywhere(void **state) {
  (void)state;
  JsonArena *arena = json_arena_new(NULL);
  const cJSON *root;
  Error err;
  size_t len;
  assert_int_equal(fill(arena,
                        "[\"e\",{\"deep\":[{\"num\":1,\"_placeholder\":true}]},"
                        "{\"_placeholder\":true,\"num\":0,\"more\":[1]},"
                        "{\"_placeholder\":true,\"num\":2.0},"
                        "{\"_placeholder\":false,\"num\":9},{\"_placeholder\":1}]",
                        3, &root, &err),
                   0);
  const cJSON *deep = root->child->next->child->child;
  assert_int_equal(deep->type, JSON_BYTES);
  const char *bytes = json_string(arena, deep, false, &len);
  assert_int_equal(len, 5);
  assert_memory_equal(bytes, "\xff\x00one", 5);
  assert_int_equal(root->child->next->next->type, JSON_BYTES);
  json_string(arena, root->child->next->next->next, false, &len);
  assert_int_equal(len, 0);
  assert_int_equal(root->child->next->next->next->next->type, cJSON_Object);
  json_arena_free(arena);
}

static void wrong_placeholders_are_refused(void **state) {
  (void)state;
  static const struct {
    const char *json, *message;
  } cases[] = {
      {"[{\"_placeholder\":true,\"num\":1}]", "an attachment that there is not"},
      {"[{\"_placeholder\":true,\"num\":-1}]", "an attachment that there is not"},
      {"[{\"_placeholder\":true,\"num\":0.5}]", "an attachment that there is not"},
      {"[{\"_placeholder\":true,\"num\":\"0\"}]", "an attachment that there is not"},
      {"[{\"_placeholder\":true,\"num\":1e300}]", "an attachment that there is not"},
      {"[{\"_placeholder\":true}]", "an attachment that there is not"},
  };
  JsonArena *arena = json_arena_new(NULL);
  const cJSON *root;
  for (size_t i = 0; i < COUNT_OF(cases); i++) {
    Error err = {0};
    assert_int_equal(fill(arena, cases[i].json, 1, &root, &err), ERR_PROTOCOL);
    if (!strstr(err.message, cases[i].message)) fail_msg("%s", err.message);
  }
  json_arena_free(arena);
}

/* As the reference client takes them. */
static void an_attachment_may_be_named_twice_or_not_at_all(void **state) {
  (void)state;
  JsonArena *arena = json_arena_new(NULL);
  const cJSON *root;
  Error err;
  const char *twice =
      "[{\"_placeholder\":true,\"num\":0},{\"num\":0,\"_placeholder\":true,"
      "\"more\":[]}]";
  assert_int_equal(fill(arena, twice, 1, &root, &err), 0);
  for (const cJSON *item = root->child; item; item = item->next)
    assert_int_equal(item->type, JSON_BYTES);
  assert_int_equal(fill(arena, "[1]", 1, &root, &err), 0);
  assert_int_equal(root->child->type, cJSON_Number);
  json_arena_free(arena);
}

/* In a packet without attachments an object is an object. */
static void texts_have_no_placeholders(void **state) {
  (void)state;
  JsonArena *arena = json_arena_new(NULL);
  const cJSON *root;
  Error err;
  assert_int_equal(fill(arena, "[{\"_placeholder\":true,\"num\":7}]", 0, &root, &err), 0);
  assert_int_equal(root->child->type, cJSON_Object);
  json_arena_free(arena);
}

/* --- out -------------------------------------------------------------------------- */

static void binary_packets_are_written(void **state) {
  (void)state;
  Buffer out = {0}, json = {0};
  Error err;
  buffer_puts(&json, "[\"e\",");
  sio_put_placeholder(&json, 0);
  buffer_puts(&json, "]");
  assert_int_equal(sio_check_placeholders(json.data, json.len, 1, &err), 0);
  sio_encode_binary(&out, SIO_EVENT, "/", SIO_NO_ACK, json.data, json.len, 1);
  assert_string_equal(buffer_text(&out), "451-[\"e\",{\"_placeholder\":true,\"num\":0}]");
  buffer_clear(&out);
  sio_encode_binary(&out, SIO_ACK, "/n", 7, "[]", 2, 10);
  assert_string_equal(buffer_text(&out), "4610-/n,7[]");
  buffer_free(&out);
  buffer_free(&json);
}

static int check(const char *json, int count) {
  Error err;
  return sio_check_placeholders(json, strlen(json), count, &err);
}

static void what_looks_like_a_placeholder_is_refused(void **state) {
  (void)state;
  assert_int_equal(check("[{\"_placeholder\":true,\"num\":0}]", 0), 0);
  assert_int_equal(
      check("[{\"_placeholder\":true,\"num\":0},{\"_placeholder\":true}]", 1),
      ERR_INVALID);
  assert_int_equal(
      check("[{\"_placeholder\":true,\"num\":0},{\"a\":1,\"_placeholder\":true}]", 1),
      ERR_INVALID);
  assert_int_equal(check("[{\"_placeholder\":true,\"num\":0},{\"_placeholder\":1,"
                         "\"x\\\"_placeholder\":true},\"{\\\"_placeholder\\\":true\"]",
                         1),
                   0);
}

static void eleven_attachments_are_refused(void **state) {
  (void)state;
  assert_int_equal(check("[]", 11), ERR_TOO_LARGE);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(packets_are_put_together),
      cmocka_unit_test(what_is_out_of_order_is_refused),
      cmocka_unit_test(packets_have_a_limit),
      cmocka_unit_test(placeholders_are_filled_anywhere),
      cmocka_unit_test(wrong_placeholders_are_refused),
      cmocka_unit_test(an_attachment_may_be_named_twice_or_not_at_all),
      cmocka_unit_test(texts_have_no_placeholders),
      cmocka_unit_test(binary_packets_are_written),
      cmocka_unit_test(what_looks_like_a_placeholder_is_refused),
      cmocka_unit_test(eleven_attachments_are_refused),
  };
  return cmocka_run_group_tests_name("socketio_binary", tests, NULL, NULL);
}
