/* What the files of Socket share; nobody else includes it. The essay stands in socket.c.
 */
#ifndef TIDELOCK_SOCKET_SOCKET_PARTS_H
#define TIDELOCK_SOCKET_SOCKET_PARTS_H

#include "core/buffer.h"
#include "net/pace.h"
#include "socket/manager.h"
#include "socket/socket.h"
#include "proto/socketio.h"

/* Why a link ended, as the poll side found it. Owns data. */
typedef struct Loss {
  const char *reason; /* of SocketInfo; static */
  int code;           /* WebSocket close code */
  Error err;
  bool final; /* not to be tried again */
  char *data; /* of a rejection */
  size_t data_len;
} Loss;

/* From the poll side to dispatch, through the inbox: what came, in order. */
typedef enum NoteType {
  NOTE_READY,   /* the transport stands: ask for auth */
  NOTE_JOINED,  /* data: the CONNECT payload */
  NOTE_EVENT,   /* data: the event's array */
  NOTE_ACK,     /* data: the ack's array */
  NOTE_TEXT,    /* plain WebSocket */
  NOTE_BINARY,  /* plain WebSocket */
  NOTE_PONG,    /* plain WebSocket; ack: the ping's id; data: when it came */
  NOTE_DROPPED, /* data: the packet; ack: the reason, an ErrorCode */
  NOTE_LOST     /* data: a Loss */
} NoteType;

typedef struct Note Note;
struct Note {
  Event event;
  Socket *socket;
  NoteType type;
  uint32_t link; /* notes of a link that was left are dropped */
  Note *next;    /* while it is held */
  int64_t ack;
  SocketData told; /* of events and acks, in data */
  size_t size;     /* behind it */
  uint32_t epoch;  /* of its connection, while it is held back */
  size_t len;
  _Alignas(SioBytes) char data[];
};

/* A change of state made by a call from outside, to be told in dispatch. */
typedef struct Tell Tell;
struct Tell {
  Tell *next;
  SocketState state;
  const char *reason;
  int code; /* the close code that we sent, or 0 */
};

/* A packet that waits to be sent. */
typedef struct Waiting Waiting;
struct Waiting {
  Waiting *next;
  double since;
  SocketCall *call; /* NULL: an emit */
  bool binary;
  SocketData frames; /* the first one, and attachments behind it; in data */
  size_t len;        /* of all */
  _Alignas(SioBytes) char data[];
};

typedef struct Retry Retry;

typedef struct CallList {
  SocketCall *first, *last;
} CallList;

/* What lets the server send what was missed (socket_recovery.c). */
typedef struct Recovery {
  char *pid;         /* of the session; NULL: the server keeps none */
  Buffer offset;     /* of the last event that came, as in JSON; empty: none yet */
  bool asked, given; /* CONNECT asked for it; the server granted it */
} Recovery;

/* What came before the CONNECT that lets us in (socket_early.c). */
typedef struct Early {
  Note *first, **last;
  size_t count, bytes;
} Early;

/* Events that are held back (socket_stall.c). */
typedef struct Stall {
  bool holding, queued;
  Note *first, **last;
  uint32_t epoch; /* of the event that is told now; 0: the present one */
  Event event;
} Stall;

struct Socket {
  Net *net;
  SocketOptions options;
  SocketCallbacks callbacks;
  void *ctx;
  char *nsp;
  PacketForm form;
  Manager *manager;
  ManagerUser user; /* its place there */
  SocketState state;
  char *id; /* NULL: none */
  uint32_t epoch;
  Recovery recovery;
  Early early;
  Stall stall;
  SocketStats stats;

  /* living on */
  int busy;     /* dispatch is inside */
  size_t notes; /* in the inbox */
  bool freed;
  Event tell_event;
  bool tell_queued;
  Tell *tells, **last_tell;
  int tell_count;

  /* the link: one attempt and the connection it becomes */
  uint32_t link;
  bool linked; /* on the manager's engine */
  bool again;  /* the namespace was left before on this connection */
  bool asked;  /* CONNECT went out and was not answered */
  bool joined; /* CONNECT came: the poll's view */
  bool awaiting_auth;
  size_t max_payload; /* 0: not known */
  size_t backlog;     /* memory of the notes in the inbox */
  bool paused, told_paused;
  Timer attempt;

  /* reconnecting */
  PaceTurn turn; /* from asking to begin an attempt until that has ended */
  Timer retry;
  int failures, retries; /* since it was connected last */

  /* what waits to be sent */
  Waiting *waiting, **last_waiting;
  size_t waiting_count, waiting_bytes;
  Timer age;

  /* what is sent until it is acknowledged (socket_retry.c) */
  Retry *retries_first, **retries_last;
  size_t retry_count, retry_bytes;

  /* calls */
  int64_t next_id;
  CallList in_flight, failed; /* failed: to be told in dispatch */
};

/* socket.c: entering and leaving in dispatch; leave may free */
void socket_enter(Socket *s);
void socket_leave(Socket *s);
void socket_tell_later(Socket *s, SocketState state, const char *reason, int code);
/* Makes sure that what is put off is told soon. */
void socket_wake(Socket *s);
void socket_release(Socket *s);
void socket_forget_id(Socket *s);

/* socket_link.c: the poll side */
extern const ManagerEvents link_events; /* what the manager reports to a Socket */
void link_start(Socket *s);
/* Ends the link, saying goodbye if it was open; nothing of it arrives any more. */
void link_cut(Socket *s, int close_code, const char *reason);
/* Ends the link and reports it, behind all that came before. Takes loss->data. */
void link_lose(Socket *s, const Loss *loss);
void link_fail(Socket *s, const char *reason, const Error *err);
void link_abandon(Socket *s, const char *reason, const Error *err); /* and all others */
int link_send(Socket *s, bool binary, const char *data, size_t len);
/* One frame and the attachments behind it; a failure in between ends the link. */
int link_send_all(Socket *s, bool binary, const SocketData *frames);
void link_join(Socket *s, const char *json, size_t len); /* the CONNECT packet */

/* socket_note.c: from poll to dispatch */
void note_push(Socket *s, NoteType type, int64_t ack, const void *data, size_t len);
Note *note_new(Socket *s, NoteType type, int64_t ack, const void *data, size_t len);
Note *note_new_data(Socket *s, NoteType type, int64_t ack, const SocketData *data);
void note_deliver(Socket *s, Note *note);     /* in dispatch */
void note_free(Note *note);                   /* before its socket */
void note_relax(Socket *s, const Note *note); /* it is no backlog any more */
void note_send(Note *note);                   /* counts it, and sends it on its way */

bool note_fits(const Socket *s, size_t size); /* the script may hold so much more */

size_t socket_data_total(const SocketData *data); /* bytes on the wire */

/* socket_retry.c. call: NULL for an event. */
int retry_put(Socket *s, SocketCall *call, const SocketData *data, Error *err);
void retry_pump(Socket *s); /* there may be something to begin with */
void retry_forget(SocketCall *call);
void retry_free_all(Socket *s);
size_t retry_drop_all(Socket *s, ErrorCode why, bool untried); /* how many */

/* socket_stall.c */
bool stall_takes(Socket *s, Note *note); /* it is held back, and owned */
void stall_free(Socket *s);

/* socket_recovery.c */
void recovery_forget(Socket *s); /* the session is over: what comes next begins anew */
/* The CONNECT payload with what is asked for; returns false when that is nothing. */
bool recovery_put(Socket *s, Buffer *out, const char *auth, size_t len);
/* CONNECT came: pid is the server's, or NULL. */
void recovery_joined(Socket *s, const char *pid);
void recovery_note(Socket *s, const Note *note); /* an event: its offset counts now */

/* socket_early.c */
void early_init(Early *e);
bool early_hold(Socket *s, Note *note); /* false: it is too much; the note is freed */
void early_release(Socket *s);          /* what was held goes on its way */
void early_drop(Socket *s);             /* what was held is not to come */

/* socket_state.c: beginning, and what dispatch makes of the notes */
void socket_begin(Socket *s); /* an attempt, when the pace of all allows it */
void socket_on_ready(Socket *s);
void socket_on_joined(Socket *s, const char *json, size_t len);
void socket_on_lost(Socket *s, Loss *loss);

/* socket_buffer.c: what waits */
int waiting_put(Socket *s, const SocketData *frames, bool binary, SocketCall *call,
                Error *err);
void waiting_flush(Socket *s);
int check_frames(const Socket *s, const SocketData *frames, Error *err); /* socket.c */
/* A packet will not be sent: text, or msgpack. */
void waiting_tell_dropped(Socket *s, const char *data, size_t len, ErrorCode why);
size_t waiting_drop_all(Socket *s, ErrorCode why); /* its calls fail with that */
void waiting_remove(Socket *s, const SocketCall *call);
void waiting_on_age(Timer *timer);

/* socket_call.c */
/* socket.c: an event with an ack, sent or left waiting. */
int socket_put(Socket *s, const SocketData *data, SocketCall *call, Error *err);
/* One that is sent once; done is told. */
int call_start(Socket *s, SocketCall *call, const SocketData *data, double timeout,
               Error *err);
void call_end(SocketCall *call, const SocketData *reply, const Error *err);
void calls_on_ack(Socket *s, int64_t id, const SocketData *reply);
/* A ping with that id, or an earlier one, waits. */
bool calls_want_pong(const Socket *s, int64_t id);
void calls_on_pong(Socket *s, int64_t id, double when);
void calls_fail_in_flight(Socket *s);             /* with CLOSED, to be told */
void call_fail(SocketCall *call, ErrorCode code); /* to be told */
void calls_tell_failed(Socket *s);
void calls_forget(Socket *s);

#endif
