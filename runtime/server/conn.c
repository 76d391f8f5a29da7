/* A connection: bytes in, bytes out, its deadlines, and its way into the inbox.
 *
 * It begins when libwebsockets has accepted a descriptor and asks whether to keep it: we
 * duplicate the descriptor, answer no, and watch the duplicate with a uv_poll. (The RAW
 * role of libwebsockets closes a connection whose peer has ended its sending, before the
 * answer is written, and writes past the end of a table when a descriptor's number is
 * high.)
 *
 * What arrives is put into `in`, and conn_pump feeds it to the protocol (conn->ops): not
 * while a request waits for its answer, nor while too many deliveries or too many bytes
 * for the peer wait. When much is left in `in` the socket is not read, so that the peer
 * is held back. With little left it is read even while an answer is awaited, since only
 * reading shows that the peer has gone. A peer that ends its sending looks like one that
 * goes: the request under way gets a `gone`, and may still be answered; what was sent
 * before is served, then the connection ends.
 *
 * What goes out is put into `out`, and written as the socket takes it.
 *
 * Always: conn->fd is -1 exactly when the descriptor is closed; only close_conn does
 * that, and the Conn lives on until libuv has closed its handle. */
#include "server/conn.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/losses.h"

#define LINGER 1.0
enum {
  READ_SIZE = 32 * 1024,
  IN_HIGH = 256 * 1024,   /* unread bytes at which the socket is left alone */
  OUT_HIGH = 1024 * 1024, /* unwritten bytes at which nothing more is read from `in` */
  OUT_LOW = 64 * 1024     /* at which a stream's script may write on */
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

/* --- what it holds ----------------------------------------------------------------- */

static void count_charge(Conn *conn) {
  size_t bytes = conn->in.cap + conn->out.len + http1_held(conn->parser);
  if (conn->ws) bytes += ws_parser_held(conn->ws);
  charge_set(conn->server->charge, &conn->charged, bytes);
}

/* The bytes fit, and so does the buffer grown for them. */
bool conn_has_room(const Conn *conn, size_t more) {
  return !charge_is_over(conn->server->charge, more) &&
         buffer_can_take(&conn->out, more + 1024);
}

/* --- life ------------------------------------------------------------------------- */

static void conn_unref(Conn *conn) {
  if (--conn->refs > 0) return;
  Server *server = conn->server;
  charge_remove(server->charge, conn->charged);
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
static void on_poll(uv_poll_t *poll, int status, int events);

void conn_put_remote(int fd, char text[INET6_ADDRSTRLEN]) {
  struct sockaddr_storage peer;
  socklen_t len = sizeof peer;
  strcpy(text, "?");
  if (getpeername(fd, (struct sockaddr *)&peer, &len) != 0) return;
  const void *address = peer.ss_family == AF_INET6
                            ? (void *)&((struct sockaddr_in6 *)&peer)->sin6_addr
                            : (void *)&((struct sockaddr_in *)&peer)->sin_addr;
  uv_inet_ntop(peer.ss_family, address, text, INET6_ADDRSTRLEN);
}

/* Without reading and writing the socket is watched for a lost connection, which libuv
 * reports with any event. */
static void watch_socket(Conn *conn) {
  if (conn->fd < 0) return;
  bool write = conn_pending(conn) || (conn->phase == CONN_LINGER && !conn->shut);
  int events = conn->paused || conn->ended ? UV_PRIORITIZED : UV_READABLE;
  if (write) events |= UV_WRITABLE;
  if (events != conn->events) uv_poll_start(&conn->poll, events, on_poll);
  conn->events = events;
}

/* Takes fd. */
void conn_adopt(Server *server, int fd, ServerFault fault, size_t bytes) {
  Conn *conn = xcalloc(1, sizeof *conn);
  if (uv_poll_init(loop_uv(server->room->loop), &conn->poll, fd) != 0) {
    close(fd);
    free(conn);
    return;
  }
  conn->server = server;
  conn->ops = server->first_ops;
  conn->fd = fd;
  conn->refs = 1;
  conn->timer.fire = on_timer;
  conn->stall.fire = on_stall;
  server->refs++;
  take_slot(conn);
  conn_new_id(conn);
  conn_put_remote(fd, conn->remote);
  conn->fault = fault;
  conn->left = bytes;
  if (fault == SERVER_FAULT_HANG) return; /* until its server is closed */
  timer_start(server->room->loop, &conn->timer, server->options.head_timeout);
  watch_socket(conn);
}

static bool is_websocket(const Conn *conn) {
  return conn->phase == CONN_OPEN || conn->phase == CONN_CLOSING;
}

static void on_closed(uv_handle_t *handle) {
  conn_unref(CONTAINER_OF((uv_poll_t *)handle, Conn, poll));
}

/* Closes the descriptor. What was received before is still delivered. */
static void close_conn(Conn *conn) {
  Loop *loop = conn->server->room->loop;
  if (conn->fd < 0) return;
  timer_stop(loop, &conn->timer);
  timer_stop(loop, &conn->stall);
  uv_poll_stop(&conn->poll);
  close(conn->fd);
  conn->fd = -1;
  if ((conn->phase == CONN_PENDING && !conn->ended) || conn->phase == CONN_STREAM)
    conn_deliver(conn, delivery_new(DELIVER_GONE, NULL, 0));
  if (!is_websocket(conn)) conn->phase = CONN_LINGER;
  conn_pump(conn);
  leave_slot(conn);
  uv_close((uv_handle_t *)&conn->poll, on_closed);
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
  case DELIVER_DRAINED:
    cb->drained(server->ctx, d->id);
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
  charge_set(server->charge, &d->charged, 0); /* the script has a copy */
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
  charge_set(conn->server->charge, &d->charged,
             sizeof *d + d->len + http1_held(d->request));
  inbox_push(conn->server->room->loop, &d->event);
}

/* --- in --------------------------------------------------------------------------- */

size_t conn_pending(const Conn *conn) {
  return conn->out.len - conn->out_used;
}

static void drop_used(Buffer *buffer, size_t *used) {
  if (*used < buffer->len) {
    if (*used < KEEP_CAPACITY || *used < buffer->len / 2) return; /* moves it rarely */
    buffer_consume(buffer, *used);
  } else if (buffer->cap > KEEP_CAPACITY) {
    buffer_free(buffer);
  } else {
    buffer_clear(buffer);
  }
  *used = 0;
}

static bool feed_protocol(Conn *conn) {
  if (conn->queued >= QUEUE_HIGH || conn_pending(conn) >= OUT_HIGH) return false;
  if (conn->in_used == conn->in.len || conn->doomed) return false;
  switch (conn->phase) {
  case CONN_READING:
  case CONN_OPEN:
  case CONN_CLOSING:
    return conn->ops->feed(conn);
  case CONN_LINGER:
    conn->in_used = conn->in.len;
    return false;
  default:
    return false;
  }
}

static bool is_blocked(const Conn *conn) {
  return conn->queued >= QUEUE_HIGH || conn_pending(conn) >= OUT_HIGH;
}

void conn_pump(Conn *conn) {
  while (feed_protocol(conn)) continue;
  drop_used(&conn->in, &conn->in_used);
  count_charge(conn);
  conn->paused = conn->in.len - conn->in_used >= IN_HIGH;
  if (conn->fd >= 0 && conn->ended && conn->phase == CONN_READING && !is_blocked(conn))
    conn_end(conn); /* no further request will come */
  watch_socket(conn);
  bool stuck = conn->queued >= QUEUE_HIGH && conn->in.len > 0;
  if (conn->fd < 0 && is_websocket(conn) && !stuck) conn->ops->closed(conn);
}

/* All is written: shuts our direction and waits a little for the peer to do the same:
 * a close with unread bytes would reset the connection, and the peer lose the answer. */
static void begin_linger(Conn *conn) {
  if (conn->shut) return;
  conn->shut = true;
  shutdown(conn->fd, SHUT_WR);
  if (conn->ended) close_conn(conn);
  else timer_start(conn->server->room->loop, &conn->timer, LINGER);
}

/* The peer has ended its sending; whether it still reads is not known. */
static void take_end(Conn *conn) {
  conn->ended = true;
  if (is_websocket(conn) || conn->shut) {
    close_conn(conn);
    return;
  }
  if (conn->phase == CONN_PENDING)
    conn_deliver(conn, delivery_new(DELIVER_GONE, NULL, 0));
  conn_pump(conn);
  if (conn->phase == CONN_LINGER && !conn_pending(conn)) begin_linger(conn);
}

/* All clients together hold as much as the script may. A client that waits for its answer
 * is not read until there is room; the others are refused. */
static void lack_memory(Conn *conn) {
  if (conn->phase == CONN_READING || is_websocket(conn))
    conn->ops->refuse(conn, REFUSE_MEMORY);
  else conn->paused = true;
  watch_socket(conn);
}

static void read_some(Conn *conn) {
  char data[READ_SIZE];
  if (conn->phase != CONN_LINGER && !conn_has_room(conn, READ_SIZE)) {
    lack_memory(conn);
    return;
  }
  ssize_t n = recv(conn->fd, data, sizeof data, 0);
  if (n > 0) {
    buffer_put(&conn->in, data, (size_t)n);
    conn_pump(conn);
  } else if (n == 0) {
    take_end(conn);
  } else if (errno != EAGAIN && errno != EINTR) {
    close_conn(conn);
  }
}

/* --- out -------------------------------------------------------------------------- */

void conn_flush(Conn *conn) {
  count_charge(conn);
  if (conn->fd < 0 || conn->doomed) return;
  if (!timer_active(&conn->stall) && conn_pending(conn))
    timer_start(conn->server->room->loop, &conn->stall,
                conn->server->options.write_timeout);
  watch_socket(conn);
}

void conn_end(Conn *conn) {
  conn->phase = CONN_LINGER;
  timer_stop(conn->server->room->loop, &conn->timer);
  conn_flush(conn);
}

/* Returns the bytes taken by the socket; -1: it is broken. */
static ssize_t send_pending(Conn *conn) {
  size_t len = conn_pending(conn);
  bool cut = conn->fault == SERVER_FAULT_CUT;
  if (cut && conn->left == 0) return -1;
  if (cut && conn->left < len) len = conn->left;
  ssize_t n = send(conn->fd, conn->out.data + conn->out_used, len, MSG_NOSIGNAL);
  if (n > 0 && cut) conn->left -= (size_t)n;
  if (n < 0) return errno == EAGAIN || errno == EINTR ? 0 : -1;
  conn->out_used += (size_t)n;
  drop_used(&conn->out, &conn->out_used);
  count_charge(conn);
  return n;
}

static void tell_drained(Conn *conn) {
  if (!conn->thirsty || conn->phase != CONN_STREAM || conn_pending(conn) > OUT_LOW)
    return;
  conn->thirsty = false;
  conn_deliver(conn, delivery_new(DELIVER_DRAINED, NULL, 0));
}

static void write_some(Conn *conn) {
  Loop *loop = conn->server->room->loop;
  ssize_t n = conn_pending(conn) ? send_pending(conn) : 0;
  if (n < 0) {
    close_conn(conn);
    return;
  }
  if (conn_pending(conn)) {
    if (n > 0) timer_start(loop, &conn->stall, conn->server->options.write_timeout);
  } else {
    timer_stop(loop, &conn->stall);
    if (conn->phase == CONN_LINGER) begin_linger(conn);
  }
  if (conn->fd < 0) return;
  tell_drained(conn);
  conn_pump(conn);
}

/* --- ending ----------------------------------------------------------------------- */

void conn_settle(Conn *conn) {
  if (conn->doomed) close_conn(conn);
}

void conn_farewell(Conn *conn) {
  if (conn->fd < 0) return;
  if (conn->phase == CONN_OPEN) ws_frame_close(&conn->out, NULL, 1001, "", 0);
  while (conn_pending(conn) && send_pending(conn) > 0) continue;
  conn->doomed = true;
  conn_settle(conn);
}

/* In dispatch, where nobody further up works on one. */
void conn_drop(Server *server, bool all) {
  for (size_t i = 0; i < server->slot_count; i++) {
    Conn *conn = server->slots[i];
    if (!conn || conn->fd < 0) continue;
    bool between = conn->phase == CONN_READING && !conn->parser && conn->queued == 0;
    if (all || between) close_conn(conn);
  }
}

static bool in_request(const Conn *conn) {
  return conn->phase == CONN_READING && conn->parser;
}

static void on_timer(Timer *timer) {
  Conn *conn = CONTAINER_OF(timer, Conn, timer);
  if (in_request(conn)) {
    conn->ops->refuse(conn, REFUSE_LATE);
    return;
  }
  conn->doomed = true;
  conn_settle(conn);
}

static void on_stall(Timer *timer) {
  Conn *conn = CONTAINER_OF(timer, Conn, stall);
  loss_note(conn->server, SERVER_LOSS_STALL,
            "the client %s is closed: it has taken nothing for %g s (write_timeout), and "
            "%zu bytes wait for it",
            conn->remote, conn->server->options.write_timeout, conn_pending(conn));
  conn->doomed = true;
  conn_settle(conn);
}

/* --- from the poll ---------------------------------------------------------------- */

/* The connection broke, or an urgent byte came, which is dropped. */
static void look_for_loss(Conn *conn) {
  struct pollfd look = {.fd = conn->fd};
  char urgent;
  while (recv(conn->fd, &urgent, 1, MSG_OOB) > 0) continue;
  if (poll(&look, 1, 0) > 0 && (look.revents & (POLLERR | POLLHUP))) close_conn(conn);
}

static void on_poll(uv_poll_t *poll, int status, int events) {
  Conn *conn = CONTAINER_OF(poll, Conn, poll);
  conn->refs++;
  if (status < 0 || conn->fault == SERVER_FAULT_RESET) close_conn(conn);
  if (conn->fd >= 0 && (events & UV_READABLE)) read_some(conn);
  if (conn->fd >= 0 && (events & UV_WRITABLE)) write_some(conn);
  if (conn->fd >= 0 && (events & UV_PRIORITIZED)) look_for_loss(conn);
  conn_settle(conn);
  conn_unref(conn);
}
