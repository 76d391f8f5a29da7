/* Open connections are left alone by what else is opened: curl, which closes connections
 * that it takes for idle when it opens another, does not know them any more. */
#include <poll.h>

#include "net/wsclient.h"

#include "fake_ws.h"
#include "net_env.h"

typedef struct Test {
  Env env;
  Fake fake;
  FakeConn *first; /* the server's end of the first connection */
} Test;

typedef struct Client {
  WsClient *ws;
  int opened, closes, code;
} Client;

static void serve(FakeConn *conn) {
  Test *t = conn->fake->ctx;
  if (conn->ended) return;
  fake_ws_accept(conn, "");
  if (conn->number == 1) t->first = conn;
}

static void on_open(void *ctx, const char *subprotocol) {
  (void)subprotocol;
  ((Client *)ctx)->opened++;
}

static void on_message(void *ctx, bool binary, const char *data, size_t len) {
  (void)ctx, (void)binary, (void)data, (void)len;
}

static void on_closed(void *ctx, int code, const char *reason, size_t len,
                      const Error *err) {
  Client *client = ctx;
  (void)reason, (void)len, (void)err;
  client->closes++;
  client->code = code;
}

static void connect_client(Test *t, Client *client) {
  static const WsCallbacks callbacks = {
      .open = on_open, .message = on_message, .closed = on_closed};
  char url[64];
  Error err;
  snprintf(url, sizeof url, "ws://127.0.0.1:%d/", t->fake.port);
  WsOptions options = {.url = url, .close_timeout = 0.05, .connect_timeout = 5};
  client->ws = ws_open(t->env.net, &options, &callbacks, client, &err);
  assert_non_null(client->ws);
}

static bool is_open(void *ctx) {
  return ((Client *)ctx)->opened > 0;
}

static bool is_closed(void *ctx) {
  return ((Client *)ctx)->closes > 0;
}

static int setup(void **state) {
  Test *t = xcalloc(1, sizeof *t);
  env_open(&t->env);
  fake_listen(&t->fake, t->env.loop, serve, t);
  *state = t;
  return 0;
}

static int teardown(void **state) {
  Test *t = *state;
  fake_stop(&t->fake);
  env_close(&t->env);
  free(t);
  return 0;
}

/* Without a word; it has happened when we return. */
static void hang_up(FakeConn *conn) {
  uv_os_fd_t fd;
  CHECK(uv_fileno((uv_handle_t *)&conn->tcp, &fd) == 0 && shutdown(fd, SHUT_WR) == 0);
}

/* curl looks after the connections that it has once a second, when it opens one. */
static void one_that_was_hung_up_is_not_closed_by_the_next(void **state) {
  Test *t = *state;
  Client first = {0}, second = {0};
  connect_client(t, &first);
  assert_true(env_wait(&t->env, is_open, &first));
  env_wait_for(&t->env, 1.1, env_never, NULL);
  hang_up(t->first);
  connect_client(t, &second);
  assert_true(env_wait(&t->env, is_open, &second));
  assert_true(env_wait(&t->env, is_closed, &first));
  assert_int_equal(first.code, 1006);
  assert_int_equal(second.closes, 0);
  ws_free(first.ws);
  ws_free(second.ws);
}

static size_t open_files(void) {
  size_t count = 0;
  struct pollfd fd = {0};
  for (fd.fd = 0; fd.fd < 1024; fd.fd++)
    if (poll(&fd, 1, 0) >= 0 && !(fd.revents & POLLNVAL)) count++;
  return count;
}

static bool conns_gone(void *ctx) {
  return ((Test *)ctx)->fake.conns == NULL;
}

static void more_than_one_cache_holds_come_and_go(void **state) {
  enum { MANY = 50 };
  Test *t = *state;
  Client clients[MANY] = {0};
  size_t before = 0;
  for (int round = 0; round < 3; round++) {
    for (int i = 0; i < MANY; i++) connect_client(t, &clients[i]);
    for (int i = 0; i < MANY; i++) assert_true(env_wait(&t->env, is_open, &clients[i]));
    for (int i = 0; i < MANY; i++) ws_free(clients[i].ws);
    memset(clients, 0, sizeof clients);
    assert_true(env_wait(&t->env, conns_gone, t));
    if (round == 0) before = open_files();
  }
  assert_int_equal(open_files(), before);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(one_that_was_hung_up_is_not_closed_by_the_next),
      TEST(more_than_one_cache_holds_come_and_go),
  };
  signal(SIGPIPE, SIG_IGN);
  return cmocka_run_group_tests(tests, NULL, NULL);
}
