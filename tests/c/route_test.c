/* Which proxy leads where, and which files may be named. */
#include "net/route.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static void no_proxy_names_hosts(void **state) {
  (void)state;
  static const struct {
    const char *list, *host, *port;
    bool named;
  } cases[] = {
      {"", "a.example", "80", false},
      {"*", "a.example", "80", true},
      {"example", "example", "80", true},
      {"example", "a.example", "80", true},
      {"example", "aexample", "80", false},
      {"a.example", "example", "80", false},
      {".example", "example", "80", true},
      {".example.", "b.a.example", "80", true},
      {"EXAMPLE", "a.Example.", "80", true},
      {"x, y ,example", "a.example", "80", true},
      {"x y\texample", "a.example", "80", true},
      {"localhost,127.0.0.1", "127.0.0.1", "80", true},
      {"127.0.0.1", "127.0.0.10", "80", false},
      {"127.0.0.0/8", "127.9.9.9", "80", true},
      {"10.0.0.0/12", "10.15.1.1", "80", true},
      {"10.0.0.0/12", "10.16.1.1", "80", false},
      {"10.0.0.0/33", "10.0.0.0", "80", false},
      {"0.0.0.0/0", "8.8.8.8", "80", true},
      {"0.0.0.0/0", "a.example", "80", false},
      {"::1", "[::1]", "80", true},
      {"[::1]", "[::1]", "80", true},
      {"[::1]:81", "[::1]", "81", true},
      {"[::1]:81", "[::1]", "80", false},
      {"fd00::/8", "[fd12::1]", "80", true},
      {"fd00::/8", "[fe12::1]", "80", false},
      {"0:0::1", "[::1]", "80", true},
      {"example:8080", "a.example", "8080", true},
      {"example:8080", "a.example", "80", false},
      {"127.0.0.1:80", "127.0.0.1", "80", true},
      {"[", "[::1]", "80", false},
      {",,,", "example", "80", false},
      {".", "example", "80", false},
  };
  for (size_t i = 0; i < COUNT_OF(cases); i++)
    if (route_no_proxy(cases[i].list, cases[i].host, cases[i].port) != cases[i].named)
      fail_msg("%s: %s", cases[i].list, cases[i].host);
}

static void clear(void) {
  static const char *const names[] = {"http_proxy",  "HTTP_PROXY", "https_proxy",
                                      "HTTPS_PROXY", "all_proxy",  "ALL_PROXY",
                                      "no_proxy",    "NO_PROXY"};
  for (size_t i = 0; i < COUNT_OF(names); i++) unsetenv(names[i]);
}

static void leads(const char *url, const char *given, const char *proxy, bool forward) {
  NetUrl parsed;
  Error err;
  RouteProxy found;
  assert_int_equal(net_url_parse(&parsed, url, true, &err), 0);
  route_proxy(&(Route){.proxy = given}, &parsed, &found);
  if (!proxy && found.url) fail_msg("%s by %s", url, found.url);
  if (proxy) assert_string_equal(found.url, proxy);
  assert_int_equal(found.forward, forward);
  route_proxy_free(&found);
  net_url_free(&parsed);
}

static void what_is_named_leads_everywhere(void **state) {
  (void)state;
  clear();
  setenv("no_proxy", "*", 1);
  leads("http://h/", "http://p:1", "http://p:1", true);
  leads("http://h/", "HTTPS://p:1", "HTTPS://p:1", true);
  leads("https://h/", "http://p:1", "http://p:1", false);
  leads("wss://h/", "http://p:1", "http://p:1", false);
  leads("http://h/", "socks5h://p:1", "socks5h://p:1", false);
  leads("http://h/", "", NULL, false);
  leads("unix:/run/x.sock", "http://p:1", NULL, false);
  clear();
}

static void else_the_environment_tells(void **state) {
  (void)state;
  clear();
  leads("http://h/", NULL, NULL, false);
  setenv("HTTP_PROXY", "http://evil:1", 1);
  leads("http://h/", NULL, NULL, false);
  setenv("ALL_PROXY", "socks5://all:1", 1);
  leads("http://h/", NULL, "socks5://all:1", false);
  setenv("http_proxy", "plain:3128", 1);
  leads("http://h/", NULL, "http://plain:3128", true);
  leads("ws://h/", NULL, "http://plain:3128", true);
  leads("https://h/", NULL, "socks5://all:1", false);
  setenv("HTTPS_PROXY", "http://secure:1", 1);
  leads("https://h/", NULL, "http://secure:1", false);
  setenv("https_proxy", "http://small:1", 1);
  leads("https://h/", NULL, "http://small:1", false);
  setenv("NO_PROXY", "h:443", 1);
  leads("https://h/", NULL, NULL, false);
  leads("http://h/", NULL, "http://plain:3128", true);
  setenv("no_proxy", "h", 1);
  leads("http://a.h:8080/", NULL, NULL, false);
  leads("http://[::1]/", NULL, "http://plain:3128", true);
  leads("unix:/run/x.sock", NULL, NULL, false);
  leads("http://h/", "", NULL, false);
  clear();
}

static void checks(const char *path, ErrorCode code) {
  Error err = {0};
  const Route all[] = {
      {.ca_file = path}, {.cert = path}, {.cert = __FILE__, .key = path}};
  for (size_t i = 0; i < COUNT_OF(all); i++)
    assert_int_equal(route_check(&all[i], &err), code);
}

static void files_are_files(void **state) {
  (void)state;
  char folder[] = "/tmp/route_test.XXXXXX", path[64];
  assert_non_null(mkdtemp(folder));
  checks(__FILE__, 0);
  checks("/nowhere/at/all", ERR_NOT_FOUND);
  checks(folder, ERR_INVALID);
  checks("/dev/zero", ERR_INVALID);
  snprintf(path, sizeof path, "%s/pipe", folder);
  assert_int_equal(mkfifo(path, 0600), 0);
  checks(path, ERR_INVALID);
  unlink(path);
  int fd = open(path, O_CREAT | O_WRONLY, 0600);
  assert_int_equal(ftruncate(fd, 16 << 20), 0);
  checks(path, 0);
  assert_int_equal(ftruncate(fd, (16 << 20) + 1), 0);
  checks(path, ERR_INVALID);
  close(fd);
  unlink(path);
  rmdir(folder);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(no_proxy_names_hosts),
      cmocka_unit_test(what_is_named_leads_everywhere),
      cmocka_unit_test(else_the_environment_tells),
      cmocka_unit_test(files_are_files),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
