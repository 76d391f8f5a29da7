/* A connection: bytes in, bytes out, its deadlines, and its way into the inbox.
 *
 * What arrives is put into `in` and read on from there by conn_pump, as far as it may:
 * not while a request waits for its answer, not while too many deliveries or too many
 * bytes for the peer wait. When much is left lying the socket is not read either, so that
 * the peer feels it; but never for a mere pending answer with little lying there, since
 * only reading shows that the peer has gone.
 *
 * What goes out is put into `out` and written in slices, one lws_write for each
 * WRITEABLE. While libwebsockets keeps the rest of a slice nothing is read: it would be
 * told of input again and again without taking it. */
#include "server/server.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/files.h"

#define LINGER 1.0
enum {
  SLICE = 32 * 1024,
  IN_HIGH = 256 * 1024,  /* unread bytes at which the socket is left alone */
  OUT_HIGH = 1024 * 1024 /* unwritten bytes at which nothing more is read from `in` */
};
enum { QUEUE_HIGH = 128, KEEP_CAPACITY = 64 * 1024, SLOT_BITS = 24 };

/* --- ids -------------------------------------------------------------------------- */

void conn_new_id(Conn *conn) {
  conn->id = (++conn->server->room->serial << SLOT_BITS) | conn->slot;
}

Conn *conn_find(const Server *server, uint64_t id) {
  size_t slot = id & ((1u << SLOT_BITS) - 1);
  Conn *conn = slot < server->slot_count ? server->slots[slot] : NULL;
  return conn && conn->id == id ? conn : NULL;
}

static void take_slot(Conn *conn) {
  Server *server = conn->server;
  size_t slot = 0;
  if (server->connections == server->slot_count) {
    slot = server->slot_count;
    server->slot_count = slot ? slot * 2 : 16;
    server->slots = xrealloc(server->slots, server->slot_count * sizeof(Conn *));
    memset(server->slots + slot, 0, (server->slot_count - slot) * sizeof(Conn *));
  }
  while (server->slots[slot]) slot++;
  server->slots[slot] = conn;
  server->connections++;
  conn->slot = slot;
}

static void leave_slot(Conn *conn) {
  conn->server->slots[conn->slot] = NULL;
  conn->server->connections--;
}

/* --- life ------------------------------------------------------------------------- */

static void conn_unref(Conn *conn) {
  if (--conn->refs > 0) return;
  Server *server = conn->server;
  http1_free(conn->parser);
  ws_parser_free(conn->ws);
  buffer_free(&conn->in);
  buffer_free(&conn->out);
  free(conn->offered);
  free(conn);
  server_unref(server);
}

static void on_timer(Timer *timer);
static void on_stall(Timer *timer);

static Conn *conn_new(Server *server, struct lws *wsi) {
  Conn *conn = xcalloc(1, sizeof *conn);
  conn->server = server;
  conn->wsi = wsi;
  conn->refs = 1;
  conn->timer.fire = on_timer;
  conn->stall.fire = on_stall;
  server->refs++;
  take_slot(conn);
  conn_new_id(conn);
  lws_get_peer_simple(wsi, conn->remote, sizeof conn->remote);
  timer_start(server->room->loop, &conn->timer, server->options.head_timeout);
  return conn;
}

static bool is_websocket(const Conn *conn) {
  return conn->phase == CONN_OPEN || conn->phase == CONN_CLOSING;
}

/* libwebsockets has closed it. What was received before is still delivered. */
static void conn_lost(Conn *conn) {
  Loop *loop = conn->server->room->loop;
  timer_stop(loop, &conn->timer);
  timer_stop(loop, &conn->stall);
  conn->wsi = NULL;
  if (conn->phase == CONN_PENDING)
    conn_deliver(conn, delivery_new(DELIVER_GONE, NULL, 0));
  if (!is_websocket(conn)) conn->phase = CONN_LINGER;
  conn_pump(conn);
  leave_slot(conn);
  conn_unref(conn);
}

/* --- deliveries ------------------------------------------------------------------- */

Delivery *delivery_new(DeliveryKind kind, const char *data, size_t len) {
  Delivery *d = xcalloc(1, sizeof *d + len + 1);
  d->kind = kind;
  d->len = len;
  if (len) memcpy(d->data, data, len);
  return d;
}

static void deliver_request(Server *server, Delivery *d) {
  ServerRequest request = {d->id, http1_request(d->request), d->conn->remote, d->flag};
  server->callbacks.request(server->ctx, &request);
}

static void hand_over(Server *server, Delivery *d) {
  const ServerCallbacks *cb = &server->callbacks;
  switch (d->kind) {
  case DELIVER_REQUEST:
    deliver_request(server, d);
    break;
  case DELIVER_GONE:
    cb->gone(server->ctx, d->id);
    break;
  case DELIVER_MESSAGE:
    cb->message(server->ctx, d->id, d->flag, d->data, d->len);
    break;
  case DELIVER_CLOSED:
    cb->closed(server->ctx, d->id, d->code, d->data, d->len);
    break;
  }
}

static void on_delivery(Event *event) {
  Delivery *d = CONTAINER_OF(event, Delivery, event);
  Conn *conn = d->conn;
  Server *server = conn->server;
  conn->queued--;
  if (!server->closed) hand_over(server, d);
  http1_free(d->request);
  free(d);
  if (!server->closed) {
    conn_pump(conn);
    conn_settle(conn);
  }
  conn_unref(conn);
}

void conn_deliver(Conn *conn, Delivery *d) {
  d->event.run = on_delivery;
  d->conn = conn;
  d->id = conn->id;
  conn->refs++;
  conn->queued++;
  inbox_push(conn->server->room->loop, &d->event);
}

/* --- in --------------------------------------------------------------------------- */

size_t conn_pending(const Conn *conn) {
  return conn->out.len - conn->out_used;
}

static void compact(Buffer *buffer, size_t *used) {
  if (*used < buffer->len) {
    if (*used < KEEP_CAPACITY) return;
    buffer_consume(buffer, *used);
  } else if (buffer->cap > KEEP_CAPACITY) {
    buffer_free(buffer);
  } else {
    buffer_clear(buffer);
  }
  *used = 0;
}

static bool feed(Conn *conn) {
  if (conn->queued >= QUEUE_HIGH || conn_pending(conn) >= OUT_HIGH) return false;
  if (conn->in_used == conn->in.len || conn->doomed) return false;
  switch (conn->phase) {
  case CONN_READING:
    return exchange_feed(conn);
  case CONN_OPEN:
  case CONN_CLOSING:
    return channel_feed(conn);
  case CONN_LINGER:
    conn->in_used = conn->in.len;
    return false;
  default:
    return false;
  }
}

/* Not called by libwebsockets again while anything is kept by it, see conn_write. */
static void choose_reading(Conn *conn) {
  if (!conn->wsi) return;
  bool full = conn->in.len - conn->in_used >= IN_HIGH;
  bool pause = full || lws_partial_buffered(conn->wsi);
  if (pause == conn->paused) return;
  conn->paused = pause;
  lws_rx_flow_control(conn->wsi, !pause);
}

void conn_pump(Conn *conn) {
  while (feed(conn)) continue;
  compact(&conn->in, &conn->in_used);
  choose_reading(conn);
  bool stuck = conn->queued >= QUEUE_HIGH && conn->in.len > 0;
  if (!conn->wsi && is_websocket(conn) && !stuck) channel_closed(conn, 1006, "", 0);
}

static void conn_receive(Conn *conn, const char *data, size_t len) {
  buffer_put(&conn->in, data, len);
  conn_pump(conn);
}

/* --- out -------------------------------------------------------------------------- */

void conn_flush(Conn *conn) {
  if (!conn->wsi || conn->doomed) return;
  if (!timer_active(&conn->stall) && conn_pending(conn))
    timer_start(conn->server->room->loop, &conn->stall,
                conn->server->options.write_timeout);
  lws_callback_on_writable(conn->wsi);
}

/* All is written: shuts our direction and waits a little for the peer to do the same,
 * since closing with its bytes unread would take the last answer away from it. */
static void begin_linger(Conn *conn) {
  if (conn->shut) return;
  conn->shut = true;
  shutdown(lws_get_socket_fd(conn->wsi), SHUT_WR);
  timer_start(conn->server->room->loop, &conn->timer, LINGER);
}

void conn_end(Conn *conn) {
  conn->phase = CONN_LINGER;
  timer_stop(conn->server->room->loop, &conn->timer);
  conn_flush(conn);
}

static int write_slice(Conn *conn) {
  size_t n = conn_pending(conn);
  if (n > SLICE) n = SLICE;
  unsigned char *bytes = (unsigned char *)conn->out.data + conn->out_used;
  if (n && lws_write(conn->wsi, bytes, n, LWS_WRITE_RAW) < 0) return -1;
  conn->out_used += n;
  compact(&conn->out, &conn->out_used);
  return 0;
}

static int conn_write(Conn *conn) {
  Loop *loop = conn->server->room->loop;
  if (!lws_partial_buffered(conn->wsi) && write_slice(conn) != 0) return -1;
  bool more = conn_pending(conn) || lws_partial_buffered(conn->wsi);
  if (more) {
    timer_start(loop, &conn->stall, conn->server->options.write_timeout);
    lws_callback_on_writable(conn->wsi);
  } else {
    timer_stop(loop, &conn->stall);
    if (conn->phase == CONN_LINGER) begin_linger(conn);
  }
  conn_pump(conn);
  return 0;
}

/* --- ending ----------------------------------------------------------------------- */

void conn_settle(Conn *conn) {
  if (conn->wsi && conn->doomed)
    lws_set_timeout(conn->wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_SYNC);
}

void conn_farewell(Conn *conn) {
  if (!conn->wsi) return;
  if (conn->phase == CONN_OPEN) ws_frame_close(&conn->out, NULL, 1001, "", 0);
  while (conn_pending(conn) && !lws_partial_buffered(conn->wsi))
    if (write_slice(conn) != 0) break;
  conn->doomed = true;
  conn_settle(conn);
}

static bool in_request(const Conn *conn) {
  return conn->phase == CONN_READING && conn->parser;
}

static void on_timer(Timer *timer) {
  Conn *conn = CONTAINER_OF(timer, Conn, timer);
  if (in_request(conn)) {
    exchange_refuse(conn, 408, "the request did not arrive in time");
    return;
  }
  conn->doomed = true;
  conn_settle(conn);
}

static void on_stall(Timer *timer) {
  Conn *conn = CONTAINER_OF(timer, Conn, stall);
  conn->doomed = true;
  conn_settle(conn);
}

/* --- what libwebsockets calls, from the poll -------------------------------------- */

/* Told once a minute: with files at their end connections come and are refused by turns.
 */
static bool refuse_for_files(Server *server) {
  double now = loop_now(server->room->loop);
  if (now >= server->tell_again)
    log_write(loop_log(server->room->loop), LOG_WARN, "server",
              "port %d: a connection is refused, and those that follow: this process has "
              "as many files open as it may (ulimit -n)",
              server->port);
  if (now >= server->tell_again) server->tell_again = now + TELL_EVERY;
  return false;
}

/* Asked with each descriptor that was accepted, before the library has put it anywhere.
 */
static bool may_come(Server *server, int fd) {
  if (server->closed || server->connections >= server->options.max_connections)
    return false;
  if (fd >= server->table_size || !files_spare(fd)) return refuse_for_files(server);
  return true;
}

static Server *server_behind(struct lws *wsi) {
  return lws_context_user(lws_get_context(wsi));
}

int conn_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                  size_t len) {
  Conn **session = user, *conn = session ? *session : NULL;
  int result = 0;
  if (reason == LWS_CALLBACK_FILTER_NETWORK_CONNECTION)
    return may_come(server_behind(wsi), (int)(intptr_t)in) ? 0 : -1;
  if (reason == LWS_CALLBACK_RAW_ADOPT) *session = conn_new(server_behind(wsi), wsi);
  if (!conn) return 0;
  switch (reason) {
  case LWS_CALLBACK_RAW_RX:
    conn_receive(conn, in, len);
    break;
  case LWS_CALLBACK_RAW_WRITEABLE:
    result = conn_write(conn);
    break;
  case LWS_CALLBACK_RAW_CLOSE:
    *session = NULL;
    conn_lost(conn);
    return 0;
  default:
    return 0;
  }
  return conn->doomed ? -1 : result;
}
