/* The types that the files of the WebSocket client share; nobody else includes it. The
 * essay on states and ends stands in wsclient.c. */
#ifndef TIDELOCK_NET_WSCLIENT_PARTS_H
#define TIDELOCK_NET_WSCLIENT_PARTS_H

#include "core/buffer.h"
#include "net/wsclient.h"
#include "net/transfer.h"
#include "proto/websocket.h"

typedef enum WsState {
  WS_CONNECTING, /* curl's: name, connection, TLS */
  WS_HANDSHAKE,  /* the request is out, the answer awaited */
  WS_IS_OPEN,
  WS_PARTING,  /* the end has been read; what came before it is being dispatched */
  WS_CLOSING,  /* our close frame is out, the peer's awaited */
  WS_DRAINING, /* all is said: the peer's end of the connection awaited */
  WS_ENDED     /* `closed` was called; only the memory is left */
} WsState;

/* Only while it opens. */
typedef struct Opening {
  char words[CURL_ERROR_SIZE];
  char key[WS_KEY_LEN + 1];
  char *subprotocols;
  Buffer in;       /* of the answer */
  double deadline; /* monotonic */
  double patience; /* seconds for the answer; 0: until the deadline */
} Opening;

/* What `closed` will be called with, once the connection is gone, and our last word. */
typedef struct Outcome {
  int code, say; /* say: the code of our close frame */
  size_t reason_len;
  char reason[125];
  Error err;
} Outcome;

/* What comes of the bytes: those of the handshake, then those of frames. */
typedef struct WsIoEvents {
  void (*on_bytes)(WsClient *ws, char *data, size_t len);
  /* The connection broke, or (CURLE_OK) the peer hung up. */
  void (*on_broken)(WsClient *ws, CURLcode result);
  void (*on_left)(WsClient *ws); /* it was freed, and the outermost entry is over */
} WsIoEvents;

struct WsClient {
  Net *net;
  Transfer transfer;
  const WsIoEvents *io;
  WsCallbacks callbacks;
  void *ctx;
  char *url; /* without credentials */
  WsState state;
  int busy; /* how many of our entry points are on the stack */
  bool tls, paused, freed;
  bool heard;                     /* see ws_heard */
  bool framed;                    /* what waits is frames: the request is out */
  bool given_up;                  /* what waited: nothing is said behind it */
  bool abandoned;                 /* ws_close came before it was open */
  bool orphan;                    /* it says goodbye; its end is not reported */
  NetRest rest;                   /* of an orphan */
  Buffer last;                    /* its last frames, until the peer has taken the rest */
  size_t unsent;                  /* of what the peer takes slowly, when last looked at */
  bool later_queued, part_queued; /* `later`, `part` are in the inbox */
  bool blocked;                   /* the system takes no more: waits for writable */
  uv_poll_t *poll;                /* NULL until connected */
  curl_socket_t fd;               /* from then on */
  int os_error;                   /* of reading or writing fd */
  DeflateOptions compression;     /* as asked for */
  Deflate *deflate;               /* from open on; NULL: not agreed to */
  WsParser *parser;               /* from open on */
  Opening *opening;
  Outcome *outcome; /* from parting or draining on */
  Buffer writing;   /* what is being written: neither moves nor grows (TLS) */
  size_t written;
  Buffer queued; /* what comes next */
  Buffer pong;   /* the last ping that is not answered yet */
  BeforeWait flush;
  Event later, part;
  Timer timer; /* of the handshake, of closing */
  double close_timeout;
  size_t max_message, max_buffered;
  Charge *charge;                 /* holds a reference */
  size_t charged_out, charged_in; /* for what waits to be written; for a message */
};

#endif
