/* A TCP server on the loop under test, for tests that script what a server says byte by
 * byte. Loopback only, port 0. The handler runs in the poll whenever bytes came in (and
 * once with conn->ended set when the client closed). */
#ifndef TIDELOCK_TESTS_FAKE_SERVER_H
#define TIDELOCK_TESTS_FAKE_SERVER_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "core/buffer.h"
#include "loop/loop.h"

typedef struct FakeConn FakeConn;
typedef struct Fake {
  uv_tcp_t tcp;
  void (*handler)(FakeConn *conn);
  void *ctx;
  int port, accepted;
  FakeConn *conns;
} Fake;

struct FakeConn {
  uv_tcp_t tcp;
  Fake *fake;
  FakeConn *next;
  int number; /* from 1 */
  Buffer in;  /* what came and was not consumed */
  bool ended, closing;
  int step; /* free for the test */
  void *data;
  void (*release)(FakeConn *conn); /* NULL, or called before it is freed */
};

typedef struct FakeWrite {
  uv_write_t req;
  char bytes[];
} FakeWrite;

static void fake_written(uv_write_t *req, int status) {
  (void)status;
  free(req->data);
}

static inline void fake_write(FakeConn *conn, const void *bytes, size_t len) {
  if (conn->closing || len == 0) return;
  FakeWrite *w = xmalloc(sizeof *w + len);
  memcpy(w->bytes, bytes, len);
  w->req.data = w;
  uv_buf_t buf = uv_buf_init(w->bytes, (unsigned)len);
  if (uv_write(&w->req, (uv_stream_t *)&conn->tcp, &buf, 1, fake_written) != 0) free(w);
}

static inline void fake_puts(FakeConn *conn, const char *text) {
  fake_write(conn, text, strlen(text));
}

static inline void fake_conn_gone(uv_handle_t *handle) {
  FakeConn *conn = handle->data, **at = &conn->fake->conns;
  while (*at != conn) at = &(*at)->next;
  *at = conn->next;
  if (conn->release) conn->release(conn);
  buffer_free(&conn->in);
  free(conn);
}

static void fake_shut(uv_shutdown_t *req, int status) {
  (void)status;
  FakeConn *conn = req->handle->data;
  free(req);
  if (!uv_is_closing((uv_handle_t *)&conn->tcp))
    uv_close((uv_handle_t *)&conn->tcp, fake_conn_gone);
}

/* Closes once all is written, with a FIN. */
static inline void fake_close(FakeConn *conn) {
  if (conn->closing) return;
  conn->closing = true;
  uv_read_stop((uv_stream_t *)&conn->tcp);
  uv_shutdown_t *req = xmalloc(sizeof *req);
  if (uv_shutdown(req, (uv_stream_t *)&conn->tcp, fake_shut) == 0) return;
  free(req);
  uv_close((uv_handle_t *)&conn->tcp, fake_conn_gone);
}

/* Closes at once, with an RST. */
static inline void fake_reset(FakeConn *conn) {
  if (conn->closing) return;
  conn->closing = true;
  uv_tcp_close_reset(&conn->tcp, fake_conn_gone);
}

static void fake_alloc(uv_handle_t *handle, size_t hint, uv_buf_t *buf) {
  FakeConn *conn = handle->data;
  (void)hint;
  *buf = uv_buf_init(buffer_reserve(&conn->in, 65536), 65536);
}

static void fake_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf) {
  FakeConn *conn = stream->data;
  (void)buf;
  if (n == 0) return;
  if (n > 0) conn->in.len += (size_t)n;
  else conn->ended = true;
  conn->fake->handler(conn);
  if (conn->ended && !conn->closing) fake_close(conn);
}

static void fake_accept(uv_stream_t *server, int status) {
  Fake *fake = server->data;
  if (status != 0) return;
  FakeConn *conn = xcalloc(1, sizeof *conn);
  conn->fake = fake;
  conn->number = ++fake->accepted;
  conn->next = fake->conns;
  fake->conns = conn;
  conn->tcp.data = conn;
  uv_tcp_init(server->loop, &conn->tcp);
  CHECK(uv_accept(server, (uv_stream_t *)&conn->tcp) == 0);
  uv_tcp_nodelay(&conn->tcp, 1);
  uv_read_start((uv_stream_t *)&conn->tcp, fake_alloc, fake_read);
}

static inline void fake_listen(Fake *fake, Loop *loop, void (*handler)(FakeConn *),
                               void *ctx) {
  struct sockaddr_in addr;
  int len = sizeof addr;
  *fake = (Fake){.handler = handler, .ctx = ctx};
  uv_tcp_init(loop_uv(loop), &fake->tcp);
  fake->tcp.data = fake;
  uv_ip4_addr("127.0.0.1", 0, &addr);
  CHECK(uv_tcp_bind(&fake->tcp, (struct sockaddr *)&addr, 0) == 0);
  CHECK(uv_listen((uv_stream_t *)&fake->tcp, 128, fake_accept) == 0);
  uv_tcp_getsockname(&fake->tcp, (struct sockaddr *)&addr, &len);
  fake->port = ntohs(addr.sin_port);
}

/* Closes the listener and every connection; loop_finish then waits for them. */
static inline void fake_stop(Fake *fake) {
  uv_close((uv_handle_t *)&fake->tcp, NULL);
  for (FakeConn *conn = fake->conns; conn; conn = conn->next)
    if (!uv_is_closing((uv_handle_t *)&conn->tcp)) {
      conn->closing = true;
      uv_close((uv_handle_t *)&conn->tcp, fake_conn_gone);
    }
}

/* A port on which nothing listens. */
static inline int fake_refused_port(void) {
  struct sockaddr_in addr = {.sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t len = sizeof addr;
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  CHECK(fd >= 0 && bind(fd, (struct sockaddr *)&addr, sizeof addr) == 0);
  getsockname(fd, (struct sockaddr *)&addr, &len);
  close(fd);
  return ntohs(addr.sin_port);
}

#endif
