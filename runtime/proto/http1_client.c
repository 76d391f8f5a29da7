/* Requests out, answers in: see http1_client.h. A line that comes in one piece is read
 * in place; pieces of a line are gathered in `line`. */
#include "proto/http1_client.h"

#include <string.h>
#include <strings.h>

enum { MAX_SIZE_LINE = 4096, MAX_TRAILER = 64 * 1024 };

typedef enum State {
  STATUS_LINE,
  HEAD_LINES,
  BODY_BEGINS,
  BODY_LENGTH,
  BODY_TO_END,
  CHUNK_SIZE,
  CHUNK_DATA,
  CHUNK_END,
  TRAILER,
  WHOLE,
  BROKEN
} State;

/* --- the request ------------------------------------------------------------------ */

static size_t name_len(const char *header) {
  return strcspn(header, ":");
}

static bool is_named(const char *header, const char *name, size_t len) {
  return name_len(header) == len && strncasecmp(header, name, len) == 0;
}

static bool has_header(const char *const *headers, const char *name, size_t len) {
  for (; headers && *headers; headers++)
    if (is_named(*headers, name, len)) return true;
  return false;
}

/* An empty value has no blank before it. */
static void put_header(Buffer *out, const char *header) {
  size_t len = name_len(header) + 1;
  const char *value = header + len;
  buffer_put(out, header, value[strspn(value, " \t")] ? strlen(header) : len);
  buffer_put(out, "\r\n", 2);
}

void http1_put_ask(Buffer *out, const Http1Ask *ask) {
  buffer_puts(out, ask->method);
  buffer_putc(out, ' ');
  buffer_puts(out, ask->target);
  buffer_puts(out, " HTTP/1.1\r\n");
  if (!has_header(ask->headers, "Host", 4)) buffer_printf(out, "Host: %s\r\n", ask->host);
  for (const char *const *h = ask->standard; h && *h; h++)
    if (!has_header(ask->headers, *h, name_len(*h))) put_header(out, *h);
  for (const char *const *h = ask->headers; h && *h; h++)
    if (!is_named(*h, "Expect", 6)) put_header(out, *h);
  if (ask->has_body) buffer_printf(out, "Content-Length: %zu\r\n", ask->body_len);
  buffer_put(out, "\r\n", 2);
}

/* --- header lines ----------------------------------------------------------------- */

static bool is_blank(char c) {
  return c == ' ' || c == '\t';
}

static bool is_name(const char *text, size_t len) {
  for (size_t i = 0; i < len; i++) {
    char c = text[i];
    bool plain =
        (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (!plain && (!c || !strchr("!#$%&'*+-.^_`|~", c))) return false;
  }
  return len > 0;
}

/* A carriage return inside a line counts as a blank (RFC 9112, 2.2). */
static void put_text(Buffer *out, const char *text, size_t len) {
  size_t from = out->len;
  buffer_put(out, text, len);
  for (char *at = out->data + from, *end = out->data + out->len; at < end; at++)
    if (*at == '\r') *at = ' ';
}

/* A line that begins with a blank goes on with the one before it (5.2). */
static void join_line(Http1Head *head, const char *line, size_t len) {
  while (len && is_blank(*line)) line++, len--;
  if (head->passed_over || head->lines.len == 0 || len == 0) return;
  head->lines.data[head->lines.len - 1] = ' ';
  put_text(&head->lines, line, len);
  buffer_putc(&head->lines, '\n');
}

int http1_head_take(Http1Head *head, const char *line, size_t len) {
  head->bytes += len + 2;
  if (head->bytes > HTTP1_MAX_HEAD) return ERR_TOO_LARGE;
  if (len && memchr(line, '\0', len)) return ERR_PROTOCOL;
  bool folded = len && is_blank(*line);
  while (len && (is_blank(line[len - 1]) || line[len - 1] == '\r')) len--;
  if (folded) {
    join_line(head, line, len);
    return 0;
  }
  const char *colon = len ? memchr(line, ':', len) : NULL;
  size_t name = colon ? (size_t)(colon - line) : 0;
  while (name && is_blank(line[name - 1])) name--;
  head->passed_over = !is_name(line, name);
  if (head->passed_over) return 0;
  if (++head->count > HTTP1_MAX_FIELDS) return ERR_TOO_LARGE;
  buffer_put(&head->lines, line, name);
  put_text(&head->lines, colon, len - (size_t)(colon - line));
  buffer_putc(&head->lines, '\n');
  return 0;
}

void http1_head_again(Http1Head *head) {
  buffer_clear(&head->lines);
  head->passed_over = true;
}

void http1_head_free(Http1Head *head) {
  buffer_free(&head->lines);
  *head = (Http1Head){0};
}

const char *http1_head_value(const Http1Head *head, const char *name, size_t n,
                             size_t *len) {
  size_t name_length = strlen(name);
  if (head->lines.len == 0) return NULL;
  const char *at = head->lines.data, *end = at + head->lines.len, *stop;
  for (; at < end; at = stop + 1) {
    stop = memchr(at, '\n', (size_t)(end - at));
    const char *colon = at + name_length;
    if (colon >= stop || *colon != ':' || strncasecmp(at, name, name_length) != 0)
      continue;
    if (n-- > 0) continue;
    for (at = colon + 1; at < stop && is_blank(*at);) at++;
    *len = (size_t)(stop - at);
    return at;
  }
  return NULL;
}

/* --- what the headers mean -------------------------------------------------------- */

/* Walks through the elements of a list that may stand in several fields: each call gives
 * the next one, until NULL. */
typedef struct List {
  const Http1Head *head;
  const char *name, *at;
  size_t n, left;
} List;

static const char *next_element(List *list, size_t *len) {
  while (list->left == 0) {
    list->at = http1_head_value(list->head, list->name, list->n++, &list->left);
    if (!list->at) return NULL;
    if (list->left == 0) {
      *len = 0;
      return list->at;
    }
  }
  const char *comma = memchr(list->at, ',', list->left), *start = list->at;
  size_t taken = comma ? (size_t)(comma - start) : list->left;
  list->left -= comma ? taken + 1 : taken;
  list->at = start + taken + (comma != NULL);
  while (taken && is_blank(*start)) start++, taken--;
  while (taken && is_blank(start[taken - 1])) taken--;
  *len = taken;
  return start;
}

static bool is_text(const char *text, size_t len, const char *word) {
  return len == strlen(word) && strncasecmp(text, word, len) == 0;
}

static bool has_token(const Http1Head *head, const char *name, const char *token) {
  List list = {.head = head, .name = name};
  const char *text;
  size_t len;
  while ((text = next_element(&list, &len)))
    if (is_text(text, len, token)) return true;
  return false;
}

/* Digits; more than fit are more than anybody takes. */
static bool read_length(const char *text, size_t len, uint64_t *value) {
  *value = 0;
  for (size_t i = 0; i < len; i++) {
    if (text[i] < '0' || text[i] > '9') return false;
    unsigned digit = (unsigned)(text[i] - '0');
    *value = *value > (UINT64_MAX - 9) / 10 ? UINT64_MAX : *value * 10 + digit;
  }
  return len > 0;
}

/* The same value may come more than once. Returns whether there is one. */
static bool find_length(const Http1Head *head, Http1Framing *out, const char **wrong) {
  List list = {.head = head, .name = "Content-Length"};
  const char *text;
  size_t len;
  uint64_t value;
  bool found = false;
  while ((text = next_element(&list, &len))) {
    if (!read_length(text, len, &value)) *wrong = "a Content-Length that is no number";
    else if (found && value != out->length) *wrong = "two different Content-Lengths";
    if (*wrong) return true;
    out->length = value;
    found = true;
  }
  return found;
}

/* Returns whether the body comes in chunks. "identity" is an old word for no coding. */
static bool find_chunked(const Http1Head *head, const char **wrong) {
  List list = {.head = head, .name = "Transfer-Encoding"};
  const char *text;
  size_t len;
  bool chunked = false;
  while ((text = next_element(&list, &len))) {
    if (len == 0 || is_text(text, len, "identity")) continue;
    if (chunked || !is_text(text, len, "chunked"))
      *wrong = "a Transfer-Encoding that nobody asked for";
    chunked = true;
  }
  return chunked;
}

int http1_head_framing(const Http1Head *head, int status, int minor, bool to_head,
                       Http1Framing *out, const char **wrong) {
  bool close = has_token(head, "Connection", "close");
  *out = (Http1Framing){0};
  *wrong = NULL;
  out->keep_alive = !close && (minor > 0 || has_token(head, "Connection", "keep-alive"));
  if (to_head || status < 200 || status == 204 || status == 304) return 0;
  bool has_length = find_length(head, out, wrong);
  bool chunked = !*wrong && find_chunked(head, wrong);
  if (*wrong) return ERR_PROTOCOL;
  out->body = chunked ? HTTP1_CHUNKED : has_length ? HTTP1_LENGTH : HTTP1_TO_END;
  /* With both fields, a proxy may see another end of the body than we do. */
  if (out->body == HTTP1_TO_END || (chunked && (has_length || minor == 0)))
    out->keep_alive = false;
  return 0;
}

/* --- lines ------------------------------------------------------------------------ */

static Http1Got break_off(Http1Answer *a, int code, const char *wrong) {
  a->state = BROKEN;
  a->code = (ErrorCode)code;
  a->wrong = wrong;
  return HTTP1_GOT_WRONG;
}

/* Takes bytes up to a line's end. Returns the line without its LF, borrowed until the
 * next call, or NULL when it goes on. */
static const char *next_line(Http1Answer *a, const char *data, size_t len, size_t *used,
                             size_t *line_len) {
  const char *lf = memchr(data, '\n', len);
  size_t taken = lf ? (size_t)(lf - data) + 1 : len;
  *used += taken;
  if (lf && a->line.len == 0) {
    *line_len = taken - 1;
    return data;
  }
  buffer_put(&a->line, data, taken);
  if (!lf) return NULL;
  *line_len = a->line.len - 1;
  return a->line.data;
}

/* --- the status line -------------------------------------------------------------- */

static bool may_begin(const char *text, size_t len) {
  static const char start[] = "HTTP/1.";
  size_t most = sizeof start - 1;
  return memcmp(text, start, len < most ? len : most) == 0;
}

static bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/* "HTTP/1.1 200 OK"; the reason, and the blank before it, may be missing. */
static bool read_status(Http1Answer *a, const char *line, size_t len) {
  if (len < 12 || !may_begin(line, len) || !is_digit(line[7]) || line[8] != ' ')
    return false;
  for (int i = 9; i < 12; i++)
    if (!is_digit(line[i])) return false;
  if (len > 12 && line[12] != ' ' && line[12] != '\r') return false;
  a->minor = line[7] - '0';
  a->status = (line[9] - '0') * 100 + (line[10] - '0') * 10 + (line[11] - '0');
  return a->status >= 100 && !memchr(line, '\0', len);
}

static const char no_http[] = "it does not begin with a status line of HTTP/1.1";

static Http1Got take_status(Http1Answer *a, const char *data, size_t len, size_t *used) {
  size_t line_len;
  const char *line = next_line(a, data, len, used, &line_len);
  if (!line && !may_begin(a->line.data, a->line.len))
    return break_off(a, ERR_DECODE, no_http);
  if (!line && a->line.len > HTTP1_MAX_HEAD) return break_off(a, ERR_TOO_LARGE, "head");
  if (!line) return HTTP1_GOT_MORE;
  if (!read_status(a, line, line_len)) return break_off(a, ERR_DECODE, no_http);
  buffer_clear(&a->line);
  a->head.bytes += line_len;
  a->began = true;
  a->state = HEAD_LINES;
  http1_head_again(&a->head);
  return HTTP1_GOT_MORE;
}

/* --- the head --------------------------------------------------------------------- */

static Http1Got end_head(Http1Answer *a) {
  if (a->status == 101)
    return break_off(a, ERR_PROTOCOL, "it switches protocols, unasked");
  if (a->status < 200) {
    a->state = STATUS_LINE;
    if (++a->interim <= HTTP1_MAX_INTERIM) return HTTP1_GOT_MORE;
    return break_off(a, ERR_PROTOCOL, "more than 100 interim answers");
  }
  const char *wrong;
  if (http1_head_framing(&a->head, a->status, a->minor, a->to_head, &a->framing, &wrong))
    return break_off(a, ERR_PROTOCOL, wrong);
  a->state = BODY_BEGINS;
  return HTTP1_GOT_HEAD;
}

static Http1Got take_head_line(Http1Answer *a, const char *data, size_t len,
                               size_t *used) {
  size_t line_len;
  const char *line = next_line(a, data, len, used, &line_len);
  if (a->head.bytes + a->line.len > HTTP1_MAX_HEAD)
    return break_off(a, ERR_TOO_LARGE, "head");
  if (!line) return HTTP1_GOT_MORE;
  bool empty = line_len == 0 || (line_len == 1 && *line == '\r');
  int code = empty ? 0 : http1_head_take(&a->head, line, line_len);
  buffer_clear(&a->line);
  if (code == ERR_TOO_LARGE) return break_off(a, code, "head");
  if (code) return break_off(a, code, "a zero byte in its head");
  return empty ? end_head(a) : HTTP1_GOT_MORE;
}

/* --- the body --------------------------------------------------------------------- */

static Http1Got begin_body(Http1Answer *a) {
  static const State next[] = {[HTTP1_NONE] = WHOLE,
                               [HTTP1_LENGTH] = BODY_LENGTH,
                               [HTTP1_CHUNKED] = CHUNK_SIZE,
                               [HTTP1_TO_END] = BODY_TO_END};
  a->state = next[a->framing.body];
  a->remain = a->framing.length;
  if (a->state == BODY_LENGTH && a->remain == 0) a->state = WHOLE;
  return HTTP1_GOT_MORE;
}

static Http1Got take_piece(Http1Answer *a, const char *data, size_t len, size_t *used,
                           const char **piece, size_t *piece_len) {
  bool to_end = a->state == BODY_TO_END;
  size_t taken = to_end || len < a->remain ? len : (size_t)a->remain;
  *piece = data;
  *piece_len = taken;
  *used += taken;
  if (to_end) return HTTP1_GOT_BODY;
  a->remain -= taken;
  if (a->remain == 0) a->state = a->state == BODY_LENGTH ? WHOLE : CHUNK_END;
  return HTTP1_GOT_BODY;
}

static int hex_of(char c) {
  if (is_digit(c)) return c - '0';
  c |= 0x20;
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Digits, then blanks, then chunk extensions, which are ignored. */
static bool read_size(const char *line, size_t len, uint64_t *size) {
  size_t i = 0, zeros = 0;
  while (zeros < len && line[zeros] == '0') zeros++;
  for (*size = 0; i < len && hex_of(line[i]) >= 0; i++) {
    if (i == zeros + 15) return false;
    *size = *size * 16 + (uint64_t)hex_of(line[i]);
  }
  if (i == 0) return false;
  while (i < len && is_blank(line[i])) i++;
  return i == len || line[i] == ';';
}

static Http1Got take_chunk_line(Http1Answer *a, const char *data, size_t len,
                                size_t *used) {
  size_t line_len;
  const char *line = next_line(a, data, len, used, &line_len);
  if (a->line.len > MAX_SIZE_LINE) return break_off(a, ERR_PROTOCOL, "malformed chunks");
  if (!line) return HTTP1_GOT_MORE;
  bool ends = line_len > 0 && line[line_len - 1] == '\r', ok = ends;
  if (ends && a->state == CHUNK_END) ok = line_len == 1;
  else if (ends) ok = read_size(line, line_len - 1, &a->remain);
  buffer_clear(&a->line);
  if (!ok) return break_off(a, ERR_PROTOCOL, "malformed chunks");
  if (a->state == CHUNK_END) a->state = CHUNK_SIZE;
  else a->state = a->remain ? CHUNK_DATA : TRAILER;
  return HTTP1_GOT_MORE;
}

/* Trailers are skipped: a field behind the body is no header. */
static Http1Got take_trailer(Http1Answer *a, const char *data, size_t len, size_t *used) {
  size_t line_len, before = *used;
  const char *line = next_line(a, data, len, used, &line_len);
  a->trailer += *used - before;
  if (a->trailer > MAX_TRAILER) return break_off(a, ERR_TOO_LARGE, "trailer");
  if (!line) return HTTP1_GOT_MORE;
  if (line_len == 0 || (line_len == 1 && *line == '\r')) a->state = WHOLE;
  buffer_clear(&a->line);
  return HTTP1_GOT_MORE;
}

/* --- the door --------------------------------------------------------------------- */

void http1_answer_begin(Http1Answer *a, bool to_head) {
  Buffer line = a->line;
  Http1Head head = {.lines = a->head.lines};
  buffer_clear(&line);
  buffer_clear(&head.lines);
  *a = (Http1Answer){.line = line, .head = head, .to_head = to_head};
}

void http1_answer_free(Http1Answer *a) {
  http1_head_free(&a->head);
  buffer_free(&a->line);
}

static Http1Got parse_step(Http1Answer *a, const char *data, size_t len, size_t *used,
                           const char **piece, size_t *piece_len) {
  switch ((State)a->state) {
  case STATUS_LINE:
    return take_status(a, data, len, used);
  case HEAD_LINES:
    return take_head_line(a, data, len, used);
  case BODY_LENGTH:
  case BODY_TO_END:
  case CHUNK_DATA:
    return take_piece(a, data, len, used, piece, piece_len);
  case TRAILER:
    return take_trailer(a, data, len, used);
  default:
    return take_chunk_line(a, data, len, used);
  }
}

Http1Got http1_answer_take(Http1Answer *a, const char *data, size_t len, size_t *used,
                           const char **piece, size_t *piece_len) {
  *used = 0;
  for (;;) {
    if (a->state == BODY_BEGINS) begin_body(a);
    if (a->state == WHOLE) return HTTP1_GOT_END;
    if (a->state == BROKEN) return HTTP1_GOT_WRONG;
    if (*used == len) return HTTP1_GOT_MORE;
    Http1Got got = parse_step(a, data + *used, len - *used, used, piece, piece_len);
    if (got != HTTP1_GOT_MORE) return got;
  }
}

bool http1_answer_ended(const Http1Answer *a) {
  return a->state == WHOLE || a->state == BODY_TO_END ||
         (a->state == BODY_BEGINS &&
          (a->framing.body == HTTP1_NONE || a->framing.body == HTTP1_TO_END));
}
