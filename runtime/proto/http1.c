/* Reading a request. The head is collected line by line until the empty one, then cut in
 * place: every name, value and the parts of the request line become strings inside the
 * one buffer that the parser owns. The body follows by length or in chunks. */
#include "proto/http1.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { MAX_HEAD = 16 * 1024, MAX_BODY = 8 * 1024 * 1024, MAX_CHUNK_LINE = 256 };
enum { MAX_TRAILER = 8 * 1024, MAX_BLANK = 8 };

typedef enum State {
  HEAD,
  BODY,
  CHUNK_LINE,
  CHUNK_DATA,
  CHUNK_END,
  TRAILER,
  DONE,
  BAD
} State;

struct Http1Parser {
  Http1Limits limits;
  State state;
  Buffer head, body, line; /* line: the chunk-size or trailer line that is being read */
  size_t allowed;          /* memory of the body */
  size_t line_start;       /* of the line being read, in head */
  size_t remain;           /* bytes of body, or of chunk, still to come */
  size_t trailer;          /* bytes of trailer seen; in HEAD: empty lines before it */
  int status;
  const char *complaint;
  Http1Request request;
  Http1Header headers[HTTP1_MAX_HEADERS];
};

static Http1Result fail_parse(Http1Parser *p, int status, const char *complaint) {
  p->state = BAD;
  p->status = status;
  p->complaint = complaint;
  return HTTP1_BAD;
}

/* --- characters ------------------------------------------------------------------- */

static bool is_token_char(unsigned char c) {
  if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))
    return true;
  return c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL;
}

bool http1_is_name(const char *text) {
  if (!text || !*text) return false;
  for (; *text; text++)
    if (!is_token_char((unsigned char)*text)) return false;
  return true;
}

bool http1_is_value(const char *text) {
  if (!text) return false;
  for (const unsigned char *c = (const unsigned char *)text; *c; c++)
    if ((*c < 0x20 && *c != '\t') || *c == 0x7f) return false;
  return true;
}

bool http1_has_token(const char *value, const char *token) {
  size_t n = strlen(token);
  while (value && *value) {
    value += strspn(value, ", \t");
    size_t len = strcspn(value, ", \t;");
    if (len == n && strncasecmp(value, token, n) == 0) return true;
    value += strcspn(value, ",");
  }
  return false;
}

const char *http1_header(const Http1Request *request, const char *name) {
  for (size_t i = 0; i < request->header_count; i++)
    if (strcmp(request->headers[i].name, name) == 0) return request->headers[i].value;
  return NULL;
}

/* --- the head --------------------------------------------------------------------- */

static bool is_method(const char *text) {
  return http1_is_name(text) && strlen(text) <= 32;
}

/* "http://host/a?b", as to a proxy: the host is kept, a string of its own, and moved to
 * the left to make room for its end and for a missing slash. Returns the rest, or NULL.
 */
static char *cut_authority(Http1Request *r, char *target) {
  char *authority = target + 7, *path = authority + strcspn(authority, "/?");
  size_t len = (size_t)(path - authority);
  if (len == 0) return NULL;
  bool star = *path == '\0' && strcmp(r->method, "OPTIONS") == 0;
  r->host = memmove(target, authority, len);
  target[len] = '\0';
  if (*path == '/') return path;
  *--path = star ? '*' : '/';
  return path;
}

/* "/a?b", the form above, or "*". Fills path and query. */
static bool cut_target(Http1Request *r, char *target) {
  for (unsigned char *c = (unsigned char *)target; *c; c++)
    if (*c <= 0x20 || *c >= 0x7f || *c == '#') return false;
  if (strncasecmp(target, "http://", 7) == 0) target = cut_authority(r, target);
  if (!target) return false;
  bool star = strcmp(target, "*") == 0 && strcmp(r->method, "OPTIONS") == 0;
  if (*target != '/' && !star) return false;
  char *mark = strchr(target, '?');
  if (mark) *mark = '\0';
  r->path = target;
  r->query = mark ? mark + 1 : "";
  return true;
}

static Http1Result cut_request_line(Http1Parser *p, char *line) {
  Http1Request *r = &p->request;
  char *target = strchr(line, ' ');
  char *version = target ? strchr(target + 1, ' ') : NULL;
  if (!version) return fail_parse(p, 400, "malformed request line");
  *target++ = *version++ = '\0';
  r->method = line;
  if (!is_method(line)) return fail_parse(p, 400, "malformed method");
  if (strncmp(version, "HTTP/", 5) != 0)
    return fail_parse(p, 400, "malformed request line");
  if (strcmp(version, "HTTP/1.1") != 0 && strcmp(version, "HTTP/1.0") != 0)
    return fail_parse(p, 505, "only HTTP/1.0 and HTTP/1.1 are spoken here");
  r->minor = version[7] - '0';
  if (!cut_target(r, target)) return fail_parse(p, 400, "malformed request target");
  return HTTP1_MORE;
}

static Http1Result cut_header(Http1Parser *p, char *line) {
  Http1Request *r = &p->request;
  char *colon = strchr(line, ':');
  if (!colon) return fail_parse(p, 400, "header line without a colon");
  *colon = '\0';
  if (!http1_is_name(line)) return fail_parse(p, 400, "malformed header name");
  for (char *c = line; *c; c++)
    if (*c >= 'A' && *c <= 'Z') *c = (char)(*c + 32);
  char *value = colon + 1 + strspn(colon + 1, " \t");
  size_t len = strlen(value);
  while (len && (value[len - 1] == ' ' || value[len - 1] == '\t')) value[--len] = '\0';
  if (!http1_is_value(value)) return fail_parse(p, 400, "malformed header value");
  if (r->header_count == HTTP1_MAX_HEADERS) return fail_parse(p, 431, "too many headers");
  p->headers[r->header_count++] = (Http1Header){line, value};
  return HTTP1_MORE;
}

/* Every line in head ends in CRLF, and holds no other CR, LF or NUL. */
static Http1Result cut_head(Http1Parser *p) {
  char *line = p->head.data, *end = line + p->head.len - 2;
  p->request.headers = p->headers;
  for (bool first = true; line < end; first = false) {
    char *cr = memchr(line, '\r', (size_t)(end - line));
    *cr = '\0';
    Http1Result result = first ? cut_request_line(p, line) : cut_header(p, line);
    if (result != HTTP1_MORE) return result;
    line = cr + 2;
  }
  return HTTP1_MORE;
}

/* --- what the headers mean -------------------------------------------------------- */

static size_t count_of(const Http1Request *r, const char *name, const char **value) {
  size_t n = 0;
  for (size_t i = 0; i < r->header_count; i++) {
    if (strcmp(r->headers[i].name, name) != 0) continue;
    *value = r->headers[i].value;
    n++;
  }
  return n;
}

static bool any_token(const Http1Request *r, const char *name, const char *token) {
  for (size_t i = 0; i < r->header_count; i++)
    if (strcmp(r->headers[i].name, name) == 0 &&
        http1_has_token(r->headers[i].value, token))
      return true;
  return false;
}

static Http1Result body_by_length(Http1Parser *p, const char *length) {
  size_t digits = strspn(length, "0123456789");
  if (digits == 0 || length[digits] != '\0')
    return fail_parse(p, 400, "malformed content-length");
  if (digits > 18) return fail_parse(p, 413, "the body is larger than allowed");
  p->remain = strtoull(length, NULL, 10);
  if (p->remain > p->limits.max_body)
    return fail_parse(p, 413, "the body is larger than allowed");
  p->state = p->remain ? BODY : DONE;
  return HTTP1_MORE;
}

static Http1Result choose_body(Http1Parser *p) {
  const char *length = NULL, *coding = NULL;
  size_t lengths = count_of(&p->request, "content-length", &length);
  size_t codings = count_of(&p->request, "transfer-encoding", &coding);
  p->state = DONE;
  if (lengths + codings == 0) return HTTP1_MORE;
  if (lengths + codings > 1)
    return fail_parse(p, 400, "more than one length of the body");
  if (lengths) return body_by_length(p, length);
  if (p->request.minor == 0) return fail_parse(p, 400, "transfer-encoding in HTTP/1.0");
  if (strcasecmp(coding, "chunked") != 0)
    return fail_parse(p, 501, "the only transfer-encoding known is chunked");
  p->state = CHUNK_LINE;
  return HTTP1_MORE;
}

/* The host of the target wins (RFC 9112, 3.2.2), in the headers too. */
static bool choose_host(Http1Parser *p) {
  Http1Request *r = &p->request;
  const char *host = NULL;
  size_t hosts = count_of(r, "host", &host);
  if (hosts > 1 || (hosts == 0 && r->minor == 1)) return false;
  if (!r->host) r->host = host;
  for (size_t i = 0; i < r->header_count; i++)
    if (strcmp(r->headers[i].name, "host") == 0) p->headers[i].value = r->host;
  return true;
}

static Http1Result finish_head(Http1Parser *p) {
  Http1Request *r = &p->request;
  Http1Result result = cut_head(p);
  if (result != HTTP1_MORE) return result;
  const char *expect = NULL;
  if (!choose_host(p)) return fail_parse(p, 400, "not one host header");
  bool close = any_token(r, "connection", "close");
  r->keep_alive = !close && (r->minor == 1 || any_token(r, "connection", "keep-alive"));
  r->upgrade = r->minor == 1 && any_token(r, "connection", "upgrade");
  result = choose_body(p);
  if (result != HTTP1_MORE || r->minor == 0) return result;
  if (count_of(r, "expect", &expect) == 0) return HTTP1_MORE;
  if (strcasecmp(expect, "100-continue") != 0)
    return fail_parse(p, 417, "unknown expectation");
  return p->state == DONE ? HTTP1_MORE : HTTP1_CONTINUE;
}

static Http1Result too_long(Http1Parser *p) {
  return p->line_start == 0 ? fail_parse(p, 414, "the request line is too long")
                            : fail_parse(p, 431, "the headers are too long");
}

/* Takes one line, or the part of it that has come. */
static Http1Result take_head(Http1Parser *p, const char *data, size_t len, size_t *used) {
  const char *lf = memchr(data, '\n', len);
  size_t n = lf ? (size_t)(lf - data) + 1 : len;
  if (p->head.len + n > p->limits.max_head) return too_long(p);
  if (memchr(data, '\0', n)) return fail_parse(p, 400, "a zero byte in the head");
  buffer_put(&p->head, data, n);
  *used += n;
  if (!lf) return HTTP1_MORE;
  const char *line = p->head.data + p->line_start;
  size_t line_len = p->head.len - p->line_start;
  if (memchr(line, '\r', line_len) != line + line_len - 2)
    return fail_parse(p, 400, "a line that does not end in CRLF");
  if (line_len > 2) {
    p->line_start = p->head.len;
    return HTTP1_MORE;
  }
  if (p->line_start > 0) return finish_head(p);
  buffer_clear(&p->head); /* an empty line before the request */
  return ++p->trailer > MAX_BLANK ? fail_parse(p, 400, "empty lines") : HTTP1_MORE;
}

/* --- the body --------------------------------------------------------------------- */

static Http1Result take_body(Http1Parser *p, const char *data, size_t len, size_t *used) {
  size_t n = len < p->remain ? len : p->remain;
  if (p->body.len + n > p->allowed || !buffer_can_take(&p->body, n))
    return fail_parse(p, 503, "no memory for the body of a request");
  buffer_put(&p->body, data, n);
  *used += n;
  p->remain -= n;
  if (p->remain == 0) p->state = p->state == BODY ? DONE : CHUNK_END;
  return HTTP1_MORE;
}

/* Collects a line into p->line; *whole: it is complete, its CRLF cut off. */
static Http1Result take_line(Http1Parser *p, const char *data, size_t len, size_t *used,
                             bool *whole) {
  const char *lf = memchr(data, '\n', len);
  size_t n = lf ? (size_t)(lf - data) + 1 : len;
  *whole = false;
  if (p->line.len + n > MAX_CHUNK_LINE && p->state != TRAILER)
    return fail_parse(p, 400, "malformed chunk");
  if (p->state == TRAILER && (p->trailer += n) > MAX_TRAILER)
    return fail_parse(p, 431, "the trailers are too long");
  buffer_put(&p->line, data, n);
  *used += n;
  if (!lf) return HTTP1_MORE;
  if (p->line.len < 2 || p->line.data[p->line.len - 2] != '\r')
    return fail_parse(p, 400, "malformed chunk");
  p->line.len -= 2;
  *whole = true;
  return HTTP1_MORE;
}

/* A token or a quoted string; returns what follows, or NULL. */
static const char *skip_word(const char *at) {
  if (*at != '"') {
    const char *start = at;
    while (is_token_char((unsigned char)*at)) at++;
    return at > start ? at : NULL;
  }
  for (at++; *at && *at != '"'; at++)
    if (*at == '\\' && at[1]) at++;
  return *at ? at + 1 : NULL;
}

static const char *skip_blank(const char *at) {
  return at + strspn(at, " \t");
}

/* ";name=value;name", which are ignored; but they must be well-formed, since another
 * reader may otherwise take the chunk to end elsewhere. */
static bool is_extensions(const char *at) {
  while (at && *at == ';') {
    at = skip_word(skip_blank(at + 1));
    if (at && *skip_blank(at) == '=') at = skip_word(skip_blank(skip_blank(at) + 1));
    if (at && *skip_blank(at) == ';') at = skip_blank(at);
  }
  return at && *at == '\0';
}

static Http1Result chunk_size(Http1Parser *p) {
  const char *line = buffer_text(&p->line);
  size_t digits = strspn(line, "0123456789abcdefABCDEF");
  bool plain = strlen(line) == p->line.len && http1_is_value(line);
  if (!digits || !plain || !is_extensions(line + digits))
    return fail_parse(p, 400, "malformed chunk");
  if (digits > strspn(line, "0") + 15)
    return fail_parse(p, 413, "the body is larger than allowed");
  p->remain = strtoull(line, NULL, 16);
  if (p->remain > p->limits.max_body - p->body.len)
    return fail_parse(p, 413, "the body is larger than allowed");
  p->trailer = 0;
  p->state = p->remain ? CHUNK_DATA : TRAILER;
  return HTTP1_MORE;
}

/* Trailers are read and dropped; a field that would change body, host or route must not
 * be one (RFC 9110, 6.5.1). */
static Http1Result check_trailer(Http1Parser *p) {
  static const char *const never[] = {"content-length", "transfer-encoding", "host",
                                      "trailer"};
  bool whole = strlen(buffer_text(&p->line)) == p->line.len;
  char *line = p->line.data, *colon = strchr(line, ':');
  if (!whole || !colon || !http1_is_value(line))
    return fail_parse(p, 400, "malformed trailer");
  *colon = '\0';
  for (size_t i = 0; i < COUNT_OF(never); i++)
    if (strcasecmp(line, never[i]) == 0)
      return fail_parse(p, 400, "not allowed in trailers");
  return http1_is_name(line) ? HTTP1_MORE : fail_parse(p, 400, "malformed trailer");
}

static Http1Result take_chunked(Http1Parser *p, const char *data, size_t len,
                                size_t *used) {
  bool whole = false;
  Http1Result result = take_line(p, data, len, used, &whole);
  if (result != HTTP1_MORE || !whole) return result;
  bool empty = p->line.len == 0;
  if (p->state == CHUNK_LINE) {
    result = chunk_size(p);
  } else if (p->state == CHUNK_END) {
    p->state = CHUNK_LINE;
    if (!empty) result = fail_parse(p, 400, "malformed chunk");
  } else if (empty) {
    p->state = DONE;
  } else {
    result = check_trailer(p);
  }
  buffer_clear(&p->line);
  return result;
}

/* --- the door --------------------------------------------------------------------- */

static Http1Result parse_step(Http1Parser *p, const char *data, size_t len,
                              size_t *used) {
  switch (p->state) {
  case HEAD:
    return take_head(p, data, len, used);
  case BODY:
  case CHUNK_DATA:
    return take_body(p, data, len, used);
  default:
    return take_chunked(p, data, len, used);
  }
}

static Http1Result finish_request(Http1Parser *p) {
  p->request.body = buffer_text(&p->body);
  p->request.body_len = p->body.len;
  return HTTP1_DONE;
}

Http1Result http1_parse(Http1Parser *p, const char *data, size_t len, size_t *used) {
  *used = 0;
  while (p->state != DONE && p->state != BAD && *used < len) {
    Http1Result result = parse_step(p, data + *used, len - *used, used);
    if (result != HTTP1_MORE) return result;
  }
  if (p->state == BAD) return HTTP1_BAD;
  return p->state == DONE ? finish_request(p) : HTTP1_MORE;
}

Http1Parser *http1_new(const Http1Limits *limits) {
  Http1Parser *p = xcalloc(1, sizeof *p);
  p->limits = *limits;
  p->allowed = SIZE_MAX;
  if (!p->limits.max_head) p->limits.max_head = MAX_HEAD;
  if (!p->limits.max_body) p->limits.max_body = MAX_BODY;
  return p;
}

void http1_free(Http1Parser *p) {
  if (!p) return;
  buffer_free(&p->head);
  buffer_free(&p->body);
  buffer_free(&p->line);
  free(p);
}

void http1_allow(Http1Parser *p, size_t most) {
  p->allowed = most;
}

size_t http1_held(const Http1Parser *p) {
  return p ? sizeof *p + p->head.cap + p->body.cap : 0;
}

bool http1_head_done(const Http1Parser *p) {
  return p->state != HEAD;
}

int http1_status(const Http1Parser *p) {
  return p->status;
}

const char *http1_complaint(const Http1Parser *p) {
  return p->complaint;
}

const Http1Request *http1_request(const Http1Parser *p) {
  CHECK(p->state == DONE);
  return &p->request;
}
