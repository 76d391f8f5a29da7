/* What the files of Engine share; nobody else includes it. The essay stands in engine.c.
 */
#ifndef TIDELOCK_SOCKET_ENGINE_PARTS_H
#define TIDELOCK_SOCKET_ENGINE_PARTS_H

#include "core/buffer.h"
#include "socket/engine.h"

typedef struct Polling Polling;

typedef enum UpgradePhase {
  UPGRADE_NONE,    /* not to be had, not begun, or done */
  UPGRADE_OPENING, /* the WebSocket is on its way */
  UPGRADE_PROBING, /* "2probe" was sent */
  UPGRADE_DRAINING /* "3probe" came: the requests under way are waited for */
} UpgradePhase;

/* Of a plain WebSocket's heartbeat; by the loop's clock. */
typedef struct Beat {
  double next;        /* when a ping is due */
  double since;       /* since when one is unanswered; 0: none is */
  bool again;         /* it is time, but one more look is taken */
  double slept;       /* how long the machine had slept at the last sign of life */
  double looked, cpu; /* when the timer ran last, and the processor time used by then */
} Beat;

struct Engine {
  Net *net;
  const EngineOptions *options;
  EngineCallbacks callbacks;
  void *ctx;
  EioTransports transport; /* in use */
  EioTransports left;      /* that may be tried yet */
  WsClient *ws;            /* in use, or on its way to be */
  Polling *polling;
  UpgradePhase upgrade;
  bool upgraded, hello, paused, lost;
  double ping_deadline; /* seconds from ping to ping */
  double last_sign;     /* of the server's life; by a clock that counts sleep */
  Beat beat;
  WakeListener wake;
  size_t max_payload; /* 0: not known */
  char *sid;          /* escaped; NULL: none yet */
  char *subprotocol;  /* NULL: none was agreed */
  Timer heartbeat, probe;
};

/* engine.c */
void engine_take_packet(Engine *e, const char *data, size_t len);
void engine_take_bytes(Engine *e, const char *data, size_t len); /* a binary message */
void engine_end(Engine *e, const char *reason, const Error *err);
void engine_violated(Engine *e, const char *what);
void engine_is_older(Engine *e); /* the server speaks an older protocol */
void engine_unsent(Engine *e, bool binary, const char *data, size_t len);
bool engine_is_given_up(Engine *e); /* nothing is sent any more: it is lost soon */
void engine_heard(Engine *e);       /* a sign of life that counts */
bool engine_is_overdue(const Engine *e);
bool engine_lose_overdue(Engine *e); /* there was none for too long: that is the end */
/* The transport could not be had: another is tried, or that is the end. */
void engine_transport_failed(Engine *e, const char *reason, int code, const Error *err);
char *engine_target(const Engine *e, EioTransports transport); /* returns new: the URL */
/* Returns new: the options' headers, one more (or NULL) and the cookies. */
char **engine_headers(const Engine *e, const char *more);
void engine_headers_free(char **headers);

/* engine_beat.c */
void engine_beat_start(Engine *e);
void engine_beat_spare(Engine *e); /* it could not be heard: that is not its fault */
/* After so many seconds without a sign of life the verdict should have come; 0: there is
 * no heartbeat. */
double engine_beat_deadline(const Engine *e);
/* Whether the process did nothing for longer than the heartbeat allows: it was stopped,
 * or got no processor. A handler that works for long is no such thing. */
bool engine_beat_stood_still(const Engine *e);

void engine_passed(Engine *e, uint32_t number); /* a fence */

/* engine_ws.c */
void engine_ws_fence(WsClient *ws, uint32_t number);
int engine_ws_start(Engine *e, Error *err);
/* Over polling, with the handshake done: begins to probe if it may. */
void engine_probe(Engine *e);
void engine_probe_stop(Engine *e); /* what was begun is given up */
void engine_drained(Engine *e);    /* polling has no request under way */

/* engine_polling.c */
int polling_start(Engine *e, Error *err);
void polling_send(Polling *p, bool binary, const char *data, size_t len);
/* In a body of its own, when all before it has been answered; then polling_free is due.
 */
void polling_send_last(Polling *p, bool binary, const char *data, size_t len);
void polling_fence(Polling *p, uint32_t number);
size_t polling_buffered(const Polling *p);
bool polling_has_room(const Polling *p, size_t len); /* for one more: see WsOptions */
void polling_tell_unsent(Polling *p);                /* what waits: it will not go out */
void polling_resume(Polling *p); /* the engine is no longer paused, or a probe failed */
/* No more requests: engine_drained is called when none is under way. */
void polling_drain(Polling *p);
/* What waits to be sent goes to the WebSocket now. */
void polling_hand_over(Polling *p, WsClient *ws);
/* Ends it; with a goodbye what was sent goes out yet, and the session's end. */
void polling_free(Polling *p, bool goodbye);

#endif
