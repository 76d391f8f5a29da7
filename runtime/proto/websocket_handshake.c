/* The opening handshake of a WebSocket client (RFC 6455, section 4): the request, and the
 * check of the answer. Pure. Errors quote the server's text with control characters and
 * broken UTF-8 replaced. */
#include "proto/websocket_handshake.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/base64.h"
#include "core/utf8.h"
#include "proto/digest.h"
#include "proto/httpdate.h"

/* A part of the server's answer; at NULL: there is none. */
typedef struct Slice {
  const char *at;
  size_t len;
} Slice;

typedef struct Answer {
  int version; /* of HTTP/1 */
  int status;  /* 0: it cannot be read */
  Slice reason, body;
  bool upgrade, connection;
  Slice accept, protocol, extensions, location, retry_after, date;
  bool twice; /* a header came twice that may stand once */
} Answer;

void ws_key(const uint8_t random[16], char *out) {
  base64_encode(random, 16, out);
}

void ws_accept(const char *key, char *out) {
  char text[128];
  uint8_t digest[SHA1_LEN];
  int len = snprintf(text, sizeof text, "%s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", key);
  CHECK(len > 0 && (size_t)len < sizeof text);
  sha1(text, (size_t)len, digest);
  base64_encode(digest, sizeof digest, out);
}

/* --- the request ------------------------------------------------------------------ */

static bool is_in(const char *set, char c) {
  return c && strchr(set, c);
}

static bool token_char(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         is_in("!#$%&'*+-.^_`|~", c);
}

static bool is_printable(const char *text, bool spaces) {
  for (; *text; text++)
    if ((uint8_t)*text < ' ' || *text == 0x7F || (*text == ' ' && !spaces)) return false;
  return true;
}

static bool is_named(const char *header, const char *name) {
  size_t len = strlen(name);
  return strncasecmp(header, name, len) == 0 && header[len] == ':';
}

/* Headers that the handshake sends itself: they would stand there twice. */
static bool is_ours(const char *header) {
  static const char *const names[] = {"Upgrade", "Connection", "Content-Length",
                                      "Transfer-Encoding"};
  for (size_t i = 0; i < COUNT_OF(names); i++)
    if (is_named(header, names[i])) return true;
  return strncasecmp(header, "Sec-WebSocket-", 14) == 0;
}

static int check_header(const char *header, Error *err) {
  size_t name = 0;
  while (token_char(header[name])) name++;
  if (name == 0 || header[name] != ':')
    return error_set(err, ERR_INVALID, "the header \"%.60s\" is not \"Name: value\"",
                     header);
  if (!is_printable(header + name, true))
    return error_set(err, ERR_INVALID, "the header %.*s holds a control character",
                     (int)name, header);
  if (is_ours(header))
    return error_set(err, ERR_INVALID, "the header %.*s is sent by the handshake itself",
                     (int)name, header);
  return 0;
}

static bool subprotocols_valid(const char *list) {
  for (;;) {
    list += strspn(list, " ");
    size_t len = 0;
    while (token_char(list[len])) len++;
    if (len == 0 || len > 127) return false;
    list += len;
    list += strspn(list, " ");
    if (*list == '\0') return true;
    if (*list++ != ',') return false;
  }
}

int ws_request_check(const WsRequest *r, Error *err) {
  if (!is_printable(r->host, false) || !*r->host)
    return error_set(err, ERR_INVALID, "the host cannot stand in a request");
  if (!is_printable(r->target, false) || *r->target != '/')
    return error_set(err, ERR_INVALID,
                     "the path \"%.60s\" must start with / and hold no spaces",
                     r->target);
  if (r->subprotocols && !subprotocols_valid(r->subprotocols))
    return error_set(err, ERR_INVALID, "the subprotocols are not a list \"a, b\"");
  for (const char *const *h = r->headers; h && *h; h++)
    if (check_header(*h, err)) return (int)err->code;
  return 0;
}

void ws_request(Buffer *out, const WsRequest *r) {
  bool host = false;
  for (const char *const *h = r->headers; h && *h; h++) host |= is_named(*h, "Host");
  buffer_printf(out, "GET %s HTTP/1.1\r\n", r->target);
  if (!host) buffer_printf(out, "Host: %s\r\n", r->host);
  buffer_puts(out, "Upgrade: websocket\r\nConnection: Upgrade\r\n");
  buffer_printf(out, "Sec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\n", r->key);
  if (r->subprotocols)
    buffer_printf(out, "Sec-WebSocket-Protocol: %s\r\n", r->subprotocols);
  if (r->deflate && r->deflate->enabled) {
    buffer_puts(out, "Sec-WebSocket-Extensions: ");
    deflate_put_offer(out, r->deflate);
    buffer_puts(out, "\r\n");
  }
  for (const char *const *h = r->headers; h && *h; h++) buffer_printf(out, "%s\r\n", *h);
  buffer_puts(out, "\r\n");
}

/* --- the answer, read ------------------------------------------------------------- */

static bool is_text(Slice s, const char *text) {
  return s.at && s.len == strlen(text) && strncasecmp(s.at, text, s.len) == 0;
}

static Slice trim_blanks(Slice s) {
  while (s.len && is_in(" \t", s.at[0])) s.at++, s.len--;
  while (s.len && is_in(" \t", s.at[s.len - 1])) s.len--;
  return s;
}

/* Takes the next element of a comma-separated list off its front. */
static bool next_element(Slice *list, Slice *element) {
  if (list->at == NULL || list->len == 0) return false;
  const char *comma = memchr(list->at, ',', list->len);
  size_t len = comma ? (size_t)(comma - list->at) : list->len;
  *element = trim_blanks((Slice){list->at, len});
  list->at += comma ? len + 1 : len;
  list->len -= comma ? len + 1 : len;
  return true;
}

static bool list_has(Slice list, const char *text) {
  Slice element;
  while (next_element(&list, &element))
    if (is_text(element, text)) return true;
  return false;
}

static void keep_value(Answer *a, Slice *slot, Slice value) {
  if (slot->at) a->twice = true;
  *slot = value;
}

static void take_header(Answer *a, Slice name, Slice value) {
  if (is_text(name, "Upgrade")) a->upgrade |= is_text(value, "websocket");
  if (is_text(name, "Connection")) a->connection |= list_has(value, "Upgrade");
  if (is_text(name, "Sec-WebSocket-Accept")) keep_value(a, &a->accept, value);
  if (is_text(name, "Sec-WebSocket-Protocol")) keep_value(a, &a->protocol, value);
  if (is_text(name, "Sec-WebSocket-Extensions")) keep_value(a, &a->extensions, value);
  if (is_text(name, "Location")) a->location = value;
  if (is_text(name, "Retry-After")) a->retry_after = value;
  if (is_text(name, "Date")) a->date = value;
}

/* "Name: value", one line without its end. */
static bool read_header(Answer *a, const char *line, size_t len) {
  const char *colon = memchr(line, ':', len);
  if (!colon || colon == line) return false;
  for (const char *c = line; c < colon; c++)
    if (!token_char(*c)) return false;
  if (memchr(line, '\r', len) || memchr(line, '\n', len) || memchr(line, '\0', len))
    return false;
  size_t name = (size_t)(colon - line);
  take_header(a, (Slice){line, name}, trim_blanks((Slice){colon + 1, len - name - 1}));
  return true;
}

/* "HTTP/1.1 101 Switching Protocols"; the reason may be missing. */
static bool read_status(Answer *a, const char *line, size_t len) {
  if (len < 12 || memcmp(line, "HTTP/1.", 7) != 0 || line[8] != ' ') return false;
  int status = 0;
  for (int i = 9; i < 12; i++) {
    if (line[i] < '0' || line[i] > '9') return false;
    status = status * 10 + line[i] - '0';
  }
  if (len > 12 && line[12] != ' ') return false;
  a->version = line[7] - '0';
  a->status = status;
  a->reason = trim_blanks((Slice){line + 12, len - 12});
  return true;
}

/* `head` ends with the CRLF of its last line. */
static bool read_head(Answer *a, const char *head, size_t len) {
  const char *end = head + len;
  for (const char *line = head; line < end;) {
    const char *stop = memmem(line, (size_t)(end - line), "\r\n", 2);
    size_t line_len = (size_t)(stop - line);
    if (line == head && !read_status(a, line, line_len)) return false;
    if (line != head && !read_header(a, line, line_len)) return false;
    line = stop + 2;
  }
  return true;
}

/* --- the answer, judged ----------------------------------------------------------- */

/* A printable copy of the start of what the server wrote. */
static const char *quote_start(Slice s, char *out, size_t size) {
  Utf8 u = {0};
  size_t n = s.len < size - 1 ? s.len : size - 1, whole = 0;
  for (size_t i = 0; i < n; i++) {
    bool fits = utf8_feed(&u, s.at + i, 1);
    out[i] = fits ? s.at[i] : '?';
    if (!fits) {
      memset(out + whole, '?', i - whole);
      u = (Utf8){0};
    }
    if ((uint8_t)out[i] < ' ' || out[i] == 0x7F) out[i] = ' ';
    if (utf8_complete(&u)) whole = i + 1;
  }
  out[whole] = '\0';
  return out;
}

static int no_http(Slice start, Error *err) {
  char text[120];
  error_set(err, ERR_HANDSHAKE, "the server did not answer in HTTP/1.1");
  error_detail(err, "%s", quote_start(start, text, sizeof text));
  return -1;
}

static void read_retry_after(const Answer *a, double now, Error *err) {
  char value[64], date[64];
  if (a->retry_after.len >= sizeof value || a->date.len >= sizeof date) return;
  quote_start(a->retry_after, value, sizeof value);
  quote_start(a->date, date, sizeof date);
  double seconds = http_retry_after(value, date, now);
  if (seconds > 0) err->retry_after = seconds;
}

static int set_refused(const Answer *a, double now, Error *err) {
  char reason[80], place[160], body[200];
  quote_start(a->reason, reason, sizeof reason);
  quote_start(a->body, body, sizeof body);
  const char *gap = *reason ? " " : "";
  error_set(err, ERR_HANDSHAKE, "the server answered %d%s%s", a->status, gap, reason);
  if (a->location.at)
    error_set(err, ERR_HANDSHAKE, "the server answered %d%s%s (it points to %s)",
              a->status, gap, reason, quote_start(a->location, place, sizeof place));
  error_detail(err, "%d%s%s%s%s", a->status, gap, reason, *body ? ": " : "", body);
  read_retry_after(a, now, err);
  return -1;
}

static int set_error(Error *err, const char *what, Slice value) {
  char text[120];
  error_set(err, ERR_HANDSHAKE, "the server's answer to the WebSocket handshake %s",
            what);
  if (value.at) error_detail(err, "%s", quote_start(value, text, sizeof text));
  return -1;
}

/* Whether the subprotocol, to the letter, is one of those offered. */
static bool was_offered(Slice protocol, const char *offered) {
  Slice list = {offered, offered ? strlen(offered) : 0}, element;
  while (next_element(&list, &element))
    if (element.len == protocol.len && memcmp(element.at, protocol.at, element.len) == 0)
      return protocol.len > 0 && protocol.len < 128;
  return false;
}

static int judge_answer(const Answer *a, const WsRequest *request, DeflateTerms *terms,
                        Error *err) {
  char accept[29];
  const char *fault;
  ws_accept(request->key, accept);
  Slice none = {0};
  if (a->version < 1) return set_error(err, "is not HTTP/1.1", none);
  if (!a->upgrade) return set_error(err, "lacks \"Upgrade: websocket\"", none);
  if (!a->connection) return set_error(err, "lacks \"Connection: Upgrade\"", none);
  if (a->twice) return set_error(err, "holds a header twice", none);
  if (!a->accept.at) return set_error(err, "lacks Sec-WebSocket-Accept", none);
  if (a->accept.len != 28 || memcmp(a->accept.at, accept, 28) != 0)
    return set_error(err, "holds a wrong Sec-WebSocket-Accept", a->accept);
  if (deflate_judge(request->deflate, a->extensions.at, a->extensions.len, terms, &fault))
    return set_error(err, fault, a->extensions);
  if (a->protocol.at && !was_offered(a->protocol, request->subprotocols))
    return set_error(err, "names a subprotocol that was not offered", a->protocol);
  return 0;
}

/* The length of the answer's head with its empty line; 0: incomplete; -1: refused. */
static long find_head(const char *data, size_t len, Error *err) {
  if (len == 0) return 0;
  if (memcmp(data, "HTTP/1.", len < 7 ? len : 7) != 0)
    return no_http((Slice){data, len}, err);
  size_t searched = len < WS_MAX_HANDSHAKE ? len : WS_MAX_HANDSHAKE;
  const char *end = memmem(data, searched, "\r\n\r\n", 4);
  if (end) return end - data + 4;
  if (len < WS_MAX_HANDSHAKE) return 0;
  error_set(err, ERR_TOO_LARGE,
            "the server's answer to the WebSocket handshake is too large");
  return -1;
}

/* The length of the whole interim answers (1xx, but not 101) before the answer itself
 * (RFC 9110, 15.2). Together they may be as long as one answer. */
static size_t skip_interim(const char *data, size_t len) {
  size_t skipped = 0;
  Error ignored;
  for (;;) {
    const char *at = data + skipped;
    Answer a = {0};
    long head = find_head(at, len - skipped, &ignored);
    if (head <= 0 || skipped + (size_t)head > WS_MAX_HANDSHAKE) return skipped;
    if (!read_head(&a, at, (size_t)head - 2)) return skipped;
    if (a.status < 100 || a.status > 199 || a.status == 101) return skipped;
    skipped += (size_t)head;
  }
}

long ws_response(const char *data, size_t len, const WsRequest *request, WsAgreed *agreed,
                 Error *err) {
  *agreed = (WsAgreed){0};
  size_t skipped = skip_interim(data, len);
  data += skipped;
  len -= skipped;
  long head_len = find_head(data, len, err);
  if (head_len <= 0) return head_len;
  Answer a = {.body = {data + head_len, len - (size_t)head_len}};
  bool readable = read_head(&a, data, (size_t)head_len - 2);
  if (a.status == 0) return no_http((Slice){data, len}, err);
  if (a.status != 101) return set_refused(&a, request->now, err);
  if (!readable) return set_error(err, "holds a line that is no header", (Slice){0});
  if (judge_answer(&a, request, &agreed->deflate, err)) return -1;
  if (a.protocol.len) memcpy(agreed->subprotocol, a.protocol.at, a.protocol.len);
  return (long)skipped + head_len;
}
