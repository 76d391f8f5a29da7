/* Which names a server answers to, and which pages it lets in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "net/hosts.h"

static void authorities_are_read(void **state) {
  (void)state;
  static const struct {
    const char *text, *name;
    int port;
  } cases[] = {
      {"example.org", "example.org", -1},
      {"Example.ORG:8080", "example.org", 8080},
      {"example.org.", "example.org", -1},
      {"example.org:", "example.org", -1},
      {"127.0.0.1:0", "127.0.0.1", 0},
      {"a:65535", "a", 65535},
      {"[::1]", "[::1]", -1},
      {"[0:0:0:0:0:0:0:1]:80", "[::1]", 80},
      {"[FD00::A]", "[fd00::a]", -1},
      {"a_b-c~%41", "a_b-c~%41", -1},
  };
  for (size_t i = 0; i < COUNT_OF(cases); i++) {
    Authority a;
    if (!authority_read(cases[i].text, &a)) fail_msg("refused: %s", cases[i].text);
    assert_string_equal(a.name, cases[i].name);
    assert_int_equal(a.port, cases[i].port);
  }
}

static void what_is_none_is_refused(void **state) {
  (void)state;
  static const char *const cases[] = {
      "",    ".",    "a..",    ":80",   "a:65536",     "a:-1", "a:8x",     "a b", "a/b",
      "a@b", "[::1", "[::1]x", "[1.2]", "a:000000080", "a\nb", "\xC3\xA4", "[]"};
  Authority a;
  for (size_t i = 0; i < COUNT_OF(cases); i++)
    if (authority_read(cases[i], &a)) fail_msg("taken: %s", cases[i]);
  char text[300];
  memset(text, 'a', sizeof text);
  text[255] = '\0';
  assert_true(authority_read(text, &a));
  text[255] = 'a', text[256] = '\0';
  assert_false(authority_read(text, &a));
}

static void origins_are_read(void **state) {
  (void)state;
  static const struct {
    const char *text, *scheme, *name;
    int port;
  } cases[] = {
      {"http://a", "http", "a", 80},
      {"HTTPS://A", "https", "a", 443},
      {"https://a:8443", "https", "a", 8443},
      {"moz-extension://x", "moz-extension", "x", -1},
      {"http://[::1]:3000", "http", "[::1]", 3000},
  };
  Origin o;
  for (size_t i = 0; i < COUNT_OF(cases); i++) {
    if (!origin_read(cases[i].text, &o)) fail_msg("refused: %s", cases[i].text);
    assert_string_equal(o.scheme, cases[i].scheme);
    assert_string_equal(o.at.name, cases[i].name);
    assert_int_equal(o.at.port, cases[i].port);
  }
  assert_true(origin_read("null", &o));
  assert_string_equal(o.scheme, "");
  static const char *const wrong[] = {"",        "a",       "://a",   "1http://a",
                                      "http:/a", "http://", "h_p://a"};
  for (size_t i = 0; i < COUNT_OF(wrong); i++)
    if (origin_read(wrong[i], &o)) fail_msg("taken: %s", wrong[i]);
}

static void loopback_is_known(void **state) {
  (void)state;
  static const char *const yes[] = {"localhost",         "LOCALHOST.", "a.localhost",
                                    "127.0.0.1",         "127.9.9.9",  "[::1]",
                                    "[::ffff:127.0.0.1]"};
  static const char *const no[] = {
      "localhost.evil.example", "xlocalhost",        "128.0.0.1", "[::2]",
      "127.0.0.1.evil.example", "[::ffff:10.0.0.1]", "0.0.0.0"};
  Authority a;
  for (size_t i = 0; i < COUNT_OF(yes); i++)
    if (!authority_read(yes[i], &a) || !authority_is_loopback(&a))
      fail_msg("no: %s", yes[i]);
  for (size_t i = 0; i < COUNT_OF(no); i++)
    if (!authority_read(no[i], &a) || authority_is_loopback(&a))
      fail_msg("yes: %s", no[i]);
  assert_true(address_is_loopback("::1"));
  assert_false(address_is_loopback("0.0.0.0"));
  assert_false(address_is_loopback("::"));
}

static void entries_are_checked(void **state) {
  (void)state;
  assert_true(host_entry_valid("*"));
  assert_true(host_entry_valid("*.example.org"));
  assert_true(host_entry_valid("example.org:80"));
  assert_false(host_entry_valid("*."));
  assert_false(host_entry_valid("a.*.org"));
  assert_false(host_entry_valid("**"));
  assert_true(origin_entry_valid("https://*.example.org"));
  assert_true(origin_entry_valid("null"));
  assert_false(origin_entry_valid("example.org"));
  assert_false(origin_entry_valid("https://a.*.org"));
}

static bool allows(const char *const *hosts, const char *host, int port) {
  Authority a;
  assert_true(authority_read(host, &a));
  return host_allowed(hosts, &a, port);
}

static void names_are_let_in_that_are_listed(void **state) {
  (void)state;
  const char *const hosts[] = {"example.org", "*.below.org", "port.org:81", NULL};
  assert_true(allows(hosts, "Example.org:9", 8000));
  assert_false(allows(hosts, "www.example.org", 8000));
  assert_true(allows(hosts, "a.b.below.org", 8000));
  assert_false(allows(hosts, "below.org", 8000));
  assert_false(allows(hosts, "xbelow.org", 8000));
  assert_true(allows(hosts, "port.org:81", 8000));
  assert_false(allows(hosts, "port.org", 8000));
  const char *const all[] = {"*", NULL};
  assert_true(allows(all, "anything", 8000));
}

static void loopback_is_let_in_with_our_port_alone(void **state) {
  (void)state;
  assert_true(allows(NULL, "localhost:8000", 8000));
  assert_false(allows(NULL, "localhost:8001", 8000));
  assert_false(allows(NULL, "localhost", 8000));
  assert_true(allows(NULL, "localhost", 80));
  assert_false(allows(NULL, "example.org:8000", 8000)); /* rebinding */
}

static bool lets_in(const char *const *origins, const char *origin, const char *host) {
  Origin o;
  Authority a;
  assert_true(origin_read(origin, &o) && (!host || authority_read(host, &a)));
  return origin_allowed(origins, &o, host ? &a : NULL, 8000);
}

static void pages_are_let_in_from_the_server_itself(void **state) {
  (void)state;
  assert_true(lets_in(NULL, "http://localhost:8000", "127.0.0.1:8000"));
  assert_false(lets_in(NULL, "http://localhost:3000", "localhost:8000"));
  assert_false(lets_in(NULL, "ftp://localhost:8000", "localhost:8000"));
  assert_true(lets_in(NULL, "https://chat.example", "chat.example")); /* behind a proxy */
  assert_false(lets_in(NULL, "https://evil.example", "chat.example"));
  assert_false(lets_in(NULL, "https://chat.example:444", "chat.example"));
  assert_false(lets_in(NULL, "https://chat.example", NULL));
  assert_false(lets_in(NULL, "null", "chat.example"));
}

static void and_from_those_that_are_listed(void **state) {
  (void)state;
  const char *const origins[] = {"https://app.example", "http://*.dev:3000", "null",
                                 NULL};
  assert_true(lets_in(origins, "https://app.example:443", "x"));
  assert_false(lets_in(origins, "http://app.example", "x"));
  assert_true(lets_in(origins, "http://a.dev:3000", "x"));
  assert_false(lets_in(origins, "http://a.dev", "x"));
  assert_true(lets_in(origins, "null", "x"));
  const char *const all[] = {"*", NULL};
  assert_true(lets_in(all, "https://evil.example", "x"));
}

static void lists_are_copied_joined_and_compared(void **state) {
  (void)state;
  const char *const a[] = {"x", "y", NULL}, *const b[] = {"z", NULL},
                    *const none[] = {NULL};
  const char *const *joined = names_joined(a, b), *const *copy = names_copy(a);
  assert_string_equal(joined[2], "z");
  assert_null(joined[3]);
  assert_true(names_same(copy, a));
  assert_ptr_not_equal(copy[0], a[0]);
  assert_false(names_same(a, joined));
  assert_false(names_same(joined, a));
  assert_false(names_same(a, b));
  assert_false(names_same(none, NULL));
  assert_true(names_same(NULL, NULL));
  assert_null(names_copy(NULL));
  names_free(joined);
  names_free(copy);
  names_free(NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(authorities_are_read),
      cmocka_unit_test(what_is_none_is_refused),
      cmocka_unit_test(origins_are_read),
      cmocka_unit_test(loopback_is_known),
      cmocka_unit_test(entries_are_checked),
      cmocka_unit_test(names_are_let_in_that_are_listed),
      cmocka_unit_test(loopback_is_let_in_with_our_port_alone),
      cmocka_unit_test(pages_are_let_in_from_the_server_itself),
      cmocka_unit_test(and_from_those_that_are_listed),
      cmocka_unit_test(lists_are_copied_joined_and_compared),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
