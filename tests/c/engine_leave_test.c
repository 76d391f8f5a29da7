/* What an Engine leaves behind when it is freed while its session stands: what was sent
 * before reaches the server, in order, if that goes on taking it; nothing is left then.
 */
#include "engine_env.h"

static bool net_is_empty(void *ctx) {
  return !net_has_rest(((Test *)ctx)->env.net);
}

static void expect_all_over(Test *t) {
  assert_true(env_wait(&t->env, net_is_empty, t));
}

static void send_last(Test *t, const char *packet) {
  assert_int_equal(engine_send_last(t->engine, false, packet, strlen(packet)), 0);
}

/* --- over polling ----------------------------------------------------------------- */

static void what_waits_behind_a_post_goes_out(void **state) {
  Test *t = *state;
  open_polling(t, HELLO);
  send_text(t, "4a");
  expect(t, "POST 4a");
  send_text(t, "4b");
  engine_send(t->engine, true, "two", 3);
  leave(t);
  answer_post(t);
  expect(t, "POST 4b|bdHdv");
  assert_non_null(t->get); /* giving it up would end the session */
  answer_post(t);
  expect(t, "POST 1");
  assert_non_null(t->get);
  answer_post(t);
  expect(t, "GET gone");
  expect_all_over(t);
}

static void what_was_sent_in_the_same_turn_goes_out(void **state) {
  Test *t = *state;
  open_polling(t, HELLO);
  send_text(t, "4a");
  leave(t);
  expect(t, "POST 4a");
  answer_post(t);
  expect(t, "POST 1");
  answer_post(t);
  expect_all_over(t);
}

/* Servers drop what they read in one body with what ends the namespace or the session. */
static void what_ends_goes_alone(void **state) {
  Test *t = *state;
  open_polling(t, HELLO);
  send_text(t, "4a");
  send_text(t, "4b");
  send_last(t, "41");
  leave(t);
  expect(t, "POST 4a|4b");
  answer_post(t);
  expect(t, "POST 41");
  answer_post(t);
  expect(t, "POST 1");
  answer_post(t);
  expect_all_over(t);
}

static void the_limits_of_a_body_are_kept(void **state) {
  Test *t = *state;
  open_polling(t, HELLO_WITH("", "25000", "20000", "10"));
  for (int i = 0; i < 4; i++) send_text(t, "4abcd");
  leave(t);
  for (int i = 0; i < 4; i++) {
    expect(t, "POST 4abcd");
    answer_post(t);
  }
  expect(t, "POST 1");
}

/* The server may let go of the GET; another one is not asked for. */
static void the_get_is_not_repeated(void **state) {
  Test *t = *state;
  open_polling(t, HELLO);
  send_text(t, "4a");
  expect(t, "POST 4a");
  leave(t);
  answer_get(t, "4one|2");
  let_pass(t, 0.01);
  answer_post(t);
  expect(t, "POST 1");
  answer_post(t);
  expect_all_over(t);
}

static void a_server_that_answers_no_more(void **state) {
  Test *t = *state;
  t->options.ws.close_timeout = 0.05;
  open_polling(t, HELLO);
  send_text(t, "4a");
  expect(t, "POST 4a");
  send_text(t, "4b");
  leave(t);
  answer_post(t);
  expect(t, "POST 4b");
  expect_all_over(t);
  expect(t, "POST gone");
  expect(t, "GET gone");
}

static void a_server_that_refuses(void **state) {
  Test *t = *state;
  open_polling(t, HELLO);
  send_text(t, "4a");
  expect(t, "POST 4a");
  send_text(t, "4b");
  leave(t);
  answer(&t->post, 400, "{\"code\":1}");
  expect(t, "GET gone");
  expect_all_over(t);
  open_polling(t, HELLO);
  send_text(t, "4a");
  expect(t, "POST 4a");
  leave(t);
  hang_up(&t->post);
  expect_all_over(t);
}

/* Neither the engine's options nor what they point to is needed any more. */
static void it_borrows_nothing(void **state) {
  Test *t = *state;
  char proxy[16] = ""; /* none */
  char *path = xstrdup("/other"), *header = xstrdup("X-Mine: yes");
  const char *headers[] = {header, NULL};
  t->options.path = path;
  t->options.ws.route.proxy = proxy;
  t->options.ws.headers = headers;
  open_polling(t, HELLO);
  send_text(t, "4a");
  expect(t, "POST 4a");
  leave(t);
  strcpy(proxy, "no proxy");
  memset(path, '!', strlen(path));
  free(path);
  memset(header, '!', strlen(header));
  free(header);
  t->options = (EngineOptions){0};
  cookies_free(t->cookies);
  t->cookies = cookies_new();
  answer_post(t);
  expect(t, "POST 1");
  answer_post(t);
  expect_all_over(t);
}

/* --- during the upgrade ----------------------------------------------------------- */

static void probe(Test *t) {
  open_polling(t, HELLO_UPGRADES);
  expect(t, "WS abc");
  accept_ws(t);
  expect(t, "ws 2probe");
  send_text(t, "4a");
  expect(t, "POST 4a");
  send_text(t, "4b");
}

static void leaves_by_polling(Test *t) {
  leave(t);
  expect(t, "ws close 1000");
  answer_post(t);
  expect(t, "POST 4b");
  answer_post(t);
  expect(t, "POST 1");
  answer_post(t);
  expect_all_over(t);
}

static void while_probing(void **state) {
  Test *t = *state;
  probe(t);
  leaves_by_polling(t);
  expect(t, "GET gone");
}

static void with_the_probe_answered(void **state) {
  Test *t = *state;
  probe(t);
  say(t, "3probe");
  let_pass(t, 0.01);
  answer_get(t, "6"); /* and no other is asked for */
  let_pass(t, 0.01);
  leaves_by_polling(t);
}

static void behind_the_upgrade(void **state) {
  Test *t = *state;
  open_polling(t, HELLO_UPGRADES);
  expect(t, "WS abc");
  accept_ws(t);
  expect(t, "ws 2probe");
  say(t, "3probe");
  answer_get(t, "6");
  expect(t, "ws 5");
  send_text(t, "4a");
  send_last(t, "41");
  leave(t);
  expect(t, "ws 4a");
  expect(t, "ws 41");
  expect(t, "ws close 1000");
  expect_all_over(t);
}

/* --- over WebSocket --------------------------------------------------------------- */

/* What ends the namespace goes out when the ping behind the rest has been answered. */
static void the_last_message_waits_for_a_pong(void **state) {
  Test *t = *state;
  t->mute = true;
  open_ws(t);
  send_text(t, "4a");
  send_last(t, "41");
  leave(t);
  expect(t, "ws 4a");
  expect(t, "ws ping goodbye");
  say(t, "4one"); /* nobody is told */
  let_pass(t, 0.01);
  expect_nothing(t);
  fake_ws_send(t->ws, WS_PONG, "goodbye", 7);
  expect(t, "ws 41");
  expect(t, "ws close 1000");
  expect_all_over(t);
}

/* It is the answer to that ping, and to no other. */
static void another_pong_is_no_answer(void **state) {
  Test *t = *state;
  t->mute = true;
  open_ws(t);
  engine_fence(t->engine, 1);
  send_text(t, "4a");
  send_last(t, "41");
  leave(t);
  expect(t, "ws ping \1");
  expect(t, "ws 4a");
  fake_ws_send(t->ws, WS_PONG, "\1\0\0", 4);
  fake_ws_send(t->ws, WS_PONG, "", 0); /* that nobody asked for */
  expect(t, "ws ping goodbye");
  let_pass(t, 0.01);
  expect_nothing(t);
  fake_ws_send(t->ws, WS_PONG, "goodbye", 7);
  expect(t, "ws 41");
  expect(t, "ws close 1000");
  expect_all_over(t);
}

static void a_server_that_answers_no_ping(void **state) {
  Test *t = *state;
  t->mute = true;
  t->options.ws.close_timeout = 0.05;
  open_ws(t);
  send_last(t, "41");
  leave(t);
  expect(t, "ws ping goodbye");
  expect(t, "ws 41");
  expect(t, "ws close 1000");
  expect_all_over(t);
}

static void a_server_that_closes_first(void **state) {
  Test *t = *state;
  t->mute = true;
  open_ws(t);
  send_last(t, "41");
  leave(t);
  expect(t, "ws ping goodbye");
  fake_ws_close(t->ws, 1001, "");
  expect(t, "ws close 1001");
  expect_all_over(t);
}

/* It was paused when it was left: the pong is read all the same. */
static void left_while_paused(void **state) {
  Test *t = *state;
  t->options.ws.close_timeout = 60;
  open_ws(t);
  engine_pause(t->engine, true);
  say(t, "4one");
  send_last(t, "41");
  leave(t);
  expect(t, "ws 41");
  expect(t, "ws close 1000");
  expect_all_over(t);
}

/* --- the program ends ------------------------------------------------------------- */

static void the_net_waits_for_a_goodbye(void **state) {
  Test *t = *state;
  open_ws(t);
  send_text(t, "4a");
  send_last(t, "41");
  leave(t);
  net_settle(t->env.net, 10);
  assert_false(net_has_rest(t->env.net));
  expect(t, "ws 4a");
  expect(t, "ws 41");
  expect(t, "ws close 1000");
  net_settle(t->env.net, 10); /* nothing to wait for */
}

static void but_not_for_long(void **state) {
  Test *t = *state;
  open_polling(t, HELLO);
  leave(t);
  net_settle(t->env.net, 0.05);
  assert_true(net_has_rest(t->env.net));
  expect(t, "POST 1");
}

/* --- the net ends ----------------------------------------------------------------- */

static void the_net_ends_it(void **state) {
  Test *t = *state;
  open_polling(t, HELLO);
  send_text(t, "4a");
  expect(t, "POST 4a");
  leave(t);
}

static void the_net_ends_it_over_websocket(void **state) {
  Test *t = *state;
  t->mute = true;
  open_ws(t);
  send_last(t, "41");
  leave(t);
  expect(t, "ws ping goodbye");
}

#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      T(what_waits_behind_a_post_goes_out),
      T(what_was_sent_in_the_same_turn_goes_out),
      T(what_ends_goes_alone),
      T(the_limits_of_a_body_are_kept),
      T(the_get_is_not_repeated),
      T(a_server_that_answers_no_more),
      T(a_server_that_refuses),
      T(it_borrows_nothing),
      T(while_probing),
      T(with_the_probe_answered),
      T(behind_the_upgrade),
      T(the_last_message_waits_for_a_pong),
      T(another_pong_is_no_answer),
      T(a_server_that_answers_no_ping),
      T(a_server_that_closes_first),
      T(left_while_paused),
      T(the_net_waits_for_a_goodbye),
      T(but_not_for_long),
      T(the_net_ends_it),
      T(the_net_ends_it_over_websocket),
  };
  return cmocka_run_group_tests_name("engine_leave", tests, NULL, NULL);
}
