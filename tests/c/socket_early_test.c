/* What a server sends for a namespace before it lets this client in. */
#include "member_env.h"

enum { MANY = 100000 };

static const SocketOptions usual = {.nsp = "/",
                                    .group = "these",
                                    .multiplex = true,
                                    .timeout = 10,
                                    .reconnect = true,
                                    .attempts = 1000,
                                    .delay = 0.01,
                                    .max_delay = 0.01};

/* The server is asked to let it in, and has not answered. */
static void ask(Member *m, Test *t, const char *nsp) {
  SocketOptions options = usual;
  options.url = t->front;
  options.nsp = (char *)nsp;
  make_with(m, t, &options);
  socket_connect(m->socket);
  expect(t, "WS");
  accept_ws(t);
  say(t, HELLO);
  expect(t, strcmp(nsp, "/") == 0 ? "ws 40" : "ws 40/x,");
}

static void say_bytes(Test *t, const char *bytes) {
  fake_ws_send(t->ws, WS_BINARY, bytes, strlen(bytes));
}

static void finish(Member *m) {
  socket_free(m->socket);
  expect(m->t, strcmp(m->nsp, "/") == 0 ? "ws 41" : "ws 41/x,");
  expect(m->t, "ws close 1000");
}

static void they_come_in_order_behind_connected(void **state) {
  Test *t = *state;
  Member m;
  ask(&m, t, "/");
  say(t, "42[\"one\",1]");
  say(t, "451-[\"two\",{\"_placeholder\":true,\"num\":0}]");
  say_bytes(t, "bytes");
  let_pass(t, 0.02);
  assert_int_equal(t->told.len, 0);
  say(t, "43999[\"of no call\"]");
  say(t, "40{\"sid\":\"abc\"}");
  say(t, "42[\"three\"]");
  told(t, "/ connected\n/ [\"one\",1]\n"
          "/ [\"two\",{\"_placeholder\":true,\"num\":0}] <bytes>\n/ [\"three\"]\n");
  finish(&m);
}

/* The ack goes out on the connection that the event came on. */
static void they_can_be_answered(void **state) {
  Test *t = *state;
  Member m;
  Error err;
  ask(&m, t, "/x");
  say(t, "42/x,7[\"really\"]");
  say(t, "40/x,{\"sid\":\"abc\"}");
  told(t, "/x connected\n/x [\"really\"]\n");
  assert_int_equal(m.ack, 7);
  socket_ack(m.socket, socket_epoch(m.socket), 7, &(SocketData){"[1]", 3, NULL, 0}, &err);
  expect(t, "ws 43/x,7[1]");
  finish(&m);
}

/* What is emitted in the meantime waits until it is let in. */
static void nothing_is_sent_before(void **state) {
  Test *t = *state;
  Member m;
  Error err;
  ask(&m, t, "/");
  socket_emit(m.socket, &(SocketData){"[\"mine\"]", 8, NULL, 0}, false, &err);
  say(t, "42[\"yours\"]");
  let_pass(t, 0.02);
  expect_nothing(t);
  say(t, "40{\"sid\":\"abc\"}");
  expect(t, "ws 42[\"mine\"]");
  told(t, "/ connected\n/ [\"yours\"]\n");
  finish(&m);
}

static void a_refusal_behind_them_is_told_and_not_retried(void **state) {
  Test *t = *state;
  Member m;
  ask(&m, t, "/");
  say(t, "42[\"hello\"]");
  say(t, "451-[\"two\",{\"_placeholder\":true,\"num\":0}]");
  say_bytes(t, "bytes");
  say(t, "44{\"message\":\"not you\"}");
  expect(t, "ws close 1000");
  told(t, "/ not you\n/ closed (rejected)\n");
  let_pass(t, 0.1);
  expect_nothing(t);
  socket_free(m.socket);
}

/* python-socketio with always_connect lets in first, and says why not by a DISCONNECT. */
static void a_refusal_with_a_disconnect_is_told(void **state) {
  Test *t = *state;
  static const char *const words[] = {"41{\"message\":\"not you\",\"data\":1}",
                                      "41\"not you\""};
  for (size_t i = 0; i < COUNT_OF(words); i++) {
    Member m;
    ask(&m, t, "/");
    say(t, "40{\"sid\":\"abc\"}");
    say(t, words[i]);
    expect(t, "ws close 1000");
    told(t, "/ connected\n/ closed (io server disconnect)\n");
    assert_non_null(strstr(m.err.message, "not you"));
    let_pass(t, 0.05);
    expect_nothing(t);
    socket_free(m.socket);
  }
}

/* A namespace that comes to a connection that stands. */
static void on_a_shared_connection(void **state) {
  Test *t = *state;
  Member main, x;
  SocketOptions options = usual;
  ask(&main, t, "/");
  say(t, "40{\"sid\":\"abc\"}");
  told(t, "/ connected\n");
  options.url = t->front;
  options.nsp = "/x";
  make_with(&x, t, &options);
  socket_connect(x.socket);
  expect(t, "ws 40/x,");
  say(t, "42/x,[\"early\"]");
  say(t, "42[\"other\"]");
  told(t, "/ [\"other\"]\n");
  say(t, "40/x,{\"sid\":\"def\"}");
  told(t, "/x connected\n/x [\"early\"]\n");
  socket_free(x.socket);
  expect(t, "ws 41/x,");
  finish(&main);
}

static void what_was_held_goes_with_the_connection(void **state) {
  Test *t = *state;
  Member m;
  ask(&m, t, "/");
  say(t, "42[\"of the first\"]");
  hang_up(&t->ws);
  expect(t, "WS");
  accept_ws(t);
  say(t, HELLO);
  expect(t, "ws 40");
  say(t, "42[\"of the second\"]");
  say(t, "40{\"sid\":\"abc\"}");
  t->told_len = 120;
  env_wait(&t->env, was_told, t);
  assert_null(strstr(buffer_text(&t->told), "first"));
  assert_non_null(strstr(buffer_text(&t->told), "/ connected\n/ [\"of the second\"]\n"));
  buffer_clear(&t->told);
  finish(&m);
}

static void there_is_a_limit(void **state) {
  Test *t = *state;
  Member m;
  Buffer flood = {0};
  ask(&m, t, "/");
  for (int i = 0; i <= MANY; i++) ws_frame(&flood, true, WS_TEXT, NULL, "42[1]", 5);
  fake_write(t->ws, flood.data, flood.len);
  buffer_free(&flood);
  expect(t, "ws close 1002");
  t->told_len = 100;
  env_wait(&t->env, was_told, t);
  assert_non_null(strstr(buffer_text(&t->told), "the server sent 100000 events"));
  assert_non_null(strstr(buffer_text(&t->told), "/ reconnecting (parse error)"));
  buffer_clear(&t->told);
  socket_free(m.socket);
}

#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      T(they_come_in_order_behind_connected),
      T(they_can_be_answered),
      T(nothing_is_sent_before),
      T(a_refusal_behind_them_is_told_and_not_retried),
      T(a_refusal_with_a_disconnect_is_told),
      T(on_a_shared_connection),
      T(what_was_held_goes_with_the_connection),
      T(there_is_a_limit),
  };
  return cmocka_run_group_tests_name("socket_early", tests, NULL, NULL);
}
