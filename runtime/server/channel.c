/* An accepted WebSocket: messages both ways, pings answered, and the closing handshake.
 * `closed` is delivered exactly once for each WebSocket: when the peer's close frame
 * comes, when it breaks the rules, or when the connection goes. */
#include "server/channel.h"

#include <string.h>

#include "server/losses.h"

#define CLOSE_TIMEOUT 2.0

static void deliver_closed(Conn *conn, int code, const char *reason, size_t len) {
  if (conn->closed_delivered) return;
  conn->closed_delivered = true;
  Delivery *d = delivery_new(DELIVER_CLOSED, reason, len);
  d->code = code;
  conn_deliver(conn, d);
}

static void deliver_message(Conn *conn, const WsEvent *event) {
  if (conn->phase != CONN_OPEN) return;
  Delivery *d = delivery_new(DELIVER_MESSAGE, event->data, event->len);
  d->flag = event->type == WS_BINARY;
  conn_deliver(conn, d);
}

static void on_close(Conn *conn, const WsEvent *event) {
  int echo = event->close_code == 1005 ? 0 : event->close_code;
  if (conn->phase == CONN_OPEN) ws_frame_close(&conn->out, NULL, echo, NULL, 0);
  deliver_closed(conn, event->close_code, event->data, event->len);
  conn_end(conn);
}

static void on_event(Conn *conn, const WsEvent *event) {
  switch (event->type) {
  case WS_TEXT:
  case WS_BINARY:
    deliver_message(conn, event);
    break;
  case WS_PING:
    if (conn->phase != CONN_OPEN) break;
    ws_frame(&conn->out, true, WS_PONG, NULL, event->data, event->len);
    conn_flush(conn);
    break;
  case WS_CLOSE:
    on_close(conn, event);
    break;
  default:
    break;
  }
}

static void fail_channel(Conn *conn, int close_code, const char *words) {
  if (conn->phase == CONN_OPEN) ws_frame_close(&conn->out, NULL, close_code, "", 0);
  deliver_closed(conn, close_code, words, strlen(words));
  conn_end(conn);
}

static void note_memory(const Conn *conn) {
  loss_note(conn->server, SERVER_LOSS_MEMORY,
            "the client %s is closed with 1013: the script has no memory for more "
            "messages: lower max_message, max_backlog or max_connections",
            conn->remote);
}

static void note_failure(const Conn *conn, int close_code, const char *words) {
  Server *server = conn->server;
  if (close_code == 1009)
    loss_note(server, SERVER_LOSS_SIZE,
              "the client %s is closed: %s; max_message is %zu bytes: raise it if such "
              "messages are right",
              conn->remote, words, server->options.max_message);
  else if (close_code == 1013) note_memory(conn);
  else
    loss_note(server, SERVER_LOSS_PROTOCOL,
              "the client %s is closed (%d): it broke the WebSocket protocol: %s",
              conn->remote, close_code, words);
}

static bool feed_frames(Conn *conn) {
  size_t used = 0;
  WsEvent event;
  int close_code = 0;
  Error err = {.code = ERR_NONE};
  size_t room = charge_room(conn->server->charge), held = ws_parser_held(conn->ws);
  ws_parser_allow(conn->ws, room < SIZE_MAX - held ? room + held : SIZE_MAX);
  int result = ws_parse(conn->ws, conn->in.data + conn->in_used,
                        conn->in.len - conn->in_used, &used, &event, &close_code, &err);
  conn->in_used += used;
  if (result > 0) on_event(conn, &event);
  if (result < 0) {
    note_failure(conn, close_code, err.message);
    fail_channel(conn, close_code, err.message);
  }
  return result > 0;
}

static void refuse_more(Conn *conn, Refusal why) {
  (void)why; /* no message is late: its connection is quiet, or it is closed */
  note_memory(conn);
  fail_channel(conn, 1013, "no memory for more messages");
}

static void close_broken(Conn *conn) {
  deliver_closed(conn, 1006, "", 0);
}

const ConnOps channel_ops = {feed_frames, refuse_more, close_broken};

static Conn *find_open(Server *server, uint64_t id) {
  Conn *conn = conn_find(server, id);
  return conn && conn->fd >= 0 && conn->phase == CONN_OPEN ? conn : NULL;
}

int channel_send(Server *server, uint64_t id, bool binary, const char *data, size_t len,
                 Error *err) {
  Conn *conn = find_open(server, id);
  if (!conn) return error_set(err, ERR_NOT_CONNECTED, "the WebSocket is closed");
  if (!binary && !utf8_valid(data, len))
    return error_set(err, ERR_DECODE, "a text message must be UTF-8");
  if (conn_pending(conn) + len > server->options.max_backlog)
    return error_set(err, ERR_BUFFER_FULL,
                     "the client has not read %zu bytes, and with %zu more max_backlog "
                     "(%zu) is passed",
                     conn_pending(conn), len, server->options.max_backlog);
  if (!conn_has_room(conn, len))
    return error_set(err, ERR_MEMORY,
                     "no memory for a message of %zu bytes: clients have not taken what "
                     "they were sent before",
                     len);
  ws_frame(&conn->out, true, binary ? WS_BINARY : WS_TEXT, NULL, data, len);
  conn_flush(conn);
  return 0;
}

void channel_hang_up(Server *server, uint64_t id, int code, const char *reason) {
  Conn *conn = find_open(server, id);
  if (!conn) return;
  ws_frame_close(&conn->out, NULL, code, reason, reason ? strlen(reason) : 0);
  conn->phase = CONN_CLOSING;
  conn_flush(conn);
  timer_start(server->room->loop, &conn->timer, CLOSE_TIMEOUT);
  conn_settle(conn);
}
