/* A jar of cookies: what is kept of Set-Cookie, and what goes out, as RFC 6265 has it. */
#include "net/cookies.h"
#include "net/public_suffix.h"

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

static NetUrl place(const char *text) {
  NetUrl url;
  Error err;
  if (net_url_parse(&url, text, true, &err) != 0) fail_msg("%s", err.message);
  return url;
}

static void take_from(Cookies *c, const char *from, const char *lines) {
  NetUrl url = place(from);
  cookies_take(c, &url, lines, strlen(lines), now);
  net_url_free(&url);
}

static void goes_out(Cookies *c, const char *to, const char *given, double at,
                     const char *header) {
  NetUrl url = place(to);
  Buffer out = {0};
  bool any = cookies_put(c, &url, given, &out, at);
  if (strcmp(buffer_text(&out), header) != 0 || any != (*header != 0))
    fail_msg("to %s: \"%s\" instead of \"%s\"", to, buffer_text(&out), header);
  buffer_free(&out);
  net_url_free(&url);
}

#define HERE "http://a.example/socket.io/?x=1"

static void take(Cookies *c, const char *lines) {
  take_from(c, HERE, lines);
}

static void holds(Cookies *c, double at, const char *header) {
  goes_out(c, HERE, NULL, at, header);
}

/* One line, from a URL; what is sent to another. */
typedef struct Case {
  const char *from, *line, *to, *header;
} Case;

static void check_cases(const Case *cases, size_t count) {
  char line[8300];
  for (size_t i = 0; i < count; i++) {
    Cookies *c = cookies_new();
    snprintf(line, sizeof line, "Set-Cookie: %s\n", cases[i].line);
    take_from(c, cases[i].from, line);
    if (*cases[i].header && cookies_count(c) != 1) fail_msg("not kept: %s", line);
    goes_out(c, cases[i].to, NULL, now, cases[i].header);
    cookies_free(c);
  }
}

static void they_come_and_go_out(void **state) {
  Cookies *c = *state;
  holds(c, now, "");
  take(c, "Server: x\nSet-Cookie: a=1; HttpOnly\nset-cookie:b=two\nX: y\n");
  holds(c, now, "Cookie: a=1; b=two");
  take(c, "Set-Cookie: a=3\n");
  holds(c, now, "Cookie: a=3; b=two"); /* in its old place */
}

/* 5.1.3, 5.3 (4 to 6), and what is no name of a host. */
static void domains(void **state) {
  (void)state;
  static const Case cases[] = {
      {"http://example.com/", "a=1", "http://example.com/", "Cookie: a=1"},
      {"http://example.com/", "a=1", "http://EXAMPLE.com:81/", "Cookie: a=1"},
      {"http://example.com/", "a=1", "http://www.example.com/", ""},
      {"http://www.example.com/", "a=1", "http://example.com/", ""},
      {"http://foo.example.com/", "a=1; Domain=example.com", "http://example.com/",
       "Cookie: a=1"},
      {"http://foo.example.com/", "a=1; Domain=.example.com", "http://bar.example.com/",
       "Cookie: a=1"},
      {"http://foo.example.com/", "a=1; dOMAIN=Example.COM", "http://x.y.example.com/",
       "Cookie: a=1"},
      {"http://foo.example.com/", "a=1; Domain=foo.example.com",
       "http://foo.example.com/", "Cookie: a=1"},
      {"http://foo.example.com/", "a=1; Domain=example.com", "http://badexample.com/",
       ""},
      {"http://foo.example.com/", "a=1; Domain=bar.example.com",
       "http://foo.example.com/", ""},
      {"http://foo.example.com/", "a=1; Domain=baz.foo.example.com",
       "http://foo.example.com/", ""},
      {"http://foo.example.com/", "a=1; Domain=oo.example.com", "http://foo.example.com/",
       ""},
      {"http://example.com/", "a=1; Domain=", "http://example.com/", "Cookie: a=1"},
      {"http://example.com/", "a=1; Domain", "http://x.example.com/", ""},
      {"http://example.com/", "a=1; Domain=b.net; Domain=example.com",
       "http://x.example.com/", "Cookie: a=1"},
      {"http://example.com/", "a=1; Domain=example.com; Domain=b.net",
       "http://example.com/", ""},
      {"http://example.com/", "a=1; Domain=..example.com", "http://example.com/", ""},
      {"http://127.0.0.1/", "a=1; Domain=127.0.0.1", "http://127.0.0.1/", "Cookie: a=1"},
      {"http://127.0.0.1/", "a=1; Domain=0.0.1", "http://127.0.0.1/", ""},
      {"http://127.0.0.1/", "a=1; Domain=.1", "http://127.0.0.1/", ""},
      {"http://[::1]:81/", "a=1", "http://[::1]/", "Cookie: a=1"},
      {"http://localhost:1/", "a=1", "http://localhost:2/", "Cookie: a=1"},
      {"http://localhost:1/", "a=1; Domain=localhost", "http://localhost/",
       "Cookie: a=1"},
      {"http://localhost:1/", "a=1; Domain=localhost", "http://x.localhost/", ""},
      {"unix:/run/a.sock:/x", "a=1", "unix:/run/a.sock:/y", "Cookie: a=1"},
  };
  check_cases(cases, COUNT_OF(cases));
}

/* No cookie for all who own a name below (5.3, 5); the one who is asked keeps it. */
static void public_suffixes(void **state) {
  (void)state;
  static const Case top[] = {
      {"http://a.com/", "a=1; Domain=com", "http://a.com/", ""},
      {"http://a.com/", "a=1; Domain=.com", "http://b.com/", ""},
      {"http://com/", "a=1; Domain=com", "http://com/", "Cookie: a=1"},
      {"http://com/", "a=1; Domain=com", "http://a.com/", ""},
  };
  static const Case listed[] = {
      {"http://a.co.uk/", "a=1; Domain=co.uk", "http://a.co.uk/", ""},
      {"http://a.github.io/", "a=1; Domain=github.io", "http://a.github.io/", ""},
      {"http://x.a.co.uk/", "a=1; Domain=a.co.uk", "http://y.a.co.uk/", "Cookie: a=1"},
      {"http://github.io/", "a=1; Domain=github.io", "http://github.io/", "Cookie: a=1"},
      {"http://github.io/", "a=1; Domain=github.io", "http://a.github.io/", ""},
  };
  check_cases(top, COUNT_OF(top));
  if (public_suffixes_find().list) check_cases(listed, COUNT_OF(listed));
}

/* 5.1.4 */
static void paths(void **state) {
  (void)state;
#define AT "http://a.example"
  static const Case cases[] = {
      {AT "/", "a=1", AT "/x/y", "Cookie: a=1"},
      {AT "/foo/bar", "a=1", AT "/foo", "Cookie: a=1"},
      {AT "/foo/bar", "a=1", AT "/foo/x?y", "Cookie: a=1"},
      {AT "/foo/bar", "a=1", AT "/foobar", ""},
      {AT "/foo/bar", "a=1", AT "/", ""},
      {AT "/foo/", "a=1", AT "/foo", "Cookie: a=1"},
      {AT "/foo", "a=1", AT "/bar", "Cookie: a=1"},
      {AT "/foo?/x/y", "a=1", AT "/bar", "Cookie: a=1"},
      {AT "/x", "a=1; Path=/foo", AT "/foo", "Cookie: a=1"},
      {AT "/x", "a=1; Path=/foo", AT "/foo/", "Cookie: a=1"},
      {AT "/x", "a=1; Path=/foo", AT "/foo?q", "Cookie: a=1"},
      {AT "/x", "a=1; Path=/foo", AT "/foobar", ""},
      {AT "/x", "a=1; Path=/foo/", AT "/foo", ""},
      {AT "/x", "a=1; Path=/foo/", AT "/foo/bar", "Cookie: a=1"},
      {AT "/x", "a=1; Path=/Foo", AT "/foo", ""},
      {AT "/x/y", "a=1; Path=", AT "/x", "Cookie: a=1"},
      {AT "/x/y", "a=1; Path=foo", AT "/x", "Cookie: a=1"},
      {AT "/x/y", "a=1; Path=foo", AT "/foo", ""},
      {AT "/x/y", "a=1; Path=/foo; Path=", AT "/x", "Cookie: a=1"},
      {AT "/x/y", "a=1; Path=/foo; pATH=/bar", AT "/bar", "Cookie: a=1"},
  };
  check_cases(cases, COUNT_OF(cases));
}

/* Longer paths first, then older ones (5.4, 2): the RFC's example (3.1) and its like. */
static void they_go_out_in_order(void **state) {
  Cookies *c = *state;
  take_from(c, "https://example.com/",
            "Set-Cookie: SID=31d4d96e407aad42; Path=/; Secure; HttpOnly\n"
            "Set-Cookie: lang=en-US; Path=/; Domain=example.com\n");
  goes_out(c, "https://example.com/", NULL, now,
           "Cookie: SID=31d4d96e407aad42; lang=en-US");
  take_from(
      c, "https://example.com/",
      "Set-Cookie: lang=; Expires=Sun, 06 Nov 1994 08:49:37 GMT; Domain=example.com\n");
  goes_out(c, "https://example.com/", NULL, now, "Cookie: SID=31d4d96e407aad42");
  take_from(c, "https://example.com/",
            "Set-Cookie: a=1; Path=/\nSet-Cookie: b=2; Path=/x\n"
            "Set-Cookie: c=3; Path=/x/y\nSet-Cookie: d=4; Path=/x\n"
            "Set-Cookie: a=5; Path=/x\nSet-Cookie: a=6; Path=/\n");
  goes_out(c, "https://example.com/x/y", NULL, now,
           "Cookie: c=3; b=2; d=4; a=5; SID=31d4d96e407aad42; a=6");
}

static void secure_ones_stay_secret(void **state) {
  (void)state;
  static const Case cases[] = {
      {"https://a.example/", "a=1; Secure", "https://a.example/", "Cookie: a=1"},
      {"https://a.example/", "a=1; Secure", "wss://a.example/", "Cookie: a=1"},
      {"https://a.example/", "a=1; sECURE=no", "http://a.example/", ""},
      {"https://a.example/", "a=1; Secure", "ws://a.example/", ""},
      {"http://a.example/", "a=1; Secure", "http://a.example/", ""},
      {"http://a.example/", "a=1; Secure", "https://a.example/", ""},
      {"https://a.example/", "a=1", "http://a.example/", "Cookie: a=1"},
  };
  check_cases(cases, COUNT_OF(cases));
}

/* Over http nothing is set in place of a secure one, or in front of it. */
static void secure_ones_are_not_overwritten(void **state) {
  Cookies *c = *state;
  take_from(c, "https://www.a.example/",
            "Set-Cookie: a=1; Secure; Domain=a.example; Path=/login\n");
  static const char *const refused[] = {
      "a=2; Domain=a.example; Path=/login", "a=2; Path=/login/en",
      "a=; Max-Age=0; Domain=a.example; Path=/login", "a=2; Path=/login"};
  char line[200];
  for (size_t i = 0; i < COUNT_OF(refused); i++) {
    snprintf(line, sizeof line, "Set-Cookie: %s\n", refused[i]);
    take_from(c, "http://www.a.example/", line);
    goes_out(c, "https://www.a.example/login/en", NULL, now, "Cookie: a=1");
  }
  take_from(c, "http://www.a.example/",
            "Set-Cookie: a=3; Path=/\nSet-Cookie: A=4; Path=/login\n");
  goes_out(c, "https://www.a.example/login/en", NULL, now, "Cookie: a=1; A=4; a=3");
  take_from(c, "https://www.a.example/",
            "Set-Cookie: a=5; Domain=a.example; Path=/login\n");
  goes_out(c, "http://www.a.example/login", NULL, now, "Cookie: a=5; A=4; a=3");
}

static void prefixes_are_promises(void **state) {
  (void)state;
#define S "https://a.example/x"
  static const Case cases[] = {
      {S, "__Secure-a=1; Secure", S, "Cookie: __Secure-a=1"},
      {S, "__Secure-a=1", S, ""},
      {S, "__SECURE-a=1", S, ""},
      {"http://a.example/", "__Secure-a=1; Secure", S, ""},
      {S, "__Host-a=1; Secure; Path=/", S, "Cookie: __Host-a=1"},
      {S, "__Host-a=1; Secure; Path=/; Domain=a.example", S, ""},
      {S, "__Host-a=1; Secure; Path=/; Domain=", S, ""},
      {S, "__Host-a=1; Secure", S, ""},
      {"https://a.example/", "__Host-a=1; Secure", S, ""},
      {S, "__Host-a=1; Secure; Path=/x", S, ""},
      {S, "__Host-a=1; Path=/", S, ""},
      {S, "__hOST-a=1; Path=/", S, ""},
      {"http://a.example/", "__Host-a=1; Secure; Path=/", S, ""},
      {S, "__Hosta=1", S, "Cookie: __Hosta=1"},
  };
  check_cases(cases, COUNT_OF(cases));
}

static void the_jar_has_bounds(void **state) {
  Cookies *c = *state;
  char line[COOKIE_MAX_LEN + 100], from[64];
  for (int i = 0; i < 3 * COOKIES_MAX; i++) {
    snprintf(from, sizeof from, "http://h%d.example/", i);
    snprintf(line, sizeof line, "Set-Cookie: n=%d\n", i);
    take_from(c, from, line);
  }
  assert_int_equal(cookies_count(c), COOKIES_MAX);
  for (int i = 0; i < 600; i++) {
    snprintf(from, sizeof from, "http://l%d.example/", i);
    snprintf(line, sizeof line, "Set-Cookie: n=%0*d\n", COOKIE_MAX_LEN - 2, i);
    take_from(c, from, line);
  }
  assert_true(cookies_bytes(c) <= COOKIES_MAX_BYTES);
  assert_true(cookies_bytes(c) > COOKIES_MAX_BYTES - 2 * COOKIE_MAX_LEN);
  snprintf(line, sizeof line, "Set-Cookie: p=1; Path=/%0*d\n", COOKIE_MAX_ATTRIBUTE_LEN,
           1);
  take_from(c, "http://last.example/",
            line); /* an attribute that is too long is not there */
  goes_out(c, "http://last.example/", NULL, now, "Cookie: p=1");
}

static void they_expire(void **state) {
  Cookies *c = *state;
  take(c, "Set-Cookie: a=1; Max-Age=10\n"
          "Set-Cookie: b=2; Expires=Tue, 14 Nov 2023 22:13:40 GMT\n" /* 20 s later */
          "Set-Cookie: c=3; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=30\n"
          "Set-Cookie: d=4; expires=gibberish\n");
  holds(c, now + 9, "Cookie: a=1; b=2; c=3; d=4");
  holds(c, now + 11, "Cookie: b=2; c=3; d=4");
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
    NetUrl here = place(HERE);
    if (cookies_put(c, &here, NULL, &out, now) == gone) fail_msg("%s", line);
    buffer_free(&out);
    net_url_free(&here);
  }
}

static void space_around_a_name_is_none_of_it(void **state) {
  take(*state, "Set-Cookie:  a \t =  1 2 ; Path=/\n");
  holds(*state, now, "Cookie: a=1 2");
  take(*state, "Set-Cookie: a=; Path=/\nSet-Cookie: b = x=y ;path= /\n");
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
  for (int i = 0; i < COOKIES_PER_DOMAIN + 10; i++) {
    snprintf(line, sizeof line, "Set-Cookie: n%d=1\n", i);
    take(c, line);
  }
  assert_int_equal(cookies_count(c), COOKIES_PER_DOMAIN);
  Buffer out = {0};
  NetUrl here = place(HERE);
  assert_true(cookies_put(c, &here, NULL, &out, now));
  assert_null(strstr(buffer_text(&out), " n9=1")); /* the oldest went */
  assert_non_null(strstr(buffer_text(&out), " n10=1"));
  assert_non_null(strstr(buffer_text(&out), " n59=1"));
  buffer_free(&out);
  net_url_free(&here);
}

static void merges(Cookies *c, const char *given, const char *header) {
  goes_out(c, HERE, given, now, header);
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
      cmocka_unit_test_setup_teardown(domains, setup, teardown),
      cmocka_unit_test_setup_teardown(public_suffixes, setup, teardown),
      cmocka_unit_test_setup_teardown(paths, setup, teardown),
      cmocka_unit_test_setup_teardown(they_go_out_in_order, setup, teardown),
      cmocka_unit_test_setup_teardown(secure_ones_stay_secret, setup, teardown),
      cmocka_unit_test_setup_teardown(secure_ones_are_not_overwritten, setup, teardown),
      cmocka_unit_test_setup_teardown(prefixes_are_promises, setup, teardown),
      cmocka_unit_test_setup_teardown(the_jar_has_bounds, setup, teardown),
      cmocka_unit_test_setup_teardown(what_cannot_be_is_not_kept, setup, teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
