/* URLs: what goes on the wire for what was written (WHATWG URL standard; node's URL gives
 * the same). */
#include "net/net_url.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

/* The standard's examples, and what node's URL makes of others. */
static void segments_of_dots_are_gone(void **state) {
  (void)state;
  static const char *const paths[][2] = {
      {"/a/../b", "/b"},
      {"/a/./b", "/a/b"},
      {"/a/b/..", "/a/"},
      {"/a/b/.", "/a/b/"},
      {"/.", "/"},
      {"/..", "/"},
      {"/../..", "/"},
      {"/../a", "/a"},
      {"/a/../../b", "/b"},
      {"/a/%2e%2e/b", "/b"},
      {"/a/%2E%2e/b", "/b"},
      {"/a/.%2e/b", "/b"},
      {"/a/%2e./b", "/b"},
      {"/a/%2e/b", "/a/b"},
      {"/a/%2e", "/a/"},
      {"/a/%2e%2e", "/"},
      {"/a/..\\b\\..", "/"},
      {"/a\\.\\b", "/a/b"},
      {"/a//../b", "/a/b"},
      {"/a//../../b", "/b"},
      {"//../b", "/b"},
      {"//a//b", "//a//b"},
      {"/a/.../b", "/a/.../b"},
      {"/a/..b/.c/d..", "/a/..b/.c/d.."},
      {"/a/%2e%2eb", "/a/%2e%2eb"},
      {"/a/..%2fb", "/a/..%2fb"},
      {"/a/%252e%252e/b", "/a/%252e%252e/b"},
      {"/a/..;/b", "/a/..;/b"},
      {"/a?/../b", "/a?/../b"},
      {"/a/..?x=/./", "/?x=/./"},
      {"?a/../b", "/?a/../b"},
      {"", "/"},
  };
  char text[80], url[80];
  for (size_t i = 0; i < COUNT_OF(paths); i++) {
    snprintf(text, sizeof text, "ws://h:8080%s", paths[i][0]);
    snprintf(url, sizeof url, "http://h:8080%s", paths[i][1]);
    is(text, url);
    snprintf(text, sizeof text, "unix:/run/../x.sock:%s", paths[i][0]);
    snprintf(url, sizeof url, "http://localhost%s", paths[i][1]);
    if (*paths[i][0] == '/') is(text, url);
  }
}

/* A relative reference is joined first. */
static void redirects_follow_the_same_rule(void **state) {
  (void)state;
  static const char *const joined[][2] = {
      {"../x", "/x"},          {"%2e%2e/x", "/x"},           {"./x", "/a/x"}, {"..", "/"},
      {"/%2e%2e/%2E/x", "/x"}, {"x/../y?z=..", "/a/y?z=.."}, {"..\\x", "/x"},
  };
  NetUrl url, next;
  Error err;
  char wanted[80];
  assert_int_equal(net_url_parse(&url, "http://h/a/b?c=d", false, &err), 0);
  for (size_t i = 0; i < COUNT_OF(joined); i++) {
    char *text = net_url_resolve(&url, joined[i][0], strlen(joined[i][0]));
    assert_int_equal(net_url_parse(&next, text, false, &err), 0);
    snprintf(wanted, sizeof wanted, "http://h%s", joined[i][1]);
    assert_string_equal(next.url, wanted);
    net_url_free(&next);
    free(text);
  }
  net_url_free(&url);
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
      cmocka_unit_test(segments_of_dots_are_gone),
      cmocka_unit_test(redirects_follow_the_same_rule),
      cmocka_unit_test(other_hosts_are_none),
      cmocka_unit_test(a_fragment_alone_changes_nothing_else),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
