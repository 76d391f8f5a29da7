/* HTTP/1.1 as a client speaks it (RFC 9112), pure: a request to bytes, bytes to an
 * answer. No I/O, no clock.
 *
 * Reading is tolerant where that cannot change where an answer ends: lines may end in LF,
 * folded lines are joined, a line that is no header is skipped. Lengths are read
 * strictly: one value of Content-Length, digits only; chunked as the only
 * Transfer-Encoding; chunk sizes of hexadecimal digits. */
#ifndef TIDELOCK_PROTO_HTTP1_CLIENT_H
#define TIDELOCK_PROTO_HTTP1_CLIENT_H

#include "core/buffer.h"
#include "core/error.h"

enum { HTTP1_MAX_HEAD = 256 * 1024, HTTP1_MAX_FIELDS = 2000, HTTP1_MAX_INTERIM = 100 };

/* --- the request ------------------------------------------------------------------ */

/* All borrowed, and checked by the caller: no part holds a line end. */
typedef struct Http1Ask {
  const char *method, *target, *host; /* host: unless `headers` has one */
  const char *const *headers;         /* "Name: value", NULL-terminated */
  const char *const *standard;        /* likewise; those that `headers` does not name */
  bool has_body;
  size_t body_len;
} Http1Ask;

/* Appends the head of a request, its empty line included. Expect is left out. */
void http1_put_ask(Buffer *out, const Http1Ask *ask);

/* --- the head of an answer -------------------------------------------------------- */

/* Owns its lines; a zeroed one is empty. */
typedef struct Http1Head {
  Buffer lines; /* "Name: value\n" each */
  size_t bytes, count;
  bool passed_over; /* the last line was skipped, and lines folded onto it are too */
} Http1Head;

/* Takes a line without its end. Returns 0, ERR_TOO_LARGE or ERR_PROTOCOL. */
int http1_head_take(Http1Head *head, const char *line, size_t len);
/* Drops the lines; their bytes still count. */
void http1_head_again(Http1Head *head);
void http1_head_free(Http1Head *head);
/* The value of the n-th field (from 0) of that name, without blanks around it; NULL when
 * there is none. Borrows: not NUL-terminated. */
const char *http1_head_value(const Http1Head *head, const char *name, size_t n,
                             size_t *len);

typedef enum Http1Body {
  HTTP1_NONE,
  HTTP1_LENGTH,
  HTTP1_CHUNKED,
  HTTP1_TO_END
} Http1Body;
typedef struct Http1Framing {
  Http1Body body;
  uint64_t length;
  bool keep_alive; /* the connection may serve another request */
} Http1Framing;

/* How the body of a final answer ends (RFC 9112, 6.3). Returns 0, or ERR_PROTOCOL with
 * *wrong saying what is: static. */
int http1_head_framing(const Http1Head *head, int status, int minor, bool to_head,
                       Http1Framing *out, const char **wrong);

/* --- the whole answer ------------------------------------------------------------- */

typedef enum Http1Got {
  HTTP1_GOT_MORE, /* all was taken; more is needed */
  HTTP1_GOT_HEAD, /* of the final answer */
  HTTP1_GOT_BODY, /* a piece of its body */
  HTTP1_GOT_END,  /* the answer is whole */
  HTTP1_GOT_WRONG /* it cannot be read: `code`, `wrong` */
} Http1Got;

/* Owned by the caller; zeroed, then http1_answer_begin. Its fields may be read. */
typedef struct Http1Answer {
  int status, minor; /* from HTTP1_GOT_HEAD on */
  Http1Head head;
  Http1Framing framing;
  bool began; /* a status line came, be it of an interim answer */
  ErrorCode code;
  const char *wrong; /* static */
  /* its own */
  int state, interim;
  bool to_head;
  uint64_t remain;
  Buffer line; /* what came of a line that goes on */
  size_t trailer;
} Http1Answer;

void http1_answer_begin(Http1Answer *a, bool to_head); /* to_head: HEAD was asked */
void http1_answer_free(Http1Answer *a);
/* Call it until it wants more, also with nothing left: an answer without a body ends
 * behind its head. *used is how much was taken; bytes behind the end are no part of
 * the answer. A piece is borrowed from data. */
Http1Got http1_answer_take(Http1Answer *a, const char *data, size_t len, size_t *used,
                           const char **piece, size_t *piece_len);
/* The connection has ended: whether that completes the answer. */
bool http1_answer_ended(const Http1Answer *a);

#endif
