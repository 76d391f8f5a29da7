/* Connections for HTTP/1.1: see httpconn.h. Where nothing on the way is encrypted the
 * socket is taken from curl, as with WebSockets, and read and written directly. */
#include "net/httpconn.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void free_handle(uv_handle_t *handle) {
  free(handle);
}

/* --- watching --------------------------------------------------------------------- */

static void on_poll(uv_poll_t *poll, int status, int events);

static void start_watch(HttpConn *conn) {
  int events = (conn->deaf ? 0 : UV_READABLE) | (conn->wants_write ? UV_WRITABLE : 0);
  if (events) uv_poll_start(conn->poll, events, on_poll);
  else uv_poll_stop(conn->poll);
}

/* After an error, at which libuv stops, there may be bytes before it: reading shows. */
static void on_poll(uv_poll_t *poll, int status, int events) {
  HttpConn *conn = poll->data;
  if (status < 0) {
    start_watch(conn);
    events = UV_READABLE;
  }
  bool writable = events & UV_WRITABLE && conn->wants_write;
  if (writable) conn->events->writable(conn->ctx);
  else if (!conn->deaf) conn->events->readable(conn->ctx);
}

void httpconn_want_write(HttpConn *conn, bool wants) {
  if (conn->wants_write == wants) return;
  conn->wants_write = wants;
  start_watch(conn);
}

void httpconn_want_read(HttpConn *conn, bool wants) {
  if (conn->deaf != wants) return;
  conn->deaf = !wants;
  start_watch(conn);
}

/* --- opening ---------------------------------------------------------------------- */

static void take_connection(HttpConn *conn) {
  conn->tls |= conn->transfer.tls;
  if (conn->tls) curl_easy_getinfo(conn->transfer.easy, CURLINFO_ACTIVESOCKET, &conn->fd);
  else conn->fd = net_take_socket(conn->net, &conn->transfer);
}

static void watch_connection(HttpConn *conn) {
  conn->poll = xcalloc(1, sizeof *conn->poll);
  conn->poll->data = conn;
  CHECK(uv_poll_init_socket(loop_uv(net_loop(conn->net)), conn->poll, conn->fd) == 0);
  start_watch(conn);
}

static void on_done(Transfer *transfer, CURLcode result) {
  HttpConn *conn = CONTAINER_OF(transfer, HttpConn, transfer);
  if (result == CURLE_OK) {
    take_connection(conn);
    if (conn->fd != CURL_SOCKET_BAD) watch_connection(conn);
  }
  conn->events->connected(conn->ctx, result);
}

HttpConn *httpconn_open(Net *net, const HttpConnWay *way, char *key, const void *owner,
                        const HttpConnEvents *events, void *ctx) {
  HttpConn *conn = xcalloc(1, sizeof *conn);
  CURL *easy = conn->transfer.easy = net_easy(net);
  conn->net = net;
  conn->transfer.done = on_done;
  conn->events = events;
  conn->ctx = ctx;
  conn->key = key;
  conn->owner = owner;
  conn->fd = CURL_SOCKET_BAD;
  curl_easy_setopt(easy, CURLOPT_URL, way->via ? way->via : way->url->url);
  curl_easy_setopt(easy, CURLOPT_CONNECT_ONLY, 1L);
  curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
  curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, 1024L);
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
                   net_milliseconds(way->connect_timeout));
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, conn->words);
  if (way->via) curl_easy_setopt(easy, CURLOPT_PROXY, "");
  if (way->via) route_name_proxy(way->via, &conn->transfer);
  else route_apply(way->route, way->url, &conn->transfer);
  net_add_apart(net, &conn->transfer);
  return conn;
}

/* The watch ends before the socket is closed. */
void httpconn_close(HttpConn *conn) {
  if (conn->poll) uv_poll_stop(conn->poll);
  if (conn->transfer.easy) net_remove(conn->net, &conn->transfer);
  else if (conn->fd != CURL_SOCKET_BAD) close(conn->fd);
  if (conn->poll) uv_close((uv_handle_t *)conn->poll, free_handle);
  free(conn->key);
  free(conn);
}

/* --- bytes ------------------------------------------------------------------------ */

static CURLcode io_result(HttpConn *conn, ssize_t n, CURLcode failure, size_t *len) {
  *len = n > 0 ? (size_t)n : 0;
  if (n >= 0) return CURLE_OK;
  if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) return CURLE_AGAIN;
  conn->os_error = errno;
  return failure;
}

/* curl takes a connection that breaks off for one that ended. */
static CURLcode read_tls(HttpConn *conn, char *to, size_t room, size_t *len) {
  CURLcode result = curl_easy_recv(conn->transfer.easy, to, room, len);
  bool ended = result == CURLE_OK && *len == 0;
  bool torn = ended && net_tls_ended(conn->transfer.easy) == NET_TLS_NOT_ENDED;
  return torn ? CURLE_RECV_ERROR : result;
}

CURLcode httpconn_read(HttpConn *conn, char *to, size_t room, size_t *len) {
  *len = 0;
  if (conn->tls) return read_tls(conn, to, room, len);
  return io_result(conn, recv(conn->fd, to, room, 0), CURLE_RECV_ERROR, len);
}

CURLcode httpconn_write(HttpConn *conn, const char *from, size_t count, size_t *len) {
  *len = 0;
  if (conn->tls) return curl_easy_send(conn->transfer.easy, from, count, len);
  return io_result(conn, send(conn->fd, from, count, MSG_NOSIGNAL), CURLE_SEND_ERROR,
                   len);
}
