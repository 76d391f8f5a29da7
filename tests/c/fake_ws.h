/* A WebSocket server on top of fake_server.h, with the parser of proto in its server
 * role: answers the handshake, hands events to the test, writes what the test says. */
#ifndef TIDELOCK_TESTS_FAKE_WS_H
#define TIDELOCK_TESTS_FAKE_WS_H

#include "fake_server.h"
#include "proto/websocket.h"

static inline void fake_ws_release(FakeConn *conn) {
  ws_parser_free(conn->data);
}

/* Returns whether the handshake is whole; writes the Sec-WebSocket-Accept for it, and
 * takes it out of the input. */
static inline bool fake_ws_request(FakeConn *conn, char accept[29]) {
  const char *text = buffer_text(&conn->in), *end = strstr(text, "\r\n\r\n");
  if (!end) return false;
  const char *key = strstr(text, "Sec-WebSocket-Key: ");
  CHECK(key && key < end);
  char copy[WS_KEY_LEN + 1] = "";
  memcpy(copy, key + 19, WS_KEY_LEN);
  ws_accept(copy, accept);
  buffer_consume(&conn->in, (size_t)(end - text) + 4);
  return true;
}

static inline void fake_ws_put_answer(Buffer *out, const char *accept, const char *more) {
  buffer_printf(out,
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                "Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n%s\r\n",
                accept, more);
}

/* Does the handshake when it is there; true: it was done now. */
static inline bool fake_ws_accept(FakeConn *conn, const char *more) {
  char accept[29];
  Buffer answer = {0};
  if (conn->data || !fake_ws_request(conn, accept)) return false;
  fake_ws_put_answer(&answer, accept, more);
  fake_write(conn, answer.data, answer.len);
  buffer_free(&answer);
  conn->data = ws_parser_new(WS_SERVER, 0);
  conn->release = fake_ws_release;
  return true;
}

/* Hands each event that came to the test, until the connection is closed. */
static inline void fake_ws_events(FakeConn *conn, void (*handle)(FakeConn *, WsEvent *)) {
  size_t used = 0;
  int close_code;
  WsEvent event;
  Error err;
  while (conn->data && !conn->closing &&
         ws_parse(conn->data, conn->in.data + used, conn->in.len - used, &used, &event,
                  &close_code, &err) > 0)
    handle(conn, &event);
  if (conn->data) buffer_consume(&conn->in, used);
}

static inline void fake_ws_send(FakeConn *conn, WsOpcode opcode, const char *data,
                                size_t len) {
  Buffer out = {0};
  ws_frame(&out, true, opcode, NULL, data, len);
  fake_write(conn, out.data, out.len);
  buffer_free(&out);
}

static inline void fake_ws_text(FakeConn *conn, const char *text) {
  fake_ws_send(conn, WS_TEXT, text, strlen(text));
}

static inline void fake_ws_close(FakeConn *conn, int code, const char *reason) {
  Buffer out = {0};
  ws_frame_close(&out, NULL, code, reason, strlen(reason));
  fake_write(conn, out.data, out.len);
  buffer_free(&out);
}

#endif
