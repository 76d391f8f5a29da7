/* Namespaces that share a connection: sockets on one manager, in conversation with a
 * scripted server (engine_env.h). What is told stands behind the namespace's name. */
#include "member_env.h"
#include "socket/socket_options.h"

/* One is connected on "/", and another has asked for "/x". */
typedef struct Two {
  Member main, x;
} Two;

static void begin(Two *two, Test *t, double timeout) {
  make(&two->main, t, "/", timeout);
  make(&two->x, t, "/x", timeout);
  socket_connect(two->main.socket);
  expect(t, "WS");
  accept_ws(t);
  say(t, HELLO);
  expect(t, "ws 40");
  say(t, "40{\"sid\":\"main\"}");
  told(t, "/ connected\n");
  socket_connect(two->x.socket);
  expect(t, "ws 40/x,");
}

static void end(Two *two) {
  Test *t = two->main.t;
  socket_free(two->x.socket);
  socket_free(two->main.socket);
  expect(t, "ws 41");
  expect(t, "ws close 1000");
}

/* The connection stands, and so does the one that keeps it. */
static void expect_alive(Two *two) {
  Test *t = two->main.t;
  say(t, "42[\"still\"]");
  told(t, "/ [\"still\"]\n");
  expect_nothing(t);
}

static void left_while_asked(void **state) {
  Test *t = *state;
  Two two;
  begin(&two, t, 10);
  socket_disconnect(two.x.socket);
  let_pass(t, 0.01);
  expect_nothing(t); /* the server does not know it yet: nothing can be said */
  say(t, "40/x,{\"sid\":\"a\"}");
  expect(t, "ws 41/x,");
  say(t, "42/x,[\"for\",\"nobody\"]");
  expect_alive(&two);
  end(&two);
}

static void freed_while_asked(void **state) {
  Test *t = *state;
  Two two;
  begin(&two, t, 10);
  socket_free(two.x.socket);
  two.x.socket = NULL;
  say(t, "40/x,{\"sid\":\"a\"}");
  say(t, "42/x,[\"for\",\"nobody\"]");
  expect(t, "ws 41/x,");
  expect_alive(&two);
  end(&two);
}

static void refused_after_it_was_left(void **state) {
  Test *t = *state;
  Two two;
  begin(&two, t, 10);
  socket_disconnect(two.x.socket);
  say(t, "44/x,{\"message\":\"no\"}");
  expect_alive(&two);
  socket_connect(two.x.socket); /* that is over: it is asked for anew */
  expect(t, "ws 40/x,");
  say(t, "40/x,{\"sid\":\"b\"}");
  told(t, "/x connected\n");
  socket_disconnect(two.x.socket);
  expect(t, "ws 41/x,");
  end(&two);
}

/* To say goodbye to a namespace that the server has closed itself would end it all. */
static void thrown_out_with_the_answer(void **state) {
  Test *t = *state;
  Two two;
  Buffer both = {0};
  begin(&two, t, 10);
  socket_disconnect(two.x.socket);
  ws_frame(&both, true, WS_TEXT, NULL, "40/x,{\"sid\":\"a\"}", 16);
  ws_frame(&both, true, WS_TEXT, NULL, "41/x,", 5);
  fake_write(t->ws, both.data, both.len);
  buffer_free(&both);
  expect_alive(&two);
  end(&two);
}

/* The server shows that it has taken what was sent before that ping. */
static void pass_fence(Test *t, uint32_t number) {
  char line[] = "ws ping _";
  line[8] = (char)number;
  expect(t, line);
  fake_ws_send(t->ws, WS_PONG, (const char *)&number, sizeof number);
}

/* CONNECT twice is fatal: it is sent again when the first has been answered and ended. */
static void joined_again_meanwhile(void **state) {
  Test *t = *state;
  Two two;
  begin(&two, t, 10);
  socket_disconnect(two.x.socket);
  socket_connect(two.x.socket);
  let_pass(t, 0.01);
  expect_nothing(t);
  t->mute = true;
  say(t, "40/x,{\"sid\":\"a\"}");
  say(t, "42/x,[\"for\",\"nobody\"]");
  expect(t, "ws 41/x,");
  say(t, "42/x,[\"for\",\"nobody\"]"); /* on its way before the server read that */
  pass_fence(t, 1);
  expect(t, "ws 40/x,");
  say(t, "42/x,[\"greeting\"]"); /* of the one that joins now */
  say(t, "40/x,{\"sid\":\"b\"}");
  say(t, "42/x,[\"hello\"]");
  told(t, "/x connected\n/x [\"greeting\"]\n/x [\"hello\"]\n");
  t->mute = false;
  assert_string_equal(socket_id(two.x.socket), "b");
  socket_disconnect(two.x.socket);
  expect(t, "ws 41/x,");
  end(&two);
}

static void joined_again_by_another_and_refused(void **state) {
  Test *t = *state;
  Two two;
  begin(&two, t, 10);
  socket_free(two.x.socket);
  make(&two.x, t, "/x", 10);
  socket_connect(two.x.socket);
  let_pass(t, 0.01);
  expect_nothing(t);
  say(t, "44/x,{\"message\":\"no\"}"); /* to the first one */
  expect(t, "ws 40/x,");
  say(t, "44/x,{\"message\":\"neither\"}");
  told(t, "/x neither\n/x closed (rejected)\n");
  expect_alive(&two);
  end(&two);
}

static void left_and_joined_again_and_again(void **state) {
  Test *t = *state;
  Two two;
  begin(&two, t, 10);
  for (int i = 0; i < 5; i++) {
    socket_disconnect(two.x.socket);
    socket_connect(two.x.socket);
  }
  say(t, "40/x,{\"sid\":\"a\"}");
  expect(t, "ws 41/x,");
  expect(t, "ws 40/x,");
  socket_disconnect(two.x.socket);
  say(t, "40/x,{\"sid\":\"b\"}");
  expect(t, "ws 41/x,");
  expect_alive(&two);
  end(&two);
}

/* Left when it was joined, and joined again: what was on its way is for nobody. */
static void joined_again_after_it_was_joined(void **state) {
  Test *t = *state;
  Two two;
  begin(&two, t, 10);
  say(t, "40/x,{\"sid\":\"a\"}");
  told(t, "/x connected\n");
  t->mute = true;
  socket_disconnect(two.x.socket);
  socket_connect(two.x.socket);
  pass_fence(t, 1);
  expect(t, "ws 41/x,");
  say(t, "42/x,[\"old\"]");
  pass_fence(t, 2);
  expect(t, "ws 40/x,");
  say(t, "43/x,0[\"old\"]");
  say(t, "41/x,");
  say(t, "40/x,{\"sid\":\"b\"}");
  told(t, "/x connected\n");
  t->mute = false;
  socket_disconnect(two.x.socket);
  expect(t, "ws 41/x,");
  end(&two);
}

/* The server has taken what was sent before it is told; npm's drops it otherwise. */
static void left_behind_what_was_sent(void **state) {
  Test *t = *state;
  Two two;
  Error err;
  begin(&two, t, 10);
  say(t, "40/x,{\"sid\":\"a\"}");
  told(t, "/x connected\n");
  t->mute = true;
  socket_emit(two.x.socket, &(SocketData){"[\"e\"]", 5, NULL, 0}, false, &err);
  socket_disconnect(two.x.socket);
  expect(t, "ws 42/x,[\"e\"]");
  expect(t, "ws ping \1"); /* behind it */
  say(t, "42/x,[\"for\",\"nobody\"]");
  say(t, "41/x,"); /* thrown out meanwhile: then there is nothing to say */
  expect_alive(&two);
  t->mute = false;
  end(&two);
}

/* With the last one all leave that the server holds for joined. */
static void all_leave(void **state) {
  Test *t = *state;
  Two two;
  Member y;
  begin(&two, t, 10);
  make(&y, t, "/y", 10);
  socket_connect(y.socket);
  expect(t, "ws 40/y,");
  say(t, "40/x,{\"sid\":\"a\"}");
  told(t, "/x connected\n");
  socket_free(two.x.socket);
  socket_free(y.socket);
  socket_free(two.main.socket);
  expect(t, "ws 41");
  expect(t, "ws 41/x,");
  expect(t, "ws close 1000");
}

/* A server that never answers for it: the connection is given up with the attempt. */
static void never_answered(void **state) {
  Test *t = *state;
  Two two;
  begin(&two, t, 0.2);
  socket_disconnect(two.x.socket);
  socket_connect(two.x.socket);
  expect(t, "ws close 1000");
  t->told_len = 60;
  env_wait(&t->env, was_told, t);
  assert_non_null(strstr(buffer_text(&t->told), "/ closed (connect error)"));
  assert_non_null(strstr(buffer_text(&t->told), "/x closed (connect error)"));
  buffer_clear(&t->told);
  socket_free(two.x.socket);
  socket_free(two.main.socket);
}

static void the_connection_ends_meanwhile(void **state) {
  Test *t = *state;
  Two two;
  begin(&two, t, 10);
  socket_disconnect(two.x.socket);
  hang_up(&t->ws);
  told(t, "/ closed (transport close)\n");
  socket_connect(two.x.socket);
  expect(t, "WS");
  accept_ws(t);
  say(t, HELLO);
  expect(t, "ws 40/x,");
  socket_free(two.x.socket);
  socket_free(two.main.socket);
  expect(t, "ws close 1000");
}

/* --- one place, many spellings ---------------------------------------------------- */

static char *address_of(const char *url) {
  SocketOptions options = {.url = (char *)url};
  char *address, *query, *nsp;
  Error err;
  if (socket_address(&options, &address, &query, &nsp, &err) != 0)
    fail_msg("%s: %s", url, err.message);
  free(query);
  free(nsp);
  return address;
}

static bool same_place(const char *a, const char *b) {
  char *x = address_of(a), *y = address_of(b);
  bool same = strcmp(x, y) == 0;
  free(x);
  free(y);
  return same;
}

static void a_place_has_many_spellings(void **state) {
  (void)state;
  static const char *const same[][2] = {
      {"http://h:80/", "http://h/"},
      {"https://h:443", "https://h"},
      {"ws://h:80", "ws://h"},
      {"wss://h:443/x", "wss://h/y"},
      {"ws://h", "http://h:80/"},
      {"wss://h", "https://h:443"},
      {"http://EXAMPLE.org", "http://example.org:80"},
      {"HTTP://h", "http://h"},
      {"http://[::1]:80/", "http://[::1]"},
      {"http://[0:0:0:0:0:0:0:1]", "http://[::1]"},
      {"http://[2001:DB8::0:1]", "http://[2001:db8::1]:80"},
      {"http://u:p@h:80", "http://u:p@h"},
      {"unix:/run/a", "unix:/run/a:/x"}};
  static const char *const other[][2] = {
      {"http://h:80", "https://h:80"}, {"http://h", "http://h:81"},
      {"http://h", "https://h"},       {"http://a@h", "http://b@h"},
      {"http://h", "http://h.x"},      {"unix:/run/a", "unix:/run/b"},
      {"http://h", "http://u@h"},      {"https://h:80", "https://h"}};
  for (size_t i = 0; i < COUNT_OF(same); i++)
    if (!same_place(same[i][0], same[i][1]))
      fail_msg("%s is not %s", same[i][0], same[i][1]);
  for (size_t i = 0; i < COUNT_OF(other); i++)
    if (same_place(other[i][0], other[i][1]))
      fail_msg("%s is %s", other[i][0], other[i][1]);
}

static void the_standard_path_has_many_spellings(void **state) {
  (void)state;
  static char *const paths[] = {NULL, "", "/socket.io", "/socket.io/", "socket.io"};
  SocketOptions standard = {.url = "http://h"}, other = standard;
  for (size_t i = 0; i < COUNT_OF(paths); i++) {
    other.path = paths[i];
    assert_false(socket_options_moved_way(&standard, &other));
  }
  other.path = "/elsewhere";
  assert_true(socket_options_moved_way(&standard, &other));
  other = standard;
  other.no_slash = true;
  assert_true(socket_options_moved_way(&standard, &other));
}

/* --- in order --------------------------------------------------------------------- */

static void emit(Member *m, const char *json) {
  Error err;
  socket_emit(m->socket, &(SocketData){json, strlen(json), NULL, 0}, false, &err);
}

/* As they were declared, whichever of them is first to try again. */
static void they_join_and_send_in_the_order_of_declaration(void **state) {
  Test *t = *state;
  static const char *const names[] = {"/", "/a", "/b"};
  Member all[3];
  SocketOptions options = {.url = t->front, .group = "these", .multiplex = true};
  options.reconnect = true;
  options.attempts = 1000;
  options.delay = options.max_delay = 0.02;
  options.jitter = 1;
  for (size_t i = 0; i < COUNT_OF(all); i++) {
    options.nsp = (char *)names[i];
    make_with(&all[i], t, &options);
  }
  for (size_t i = COUNT_OF(all); i-- > 0;) socket_connect(all[i].socket);
  for (int round = 0; round < 4; round++) {
    for (size_t i = COUNT_OF(all); i-- > 0;) emit(&all[i], "[\"e\"]");
    expect(t, "WS");
    accept_ws(t);
    say(t, HELLO);
    expect(t, "ws 40");
    expect(t, "ws 40/a,");
    expect(t, "ws 40/b,");
    say(t, "40{\"sid\":\"1\"}");
    say(t, "40/a,{\"sid\":\"2\"}");
    say(t, "40/b,{\"sid\":\"3\"}");
    expect(t, "ws 42[\"e\"]");
    expect(t, "ws 42/a,[\"e\"]");
    expect(t, "ws 42/b,[\"e\"]");
    told(t, "/ connected\n/a connected\n/b connected\n");
    if (round == 3) break;
    hang_up(&t->ws);
    told(t, "/ reconnecting (transport close)\n/a reconnecting (transport close)\n"
            "/b reconnecting (transport close)\n");
  }
  for (size_t i = 0; i < COUNT_OF(all); i++) socket_free(all[i].socket);
  expect(t, "ws 41/b,");
  expect(t, "ws 41/a,");
  expect(t, "ws 41");
  expect(t, "ws close 1000");
}

/* --- many --------------------------------------------------------------------------- */

static double cpu_seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* What sets them apart: a namespace each, a query each, headers each, or nothing. */
typedef enum Differs { NAMESPACE, QUERY, HEADERS, NOTHING, DIFFERS_COUNT } Differs;

static void make_one(Member *m, Test *t, Differs differs, int number) {
  char text[32], header[32], *headers[] = {header, NULL};
  snprintf(text, sizeof text, "/n=%d", number);
  snprintf(header, sizeof header, "N: %d", number);
  SocketOptions options = {.url = t->front, .group = "these", .multiplex = true};
  if (differs == NAMESPACE) options.nsp = text;
  if (differs == QUERY) options.query = text + 1;
  if (differs == HEADERS) options.headers = headers;
  make_with(m, t, &options);
}

/* Half goes in the order in which it came, the rest backwards. */
static double come_and_go(Test *t, Differs differs, int count) {
  Member *all = xcalloc((size_t)count, sizeof *all);
  double began = cpu_seconds();
  for (int i = 0; i < count; i++) make_one(&all[i], t, differs, i);
  for (int i = 0; i < count / 2; i++) socket_free(all[i].socket);
  for (int i = count; i-- > count / 2;) socket_free(all[i].socket);
  double took = cpu_seconds() - began;
  free(all);
  return took;
}

/* Four times as many take four times as long, and not sixteen times. */
static void many_come_and_go(void **state) {
  for (Differs differs = NAMESPACE; differs < DIFFERS_COUNT; differs++) {
    come_and_go(*state, differs, 5000);
    double few = come_and_go(*state, differs, 5000),
           more = come_and_go(*state, differs, 20000);
    if (more > 9 * few + 0.2)
      fail_msg("case %d: %.3f s, then %.3f s", differs, few, more);
  }
}

static void join(Test *t, Member *all, int from, int to) {
  char text[64];
  for (int i = from; i < to; i++) {
    snprintf(text, sizeof text, "ws 40%s,", all[i].nsp);
    expect(t, text);
    snprintf(text, sizeof text, "40%s,{\"sid\":\"%d\"}", all[i].nsp, i);
    say(t, text);
    snprintf(text, sizeof text, "%s connected\n", all[i].nsp);
    told(t, text);
  }
}

/* Also what enters backwards and leaves in any order. */
static void they_leave_and_join_again_in_any_order(void **state) {
  enum { COUNT = 40 };
  Test *t = *state;
  Member all[COUNT];
  char names[COUNT][8], text[400];
  for (int i = 0; i < COUNT; i++) {
    snprintf(names[i], sizeof names[i], "/n%d", i);
    make(&all[i], t, names[i], 10);
  }
  for (int i = 0; i < COUNT; i++) socket_connect(all[(i * 7 + 3) % COUNT].socket);
  expect(t, "WS");
  accept_ws(t);
  say(t, HELLO);
  for (int i = 0; i < COUNT; i++) {
    snprintf(text, sizeof text, "ws 40%s,", names[i]);
    expect(t, text); /* in the order of declaration */
  }
  for (int i = COUNT; i-- > 0;) {
    snprintf(text, sizeof text, "40%s,{\"sid\":\"%d\"}", names[i], i);
    say(t, text);
    snprintf(text, sizeof text, "%s connected\n", names[i]);
    told(t, text);
  }
  for (int i = 1; i < COUNT; i += 2) {
    socket_disconnect(all[i].socket);
    snprintf(text, sizeof text, "ws 41%s,", names[i]);
    expect(t, text);
  }
  for (int i = 1; i < COUNT; i += 2) {
    socket_connect(all[i].socket);
    join(t, all, i, i + 1);
  }
  say(t, "42/n7,[\"to\",7]");
  told(t, "/n7 [\"to\",7]\n");
  for (int i = COUNT; i-- > 0;) socket_free(all[i].socket);
}

/* --- by polling ------------------------------------------------------------------- */

/* It counts for the next request of a connection that goes on. */
static void a_new_request_timeout(void **state) {
  Test *t = *state;
  SocketOptions options = {.url = t->front,
                           .nsp = "/",
                           .group = "these",
                           .multiplex = true,
                           .transports = {EIO_POLLING, EIO_NONE}};
  Member m;
  make_with(&m, t, &options);
  socket_connect(m.socket);
  expect(t, "GET");
  answer_get(t, HELLO);
  expect(t, "GET abc");
  expect(t, "POST 40");
  answer_post(t);
  answer_get(t, "40{\"sid\":\"main\"}");
  told(t, "/ connected\n");
  expect(t, "GET abc");
  options.request_timeout = 0.05;
  socket_retune(m.socket, &options);
  Error err;
  socket_emit(m.socket, &(SocketData){"[\"e\"]", 5, NULL, 0}, false, &err);
  expect(t, "POST 42[\"e\"]");
  told(t, "/ closed (transport error)\n");
  expect(t, "POST gone");
  socket_free(m.socket);
}

/* What waited for its turn when the connection broke; a call is told by itself. */
static void what_was_not_sent_is_told(void **state) {
  Test *t = *state;
  Member main, x;
  SocketOptions options = {.url = t->front,
                           .nsp = "/",
                           .group = "these",
                           .multiplex = true,
                           .transports = {EIO_POLLING, EIO_NONE}};
  make_with(&main, t, &options);
  options.nsp = "/x";
  make_with(&x, t, &options);
  socket_connect(main.socket);
  socket_connect(x.socket);
  expect(t, "GET");
  answer_get(t, HELLO);
  expect(t, "GET abc");
  expect(t, "POST 40|40/x,");
  answer_post(t);
  answer_get(t, "40{\"sid\":\"main\"}|40/x,{\"sid\":\"x\"}");
  told(t, "/ connected\n/x connected\n");
  expect(t, "GET abc");
  emit(&main, "[\"on its way\"]");
  expect(t, "POST 42[\"on its way\"]");
  emit(&main, "[\"one\"]");
  emit(&x, "[\"two\"]");
  let_pass(t, 0.01);
  hang_up(&t->get);
  told(t, "/ dropped CLOSED 42[\"one\"]\n/x dropped CLOSED 42/x,[\"two\"]\n"
          "/ closed (transport error)\n/x closed (transport error)\n");
  socket_free(main.socket);
  socket_free(x.socket);
  expect(t, "POST gone");
}

#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      T(left_while_asked),
      T(freed_while_asked),
      T(refused_after_it_was_left),
      T(thrown_out_with_the_answer),
      T(joined_again_meanwhile),
      T(joined_again_by_another_and_refused),
      T(left_and_joined_again_and_again),
      T(joined_again_after_it_was_joined),
      T(left_behind_what_was_sent),
      T(all_leave),
      T(never_answered),
      T(the_connection_ends_meanwhile),
      T(a_place_has_many_spellings),
      T(the_standard_path_has_many_spellings),
      T(they_join_and_send_in_the_order_of_declaration),
      T(many_come_and_go),
      T(they_leave_and_join_again_in_any_order),
      T(a_new_request_timeout),
      T(what_was_not_sent_is_told),
  };
  return cmocka_run_group_tests_name("manager", tests, NULL, NULL);
}
