/* The options of a Socket: copied, compared, and made into the address to open. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "socket/socket_options.h"

/* --- the address ------------------------------------------------------------------ */

static void leads(SocketOptions o, const char *url, const char *address,
                  const char *query, const char *nsp) {
  char *a, *q, *n;
  Error err;
  o.url = (char *)url;
  if (socket_address(&o, &a, &q, &n, &err) != 0) fail_msg("%s: %s", url, err.message);
  assert_string_equal(a, address);
  assert_string_equal(q ? q : "none", query);
  assert_string_equal(n, nsp);
  free(a), free(q), free(n);
}

static void a_url_is_a_place_and_a_namespace(void **state) {
  (void)state;
  SocketOptions io = {.protocol = SOCKET_IO};
  leads(io, "http://h", "http://h:80", "none", "/");
  leads(io, "HTTP://H:80/", "http://h:80", "none", "/");
  leads(io, "https://h/chat?a=1", "https://h:443", "a=1", "/chat");
  leads(io, "ws://me:x@h:81/n\xc3\xbc", "http://me:x@h:81", "none", "/n\xc3\xbc");
  leads(io, "unix:/run/a.sock", "unix:/run/a.sock:", "none", "/");
  leads(io, "unix:/run/a.sock:/chat", "unix:/run/a.sock:", "none", "/chat");
  io.query = "?b=2";
  leads(io, "http://h/?a=1", "http://h:80", "a=1&b=2", "/");
  io.nsp = "admin";
  leads(io, "http://h/chat", "http://h:80", "b=2", "/admin");
}

static void a_plain_websocket_has_its_whole_target(void **state) {
  (void)state;
  SocketOptions ws = {.protocol = SOCKET_WEBSOCKET};
  leads(ws, "ws://h:81/a/b?c=d", "ws://h:81/a/b?c=d", "c=d", "/a/b");
  ws.path = "x";
  leads(ws, "ws://h:81/a/b", "ws://h:81/x", "none", "/a/b");
}

static void what_cannot_be_opened_is_refused(void **state) {
  (void)state;
  static const char *const urls[] = {
      "", "h", "ftp://h/", "http://", "http://h/a,b", "http://a b/"};
  for (size_t i = 0; i < COUNT_OF(urls); i++) {
    SocketOptions o = {.protocol = SOCKET_IO, .url = (char *)urls[i]};
    Error err;
    if (socket_options_check(&o, &err) == 0) fail_msg("%s", urls[i]);
    assert_true(err.code == ERR_URL || err.code == ERR_INVALID);
  }
}

/* --- comparing -------------------------------------------------------------------- */

static void moves(SocketOptions a, SocketOptions b, const char *names) {
  Buffer out = {0};
  assert_int_equal(socket_options_moved(&a, &b, &out), *names != 0);
  assert_string_equal(buffer_text(&out), names);
  assert_int_equal(socket_options_equal(&a, &b),
                   !*names && !socket_options_tuned(&a, &b));
  buffer_free(&out);
}

static void what_leads_elsewhere_is_named(void **state) {
  (void)state;
  char *one[] = {"A: 1", NULL}, *same[] = {"A: 1", NULL}, *two[] = {"A: 1", "B: 2", NULL};
  SocketOptions a = {.url = "http://h", .headers = one}, b = a;
  moves(a, b, "");
  b.headers = same;
  moves(a, b, "");
  b.headers = two;
  moves(a, b, "headers");
  b.headers = NULL;
  moves(a, b, "headers");
  b = a, b.path = "/socket.io"; /* the standard path, in another way */
  moves(a, b, "");
  b.path = "/other/", b.url = "http://i", b.msgpack = true;
  moves(a, b, "url, path, parser");
  b = a, b.nsp = "/n", b.query = "x=1";
  moves(a, b, "namespace, query");
  assert_false(socket_options_moved_way(&a, &b)); /* the way is the same */
  b = a, b.route.insecure = true, b.upgrade = true;
  moves(a, b, "transports, route");
  assert_true(socket_options_moved_way(&a, &b));
}

static void numbers_are_tuned_in_place(void **state) {
  (void)state;
  SocketOptions a = {.url = "http://h", .timeout = 3}, b = a;
  assert_false(socket_options_tuned(&a, &b));
  b.timeout = 4, b.retries = 2, b.buffer_age = 5, b.jitter = 0.3;
  assert_true(socket_options_tuned(&a, &b));
  moves(a, b, "");
  socket_tune_options(&a, &b);
  assert_true(a.timeout == 4 && a.retries == 2 && a.buffer_age == 5 && a.jitter == 0.3);
  assert_true(a.delay == 1 && a.max_delay == 5 && a.buffer_count == 1000); /* defaults */
}

static void copies_are_whole(void **state) {
  (void)state;
  char *headers[] = {"A: 1", "B: 2", NULL};
  SocketOptions a = {.url = "http://h",
                     .path = "/p",
                     .nsp = "/n",
                     .query = "q=1",
                     .headers = headers,
                     .subprotocols = "x, y",
                     .timeout = 7,
                     .route = {.proxy = "http://p:1", .ca_file = "c", .pin = "s"}};
  SocketOptions b;
  socket_options_copy(&b, &a);
  assert_true(socket_options_equal(&a, &b));
  assert_ptr_not_equal(b.url, a.url);
  assert_ptr_not_equal(b.headers[1], headers[1]);
  assert_string_equal(b.route.proxy, "http://p:1");
  socket_options_free(&b);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_url_is_a_place_and_a_namespace),
      cmocka_unit_test(a_plain_websocket_has_its_whole_target),
      cmocka_unit_test(what_cannot_be_opened_is_refused),
      cmocka_unit_test(what_leads_elsewhere_is_named),
      cmocka_unit_test(numbers_are_tuned_in_place),
      cmocka_unit_test(copies_are_whole)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
