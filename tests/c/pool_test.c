/* Connections that are kept between two requests: whose they are, and that what is taken
 * has nothing to be read. */
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "net_env.h"

#include "net/pool.h"

typedef struct Test {
  Env env;
  Fake fake;
  HttpConn *conn; /* the latest that was opened, once connected */
  bool connected;
} Test;

static const int owner = 0, other = 0;

static void listen_only(FakeConn *conn) {
  if (conn->ended) fake_close(conn);
}

static int setup(void **state) {
  Test *t = calloc(1, sizeof *t);
  env_open(&t->env);
  fake_listen(&t->fake, t->env.loop, listen_only, t);
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

static void on_connected(void *ctx, CURLcode result) {
  Test *t = ctx;
  assert_int_equal(result, CURLE_OK);
  t->connected = true;
}

static void on_bytes(void *ctx) {
  (void)ctx;
}

static const HttpConnEvents in_use = {on_connected, on_bytes, on_bytes};

static bool is_connected(void *ctx) {
  return ((Test *)ctx)->connected;
}

/* A connection of that key, given to the pool. */
static HttpConn *give(Test *t, const char *key, const void *whose) {
  NetUrl url;
  Error err;
  char text[64];
  Route route = {.proxy = ""};
  snprintf(text, sizeof text, "http://127.0.0.1:%d/", t->fake.port);
  assert_int_equal(net_url_parse(&url, text, false, &err), 0);
  HttpConnWay way = {.url = &url, .route = &route, .connect_timeout = 20};
  t->connected = false;
  HttpConn *conn = httpconn_open(t->env.net, &way, xstrdup(key), whose, &in_use, t);
  net_url_free(&url);
  assert_true(env_wait(&t->env, is_connected, t));
  pool_give(pool_of(t->env.net), conn, 0);
  return conn;
}

static HttpConn *take(Test *t, const char *key, const void *whose, double idle) {
  HttpConn *conn = pool_take(pool_of(t->env.net), key, whose, idle);
  if (conn) conn->events = &in_use, conn->ctx = t;
  return conn;
}

static bool has_one(void *ctx) {
  return ((Test *)ctx)->fake.conns && !((Test *)ctx)->fake.conns->next;
}

static bool has_none(void *ctx) {
  return !((Test *)ctx)->fake.conns;
}

static void the_latest_of_its_key_and_owner_is_taken(void **state) {
  Test *t = *state;
  HttpConn *a = give(t, "a", &owner), *b = give(t, "a", &owner);
  give(t, "b", &owner);
  assert_null(take(t, "a", &other, INFINITY));
  assert_null(take(t, "c", &owner, INFINITY));
  assert_ptr_equal(take(t, "a", &owner, INFINITY), b);
  assert_ptr_equal(take(t, "a", &owner, INFINITY), a);
  assert_null(take(t, "a", &owner, INFINITY));
  httpconn_close(a);
  httpconn_close(b);
  assert_true(env_wait(&t->env, has_one, t)); /* b's goes with the net */
}

static void one_that_was_idle_for_too_long_stays(void **state) {
  Test *t = *state;
  HttpConn *a = give(t, "a", &owner);
  assert_null(take(t, "a", &owner, 0));
  assert_ptr_equal(take(t, "a", &owner, 60), a);
  httpconn_close(a);
}

/* Whatever comes while it is kept is nobody's answer. */
static void bytes_that_nobody_asked_for_close_it(void **state) {
  Test *t = *state;
  give(t, "a", &owner);
  fake_puts(t->fake.conns, "HTTP/1.1 408 Too late\r\n\r\n");
  assert_true(env_wait(&t->env, has_none, t));
  assert_null(take(t, "a", &owner, INFINITY));
  give(t, "a", &owner);
  fake_close(t->fake.conns);
  assert_true(env_wait(&t->env, has_none, t));
  assert_null(take(t, "a", &owner, INFINITY));
}

static void those_like_one_that_failed_are_closed(void **state) {
  Test *t = *state;
  HttpConn *failed = give(t, "a", &owner);
  assert_ptr_equal(take(t, "a", &owner, INFINITY), failed);
  give(t, "a", &owner), give(t, "a", &owner);
  HttpConn *apart = give(t, "a", &other), *elsewhere = give(t, "b", &owner);
  pool_distrust(pool_of(t->env.net), failed);
  assert_null(take(t, "a", &owner, INFINITY));
  assert_ptr_equal(take(t, "a", &other, INFINITY), apart);
  assert_ptr_equal(take(t, "b", &owner, INFINITY), elsewhere);
  httpconn_close(failed), httpconn_close(apart), httpconn_close(elsewhere);
  assert_true(env_wait(&t->env, has_none, t));
}

static void an_owner_is_forgotten(void **state) {
  Test *t = *state;
  give(t, "a", &owner), give(t, "b", &owner), give(t, "a", &other);
  pool_forget(t->env.net, &owner);
  assert_null(take(t, "a", &owner, INFINITY));
  assert_null(take(t, "b", &owner, INFINITY));
  assert_true(env_wait(&t->env, has_one, t));
  pool_empty(pool_of(t->env.net));
  assert_true(env_wait(&t->env, has_none, t));
}

int main(void) {
#define WITH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
  const struct CMUnitTest tests[] = {WITH(the_latest_of_its_key_and_owner_is_taken),
                                     WITH(one_that_was_idle_for_too_long_stays),
                                     WITH(bytes_that_nobody_asked_for_close_it),
                                     WITH(those_like_one_that_failed_are_closed),
                                     WITH(an_owner_is_forgotten)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
