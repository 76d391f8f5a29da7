/* One Engine.IO session (v4): an attempt to open one, and the connection that it becomes,
 * over WebSocket, over HTTP long-polling, or over this and then that. A plain WebSocket
 * is one without a protocol of its own. Knows nothing of Socket.IO. Loop thread only.
 *
 * The callbacks come from the poll, from timers or from dispatch, never from within a
 * call of engine_...: they must not call Lua. They may call everything here. */
#ifndef TIDELOCK_SOCKET_ENGINE_H
#define TIDELOCK_SOCKET_ENGINE_H

#include "net/cookies.h"
#include "net/wsclient.h"
#include "proto/engineio.h"

typedef struct Engine Engine;

/* Borrowed for the life of the engine. The heartbeat may change, and engine_retune is
 * called then; nothing else does. */
typedef struct EngineOptions {
  bool plain;             /* a plain WebSocket: frames are messages, `front` is all */
  const char *front;      /* scheme://host:port, or unix:path: */
  const char *path;       /* NULL: "/socket.io/" */
  bool no_slash;          /* the path goes out as given */
  const char *query;      /* encoded; NULL: none */
  EioTransports first;    /* tried first */
  EioTransports others;   /* a mask: tried next when the first is not to be had */
  bool upgrade;           /* from polling to WebSocket, when the server offers it */
  double request_timeout; /* seconds a POST may take; 0: 20 */
  double ping_interval;   /* seconds; of a plain WebSocket; 0: it has no heartbeat */
  double ping_timeout;    /* of it: seconds after a ping without a sign of life */
  Cookies *cookies;       /* of this server, over all its sessions */
  WsOptions ws;           /* but for url: what both transports have in common */
} EngineOptions;

/* Why it ended. Borrowed for the call. */
typedef struct EngineLoss {
  const char *reason; /* "transport close", "transport error", "parse error", "ping
                         timeout" */
  int code;           /* WebSocket close code, or 0 */
  bool final;         /* there is no use in trying again */
  Error err;
} EngineLoss;

typedef struct EngineCallbacks {
  void (*open)(void *ctx); /* the handshake is done */
  /* One message, without its type byte; data is borrowed for the call. */
  void (*message)(void *ctx, bool binary, const char *data, size_t len);
  /* The end, exactly once unless it was freed first. Then engine_free is due. */
  void (*lost)(void *ctx, const EngineLoss *loss);
  /* The answer to a ping of a plain WebSocket; data is borrowed for the call. */
  void (*pong)(void *ctx, const char *data, size_t len);
  /* A fence was passed, and with it all before it; not of a plain one. */
  void (*passed)(void *ctx, uint32_t number);
  /* Before lost: a message that the server has not got whole, as it was sent; data is
   * borrowed for the call, NULL where it was compressed. May be NULL. */
  void (*unsent)(void *ctx, bool binary, const char *data, size_t len);
} EngineCallbacks;

/* Returns new, or NULL with *err (URL, INVALID). */
Engine *engine_open(Net *net, const EngineOptions *options,
                    const EngineCallbacks *callbacks, void *ctx, Error *err);
/* Sends one message: text as a packet with its type byte ('4...'), or bytes. Returns what
 * ws_send does. */
int engine_send(Engine *e, bool binary, const char *data, size_t len);
/* The same, or BACKPRESSURE when bytes wait already, and would be more than `most` with
 * these. */
int engine_send_below(Engine *e, bool binary, const char *data, size_t len, size_t most);
int engine_ping(Engine *e, const char *data, size_t len); /* as ws_ping does */
void engine_retune(Engine *e); /* the options' heartbeat has changed */
/* Asks for a sign that the server has taken what was sent until now: an answer to a ping,
 * or to the request. `passed` is called then. */
void engine_fence(Engine *e, uint32_t number);
/* As engine_send, for what is sent last, before engine_free: it goes out when the server
 * has taken all before it, so that it ends nothing that the server has not looked at yet.
 */
int engine_send_last(Engine *e, bool binary, const char *data, size_t len);
size_t engine_buffered(const Engine *e);       /* bytes that the system has not taken */
size_t engine_max_payload(const Engine *e);    /* of a packet; 0: not known */
bool engine_is_open(const Engine *e);          /* the handshake is done */
const char *engine_transport(const Engine *e); /* "websocket", "polling"; static */
/* Of a plain WebSocket: NULL while none is agreed. Borrows. */
const char *engine_subprotocol(const Engine *e);
bool engine_has_upgraded(const Engine *e);
void engine_pause(Engine *e, bool paused); /* nothing is read meanwhile */

/* Ends it now, without a word to the callbacks, and releases it. What was sent goes out
 * yet, if the server goes on taking it, and a goodbye: over WebSocket with the code, and
 * the reason unless that is NULL. Legal in its callbacks. */
void engine_free(Engine *e, int close_code, const char *reason);

#endif
