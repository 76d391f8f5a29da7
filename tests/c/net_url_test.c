/* URLs: what goes on the wire for what was written (WHATWG URL standard; node's URL gives
 * the same). */
#include "net/net_url.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static void is(const char *text, const char *url) {
  NetUrl parsed;
  Error err;
  if (net_url_parse(&parsed, text, true, &err) != 0)
    fail_msg("%s: %s", text, err.message);
  assert_string_equal(parsed.url, url);
  net_url_free(&parsed);
}

static void some_characters_are_escaped(void **state) {
  (void)state;
  is("http://h/a{b}c?d{e}f", "http://h/a%7Bb%7Dc?d{e}f");
  is("http://h/a|b?c|d", "http://h/a|b?c|d");
  is("http://h/\"<>?\"<>", "http://h/%22%3C%3E?%22%3C%3E");
  is("http://h/`^'?`^'", "http://h/%60^'?`^%27");
  is("http://h/%7B%zz?%7b", "http://h/%7B%zz?%7b");
  is("http://h/\xc3\xbc?\xc3\xbc", "http://h/%C3%BC?%C3%BC");
}

static void a_backslash_is_a_slash_up_to_the_query(void **state) {
  (void)state;
  is("http://h\\a\\b?c\\d", "http://h/a/b?c\\d");
  is("http:\\\\h\\a", "http://h/a");
  is("http:/\\h/a", "http://h/a");
  is("https://h\\@evil/x", "https://h/@evil/x");
  is("ws://h:8080\\x", "http://h:8080/x");
}

static void other_hosts_are_none(void **state) {
  (void)state;
  static const char *const texts[] = {"http://\\x",   "http://a<b/", "http://a>b/",
                                      "http://a\"b/", "http://a{b/", "http://a}b/",
                                      "http://a|b/",  "http:h/"};
  for (size_t i = 0; i < COUNT_OF(texts); i++) {
    NetUrl parsed;
    Error err;
    if (net_url_parse(&parsed, texts[i], true, &err) == 0) fail_msg("%s", texts[i]);
    assert_int_equal(err.code, ERR_URL);
  }
}

static void a_fragment_alone_changes_nothing_else(void **state) {
  (void)state;
  NetUrl url;
  Error err;
  assert_int_equal(net_url_parse(&url, "http://h/a/b?c=d", false, &err), 0);
  char *next = net_url_resolve(&url, "#top", 4);
  assert_string_equal(next, "http://h/a/b?c=d#top");
  free(next);
  net_url_free(&url);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(some_characters_are_escaped),
      cmocka_unit_test(a_backslash_is_a_slash_up_to_the_query),
      cmocka_unit_test(other_hosts_are_none),
      cmocka_unit_test(a_fragment_alone_changes_nothing_else),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
