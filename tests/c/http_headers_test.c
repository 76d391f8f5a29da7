/* Headers of requests: what may be sent, what is a secret, what belongs to a body. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>
#include <curl/curl.h>

#include "net/http_headers.h"

static void a_token_has_no_separators(void **state) {
  (void)state;
  assert_true(http_token("GET", 3));
  assert_true(http_token("X-a_1.~|`^", 10));
  assert_false(http_token("", 0));
  for (const char *c = " ()<>@,;:\\\"/[]?={}\t\x7f\xe4"; *c; c++)
    if (http_token(c, 1)) fail_msg("taken: %c", *c);
  assert_false(http_token("a\0b", 3));
}

static void assert_refused(const char *header, const char *words) {
  Error err;
  assert_int_equal(http_check_header(header, &err), ERR_INVALID);
  if (!strstr(err.message, words)) fail_msg("%s: %s", header, err.message);
}

static void no_line_can_be_smuggled_in(void **state) {
  (void)state;
  Error err;
  assert_int_equal(http_check_header("X-A: b\tc \xC3\xA4", &err), 0);
  assert_int_equal(http_check_header("X-A:", &err), 0);
  assert_refused("X-A", "\"X-A\" cannot be the name of a header");
  assert_refused(": b", "\"\" cannot be the name");
  assert_refused("X A: b", "\"X A\" cannot be the name");
  assert_refused("X\r\nEvil: b", "\"X\" cannot be the name");
  assert_refused("X: b\r\nEvil: c",
                 "the value of the header X contains a control character");
  assert_refused("X: b\nc", "control character");
  assert_refused("X: \x7f", "control character");
  assert_refused("content-length: 3", "is set from the body");
  assert_refused("Transfer-Encoding: chunked", "is set from the body");
}

static void a_secret_value_is_not_shown(void **state) {
  (void)state;
  Error err;
  http_check_header("Authorization: hunter2\n", &err);
  assert_null(strstr(err.message, "hunter2"));
}

static void secrets_are_known_by_their_names(void **state) {
  (void)state;
  static const char *const secret[] = {
      "Authorization: x", "COOKIE: x",      "X-Api-Key: x",         "x-csrf-Token: x",
      "Session-Id: x",    "X-Signature: x", "Proxy-Authenticate: x"};
  static const char *const open[] = {"Accept: auth", "Host: token",
                                     "X-Request-Id: secret", "Content-Type: x"};
  for (size_t i = 0; i < COUNT_OF(secret); i++)
    if (!http_header_secret(secret[i])) fail_msg("no secret: %s", secret[i]);
  for (size_t i = 0; i < COUNT_OF(open); i++)
    if (http_header_secret(open[i])) fail_msg("a secret: %s", open[i]);
  char longer[200];
  memset(longer, 'a', sizeof longer);
  strcpy(longer + 150, ": x");
  assert_true(http_header_secret(longer)); /* nobody looks so far */
}

static void those_of_a_body_are_known(void **state) {
  (void)state;
  assert_true(http_header_of_body("content-type: x"));
  assert_true(http_header_of_body("Content-Encoding: x"));
  assert_false(http_header_of_body("X-Content-Type: x"));
  assert_true(http_header_is("accept: x", "Accept"));
  assert_false(http_header_is("accept-x: y", "Accept"));
  assert_false(http_header_is("accep: y", "Accept"));
}

static void the_first_of_a_name_is_found(void **state) {
  (void)state;
  Buffer lines = {0};
  buffer_puts(&lines,
              "Server: a\nX-Long: 12345678\nX-Fits: 1234567\nserver: b\nEmpty: \n");
  char out[8];
  assert_true(http_find_header(&lines, "SERVER", out, sizeof out));
  assert_string_equal(out, "a");
  assert_false(http_find_header(&lines, "X-Long", out, sizeof out));
  assert_true(http_find_header(&lines, "X-Fits", out, sizeof out));
  assert_false(http_find_header(&lines, "Serv", out, sizeof out));
  assert_true(http_find_header(&lines, "Empty", out, sizeof out));
  assert_string_equal(out, "");
  buffer_free(&lines);
}

static void cookies_are_joined(void **state) {
  (void)state;
  const char *const headers[] = {"Cookie: a=1", "Accept: x", "cookie:b=2",
                                 "Cookie:  ", NULL};
  Buffer out = {0};
  http_join_cookies(&out, headers);
  assert_string_equal(buffer_text(&out), "a=1; b=2");
  buffer_clear(&out);
  http_join_cookies(&out, NULL);
  assert_int_equal(out.len, 0);
  buffer_free(&out);
}

static void an_empty_value_is_sent_as_one(void **state) {
  (void)state;
  struct curl_slist *list = http_header_add(NULL, "X-A: b");
  list = http_header_add(list, "X-Empty: ");
  assert_string_equal(list->data, "X-A: b");
  assert_string_equal(list->next->data, "X-Empty;");
  curl_slist_free_all(list);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_token_has_no_separators),
      cmocka_unit_test(no_line_can_be_smuggled_in),
      cmocka_unit_test(a_secret_value_is_not_shown),
      cmocka_unit_test(secrets_are_known_by_their_names),
      cmocka_unit_test(those_of_a_body_are_known),
      cmocka_unit_test(the_first_of_a_name_is_found),
      cmocka_unit_test(cookies_are_joined),
      cmocka_unit_test(an_empty_value_is_sent_as_one),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
