/* See stream.h. While an answer is under way the next request of its connection is not
 * read. A client that ends its sending may still take the answer; one that is gone shows
 * when the next piece is written. */
#include "server/stream.h"

#include <sys/socket.h>

#include "server/exchange.h"

enum {
  MUCH = 256 * 1024, /* unwritten bytes with which the script has to wait */
  FRAME = 32         /* bytes around a piece, at most */
};

static int lack_memory(Error *err) {
  return error_set(err, ERR_MEMORY,
                   "no memory for a piece of an answer: clients have not taken what they "
                   "were sent before");
}

int stream_begin(Server *server, uint64_t id, int status, const char *const *headers,
                 bool *takes, Error *err) {
  Conn *conn = exchange_find(server, id, err);
  if (!conn) return err->code;
  if (exchange_check_head(status, headers, err) != 0) return err->code;
  if (status == 204 || status == 205 || status == 304)
    return error_set(err, ERR_INVALID, "an answer with the status %d has no body",
                     status);
  if (!conn_has_room(conn, FRAME)) return lack_memory(err);
  if (conn->old) conn->keep_alive = false;
  exchange_put_head(conn, status, headers,
                    conn->old ? "" : "Transfer-Encoding: chunked\r\n");
  *takes = !conn->head_only;
  conn->thirsty = false;
  conn->phase = CONN_STREAM;
  conn_flush(conn);
  if (!*takes) stream_finish(server, id, true);
  return 0;
}

static Conn *find_stream(Server *server, uint64_t id) {
  Conn *conn = conn_find(server, id);
  return conn && conn->fd >= 0 && conn->phase == CONN_STREAM ? conn : NULL;
}

static void put_piece(Conn *conn, const char *data, size_t len) {
  if (!conn->old) buffer_printf(&conn->out, "%zx\r\n", len);
  buffer_put(&conn->out, data, len);
  if (!conn->old) buffer_puts(&conn->out, "\r\n");
  conn_flush(conn);
}

int stream_write(Server *server, uint64_t id, const char *data, size_t len, bool *much,
                 Error *err) {
  Conn *conn = find_stream(server, id);
  if (!conn)
    return error_set(err, ERR_CLOSED, "the answer has ended, or its client is gone");
  if (conn_pending(conn) > server->options.max_backlog)
    return error_set(err, ERR_BUFFER_FULL,
                     "the client has not read %zu bytes, more than max_backlog (%zu)",
                     conn_pending(conn), server->options.max_backlog);
  if (!conn_has_room(conn, len + FRAME)) return lack_memory(err);
  if (len > 0) put_piece(conn, data, len); /* an empty chunk would be the end */
  *much = conn_pending(conn) >= MUCH;
  if (*much) conn->thirsty = true;
  return 0;
}

/* The end of the connection without the last chunk says that more was to come; where
 * there are no chunks, only a reset does. */
static void break_off(Conn *conn) {
  struct linger at_once = {.l_onoff = 1, .l_linger = 0};
  if (!conn->old) {
    conn_end(conn);
    return;
  }
  setsockopt(conn->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  conn->doomed = true;
}

void stream_finish(Server *server, uint64_t id, bool whole) {
  Conn *conn = find_stream(server, id);
  if (!conn) return;
  if (!whole) {
    break_off(conn);
  } else {
    if (!conn->old && !conn->head_only) buffer_puts(&conn->out, "0\r\n\r\n");
    exchange_finish(conn);
    conn_pump(conn);
  }
  conn_settle(conn);
}
