/* The Engine.IO client in conversation with a scripted server (engine_env.h). */
#include "engine_env.h"

/* --- over WebSocket --------------------------------------------------------------- */

static void a_session_over_websocket(void **state) {
  Test *t = *state;
  open_ws(t);
  assert_string_equal(engine_transport(t->engine), "websocket");
  assert_int_equal(engine_max_payload(t->engine), 1000);
  assert_int_equal(send_text(t, "4hello"), 0);
  expect(t, "ws 4hello");
  assert_int_equal(engine_send(t->engine, true, "bytes", 5), 0);
  expect(t, "ws binary bytes");
  say(t, "4one");
  fake_ws_send(t->ws, WS_BINARY, "two", 3);
  say(t, "6");
  say(t, "4");
  told(t, "message one\nbinary two\nmessage \n");
  say(t, "2");
  expect(t, "ws 3");
  say(t, "2echo");
  expect(t, "ws 3echo");
  leave(t);
  expect(t, "ws close 1000");
}

static void another_transport_is_tried(void **state) {
  Test *t = *state;
  t->options.others = EIO_POLLING;
  open_client(t, EIO_WEBSOCKET);
  expect(t, "WS");
  answer(&t->ws, 400, "no WebSocket here");
  expect(t, "GET");
  answer_get(t, HELLO);
  told(t, "open\n");
  expect(t, "GET abc");
  assert_string_equal(engine_transport(t->engine), "polling");
  say_goodbye(t);
}

/* --- over polling ----------------------------------------------------------------- */

static void a_session_over_polling(void **state) {
  Test *t = *state;
  open_polling(t, HELLO);
  assert_string_equal(t->target, "GET /socket.io/?EIO=4&transport=polling&sid=abc");
  assert_string_equal(engine_transport(t->engine), "polling");
  send_text(t, "4hello");
  expect(t, "POST 4hello");
  answer_post(t);
  engine_send(t->engine, true, "\1\2\3", 3);
  expect(t, "POST bAQID");
  answer_post(t);
  answer_get(t, "4one");
  told(t, "message one\n");
  expect(t, "GET abc");
}

static void several_packets_in_one_body(void **state) {
  Test *t = *state;
  open_client(t, EIO_POLLING);
  expect(t, "GET");
  answer_get(t, HELLO "|4zero|bAA==");
  told(t, "open\nmessage zero\nbinary \n");
  expect(t, "GET abc");
  answer_get(t, "4one|6|bdHdv|2|4|4three");
  told(t, "message one\nbinary two\nmessage \nmessage three\n");
  expect(t, "POST 3");
  expect(t, "GET abc");
}

/* More would be memory that a server fills as it likes. */
static void many_pings_have_one_answer(void **state) {
  Test *t = *state;
  open_client(t, EIO_POLLING);
  expect(t, "GET");
  answer_get(t, HELLO "|2|2|4zero|2|2");
  told(t, "open\nmessage zero\n");
  expect(t, "POST 3");
  expect(t, "GET abc");
  answer_get(t, "2|2probe|2");
  answer_post(t);
  expect(t, "GET abc");
  expect(t, "POST 3");
}

static void what_is_sent_meanwhile_goes_together(void **state) {
  Test *t = *state;
  open_polling(t, HELLO);
  send_text(t, "4a");
  send_text(t, "4b");
  expect(t, "POST 4a|4b");
  send_text(t, "4c");
  let_pass(t, 0.01); /* another turn */
  engine_send(t->engine, true, "d", 1);
  send_text(t, "4e");
  answer_post(t);
  expect(t, "POST 4c|bZA==|4e");
  assert_true(engine_buffered(t->engine) > 0);
  answer_post(t);
  answer_get(t, "6");
  expect(t, "GET abc");
  assert_int_equal(engine_buffered(t->engine), 0);
}

typedef struct Ticking {
  Timer timer;
  Test *test;
  int between; /* turns that it had behind the first message and before the last */
} Ticking;

static void tick(Timer *timer) {
  Ticking *ticking = CONTAINER_OF(timer, Ticking, timer);
  const char *told = buffer_text(&ticking->test->told);
  ticking->between += strstr(told, "message first") && !strstr(told, "message last");
  timer_start(ticking->test->env.loop, timer, 0);
}

static void an_answer_of_many_packets_leaves_others_their_turns(void **state) {
  Test *t = *state;
  Ticking ticking = {.timer.fire = tick, .test = t};
  Buffer body = {0};
  open_polling(t, HELLO);
  buffer_puts(&body, "4first|");
  for (int i = 0; i < 30000; i++) buffer_puts(&body, "6|");
  buffer_puts(&body, "4last");
  timer_start(t->env.loop, &ticking.timer, 0);
  answer_get(t, buffer_text(&body));
  expect(t, "GET abc");
  timer_stop(t->env.loop, &ticking.timer);
  buffer_free(&body);
  told(t, "message first\nmessage last\n");
  assert_true(ticking.between >= 5);
}

/* Each body within what the server takes; what is too large alone goes alone. */
static void bodies_keep_to_max_payload(void **state) {
  Test *t = *state;
  open_polling(t, HELLO_WITH("", "25000", "20000", "10"));
  send_text(t, "4abc");
  send_text(t, "4abcd");
  send_text(t, "4abcdefghijkl");
  send_text(t, "4a");
  expect(t, "POST 4abc|4abcd");
  answer_post(t);
  expect(t, "POST 4abcdefghijkl");
  answer_post(t);
  expect(t, "POST 4a");
}

static void bodies_have_sixteen_packets_at_most(void **state) {
  Test *t = *state;
  open_polling(t, HELLO);
  for (int i = 0; i < 18; i++) send_text(t, "4");
  expect(t, "POST 4|4|4|4|4|4|4|4|4|4|4|4|4|4|4|4");
  answer_post(t);
  expect(t, "POST 4|4");
}

static void text_must_be_utf8_on_either_transport(void **state) {
  Test *t = *state;
  open_polling(t, HELLO);
  assert_int_equal(send_text(t, "4\xff"), ERR_DECODE);
  say_goodbye(t);
  open_ws(t);
  assert_int_equal(send_text(t, "4\xff"), ERR_DECODE);
}

static void what_waits_is_limited(void **state) {
  Test *t = *state;
  t->options.ws.max_buffered = 10;
  open_polling(t, HELLO);
  assert_int_equal(send_text(t, "4abc"), 0);
  assert_int_equal(send_text(t, "4abcdefgh"), ERR_BUFFER_FULL);
  assert_int_equal(engine_send(t->engine, true, "abcdefg", 7), ERR_BUFFER_FULL);
  expect(t, "POST 4abc");
}

static void nothing_is_read_while_paused(void **state) {
  Test *t = *state;
  open_polling(t, HELLO_WITH("", "20", "30", "1000"));
  engine_pause(t->engine, true);
  answer_get(t, "4one|4two");
  let_pass(t, 0.02);
  told(t, "");
  let_pass(t,
           0.12); /* pings may have come: that it is silent is not the server's fault */
  expect_nothing(t);
  engine_pause(t->engine, false);
  assert_string_equal(buffer_text(&t->told), ""); /* nothing within the call */
  told(t, "message one\nmessage two\n");
  expect(t, "GET abc");
  told(t, "lost ping timeout TIMEOUT\n");
  leave(t);
  expect(t, "GET gone");
}

/* --- the upgrade ------------------------------------------------------------------ */

/* Until the server has agreed to the probe; the first GET is held. */
static void probe(Test *t) {
  open_polling(t, HELLO_UPGRADES);
  expect(t, "WS abc");
  accept_ws(t);
  expect(t, "ws 2probe");
}

static void upgrade(Test *t) {
  probe(t);
  say(t, "3probe");
  answer_get(t, "6");
  expect(t, "ws 5");
}

static void an_upgrade(void **state) {
  Test *t = *state;
  upgrade(t);
  assert_string_equal(engine_transport(t->engine), "websocket");
  assert_true(engine_has_upgraded(t->engine));
  send_text(t, "4hello");
  expect(t, "ws 4hello");
  say(t, "4yes");
  told(t, "message yes\n");
  leave(t);
  expect(t, "ws close 1000");
}

/* Each message arrives once and in order, by whichever way. */
static void an_upgrade_of_one_that_is_paused(void **state) {
  Test *t = *state;
  probe(t);
  say(t, "3probe");
  let_pass(t, 0.02);
  engine_pause(t->engine, true);
  answer_get(t, "4one|6");
  let_pass(t, 0.02);
  told(t, "");
  engine_pause(t->engine, false);
  told(t, "message one\n");
  expect(t, "ws 5");
  leave(t);
}

static void a_pause_does_not_undo_an_upgrade(void **state) {
  Test *t = *state;
  probe(t);
  say(t, "3probe");
  let_pass(t, 0.02);
  engine_pause(t->engine, true);
  engine_pause(t->engine, false);
  answer_get(t, "6");
  expect(t, "ws 5");
  leave(t);
}

static void messages_during_an_upgrade(void **state) {
  Test *t = *state;
  open_polling(t, HELLO_UPGRADES);
  send_text(t, "4a");
  expect(t, "POST 4a");
  send_text(t, "4b");
  expect(t, "WS abc");
  accept_ws(t);
  expect(t, "ws 2probe");
  answer_get(t, "4s");
  told(t, "message s\n");
  expect(t, "GET abc");
  say(t, "3probe");
  answer_get(t, "4t|4u");
  told(t, "message t\nmessage u\n");
  send_text(t, "4c");
  let_pass(t, 0.01);
  expect_nothing(t); /* neither a GET nor "5": a POST is under way */
  answer_post(t);
  expect(t, "ws 5");
  expect(t, "ws 4b");
  expect(t, "ws 4c");
  say(t, "4v");
  told(t, "message v\n");
}

/* After a probe that failed: all goes on by polling. */
static void stays(Test *t) {
  assert_string_equal(engine_transport(t->engine), "polling");
  send_text(t, "4still");
  expect(t, "POST 4still");
  answer_post(t);
  answer_get(t, "4here");
  told(t, "message here\n");
  expect(t, "GET abc");
  say_goodbye(t);
}

static void a_websocket_that_is_not_to_be_had(void **state) {
  Test *t = *state;
  open_polling(t, HELLO_UPGRADES);
  expect(t, "WS abc");
  answer(&t->ws, 400, "{\"code\":3}");
  stays(t);
}

static void a_probe_that_is_never_answered(void **state) {
  Test *t = *state;
  t->options.ws.connect_timeout = 0.1;
  probe(t);
  expect(t, "ws close 1000");
  stays(t);
}

static void a_probe_answered_wrongly(void **state) {
  static const char *const wrong[] = {"3prob", "3", "4probe", "6", "x", "3probe3"};
  Test *t = *state;
  for (size_t i = 0; i < COUNT_OF(wrong); i++) {
    probe(t);
    say(t, wrong[i]);
    expect(t, "ws close 1000");
    stays(t);
  }
}

static void a_websocket_that_closes_at_the_probe(void **state) {
  Test *t = *state;
  probe(t);
  hang_up(&t->ws);
  stays(t);
}

static void a_websocket_that_closes_behind_the_probe(void **state) {
  Test *t = *state;
  probe(t);
  send_text(t, "4a");
  expect(t, "POST 4a");
  say(t, "3probe");
  send_text(t, "4b");
  hang_up(&t->ws);
  answer_post(t);
  expect(t, "POST 4b");
  answer_post(t);
  stays(t);
}

static void lost_during_an_upgrade(void **state) {
  Test *t = *state;
  t->free_in = "lost transport error HTTP";
  probe(t);
  say(t, "3probe");
  answer(&t->get, 400, "{\"code\":1,\"message\":\"Session ID unknown\"}");
  told(t, "lost transport error HTTP\n");
  expect(t, "ws close 1000");
}

/* --- fences: that the server has taken what was sent ------------------------------- */

static void fences_over_websocket(void **state) {
  Test *t = *state;
  open_ws(t);
  send_text(t, "4a");
  engine_fence(t->engine, 7);
  expect(t, "ws 4a");
  told(t, "passed 7\n");
  engine_fence(t->engine, 8);
  told(t, "passed 8\n");
  fake_ws_send(t->ws, WS_PONG, "none of ours", 12);
  say(t, "4one");
  told(t, "message one\n");
  t->free_in = "passed 9";
  engine_fence(t->engine, 9);
  engine_fence(t->engine, 10);
  told(t, "passed 9\n");
  expect(t, "ws close 1000");
}

/* Behind what waits, behind what is on its way, behind nothing. */
static void fences_over_polling(void **state) {
  Test *t = *state;
  open_polling(t, HELLO);
  send_text(t, "4a");
  expect(t, "POST 4a");
  engine_fence(t->engine, 1);
  send_text(t, "4b");
  engine_fence(t->engine, 2);
  send_text(t, "4c");
  answer_post(t);
  told(t, "passed 1\n");
  expect(t, "POST 4b|4c");
  answer_post(t);
  told(t, "passed 2\n");
  engine_fence(t->engine, 3);
  told(t, "passed 3\n");
  t->free_in = "passed 4";
  send_text(t, "4d");
  engine_fence(t->engine, 4);
  send_text(t, "4e");
  expect(t, "POST 4d|4e");
  send_text(t, "4f");
  answer_post(t);
  told(t, "passed 4\n");
  expect(t, "POST 4f");
}

static void fences_go_over_with_the_upgrade(void **state) {
  Test *t = *state;
  probe(t);
  send_text(t, "4a");
  engine_fence(t->engine, 1);
  expect(t, "POST 4a");
  say(t, "3probe");
  let_pass(t, 0.01);
  send_text(t, "4b");
  engine_fence(t->engine, 2);
  answer_get(t, "6");
  answer_post(t);
  told(t, "passed 1\npassed 2\n");
  expect(t, "ws 5");
  expect(t, "ws 4b");
}

/* --- how it ends ------------------------------------------------------------------ */

/* The owner frees it later here: nothing is told in between. */
static void the_server_closes_over_polling(void **state) {
  Test *t = *state;
  open_polling(t, HELLO);
  answer_get(t, "4one|1|4two|1");
  told(t, "message one\nlost transport close CLOSED\n");
  let_pass(t, 0.01);
}

static void the_server_closes_over_websocket(void **state) {
  Test *t = *state;
  open_ws(t);
  say(t, "1");
  say(t, "4two");
  fake_ws_send(t->ws, WS_BINARY, "three", 5);
  told(t, "lost transport close CLOSED\n");
  leave(t);
  expect(t, "ws close 1000");
}

/* What fails behind the loss is nothing new. */
static void it_is_lost_once(void **state) {
  Test *t = *state;
  open_ws(t);
  say(t, "x");
  told(t, "lost parse error PROTOCOL\n");
  hang_up(&t->ws);
  let_pass(t, 0.02);
  leave(t);
  open_polling(t, HELLO);
  send_text(t, "4a");
  expect(t, "POST 4a");
  answer(&t->get, 400, "");
  told(t, "lost transport error HTTP\n");
  answer(&t->post, 400, "");
  let_pass(t, 0.02);
}

static void a_closing_handshake_has_its_code(void **state) {
  Test *t = *state;
  open_ws(t);
  fake_ws_close(t->ws, 1013, "later");
  expect(t, "ws close 1013");
  told(t, "lost transport close CLOSED\n");
  assert_int_equal(t->lost_code, 1013);
  assert_string_equal(t->lost.detail, "later");
}

static void a_connection_that_breaks(void **state) {
  Test *t = *state;
  open_ws(t);
  fake_reset(t->ws);
  told(t, "lost transport close RESET\n");
  give_up(t);
  open_polling(t, HELLO);
  send_text(t, "4a");
  expect(t, "POST 4a");
  hang_up(&t->post);
  told(t, "lost transport error RESET\n");
  give_up(t);
}

/* curl would ask again on another connection by itself. But the server may have answered:
 * what that answer held would be missing, and nobody would know. */
static void a_get_is_not_repeated(void **state) {
  Test *t = *state;
  static void (*const ways[])(FakeConn *) = {fake_close, fake_reset};
  for (size_t i = 0; i < COUNT_OF(ways); i++) {
    open_polling(t, HELLO);
    answer_get(t, "4one");
    told(t, "message one\n");
    expect(t, "GET abc");
    FakeConn *conn = t->get;
    t->get = NULL;
    ways[i](conn);
    told(t, "lost transport error RESET\n");
    let_pass(t, 0.02);
    expect_nothing(t);
    give_up(t);
  }
}

/* Counted from the last ping, not from the opening. */
static void expect_timeout(Test *t, double last_ping) {
  told(t, "lost ping timeout TIMEOUT\n");
  assert_string_equal(t->lost.phase, "heartbeat");
  assert_true(t->lost_at - last_ping > 0.39);
  leave(t);
}

static void a_server_that_falls_silent(void **state) {
  Test *t = *state;
  open_client(t, EIO_WEBSOCKET);
  expect(t, "WS");
  accept_ws(t);
  say(t, HELLO_WITH("", "300", "100", "1000"));
  told(t, "open\n");
  let_pass(t, 0.15);
  say(t, "2");
  expect(t, "ws 3");
  expect_timeout(t, loop_now(t->env.loop));
  expect(t, "ws close 1000");
  open_polling(t, HELLO_WITH("", "300", "100", "1000"));
  let_pass(t, 0.15);
  answer_get(t, "2");
  expect(t, "POST 3");
  expect(t, "GET abc");
  expect_timeout(t, loop_now(t->env.loop));
}

/* Its pings may stand behind much else that it sends. */
static void what_a_server_sends_is_a_sign_of_life(void **state) {
  Test *t = *state;
  open_client(t, EIO_WEBSOCKET);
  expect(t, "WS");
  accept_ws(t);
  say(t, HELLO_WITH("", "300", "100", "1000"));
  told(t, "open\n");
  for (int i = 0; i < 5; i++) {
    let_pass(t, 0.2);
    say(t, "4one");
    told(t, "message one\n");
  }
  expect_timeout(t, loop_now(t->env.loop));
}

/* --- what servers and what stands before them say --------------------------------- */

static const struct {
  int status;
  const char *body, *detail;
} refusals[] = {
    {400, "{\"code\":1,\"message\":\"Session ID unknown\"}",
     "400: {\"code\":1,\"message\":\"Session ID unknown\"}"},
    {413, "", "413: "},
    {502, "<html>\n<h1>Bad \xc3\xa4</h1>", "502: <html> <h1>Bad   </h1>"},
    {204, "", "204: "},
};

static void expect_refused(Test *t, size_t i) {
  told(t, "lost transport error HTTP\n");
  assert_string_equal(t->lost.detail, refusals[i].detail);
  give_up(t);
}

static void requests_that_are_refused(void **state) {
  Test *t = *state;
  for (size_t i = 0; i < COUNT_OF(refusals); i++) {
    open_client(t, EIO_POLLING);
    expect(t, "GET");
    answer(&t->get, refusals[i].status, refusals[i].body);
    expect_refused(t, i);
    open_polling(t, HELLO);
    answer(&t->get, refusals[i].status, refusals[i].body);
    expect_refused(t, i);
    open_polling(t, HELLO);
    send_text(t, "4a");
    expect(t, "POST 4a");
    answer(&t->post, refusals[i].status, refusals[i].body);
    expect_refused(t, i);
  }
}

/* A handshake without its braces. */
#define SID "\"sid\":\"abc\",\"upgrades\":[],"
#define DELAYS "\"pingInterval\":25000,\"pingTimeout\":20000"
#define TEN "aaaaaaaaaa"
#define HUNDRED TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN

static const char *const bad_handshakes[] = {
    "0",
    "0{",
    "0[]",
    "0null",
    "0{" SID DELAYS,
    "0{" SID DELAYS "}x",
    "0{" DELAYS "}",
    "0{\"sid\":\"\"," DELAYS "}",
    "0{" SID "\"pingInterval\":-1,\"pingTimeout\":20000}",
    "0{" SID "\"pingInterval\":0,\"pingTimeout\":0}",
    "0{" SID "\"pingInterval\":25000,\"pingTimeout\":1e300}",
    "0{" SID "\"pingInterval\":2147483648,\"pingTimeout\":1}",
    "0{" SID "\"pingInterval\":\"25000\",\"pingTimeout\":20000}",
    "0{" SID "\"pingInterval\":25000}",
};

/* Behind one that can be read nothing more can go wrong: any other is a parse error. */
/* It goes back escaped, whatever is in it. */
static void odd_sids_go_back_escaped(void **state) {
  Test *t = *state;
  static const char *const sids[][2] = {
      {"7", "7"},
      {"\"a b&c=/+\"", "a%20b%26c%3D%2F%2B"},
      {"\"a\\r\\nX: y\"", "a%0D%0AX%3A%20y"},
      {"\"" HUNDRED HUNDRED HUNDRED "\"", HUNDRED HUNDRED HUNDRED}};
  for (size_t i = 0; i < COUNT_OF(sids); i++) {
    char *hello = xasprintf("0{\"sid\":%s," DELAYS "}", sids[i][0]);
    char *get = xasprintf("GET %s", sids[i][1]);
    open_client(t, EIO_POLLING);
    expect(t, "GET");
    answer_get(t, hello);
    told(t, "open\n");
    expect(t, get);
    say_goodbye(t);
    free(hello);
    free(get);
  }
}

/* Whichever way an older server shows itself. */
static void older_servers_are_told_by_name(void **state) {
  Test *t = *state;
  static const char *const bodies[] = {"97:0{\"sid\":\"a\"," DELAYS "}2:40",
                                       "{\"code\":5,\"message\":\"Unsupported protocol "
                                       "version\"}"};
  for (size_t i = 0; i < COUNT_OF(bodies); i++) {
    open_client(t, EIO_POLLING);
    expect(t, "GET");
    answer(&t->get, i ? 400 : 200, bodies[i]);
    told(t, "lost parse error UNSUPPORTED\n");
    assert_non_null(strstr(t->lost.message, "protocol 3 (socket.io 2.x"));
    give_up(t);
  }
  open_client(t, EIO_WEBSOCKET);
  expect(t, "WS");
  answer(&t->ws, 400, bodies[1]);
  told(t, "lost parse error UNSUPPORTED\n");
  leave(t);
}

static void handshakes_that_are_none(void **state) {
  Test *t = *state;
  for (size_t i = 0; i < COUNT_OF(bad_handshakes); i++) {
    open_client(t, EIO_POLLING);
    expect(t, "GET");
    answer_get(t, bad_handshakes[i]);
    told(t, "lost parse error PROTOCOL\n");
    give_up(t);
    open_client(t, EIO_WEBSOCKET);
    expect(t, "WS");
    accept_ws(t);
    say(t, bad_handshakes[i]);
    told(t, "lost parse error PROTOCOL\n");
    leave(t);
    expect(t, "ws close 1000");
  }
}

static void what_comes_before_a_handshake(void **state) {
  static const char *const first[] = {"",  "1", "2", "3",  "4hello", "5",
                                      "6", "7", "x", "b!", "bAAAA",  "<html>"};
  Test *t = *state;
  for (size_t i = 0; i < COUNT_OF(first); i++) {
    open_client(t, EIO_POLLING);
    expect(t, "GET");
    answer_get(t, first[i]);
    told(t, "lost transport error HTTP\n");
    give_up(t);
    open_client(t, EIO_WEBSOCKET);
    expect(t, "WS");
    accept_ws(t);
    if (first[i][0] == 'b') fake_ws_send(t->ws, WS_BINARY, "bytes", 5);
    else say(t, first[i]);
    told(t, "lost parse error PROTOCOL\n");
    leave(t);
    expect(t, "ws close 1000");
  }
}

static void packets_that_no_server_sends(void **state) {
  static const char *const bad[] = {"7", "9", "x", "\x7f", "0{}", ""};
  Test *t = *state;
  for (size_t i = 0; i < COUNT_OF(bad); i++) {
    open_polling(t, HELLO);
    char *body = xasprintf("4one|%s|4two", bad[i]);
    answer_get(t, body);
    told(t, "message one\nlost parse error PROTOCOL\n");
    free(body);
    give_up(t);
    open_ws(t);
    say(t, bad[i]);
    told(t, "lost parse error PROTOCOL\n");
    leave(t);
    expect(t, "ws close 1000");
  }
  open_polling(t, HELLO);
  answer_get(t, "b!");
  told(t, "lost parse error PROTOCOL\n");
  give_up(t);
  open_polling(t, HELLO);
  answer_get(t, "");
  told(t, "lost parse error PROTOCOL\n");
}

static void more_than_is_taken(void **state) {
  Test *t = *state;
  char *body = xmalloc(8001);
  memset(body, '4', 8000);
  body[8000] = '\0';
  open_polling(t, HELLO);
  answer_get(t, body);
  told(t, "lost parse error TOO_LARGE\n");
  give_up(t);
  open_client(t, EIO_POLLING);
  expect(t, "GET");
  answer_get(t, body);
  told(t, "lost transport error TOO_LARGE\n");
  give_up(t);
  open_ws(t);
  say(t, body);
  told(t, "lost parse error TOO_LARGE\n");
  expect(t, "ws close 1009");
  give_up(t);
  free(body);
}

/* --- freed from within ------------------------------------------------------------ */

static void freed_over_polling(void **state) {
  static const char *const bodies[][2] = {
      {"open", HELLO},
      {"open", HELLO "|4one|4two"},
      {"message one", HELLO "|4zero|4one|4two|bAAAA"},
      {"binary two", HELLO "|4one|bdHdv|4three"},
      {"message one", HELLO "|4one|1|4two"},
  };
  Test *t = *state;
  for (size_t i = 0; i < COUNT_OF(bodies); i++) {
    t->free_in = bodies[i][0];
    open_client(t, EIO_POLLING);
    expect(t, "GET");
    answer_get(t, bodies[i][1]);
    expect(t, "POST 1");
    assert_null(t->engine);
    assert_true(t->told.len >= 5 && !strstr(buffer_text(&t->told), "lost"));
    buffer_clear(&t->told);
    hang_up(&t->post);
  }
}

static void freed_when_lost_over_polling(void **state) {
  static const char *const bodies[] = {"1", "1|4two", "4one|x|4two", "|", "b!|4two"};
  Test *t = *state;
  for (size_t i = 0; i < COUNT_OF(bodies); i++) {
    bool closes = strchr(bodies[i], '1');
    t->free_in = closes ? "lost transport close CLOSED" : "lost parse error PROTOCOL";
    open_polling(t, HELLO);
    answer_get(t, bodies[i]);
    told(t, i == 2   ? "message one\nlost parse error PROTOCOL\n"
            : closes ? "lost transport close CLOSED\n"
                     : "lost parse error PROTOCOL\n");
    assert_null(t->engine);
  }
}

static void freed_over_websocket(void **state) {
  static const char *const when[] = {"open", "message one", "binary two",
                                     "lost transport close CLOSED"};
  Test *t = *state;
  for (size_t i = 0; i < COUNT_OF(when); i++) {
    t->free_in = when[i];
    open_client(t, EIO_WEBSOCKET);
    expect(t, "WS");
    accept_ws(t);
    say(t, HELLO);
    say(t, "4one");
    fake_ws_send(t->ws, WS_BINARY, "two", 3);
    say(t, "1");
    say(t, "4three");
    expect(t, "ws close 1000");
    assert_null(t->engine);
    assert_null(strstr(buffer_text(&t->told), "three"));
    buffer_clear(&t->told);
  }
}

static void freed_before_it_is_open(void **state) {
  Test *t = *state;
  open_client(t, EIO_POLLING);
  leave(t);
  open_client(t, EIO_POLLING);
  expect(t, "GET");
  leave(t);
  expect(t, "GET gone");
  open_client(t, EIO_WEBSOCKET);
  leave(t);
  open_client(t, EIO_WEBSOCKET);
  expect(t, "WS");
  leave(t);
  expect(t, "ws gone");
  open_client(t, EIO_WEBSOCKET);
  expect(t, "WS");
  accept_ws(t);
  t->free_in = "lost parse error PROTOCOL";
  say(t, "x");
  told(t, "lost parse error PROTOCOL\n");
  expect(t, "ws close 1000");
}

/* The last transport that could be tried fails within the first one's failing. */
static void freed_when_no_transport_is_left(void **state) {
  Test *t = *state;
  t->options.others = EIO_WEBSOCKET;
  t->free_in = "lost transport error HANDSHAKE";
  open_client(t, EIO_POLLING);
  expect(t, "GET");
  answer(&t->get, 404, "");
  expect(t, "WS");
  answer(&t->ws, 404, "");
  told(t, "lost transport error HANDSHAKE\n");
  assert_null(t->engine);
}

/* --- freed during the upgrade ----------------------------------------------------- */

static void freed_as_the_probe_begins(void **state) {
  Test *t = *state;
  t->free_in = "open";
  open_client(t, EIO_POLLING);
  expect(t, "GET");
  answer_get(t, HELLO_UPGRADES "|4one");
  told(t, "open\n");
  expect(t, "POST 1");
}

static void freed_while_probing(void **state) {
  Test *t = *state;
  t->free_in = "message one";
  probe(t);
  answer_get(t, "4one|4two");
  told(t, "message one\n");
  expect(t, "POST 1");
  expect(t, "ws close 1000");
}

static void freed_between_probe_and_upgrade(void **state) {
  Test *t = *state;
  t->free_in = "message one";
  probe(t);
  send_text(t, "4a");
  expect(t, "POST 4a");
  say(t, "3probe");
  send_text(t, "4b");
  let_pass(t, 0.01);
  answer_get(t, "4one|4two");
  told(t, "message one\n");
  expect(t, "ws close 1000");
  answer_post(t);
  expect(t, "POST 4b");
  answer_post(t);
  expect(t, "POST 1");
}

static void freed_behind_the_upgrade(void **state) {
  Test *t = *state;
  t->free_in = "message one";
  upgrade(t);
  say(t, "4one");
  say(t, "4two");
  told(t, "message one\n");
  expect(t, "ws close 1000");
}

static void freed_with_answers_in_the_inbox(void **state) {
  Test *t = *state;
  t->free_in = "message one";
  open_polling(t, HELLO);
  send_text(t, "4a");
  expect(t, "POST 4a");
  answer_post(t); /* both come with one poll */
  answer_get(t, "4one");
  told(t, "message one\n");
  expect(t, "POST 1");
}

/* --- what was not sent ------------------------------------------------------------ */

static void what_waits_for_a_post_is_told(void **state) {
  Test *t = *state;
  open_polling(t, HELLO);
  send_text(t, "4on its way");
  expect(t, "POST 4on its way");
  send_text(t, "4one");
  engine_send(t->engine, true, "two", 3);
  let_pass(t, 0.01);
  hang_up(&t->get);
  told(t, "unsent 4one\nunsent binary two\nlost transport error RESET\n");
  give_up(t);
}

/* The server reads nothing more, so that most waits in the end; `dead`: it does not hang
 * up either. Of the first ones the system has taken all, of one a part. */
static void flood_and_lose(Test *t, bool dead) {
  enum { SIZE = 1 << 20, COUNT = 30 };
  char *data = xcalloc(1, SIZE), *line;
  Buffer wanted = {0};
  memset(data, 'x', SIZE);
  open_client(t, EIO_WEBSOCKET);
  expect(t, "WS");
  accept_ws(t);
  say(t, dead ? HELLO_WITH("", "500", "1500", "0") : HELLO);
  told(t, "open\n");
  uv_read_stop((uv_stream_t *)&t->ws->tcp);
  for (int i = 0; i < COUNT; i++) {
    data[0] = (char)('A' + i);
    engine_send(t->engine, true, data, SIZE);
  }
  send_text(t, "4last");
  let_pass(t, 0.02);
  assert_true(engine_buffered(t->engine) > SIZE);
  size_t first = COUNT - engine_buffered(t->engine) / SIZE - 1;
  if (!dead) hang_up(&t->ws);
  t->told_len = 10;
  env_wait(&t->env, was_told, t);
  line = strstr(buffer_text(&t->told), "lost ");
  assert_non_null(line);
  for (int i = (int)first; i < COUNT; i++)
    buffer_printf(&wanted, "unsent binary %cxxxxxxxxxxxxxxxxxxx\n", 'A' + i);
  buffer_puts(&wanted, "unsent 4last\nlost ");
  assert_int_equal(memcmp(buffer_text(&t->told), wanted.data, wanted.len), 0);
  buffer_clear(&t->told);
  buffer_free(&wanted);
  free(data);
}

static void what_the_system_did_not_take_is_told(void **state) {
  flood_and_lose(*state, false);
}

static void so_it_is_when_the_server_is_silent(void **state) {
  flood_and_lose(*state, true);
}

#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      T(what_waits_for_a_post_is_told),
      T(what_the_system_did_not_take_is_told),
      T(so_it_is_when_the_server_is_silent),
      T(a_session_over_websocket),
      T(another_transport_is_tried),
      T(a_session_over_polling),
      T(several_packets_in_one_body),
      T(many_pings_have_one_answer),
      T(what_is_sent_meanwhile_goes_together),
      T(an_answer_of_many_packets_leaves_others_their_turns),
      T(bodies_keep_to_max_payload),
      T(bodies_have_sixteen_packets_at_most),
      T(text_must_be_utf8_on_either_transport),
      T(what_waits_is_limited),
      T(nothing_is_read_while_paused),
      T(an_upgrade),
      T(an_upgrade_of_one_that_is_paused),
      T(a_pause_does_not_undo_an_upgrade),
      T(messages_during_an_upgrade),
      T(a_websocket_that_is_not_to_be_had),
      T(a_probe_that_is_never_answered),
      T(a_probe_answered_wrongly),
      T(a_websocket_that_closes_at_the_probe),
      T(a_websocket_that_closes_behind_the_probe),
      T(lost_during_an_upgrade),
      T(fences_over_websocket),
      T(fences_over_polling),
      T(fences_go_over_with_the_upgrade),
      T(the_server_closes_over_polling),
      T(the_server_closes_over_websocket),
      T(it_is_lost_once),
      T(a_closing_handshake_has_its_code),
      T(a_connection_that_breaks),
      T(a_get_is_not_repeated),
      T(a_server_that_falls_silent),
      T(what_a_server_sends_is_a_sign_of_life),
      T(requests_that_are_refused),
      T(odd_sids_go_back_escaped),
      T(older_servers_are_told_by_name),
      T(handshakes_that_are_none),
      T(what_comes_before_a_handshake),
      T(packets_that_no_server_sends),
      T(more_than_is_taken),
      T(freed_over_polling),
      T(freed_when_lost_over_polling),
      T(freed_over_websocket),
      T(freed_before_it_is_open),
      T(freed_when_no_transport_is_left),
      T(freed_as_the_probe_begins),
      T(freed_while_probing),
      T(freed_between_probe_and_upgrade),
      T(freed_behind_the_upgrade),
      T(freed_with_answers_in_the_inbox),
  };
  return cmocka_run_group_tests_name("engine", tests, NULL, NULL);
}
