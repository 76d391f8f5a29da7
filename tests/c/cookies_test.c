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

/* As servers write them: by RFC 6265, 5.1.1 and 5.2.2. */
static void expiry_is_read_in_every_form(void **state) {
  Cookies *c = *state;
  static const char *const over[] = {"Expires=Thu, 01-Jan-1970 00:00:01 GMT",
                                     "Expires=Thu, 01-Jan-70 00:00:01 GMT",
                                     "expires=Thursday, 1-jan-99 0:0:0 GMT",
                                     "Expires=Thu Jan  1 00:00:00 1970",
                                     "Expires=1970 January 1 00:00:00",
                                     "Max-Age=0",
                                     "Max-Age=-1; Expires=Tue, 01 Jan 2090 00:00:00 GMT"};
  static const char *const kept[] = {"Expires=Tue, 01-Jan-69 00:00:00 GMT",
                                     "Expires=Tue, 01 Jan 2090 00:00:00 +0200",
                                     "Expires=0",
                                     "Expires=-1",
                                     "Expires=Mon, 01 Jan 1600 00:00:00 GMT",
                                     "Expires=Thu, 01 Jan 1970",
                                     "Expires=Thu, 31 Feb 1970 00:00:00 GMT",
                                     "Max-Age=abc",
                                     "Max-Age=1.5",
                                     "Max-Age=",
                                     "Max-Age=-",
                                     "Max-Age=+5",
                                     "Max-Age=99999999999999999999",
                                     "Expires="};
  char line[160];
  for (size_t i = 0; i < COUNT_OF(over) + COUNT_OF(kept); i++) {
    bool gone = i < COUNT_OF(over);
    snprintf(line, sizeof line, "Set-Cookie: a=1\nSet-Cookie: a=2; %s\n",
             gone ? over[i] : kept[i - COUNT_OF(over)]);
    take(c, line);
    Buffer out = {0};
    if (cookies_put(c, &out, now) == gone) fail_msg("%s", line);
    buffer_free(&out);
  }
}

static void space_around_a_name_is_none_of_it(void **state) {
  take(*state,
       "Set-Cookie:  a \t =  1 2 ; Path=/\nSet-Cookie: a=\nSet-Cookie: b = x=y\n");
  holds(*state, now, "Cookie: a=; b=x=y");
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
      cmocka_unit_test_setup_teardown(expiry_is_read_in_every_form, setup, teardown),
      cmocka_unit_test_setup_teardown(space_around_a_name_is_none_of_it, setup, teardown),
      cmocka_unit_test_setup_teardown(they_join_those_of_the_script, setup, teardown),
      cmocka_unit_test_setup_teardown(they_expire, setup, teardown),
      cmocka_unit_test_setup_teardown(what_cannot_be_is_not_kept, setup, teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
