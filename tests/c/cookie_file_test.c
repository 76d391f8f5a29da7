/* A jar as text: what is written is read again as it was, and rubbish is left out. */
#include "net/cookie_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const double now = 1700000000;

static Cookies *jar_of(const char *url, const char *lines) {
  Cookies *jar = cookies_new();
  NetUrl from;
  Error err;
  assert_int_equal(net_url_parse(&from, url, true, &err), 0);
  cookies_take(jar, &from, lines, strlen(lines), now);
  net_url_free(&from);
  return jar;
}

static void holds(Cookies *jar, const char *text) {
  Buffer out = {0};
  cookie_file_write(jar, &out, now);
  assert_string_equal(buffer_text(&out), text);
  buffer_free(&out);
}

static void what_has_an_end_is_written_and_read(void **state) {
  static const char text[] = "#HttpOnly_b.example\tTRUE\t/x\tFALSE\t1700000060\ta\t1=2\n"
                             "a.b.example\tFALSE\t/\tTRUE\t1700000070\t__Host-b\t\n";
  (void)state;
  Cookies *jar = jar_of("https://a.b.example/x/y",
                        "Set-Cookie: a=1=2; Max-Age=60; Domain=b.example; HttpOnly\n"
                        "Set-Cookie: s=1\n"
                        "Set-Cookie: __Host-b=; Max-Age=70; Secure; Path=/\n");
  Cookies *next = cookies_new();
  holds(jar, text);
  assert_int_equal(cookie_file_read(next, text, strlen(text), now), 0);
  holds(next, text);
  assert_int_equal(cookie_file_read(next, text, strlen(text), now), 0);
  assert_int_equal(cookies_count(next), 2); /* the same ones stay */
  cookies_free(next);
  next = cookies_new();
  assert_int_equal(cookie_file_read(next, text, strlen(text), now + 65), 0);
  assert_int_equal(cookies_count(next), 1);
  cookies_free(jar);
  cookies_free(next);
}

static void rubbish_is_left_out(void **state) {
  static const char *const lines[] = {"\n",
                                      "a\n",
                                      "a\tTRUE\t/\tFALSE\t1700000060\tn\n",
                                      "a\tTRUE\t/\tFALSE\t1700000060\tn\tv", /* cut off */
                                      "a\tTRUE\t/\tFALSE\t1700000060\tn\tv\tw\n",
                                      "a\tyes\t/\tFALSE\t1700000060\tn\tv\n",
                                      "a\tTRUE\t/\t\t1700000060\tn\tv\n",
                                      "a\tTRUE\t/\tFALSE\tnan\tn\tv\n",
                                      "a\tTRUE\t/\tFALSE\t1e99\tn\tv\n",
                                      "a\tTRUE\t/\tFALSE\t-5\tn\tv\n",
                                      "a\tTRUE\t/\tFALSE\t1700000060x\tn\tv\n",
                                      "a\tTRUE\tx\tFALSE\t1700000060\tn\tv\n",
                                      "\tTRUE\t/\tFALSE\t1700000060\tn\tv\n",
                                      "a\tTRUE\t/\tFALSE\t1700000060\t\tv\n",
                                      "a\tTRUE\t/\tFALSE\t1700000060\tn\tv\rw\n",
                                      "a\tTRUE\t/\tFALSE\t1700000060\tn=m\tv\x01\n"};
  (void)state;
  for (size_t i = 0; i < COUNT_OF(lines); i++) {
    Cookies *jar = cookies_new();
    if (cookie_file_read(jar, lines[i], strlen(lines[i]), now) != 1 ||
        cookies_count(jar) != 0)
      fail_msg("taken: %s", lines[i]);
    cookies_free(jar);
  }
}

static void a_zero_byte_and_a_long_value_are_left_out(void **state) {
  static const char zero[] = "a\tTRUE\t/\tFALSE\t1700000060\tn\tv\0w\n";
  (void)state;
  Cookies *jar = cookies_new();
  assert_int_equal(cookie_file_read(jar, zero, sizeof zero - 1, now), 1);
  Buffer line = {0};
  buffer_puts(&line, "a\tTRUE\t/\tFALSE\t1700000060\tn\t");
  for (int i = 0; i < COOKIE_MAX_LEN; i++) buffer_putc(&line, 'x');
  buffer_putc(&line, '\n');
  assert_int_equal(cookie_file_read(jar, line.data, line.len, now), 1);
  assert_int_equal(cookies_count(jar), 0);
  buffer_free(&line);
  cookies_free(jar);
}

static void change(void *ctx) {
  ++*(int *)ctx;
}

static void changes_are_told_of_what_has_an_end(void **state) {
  (void)state;
  int told = 0;
  Cookies *jar = cookies_new();
  NetUrl from;
  Error err;
  cookies_on_change(jar, change, &told);
  assert_int_equal(net_url_parse(&from, "http://a.example/", true, &err), 0);
  static const char *const lines[] = {"Set-Cookie: s=1\n", "Set-Cookie: a=1; Max-Age=9\n",
                                      "Set-Cookie: a=; Max-Age=0\n", "X: y\n"};
  static const int expected[] = {0, 1, 2, 2};
  for (size_t i = 0; i < COUNT_OF(lines); i++) {
    cookies_take(jar, &from, lines[i], strlen(lines[i]), now);
    assert_int_equal(told, expected[i]);
  }
  net_url_free(&from);
  cookies_free(jar);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_has_an_end_is_written_and_read),
      cmocka_unit_test(rubbish_is_left_out),
      cmocka_unit_test(a_zero_byte_and_a_long_value_are_left_out),
      cmocka_unit_test(changes_are_told_of_what_has_an_end)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
