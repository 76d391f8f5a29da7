/* HTTP requests. Loop thread only. */
#ifndef TIDELOCK_NET_HTTP_H
#define TIDELOCK_NET_HTTP_H

#include "core/buffer.h"
#include "core/charge.h"
#include "core/error.h"
#include "net/cookies.h"
#include "net/net.h"
#include "net/route.h"

typedef struct HttpRequest HttpRequest;

/* How much of a body has passed the connection: of the request's if it has one, else of
 * the answer's, before it is unpacked. Called in dispatch, not for each piece, but always
 * when it is whole. total: UINT64_MAX when it is not known. */
typedef void HttpProgress(void *ctx, uint64_t done, uint64_t total);

/* A file that is part of a request's body. */
typedef struct HttpFile {
  int fd;           /* of a plain file; borrowed, duplicated */
  uint64_t at, len; /* where its bytes begin in the whole body, and how many they are */
} HttpFile;

typedef struct HttpOptions {
  const char *method;         /* as it goes on the wire; NULL: GET */
  const char *url;            /* http, https or unix, absolute; checked */
  const char *const *headers; /* "Name: value", NULL-terminated; NULL: none. Names and
                                 values are checked (no CR, LF, NUL) */
  const char *body;           /* NULL: none; copied */
  size_t body_len;
  const HttpFile *files; /* between the bytes of the body, in their order */
  size_t file_count;
  double connect_timeout; /* seconds; 0: 10 */
  double timeout;         /* seconds, the whole exchange; 0: 30, less: it is over;
                             INFINITY: none */
  size_t max_body;        /* bytes after decompression; 0: 64 MiB */
  int max_redirects;      /* -1: 5; 0: do not follow */
  bool http2;             /* where TLS agrees on it; on a connection of its own */
  bool once;              /* a request that a server must not see twice, whatever it is */
  bool raw;               /* the body as it came, its coding not undone */
  bool guarded; /* the owner's breaker may refuse it, and it is told how it went */
  int taken;    /* by the retries before it, from the owner's budget; 0: the first */
  int max_connections; /* at most so many at once to each origin; 0: any number */
  double keep_alive;   /* seconds that its connection is kept unused; 0: 118, less:
                          not at all */
  bool stream;     /* done is called with the head, and the body is read from then on */
  bool open_ended; /* of a stream: the timeout ends with the head */
  double idle_timeout;    /* of a stream: seconds without a byte of its body; 0: 30 */
  HttpProgress *progress; /* NULL: not told */
  void *progress_ctx;
  Cookies *cookies; /* for each hop, and taken from its answer; NULL: none; borrowed until
                       done or cancelled. Cookies that `headers` name count before it */
  Charge *charge; /* for the request and both bodies, until it is done; NULL: nobody's */
  const void *owner; /* kept connections are used again by the same one alone */
  Route route;
} HttpOptions;

typedef struct HttpResponse {
  int status;
  const char *version; /* "1.0", "1.1" or "2"; static */
  Buffer headers;      /* the last response's header lines, "Name: value\n" each */
  Buffer body;         /* decompressed */
  const char *url;     /* the one that answered, after redirects */
} HttpResponse;

/* Called in dispatch, exactly once unless cancelled: response is NULL and err is set, or
 * the other way round. Both are borrowed for the call (take the buffers with
 * buffer_take). */
typedef void HttpDone(void *ctx, HttpResponse *response, const Error *err);

/* Starts a request; options are copied. Returns new (released by itself after done or
 * cancel), or NULL with *err filled (URL, INVALID, MEMORY; guarded: UNAVAILABLE), and
 * then done is never called. */
HttpRequest *http_start(Net *net, const HttpOptions *options, HttpDone *done, void *ctx,
                        Error *err);
/* --- streams ----------------------------------------------------------------------
 * After done, which has had the head, the request belongs to the caller: http_cancel ends
 * it, whatever has become of it. max_body does not count. What was read and not taken is
 * bounded; more is left to the peer. */

/* `more` is called in dispatch when http_peek has said HTTP_LATER and that has changed.
 */
void http_on_more(HttpRequest *r, void (*more)(void *ctx), void *ctx);
typedef enum HttpGot { HTTP_LATER, HTTP_PIECE, HTTP_END, HTTP_FAILED } HttpGot;
/* What has come of the body; borrows, until http_taken, which lets go of it. */
HttpGot http_peek(HttpRequest *r, const char **bytes, size_t *len);
void http_taken(HttpRequest *r);
const Error *http_failure(const HttpRequest *r); /* after HTTP_FAILED; borrows */

/* done will not be called; its connection is closed */
void http_cancel(HttpRequest *request);
/* It is out, and nothing of an answer has come; over a connection of our own. */
bool http_waits(const HttpRequest *request);
/* For done: it was the breaker's probe, of which the breaker knows how it ended. */
bool http_has_probed(const HttpRequest *request);
/* How a guarded call has ended whose last attempt failed, or was answered with a status
 * that is retried: either a code or a status. Other ends are known already. */
void http_settle(Net *net, const void *owner, const char *url, ErrorCode code,
                 int status);
/* Takes what a retry costs from the budget for the origin of this URL; 0: it is used up,
 * or there is no such origin. */
int http_take_retry(Net *net, const void *owner, const char *url, bool timeout);
/* Closes the connections that are kept for an owner. */
void http_forget(Net *net, const void *owner);

#endif
