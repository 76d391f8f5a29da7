/* HTTP/1.1 requests as a server reads them (RFC 9112), pure: bytes in, one whole request
 * out. No I/O, no clock.
 *
 * Where the RFC leaves a choice the strict one is taken, since requests are smuggled
 * through two readers that disagree about where a request ends: lines end in CRLF, names
 * are tokens, no folding, no space before the colon, one Content-Length of digits, never
 * together with Transfer-Encoding, of which "chunked" alone is known. */
#ifndef TIDELOCK_PROTO_HTTP1_H
#define TIDELOCK_PROTO_HTTP1_H

#include "core/buffer.h"
#include "proto/http1_reason.h"

enum { HTTP1_MAX_HEADERS = 100 };

typedef struct Http1Limits {
  size_t max_head; /* bytes of request line and headers; 0: 16 KiB */
  size_t max_body; /* 0: 8 MiB */
} Http1Limits;

typedef struct Http1Header {
  const char *name; /* lower-case */
  const char *value;
} Http1Header;

typedef struct Http1Request {
  const char *method;
  const char *path;  /* begins with '/' (or is "*"), still encoded */
  const char *query; /* what follows the '?', "" when there is none */
  const char *host;  /* of the target, else of its header; NULL: none (HTTP/1.0) */
  const Http1Header *headers;
  size_t header_count;
  const char *body; /* NUL-terminated beyond its length */
  size_t body_len;
  int minor; /* HTTP/1.minor */
  bool keep_alive;
  bool upgrade; /* Connection names "upgrade" */
} Http1Request;

/* Reads and holds one request: each further one needs a new parser. */
typedef struct Http1Parser Http1Parser;
Http1Parser *http1_new(const Http1Limits *limits); /* returns new */
void http1_free(Http1Parser *p);                   /* NULL is fine */

typedef enum Http1Result {
  HTTP1_MORE,     /* all bytes were taken; more are needed */
  HTTP1_CONTINUE, /* the head is read and the client waits for "100 Continue"; go on */
  HTTP1_DONE,     /* the next request begins at *used */
  HTTP1_BAD       /* answer with http1_status, then close */
} Http1Result;
Http1Result http1_parse(Http1Parser *p, const char *data, size_t len, size_t *used);

/* A body that would take more memory than this, or than there is, is refused with 503.
 * Set it before each http1_parse; SIZE_MAX at first. */
void http1_allow(Http1Parser *p, size_t most);
size_t http1_held(const Http1Parser *p); /* memory; 0 of NULL */

bool http1_head_done(const Http1Parser *p);
int http1_status(const Http1Parser *p); /* after HTTP1_BAD: 400, 413, 431, ... */
const char *http1_complaint(const Http1Parser *p);       /* after HTTP1_BAD; static */
const Http1Request *http1_request(const Http1Parser *p); /* after HTTP1_DONE; borrows */

/* The value of a header (name in lower case), or NULL. */
const char *http1_header(const Http1Request *request, const char *name);
/* Whether a comma-separated value holds the token, in any case of letters. */
bool http1_has_token(const char *value, const char *token);
/* Whether this may stand as a header's name, or as its value (NULL: no). */
bool http1_is_name(const char *text);
bool http1_is_value(const char *text);

#endif
