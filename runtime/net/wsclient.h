/* A WebSocket client connection (RFC 6455) on a curl CONNECT_ONLY transfer, with framing
 * from proto/websocket. Loop thread only.
 *
 * The callbacks come on the loop's thread, from the poll, from a timer or before the loop
 * waits: outside of dispatch, so that they must not call Lua. None comes from within a
 * call of ws_..., but for `unsent` (ws_report_unsent).
 *
 * open, message, pong and closed may call everything here, ws_free and ws_goodbye
 * included: the memory stays until the outermost of them has returned, and none is called
 * after that. unsent and may_write only look: they must not free, close or send. */
#ifndef TIDELOCK_NET_WSCLIENT_H
#define TIDELOCK_NET_WSCLIENT_H

#include "core/charge.h"
#include "net/net.h"
#include "net/route.h"
#include "proto/deflate.h"

typedef struct WsClient WsClient;

typedef struct WsOptions {
  const char *url;            /* ws, wss, http, https or unix; read as net_url.h has it */
  const char *const *headers; /* extra, "Name: value", NULL-terminated; NULL: none */
  const char *subprotocols;   /* "a, b"; NULL: none */
  double connect_timeout;     /* seconds until open, handshake included; 0: 20 */
  double answer_timeout;  /* of it: seconds for the server's answer; 0: what is left */
  double close_timeout;   /* seconds for the closing handshake; 0: 2 */
  size_t max_message;     /* bytes; 0: 64 MiB */
  size_t max_buffered;    /* bytes waiting to be written; 0: 64 MiB */
  DeflateOptions deflate; /* zeroed: no compression */
  Route route;            /* borrowed during ws_open */
  Charge *charge;         /* for what waits to be written, and a message that is coming; a
                             reference is taken; NULL: nobody's */
} WsOptions;

typedef struct WsCallbacks {
  void (*open)(void *ctx, const char *subprotocol); /* "" when none was agreed */
  /* A whole message; data is borrowed for the call. */
  void (*message)(void *ctx, bool binary, const char *data, size_t len);
  /* The end, exactly once (unless ws_free came first), whether or not it ever opened.
   * `code` is the close code received, 1005 when the peer gave none, 1006 when the
   * connection broke. err->code is ERR_NONE for a clean close. */
  void (*closed)(void *ctx, int code, const char *reason, size_t reason_len,
                 const Error *err);
  /* A pong, asked for or not; data is borrowed for the call. May be NULL. */
  void (*pong)(void *ctx, const char *data, size_t len);
  /* Before closed: a message of which the peer has not got all; data is borrowed for the
   * call, NULL where it was compressed. May be NULL. */
  void (*unsent)(void *ctx, bool binary, const char *data, size_t len);
  /* Before the loop waits: whether what was sent may be written now. NULL: it may. */
  bool (*may_write)(void *ctx);
} WsCallbacks;

/* Returns new, owned by the caller until ws_free, or NULL with *err (URL, INVALID).
 * Options and callbacks are copied. */
WsClient *ws_open(Net *net, const WsOptions *options, const WsCallbacks *callbacks,
                  void *ctx, Error *err);

/* Sends one message as one frame; returns 0, ERR_NOT_CONNECTED, ERR_BUFFER_FULL, or
 * ERR_DECODE for text that is not UTF-8. What the system does not take at once is
 * buffered. Messages that are sent before the loop waits again may share one write. */
int ws_send(WsClient *ws, bool binary, const char *data, size_t len);
/* Sends a ping of 125 bytes at most; returns 0, ERR_NOT_CONNECTED or ERR_BUFFER_FULL. */
int ws_ping(WsClient *ws, const char *data, size_t len);
/* Whether there was a sign of the peer's life since this was last asked: bytes came, or
 * some were taken of what could not be written at once. */
bool ws_heard(WsClient *ws);
size_t ws_buffered(const WsClient *ws); /* bytes that the system has not taken */

/* As at the end: calls `unsent`, and gives up what waits. Then ws_free is due. */
void ws_report_unsent(WsClient *ws);

/* While paused nothing is read, so that the peer feels the backlog. */
void ws_pause(WsClient *ws, bool paused);

/* Starts the closing handshake; closed will be called, messages no more. Harmless when
 * already closing. */
void ws_close(WsClient *ws, int code, const char *reason);

/* Ends it now, without a word to the callbacks, and releases it. */
void ws_free(WsClient *ws);

/* One more message, for ws_goodbye to send when the peer has taken all before it: it is
 * asked by a ping. */
void ws_send_last(WsClient *ws, bool binary, const char *data, size_t len);

/* The same for the caller, but the peer gets what waits to be written, and then a
 * goodbye: the closing handshake is waited for without him, for as long as the peer goes
 * on taking what it is sent, and close_timeout. */
void ws_goodbye(WsClient *ws, int code, const char *reason);

#endif
