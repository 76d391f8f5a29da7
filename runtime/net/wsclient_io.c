/* Reading and writing of the WebSocket client: bytes between curl's connection and the
 * buffers, watched by one uv_poll.
 *
 * Reading takes what is there into memory that all connections share, but READ_BUDGET at
 * most, so that a flood on one connection does not starve the others. The poll is level
 * triggered and calls again; only what OpenSSL has read ahead is invisible to it, so that
 * over TLS the rest is asked for through the inbox.
 *
 * Once connected, curl is needed only where something on the way is encrypted. Else the
 * socket is taken from it, and the 9 KB that it keeps of each connection are released.
 *
 * Writing goes through two buffers. OpenSSL wants a write that could not be finished
 * repeated from the same address: so `writing` is left alone until it is written, and
 * what is sent meanwhile gathers in `queued`. */
#include "net/wsclient_io.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { READ_BUDGET = 64 * 1024, WRITE_BUDGET = 1 << 20, KEEP_BUFFER = 128 };

/* --- entering --------------------------------------------------------------------- */

void ws_enter(WsClient *ws) {
  ws->busy++;
}

void ws_leave(WsClient *ws) {
  if (--ws->busy == 0 && ws->freed) ws->io->on_left(ws);
}

void ws_recount(WsClient *ws) {
  charge_set(ws->charge, &ws->charged_out, ws->writing.len + ws->queued.len);
}

/* --- watching --------------------------------------------------------------------- */

static void read_bytes(WsClient *ws);

static void on_poll(uv_poll_t *poll, int status, int events) {
  WsClient *ws = poll->data;
  if (status < 0) events = UV_READABLE | UV_WRITABLE;
  ws_enter(ws);
  if (events & UV_WRITABLE) ws_flush(ws);
  if (ws->poll && events & UV_READABLE) read_bytes(ws);
  if (status < 0) ws_watch(ws); /* libuv stopped: there may be bytes before the error */
  ws_leave(ws);
}

static bool is_reading(const WsClient *ws) {
  return ws->poll && ws->state != WS_PARTING && !(ws->paused && ws->state == WS_IS_OPEN);
}

void ws_watch(WsClient *ws) {
  if (!ws->poll) return;
  int events = (is_reading(ws) ? UV_READABLE : 0) | (ws->blocked ? UV_WRITABLE : 0);
  if (events) uv_poll_start(ws->poll, events, on_poll);
  else uv_poll_stop(ws->poll);
}

static void on_before_wait(BeforeWait *work) {
  WsClient *ws = CONTAINER_OF(work, WsClient, flush);
  const WsCallbacks *callbacks = &ws->callbacks;
  bool may = ws->orphan || !callbacks->may_write || callbacks->may_write(ws->ctx);
  ws_enter(ws);
  if (may && ws->poll && !ws->blocked) ws_flush(ws);
  ws_leave(ws);
}

void ws_start_io(WsClient *ws, curl_socket_t fd) {
  ws->flush.run = on_before_wait;
  ws->poll = xcalloc(1, sizeof *ws->poll);
  ws->poll->data = ws;
  ws->fd = fd;
  CHECK(uv_poll_init_socket(loop_uv(net_loop(ws->net)), ws->poll, fd) == 0);
  ws_watch(ws);
}

static void free_handle(uv_handle_t *handle) {
  free(handle);
}

/* The watch ends before the socket is closed. */
void ws_stop_io(WsClient *ws) {
  if (ws->poll) uv_poll_stop(ws->poll);
  net_before_wait_cancel(&ws->flush);
  if (ws->transfer.easy) net_remove(ws->net, &ws->transfer);
  else if (ws->poll) close(ws->fd);
  if (ws->poll) uv_close((uv_handle_t *)ws->poll, free_handle);
  ws->poll = NULL;
  buffer_free(&ws->writing);
  buffer_free(&ws->queued);
  buffer_free(&ws->pong);
  ws->written = 0;
  ws_recount(ws);
}

/* --- bytes ------------------------------------------------------------------------ */

static CURLcode io_result(WsClient *ws, ssize_t n, CURLcode failure, size_t *len) {
  *len = n > 0 ? (size_t)n : 0;
  if (n >= 0) return CURLE_OK;
  if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) return CURLE_AGAIN;
  ws->os_error = errno;
  return failure;
}

static CURLcode get_bytes(WsClient *ws, char *to, size_t room, size_t *len) {
  if (ws->tls) return curl_easy_recv(ws->transfer.easy, to, room, len);
  return io_result(ws, read(ws->fd, to, room), CURLE_RECV_ERROR, len);
}

static CURLcode put_bytes(WsClient *ws, const char *from, size_t count, size_t *len) {
  if (ws->tls) return curl_easy_send(ws->transfer.easy, from, count, len);
  return io_result(ws, write(ws->fd, from, count), CURLE_SEND_ERROR, len);
}

/* --- reading ---------------------------------------------------------------------- */

static void read_bytes(WsClient *ws) {
  char *scratch = net_scratch(ws->net);
  for (size_t taken = 0; is_reading(ws) && taken < READ_BUDGET;) {
    size_t len = 0;
    CURLcode result = get_bytes(ws, scratch, NET_SCRATCH, &len);
    if (result == CURLE_AGAIN) return;
    if (result != CURLE_OK || len == 0) {
      ws->io->on_broken(ws, result);
      return;
    }
    ws->heard = true;
    ws->io->on_bytes(ws, scratch, len);
    if (!ws->tls && len < NET_SCRATCH) return; /* no more is there: saves a call */
    taken += len;
  }
  if (is_reading(ws) && ws->tls) ws_read_later(ws);
}

static void on_read_later(Event *event) {
  WsClient *ws = CONTAINER_OF(event, WsClient, later);
  ws->later_queued = false;
  ws_enter(ws);
  if (ws->poll) read_bytes(ws);
  ws_leave(ws);
}

void ws_read_later(WsClient *ws) {
  if (ws->later_queued) return;
  ws->later_queued = true;
  ws->later.run = on_read_later;
  inbox_push(net_loop(ws->net), &ws->later);
}

/* --- writing ---------------------------------------------------------------------- */

/* Takes the next buffer up when this one is written; false: there is nothing to write. */
static bool next_buffer(WsClient *ws) {
  if (ws->written < ws->writing.len) return true;
  Buffer done = ws->writing;
  ws->writing = ws->queued;
  ws->queued = done;
  ws->written = 0;
  if (done.cap > KEEP_BUFFER) buffer_free(&ws->queued);
  else buffer_clear(&ws->queued);
  return ws->writing.len > 0;
}

/* A quarter of the budget at a time: a peer that reads while we write takes more and more
 * in one call. */
static CURLcode write_piece(WsClient *ws, size_t *len) {
  size_t left = ws->writing.len - ws->written;
  if (left > WRITE_BUDGET / 4) left = WRITE_BUDGET / 4;
  return put_bytes(ws, ws->writing.data + ws->written, left, len);
}

/* CURLE_AGAIN: the system, or the budget, takes no more for now. */
static CURLcode write_some(WsClient *ws) {
  for (size_t taken = 0; next_buffer(ws);) {
    size_t len = 0;
    if (taken >= WRITE_BUDGET) return CURLE_AGAIN;
    CURLcode result = write_piece(ws, &len);
    if (result != CURLE_OK) return result;
    taken += len;
    ws->written += len;
    ws->heard |= ws->blocked; /* the peer has made room */
  }
  if (ws->writing.cap > KEEP_BUFFER) buffer_free(&ws->writing);
  return CURLE_OK;
}

static void answer_ping(WsClient *ws) {
  uint8_t mask[4];
  if (!ws->pong.data || ws->state != WS_IS_OPEN) return;
  net_random(ws->net, mask, sizeof mask);
  ws_frame(&ws->queued, true, WS_PONG, mask, ws->pong.data, ws->pong.len);
  buffer_free(&ws->pong);
  net_before_wait(ws->net, &ws->flush);
}

/* When writing fails, what the peer said before it hung up may still be there to be read:
 * its reason is a better one. */
static void write_failed(WsClient *ws, CURLcode result) {
  ws->blocked = false;
  if (is_reading(ws)) read_bytes(ws);
  if (ws->poll) ws->io->on_broken(ws, result);
}

void ws_flush(WsClient *ws) {
  bool was_blocked = ws->blocked;
  CURLcode result = write_some(ws);
  ws->blocked = result == CURLE_AGAIN;
  ws_recount(ws);
  if (result != CURLE_OK && !ws->blocked) {
    write_failed(ws, result);
    return;
  }
  if (ws->blocked != was_blocked) ws_watch(ws);
  if (!ws->blocked) answer_ping(ws);
}

void ws_write_out(WsClient *ws) {
  if (!ws->poll) return;
  ws->blocked = write_some(ws) == CURLE_AGAIN;
  ws_recount(ws);
  ws_watch(ws);
}
