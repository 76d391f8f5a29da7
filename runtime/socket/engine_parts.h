/* The types that the files of Engine share; nobody else includes it. The essays stand in
 * engine.c and engine_session.c. */
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

/* What carries the packets: a WebSocket (engine_ws.c), or HTTP long-polling
 * (engine_polling.c). Each function does nothing, or fails, where there is no connection
 * of its kind. */
typedef struct EngineTransport {
  int (*start)(Engine *e, Error *err); /* 0, or the code of *err */
  /* As engine_send_below does. */
  int (*send)(Engine *e, bool binary, const char *data, size_t len, size_t most);
  int (*send_last)(Engine *e, bool binary, const char *data, size_t len);
  void (*fence)(Engine *e, uint32_t number);
  size_t (*buffered)(const Engine *e);
  void (*resume)(Engine *e); /* the engine is no longer paused */
  /* The end: reports what waits and will not go out. dead: nobody reads any more. */
  void (*report_unsent)(Engine *e, bool dead);
  /* Releases the connection; with a goodbye what was sent goes out yet. */
  void (*free)(Engine *e, int close_code, const char *reason, bool goodbye);
} EngineTransport;

/* What the transports and the session report to engine.c, which chooses. */
typedef struct EngineEvents {
  /* The transport could not be had, or broke: another is tried, or that is the end. */
  void (*failed)(Engine *e, const char *reason, int code, const Error *err);
  void (*probe)(Engine *e);   /* over polling: the server offers WebSocket */
  void (*drained)(Engine *e); /* polling has no request under way */
} EngineEvents;

struct Engine {
  Net *net;
  const EngineOptions *options;
  EngineCallbacks callbacks;
  void *ctx;
  const EngineEvents *events;
  const EngineTransport *carrier; /* in use */
  EioTransports transport;        /* its name */
  EioTransports left;             /* that may be tried yet */
  WsClient *ws;                   /* in use, or on its way to be */
  Polling *polling;
  UpgradePhase upgrade;
  bool upgraded, hello, paused, lost;
  double began;         /* by the loop's clock */
  double ping_deadline; /* seconds from ping to ping */
  double last_sign;     /* of the server's life; by a clock that counts sleep */
  Beat beat;
  WakeListener wake;
  size_t max_payload; /* 0: not known */
  char *sid;          /* escaped; NULL: none yet */
  char *subprotocol;  /* NULL: none was agreed */
  Timer heartbeat, probe;
};

#endif
