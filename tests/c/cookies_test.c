/* The cookies that a client holds of its server. */
#include "net/cookies.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const double now = 1700000000;

static int setup(void **state) {
  *state = cookies_new();
  return 0;
}

static int teardown(void **state) {
  cookies_free(*state);
  return 0;
}

static void take(Cookies *c, const char *lines) {
  cookies_take(c, lines, strlen(lines), now);
}

static void holds(Cookies *c, double at, const char *header) {
  Buffer out = {0};
  assert_int_equal(cookies_put(c, &out, at), *header != 0);
  assert_string_equal(buffer_text(&out), header);
  buffer_free(&out);
}

static void they_come_and_go_out(void **state) {
  Cookies *c = *state;
  holds(c, now, "");
  take(c, "Server: x\nSet-Cookie: a=1; Path=/; HttpOnly\nset-cookie:b=two\nX: y\n");
  holds(c, now, "Cookie: a=1; b=two");
  take(c, "Set-Cookie: a=3\n");
  holds(c, now, "Cookie: b=two; a=3");
}

static void they_expire(void **state) {
  Cookies *c = *state;
  take(c, "Set-Cookie: a=1; Max-Age=10\n"
          "Set-Cookie: b=2; Expires=Tue, 14 Nov 2023 22:13:40 GMT\n" /* 20 s later */
          "Set-Cookie: c=3; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=30\n"
          "Set-Cookie: d=4; expires=gibberish\n");
  holds(c, now + 9, "Cookie: a=1; b=2; c=3; d=4");
  holds(c, now + 11, "Cookie: d=4; b=2; c=3");
  holds(c, now + 31, "Cookie: d=4");
  take(c, "Set-Cookie: d=; Max-Age=0\n");
  holds(c, now, "");
}

static void what_cannot_be_is_not_kept(void **state) {
  Cookies *c = *state;
  char line[COOKIE_MAX_LEN + 64];
  take(c, "Set-Cookie: noequals\nSet-Cookie: =x\nSet-Cookie:\nSet-Cookie: a=\1\n");
  holds(c, now, "");
  snprintf(line, sizeof line, "Set-Cookie: a=%0*d\n", COOKIE_MAX_LEN, 1);
  take(c, line);
  holds(c, now, "");
  for (int i = 0; i < COOKIES_MAX + 10; i++) {
    snprintf(line, sizeof line, "Set-Cookie: n%d=1\n", i);
    take(c, line);
  }
  Buffer out = {0};
  assert_true(cookies_put(c, &out, now));
  assert_null(strstr(buffer_text(&out), "n50=1"));
  assert_non_null(strstr(buffer_text(&out), "n49=1"));
  buffer_free(&out);
}

static void merges(Cookies *c, const char *given, const char *header) {
  Buffer out = {0};
  assert_int_equal(cookies_merge(c, given, &out, now), *header != 0);
  assert_string_equal(buffer_text(&out), header);
  buffer_free(&out);
}

static void they_join_those_of_the_script(void **state) {
  Cookies *c = *state;
  merges(NULL, NULL, "");
  merges(NULL, "", "");
  merges(NULL, "x=1", "Cookie: x=1");
  merges(c, "x=1; y=2", "Cookie: x=1; y=2");
  take(c, "Set-Cookie: a=1\nSet-Cookie: b=2\n");
  merges(c, NULL, "Cookie: a=1; b=2");
  merges(c, "x=1", "Cookie: x=1; a=1; b=2");
  merges(c, "b=mine;ab=3", "Cookie: b=mine;ab=3; a=1");
  merges(c, "x=b=2", "Cookie: x=b=2; a=1; b=2");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(they_come_and_go_out, setup, teardown),
      cmocka_unit_test_setup_teardown(they_join_those_of_the_script, setup, teardown),
      cmocka_unit_test_setup_teardown(they_expire, setup, teardown),
      cmocka_unit_test_setup_teardown(what_cannot_be_is_not_kept, setup, teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
