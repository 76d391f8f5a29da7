/* One Set-Cookie line, taken apart. What becomes of it in a jar is in cookies_test.c. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "net/cookie_line.h"

static const double now = 1700000000;

/* "name=value domain path until flags", or "" for what is no cookie. */
static void reads(const char *text, const char *expected) {
  CookieLine c;
  char got[400] = "";
  if (cookie_line_read(text, strlen(text), now, &c)) {
    char until[32] = "session";
    if (!isinf(c.until))
      snprintf(until, sizeof until, "%+.0f", c.until ? c.until - now : -1);
    snprintf(got, sizeof got, "%.*s=%.*s [%.*s] [%.*s] %s%s%s%s", (int)c.name.len,
             c.name.at, (int)c.value.len, c.value.at, (int)c.domain.len,
             c.domain.len ? c.domain.at : "", (int)c.path.len,
             c.path.len ? c.path.at : "", until, c.secure ? " secure" : "",
             c.http_only ? " http" : "", c.has_domain ? " domain" : "");
  }
  if (strcmp(got, expected) != 0) fail_msg("%s: \"%s\", not \"%s\"", text, got, expected);
}

static void pairs(void **state) {
  (void)state;
  reads("a=1", "a=1 [] [] session");
  reads(" a \t= 1 2 ", "a=1 2 [] [] session");
  reads("a=", "a= [] [] session");
  reads("a=b=c;d", "a=b=c [] [] session");
  reads("a=\"q; r\"", "a=\"q [] [] session"); /* quotes are no quotes (5.2) */
  reads("a", "");
  reads("=a", "");
  reads(" =a", "");
  reads("", "");
  reads(";a=1", "");
  reads("a=\x7f", "");
  reads("a\x01=1", "");
}

static void attributes(void **state) {
  (void)state;
  reads("a=1; Domain=.Example.COM; Path=/x; Secure; HttpOnly",
        "a=1 [Example.COM] [/x] session secure http domain");
  reads("a=1;secure=;httponly=yes;DOMAIN=b", "a=1 [b] [] session secure http domain");
  reads("a=1; Domain", "a=1 [] [] session domain");
  reads("a=1; Domain=b; Domain=", "a=1 [b] [] session domain");
  reads("a=1; Path=/x; Path=y", "a=1 [] [] session");
  reads("a=1; SameSite=Lax; Priority=High;;=;", "a=1 [] [] session");
  reads("a=1; Securely; Paths=/x", "a=1 [] [] session");
}

static void times(void **state) {
  (void)state;
  reads("a=1; Max-Age=60", "a=1 [] [] +60");
  reads("a=1; Max-Age=0", "a=1 [] [] -1");
  reads("a=1; Max-Age=99999999999999", "a=1 [] [] +34560000");
  reads("a=1; Expires=Tue, 01 Jan 2090 00:00:00 GMT", "a=1 [] [] +34560000");
  reads("a=1; Path=/x\ty; Max-Age=5", "");
  reads("a=1; Max-Age=-5; Expires=Tue, 01 Jan 2090 00:00:00 GMT", "a=1 [] [] -1");
  reads("a=1; Max-Age=60; Max-Age=x", "a=1 [] [] +60");
  reads("a=1; Expires=Tue, 14 Nov 2023 22:13:40 GMT", "a=1 [] [] +20");
  reads("a=1; Expires=soon", "a=1 [] [] session");
}

static void lengths(void **state) {
  (void)state;
  char text[COOKIE_MAX_LEN + 100];
  CookieLine c;
  snprintf(text, sizeof text, "a=%0*d", COOKIE_MAX_LEN - 2, 1);
  assert_true(cookie_line_read(text, strlen(text), now, &c));
  snprintf(text, sizeof text, "a=%0*d", COOKIE_MAX_LEN - 1, 1);
  assert_false(cookie_line_read(text, strlen(text), now, &c));
  snprintf(text, sizeof text, "a=1; Path=/%0*d", COOKIE_MAX_ATTRIBUTE_LEN - 1, 1);
  assert_true(cookie_line_read(text, strlen(text), now, &c));
  assert_int_equal(c.path.len, COOKIE_MAX_ATTRIBUTE_LEN);
  snprintf(text, sizeof text, "a=1; Path=/%0*d", COOKIE_MAX_ATTRIBUTE_LEN, 1);
  assert_true(cookie_line_read(text, strlen(text), now, &c));
  assert_int_equal(c.path.len, 0);
  assert_false(cookie_line_read("a=\0b", 4, now, &c)); /* a zero byte cuts nothing off */
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(pairs),
                                     cmocka_unit_test(attributes),
                                     cmocka_unit_test(times), cmocka_unit_test(lengths)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
