/* A connection that lasts: Socket.IO (v5 over Engine.IO v4) or plain WebSocket, with its
 * heartbeat, reconnection, acks and the buffer of what waits to be sent. Loop thread
 * only.
 *
 * All callbacks come in dispatch. socket_free ends everything without a word; until then
 * each call ends exactly once and each change of state is reported exactly once, in order
 * with the events. */
#ifndef TIDELOCK_SOCKET_SOCKET_H
#define TIDELOCK_SOCKET_SOCKET_H

#include "net/net.h"
#include "socket/socket_options.h"
#include "socket/socket_packet.h"

typedef struct Socket Socket;

typedef enum SocketState {
  SOCKET_IDLE, /* never connected, or closed by this side: socket_connect starts it */
  SOCKET_CONNECTING,   /* first attempt since socket_connect */
  SOCKET_CONNECTED,    /* the namespace is joined (websocket: the handshake is done) */
  SOCKET_RECONNECTING, /* was or could not be connected; waits or tries again */
  SOCKET_CLOSED        /* ended and will not be opened again */
} SocketState;

/* A copy that stands in one piece of memory of socket_data_room bytes, aligned for
 * SioBytes; it borrows from `place`. */
SocketData socket_data_store(char *place, const SocketData *data);

typedef struct SocketInfo {
  const char *reason; /* "io server disconnect", "io client disconnect", "ping timeout",
                         "transport close", "transport error", "parse error", "connect
                         error", "rejected"; "" when connected */
  int code;           /* WebSocket close code or 0 */
  const Error *error; /* NULL when there is none; CLOSED with a code: the detail is the
                         reason that the server gave with it */
  const char *data;   /* the JSON under "data" of a rejection; NULL: none */
  size_t data_len;
  bool will_reconnect;
  double reconnect_in; /* seconds, when will_reconnect */
  bool recovered;
  int attempt; /* failed attempts in a row */
} SocketInfo;

typedef struct SocketCallbacks {
  /* Asked before every CONNECT. Answer with socket_auth, now or later; NULL: no auth. */
  void (*auth)(void *ctx);
  void (*state)(void *ctx, SocketState state, const SocketInfo *info);
  /* An attempt failed or the namespace refused; comes before the change of state. */
  void (*connect_error)(void *ctx, const SocketInfo *info);
  /* Socket.IO event: the payload array ["name", args...], NOT checked beyond its first
   * byte; ack: SIO_NO_ACK or the id for socket_ack. */
  void (*event)(void *ctx, const SocketData *data, int64_t ack);
  void (*message)(void *ctx, bool binary, const char *data, size_t len); /* websocket */
  /* An emit that waited is not sent: EXPIRED (too old), ABORTED (socket_clear), CLOSED,
   * TOO_LARGE. data: the packet as it would have gone out. May be NULL. */
  void (*dropped)(void *ctx, ErrorCode why, const char *data, size_t len);
  /* The server refused the namespace: whether it is asked again, at once, with other
   * auth. May be NULL: no. */
  bool (*refused)(void *ctx);
} SocketCallbacks;

/* Returns new in SOCKET_IDLE, or NULL with *err (URL, INVALID). Copies all it is given.
 */
Socket *socket_new(Net *net, const SocketOptions *options,
                   const SocketCallbacks *callbacks, void *ctx, Error *err);
/* Puts timeout, reconnection, buffer and message limits into effect, of a connection that
 * goes on: for what begins from now on. */
void socket_retune(Socket *s, const SocketOptions *options);
void socket_free(Socket *s);       /* legal in its own callbacks */
void socket_connect(Socket *s);    /* from IDLE or CLOSED; harmless otherwise */
void socket_disconnect(Socket *s); /* to IDLE; says goodbye; waiting packets are dropped,
                                      calls fail with CLOSED */
/* The same to CLOSED, for a reason (static text) that is not the script's. Harmless when
 * it is IDLE or CLOSED. */
void socket_end(Socket *s, const char *reason);
/* The same, of a plain WebSocket, with the code and reason for the server: code 1000, or
 * 3000 to 4999; reason: UTF-8 of WS_MAX_REASON bytes at most, or NULL. Returns 0,
 * UNSUPPORTED, or INVALID when that may not be said; then nothing is done. */
int socket_close(Socket *s, int code, const char *reason, Error *err);
void socket_auth(Socket *s, const char *json, size_t len); /* the CONNECT payload: an
                                                              object; len 0: none */
void socket_auth_failed(Socket *s, const Error *err);      /* the attempt fails */

/* The attempt under way may take so many seconds longer. */
void socket_give_time(Socket *s, double seconds);

SocketState socket_state(const Socket *s);
const char *socket_id(const Socket *s); /* "" while not connected; borrows */
bool socket_recovered(const Socket *s);
const char *socket_transport(const Socket *s); /* NULL while there is none; static */
/* That a plain WebSocket agreed to; NULL: none, or not connected; borrows. */
const char *socket_subprotocol(const Socket *s);
uint32_t
socket_epoch(const Socket *s); /* rises with each connection: acks belong to one */
size_t
socket_buffered(const Socket *s); /* bytes not yet taken by the system, or waiting */

/* Whether what waits, is sent again or is on its way takes half of what may, or more. */
bool socket_is_half_full(const Socket *s);

/* Counted since the socket was made. */
typedef struct SocketStats {
  uint64_t late_acks; /* acks of no call that waits: late, or doubled */
  uint64_t dropped;   /* emits that waited and were not sent */
  uint64_t connects;  /* times that it was connected */
} SocketStats;
SocketStats socket_stats(const Socket *s);
/* What waits for a connection will not be sent: emits are reported as dropped, calls end
 * with ABORTED. Returns how many. */
size_t socket_clear(Socket *s);
/* While it holds, no event is delivered: they wait, in order. All else is. */
void socket_hold(Socket *s, bool hold);

/* The payload array. Buffered while not connected, unless volatile: then dropped
 * (and 0 is returned). Returns 0, ERR_BUFFER_FULL, ERR_BACKPRESSURE, ERR_TOO_LARGE (the
 * server's maxPayload), ERR_NOT_CONNECTED for a CLOSED socket, ERR_INVALID for a reserved
 * name, ERR_DECODE for what is not UTF-8. */
int socket_emit(Socket *s, const SocketData *data, bool is_volatile, Error *err);

/* A call waits for the server's ack. Embed it; the caller keeps it alive until done,
 * called once in dispatch: reply is the ack's array, or NULL and err is set (TIMEOUT,
 * CLOSED, EXPIRED, with err.sent). */
typedef struct SocketCall SocketCall;
struct SocketCall {
  void (*done)(SocketCall *call, const SocketData *reply, const Error *err);
  /* socket_free took the socket away: done will not be called. May be NULL; from inside
   * socket_free, so that it calls nobody at once. */
  void (*dropped)(SocketCall *call);
  Socket *socket; /* NULL once done; the rest is the socket's */
  int64_t id;
  Timer timer;
  struct Resend *resend; /* it is tried until it is acknowledged; NULL: once */
  void (*withdraw)(SocketCall *call); /* takes out what is not sent yet; NULL: nothing */
  bool sent;                          /* false: it waits in the buffer */
  double took;      /* of a ping: seconds, once done; before: when it was sent */
  ErrorCode failed; /* it has; `done` is due */
  SocketCall *prev, *next;
};
int socket_call(
    Socket *s, SocketCall *call, const SocketData *data, double timeout,
    Error *err); /* seconds; 0 or an error code, and then done is not called */
void socket_call_cancel(
    SocketCall *call); /* done will not be called; not sent if not sent */

/* Answers an event; data is the argument array. Nothing is sent when the epoch has
 * passed. */
int socket_ack(Socket *s, uint32_t epoch, int64_t ack, const SocketData *data,
               Error *err);

/* Plain WebSocket. Buffered while not connected, like socket_emit. */
int socket_send(Socket *s, bool binary, const char *data, size_t len, bool is_volatile,
                Error *err);
/* A ping is a call whose reply, without data, is the pong: of it, or of one that was sent
 * after it; call->took is how long that was under way. Fails with TIMEOUT or CLOSED.
 * Returns 0, or NOT_CONNECTED, BUFFER_FULL, UNSUPPORTED (Socket.IO). */
int socket_ping(Socket *s, SocketCall *call, double timeout, Error *err);

#endif
