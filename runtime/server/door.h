/* The door of the embedded server: HTTP/1.1 and WebSocket on one port, for demos, tests
 * and small tools. The server itself (runtime/server, on libwebsockets) is a shared
 * object, loaded at the first server_open: a process without a server does not load it.
 *
 * Loop thread only. All callbacks come in dispatch, those of one connection in order.
 * Every request and connection has an id, never used twice; a call with an id that is
 * gone does nothing. */
#ifndef TIDELOCK_SERVER_DOOR_H
#define TIDELOCK_SERVER_DOOR_H

#include "core/charge.h"
#include "core/error.h"
#include "loop/loop.h"
#include "proto/http1.h"

typedef struct Servers Servers; /* all of one loop */
typedef struct Server Server;

Servers *servers_new(Loop *loop); /* returns new; cheap: nothing is loaded yet */
/* Closes what is open and runs the loop until it is gone: not in dispatch, and after the
 * scripts, whose events would be dispatched too. */
void servers_free(Servers *servers);

typedef struct ServerOptions {
  const char *host;       /* an address to bind; NULL: 127.0.0.1 */
  int port;               /* 0: any that is free */
  size_t max_head;        /* bytes of a request's head; 0: 16 KiB */
  size_t max_body;        /* of its body; 0: 8 MiB */
  size_t max_message;     /* of a WebSocket message; 0: 1 MiB */
  size_t max_backlog;     /* that wait to be written to one WebSocket; 0: 4 MiB */
  size_t max_connections; /* 0: 4096 */
  double head_timeout;    /* seconds for a request's head; 0: 10 */
  double request_timeout; /* for the whole request; 0: 60 */
  double idle_timeout;    /* between requests of a connection; 0: 60 */
  double write_timeout;   /* without the peer taking a byte; 0: 30 */
  /* Names it answers to besides loopback ones, and pages it takes requests from besides
   * its own: entries of net/hosts.h, NULL-terminated, or NULL. Others are answered with
   * 421 and 403. A host that is not loopback needs hosts. */
  const char *const *hosts, *const *origins;
  /* A host: nothing is listened on, connections are brought by server_adopt. NULL: no. */
  const char *fake;
  /* What clients sent and have not taken is charged there; a reference is taken at the
   * opening; NULL: nobody's. */
  Charge *charge;
} ServerOptions;

typedef struct ServerRequest {
  uint64_t id;
  const Http1Request *http; /* borrowed for the call */
  const char *remote;       /* the peer's address, "127.0.0.1" */
  bool websocket;           /* asks to become a WebSocket: server_accept, or answer it */
} ServerRequest;

typedef struct ServerCallbacks {
  /* A whole request. Answer it once, now or later, with server_respond. */
  void (*request)(void *ctx, const ServerRequest *request);
  /* The client sends nothing more, before the answer: it went away, or closed its sending
   * half and still takes the answer. Of an answer in pieces: its connection is closed. */
  void (*gone)(void *ctx, uint64_t id);
  /* What server_write called much is nearly all written. */
  void (*drained)(void *ctx, uint64_t id);
  /* A whole message of an accepted WebSocket; data is borrowed for the call. */
  void (*message)(void *ctx, uint64_t id, bool binary, const char *data, size_t len);
  /* Its end, exactly once, whoever ended it. code: the peer's (1005: none given; 1006:
   * the connection broke), or ours, when the client broke the rules. */
  void (*closed)(void *ctx, uint64_t id, int code, const char *reason, size_t len);
} ServerCallbacks;

/* Returns new, listening, owned by the caller until server_close; or NULL with *err: BUSY
 * (the port is taken), INVALID (the options), UNSUPPORTED (the shared object or its
 * plugin is missing), IO. Options and callbacks are copied. */
Server *server_open(Servers *servers, const ServerOptions *options,
                    const ServerCallbacks *callbacks, void *ctx, Error *err);
/* Ends everything; no callback is called. WebSockets are closed with 1001 where their
 * socket takes it. The port is free again at once. */
void server_close(Server *server);

/* What goes wrong with a connection that is brought, for tests. */
typedef enum ServerFault {
  SERVER_FAULT_NONE,
  SERVER_FAULT_HANG,  /* nothing of it is read */
  SERVER_FAULT_RESET, /* it breaks when its first bytes come */
  SERVER_FAULT_CUT    /* it ends after so many bytes to the client */
} ServerFault;

/* Takes a connected socket as if it had been accepted. */
void server_adopt(Server *server, int fd, ServerFault fault, size_t bytes);
/* Closes the connections that are between two requests, or all. */
void server_drop(Server *server, bool all);

/* Puts other options into effect, for what begins from now on; host and port must be
 * those it has. */
void server_retune(Server *server, const ServerOptions *options);
/* Whether the host can be bound to, with this port (0: any) free: 0, or INVALID, BUSY,
 * IO. ipv6 may be NULL. */
int server_try_bind(const char *host, int port, bool *ipv6, Error *err);
/* Checks the options without opening: 0, INVALID, or IO. */
int server_check(const ServerOptions *options, Error *err);

int server_port(const Server *server);
size_t server_connections(const Server *server);

/* Answers a request. headers: "Name: value", NULL-terminated, or NULL; Content-Length,
 * Connection, Date and Transfer-Encoding are the server's own. Copies all. Returns 0,
 * CLOSED when the request is gone or answered, INVALID, or MEMORY: the client is answered
 * with 503 then. */
int server_respond(Server *server, uint64_t id, int status, const char *const *headers,
                   const char *body, size_t len, Error *err);

/* An answer in pieces: the head, as of server_respond, then any number of pieces, then
 * the end. *takes: false after a HEAD, which has no body. Returns 0, CLOSED, INVALID
 * (the head, or a status without a body), or MEMORY: then it may still be answered. */
int server_begin(Server *server, uint64_t id, int status, const char *const *headers,
                 bool *takes, Error *err);
/* One piece, copied. *much: wait for `drained` before the next. Returns 0, CLOSED (its
 * client is gone, or it has ended), MEMORY, or BUFFER_FULL: more than max_backlog waits.
 */
int server_write(Server *server, uint64_t id, const char *data, size_t len, bool *much,
                 Error *err);
/* Ends it. Not whole: the connection breaks, so that the client does not take what it has
 * for all. Does nothing where no answer in pieces is under way. */
void server_finish(Server *server, uint64_t id, bool whole);

/* Accepts a WebSocket; the id now names the connection. subprotocol: one that the client
 * offered, or NULL. Returns 0, CLOSED or INVALID. */
int server_accept(Server *server, uint64_t id, const char *subprotocol, Error *err);
/* One message; returns 0, NOT_CONNECTED, BUFFER_FULL (the client does not read), MEMORY
 * (of all clients: too much waits), or DECODE for text not in UTF-8. */
int server_send(Server *server, uint64_t id, bool binary, const char *data, size_t len,
                Error *err);
size_t server_buffered(const Server *server, uint64_t id); /* bytes not yet written */
/* Starts the closing handshake; `closed` will be called. */
void server_hang_up(Server *server, uint64_t id, int code, const char *reason);

/* What a server loses; see server/losses.h. */
typedef enum ServerLoss {
  SERVER_LOSS_FILES,
  SERVER_LOSS_CONNECTIONS,
  SERVER_LOSS_SENDER,
  SERVER_LOSS_LATE,
  SERVER_LOSS_SIZE,
  SERVER_LOSS_MEMORY,
  SERVER_LOSS_BACKLOG,
  SERVER_LOSS_STALL,
  SERVER_LOSS_PROTOCOL,
  SERVER_LOSS_JOIN,
  SERVER_LOSS_EARLY,
  SERVER_LOSS_KINDS
} ServerLoss;
/* Logs at WARN that the script's side of the server (Socket.IO) lost one; further ones of
 * the kind are counted for a minute. words: who, how much, the limit, what to do. */
void server_note_loss(Server *server, ServerLoss kind, const char *words);

/* --- for runtime/server alone ----------------------------------------------------- */

typedef struct ServerRoom ServerRoom;
enum { SERVER_TABLE_VERSION = 7 };
typedef struct ServerTable {
  int version;
  ServerRoom *(*room_new)(Loop *loop);
  void (*room_free)(ServerRoom *room);
  Server *(*open)(ServerRoom *room, const ServerOptions *options,
                  const ServerCallbacks *callbacks, void *ctx, Error *err);
  void (*close)(Server *server);
  void (*adopt)(Server *server, int fd, ServerFault fault, size_t bytes);
  void (*drop)(Server *server, bool all);
  void (*retune)(Server *server, const ServerOptions *options);
  int (*port)(const Server *server);
  size_t (*connections)(const Server *server);
  int (*respond)(Server *server, uint64_t id, int status, const char *const *headers,
                 const char *body, size_t len, Error *err);
  int (*begin)(Server *server, uint64_t id, int status, const char *const *headers,
               bool *takes, Error *err);
  int (*write)(Server *server, uint64_t id, const char *data, size_t len, bool *much,
               Error *err);
  void (*finish)(Server *server, uint64_t id, bool whole);
  int (*accept)(Server *server, uint64_t id, const char *subprotocol, Error *err);
  int (*send)(Server *server, uint64_t id, bool binary, const char *data, size_t len,
              Error *err);
  size_t (*buffered)(const Server *server, uint64_t id);
  void (*hang_up)(Server *server, uint64_t id, int code, const char *reason);
  void (*note_loss)(Server *server, ServerLoss kind, const char *words);
} ServerTable;

/* What the shared object exports, and the first member of every Server. */
typedef const ServerTable *ServerTableOf(void);
#define SERVER_TABLE_SYMBOL "tidelock_server_table"

#endif
