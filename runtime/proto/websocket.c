/* The reader of WebSocket frames (RFC 6455, sections 5 to 8). One parser a connection, on
 * the thread of its owner.
 *
 * A header is gathered and checked byte by byte, so that a violation is found at its
 * first byte, however the bytes were cut. A payload that lies whole in the input, and is
 * a message by itself, is returned in place; all others are gathered: data in `message`,
 * control frames (which may come between the fragments of a message) in `control`.
 *
 * Where compression was agreed to, the payloads of a message whose first frame has RSV1
 * are inflated into `message` as they come; the checks apply to the inflated bytes.
 *
 * Always: message.len <= max_message; no memory is taken for bytes that have not
 * come; `kind` is the opcode of the message whose fragments are coming, or
 * 0. */
#include "proto/websocket.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_CONTROL = 125, KEEP_MEMORY = 64 * 1024 };
enum { RSV1 = 0x40 };
enum { NEED_MORE = 0, GOT_EVENT = 1, FAILED = -1, GO_ON = 2 };
enum { CLOSE_PROTOCOL = 1002, CLOSE_NOT_UTF8 = 1007, CLOSE_TOO_BIG = 1009 };
enum { CLOSE_TRY_LATER = 1013 }; /* a server's alone */

struct WsParser {
  WsRole role;
  size_t max_message, allowed;
  bool ended;     /* a violation or a close frame: what follows is dropped */
  bool delivered; /* the message buffer was returned and may be freed */

  uint8_t head[14];
  size_t head_len, head_need;
  bool fin;
  WsOpcode opcode;
  const uint8_t *mask; /* into head; NULL: not masked */
  size_t length, got;  /* of the payload of this frame */

  WsOpcode kind;
  Deflate *deflate; /* NULL: not agreed to */
  bool compressed;  /* the message under way is */
  size_t wire;      /* bytes of it that came or were promised, when it is */
  Buffer message;
  Utf8 utf8;
  char control[MAX_CONTROL];
};

/* One call of ws_parse: the input that is left, and where the answers go. */
typedef struct Call {
  WsParser *p;
  char *at, *end;
  WsEvent *event;
  int *close_code;
  Error *err;
} Call;

/* Ends the parser. `what` completes "the server sent ...". */
static int fail_parse(Call *c, int close_code, const char *what) {
  c->p->ended = true;
  *c->close_code = close_code;
  const char *peer = c->p->role == WS_CLIENT ? "server" : "client";
  ErrorCode code = close_code == CLOSE_TOO_BIG ? ERR_TOO_LARGE : ERR_PROTOCOL;
  error_set(c->err, code, "the %s sent %s", peer, what);
  return FAILED;
}

static int too_large(Call *c) {
  fail_parse(c, CLOSE_TOO_BIG, "a message that is too large");
  error_detail(c->err, "more than %zu bytes", c->p->max_message);
  return FAILED;
}

/* Ends the parser for lack of memory, which is not the peer's fault. */
static int no_memory(Call *c) {
  c->p->ended = true;
  *c->close_code = c->p->role == WS_SERVER ? CLOSE_TRY_LATER : CLOSE_TOO_BIG;
  error_set(c->err, ERR_MEMORY, "no memory for a message of more than %zu bytes",
            c->p->message.len);
  return FAILED;
}

static int fail_protocol(Call *c, const char *what) {
  return fail_parse(c, CLOSE_PROTOCOL, what);
}

WsParser *ws_parser_new(WsRole role, size_t max_message) {
  WsParser *p = xcalloc(1, sizeof *p);
  p->role = role;
  p->max_message = max_message ? max_message : WS_MAX_MESSAGE;
  p->head_need = 2;
  p->allowed = SIZE_MAX;
  return p;
}

void ws_parser_allow(WsParser *p, size_t most) {
  p->allowed = most;
}

size_t ws_parser_held(const WsParser *p) {
  return p->message.len;
}

void ws_parser_inflate(WsParser *p, Deflate *d) {
  p->deflate = d;
}

void ws_parser_free(WsParser *p) {
  if (!p) return;
  buffer_free(&p->message);
  free(p);
}

/* --- the header ------------------------------------------------------------------- */

static bool is_control(WsOpcode opcode) {
  return opcode >= WS_CLOSE;
}

static int check_opcode(Call *c) {
  const WsParser *p = c->p;
  WsOpcode code = p->opcode;
  if ((code > WS_BINARY && code < WS_CLOSE) || code > WS_PONG)
    return fail_protocol(c, "a frame with an opcode that means nothing");
  if (is_control(p->opcode) && !p->fin)
    return fail_protocol(c, "a control frame in fragments");
  if (p->opcode == WS_CONTINUATION && !p->kind)
    return fail_protocol(c, "a continuation of no message");
  if ((p->opcode == WS_TEXT || p->opcode == WS_BINARY) && p->kind)
    return fail_protocol(c, "a new message within the fragments of another");
  return GO_ON;
}

/* RSV1 alone, and only on the first frame of a message. */
static bool may_be_reserved(const WsParser *p, uint8_t byte) {
  return p->deflate && (byte & 0x70) == RSV1 &&
         (p->opcode == WS_TEXT || p->opcode == WS_BINARY);
}

static int first_byte(Call *c) {
  WsParser *p = c->p;
  uint8_t byte = p->head[0];
  p->fin = byte & 0x80;
  p->opcode = (WsOpcode)(byte & 0x0F);
  if ((byte & 0x70) && !may_be_reserved(p, byte))
    return fail_protocol(c, "a frame with reserved bits set");
  return check_opcode(c);
}

static int second_byte(Call *c) {
  WsParser *p = c->p;
  bool masked = p->head[1] & 0x80;
  uint8_t length = p->head[1] & 0x7F;
  if (masked && p->role == WS_CLIENT) return fail_protocol(c, "a masked frame");
  if (!masked && p->role == WS_SERVER) return fail_protocol(c, "a frame without a mask");
  if (is_control(p->opcode) && length > MAX_CONTROL)
    return fail_protocol(c, "a control frame of more than 125 bytes");
  size_t extra = length == 126 ? 2 : length == 127 ? 8 : 0;
  p->mask = masked ? p->head + 2 + extra : NULL;
  p->head_need = 2 + extra + (masked ? 4 : 0);
  return GO_ON;
}

static int read_length(Call *c, uint64_t *length) {
  const WsParser *p = c->p;
  uint8_t mark = p->head[1] & 0x7F;
  *length = mark;
  if (mark < 126) return GO_ON;
  int bytes = mark == 126 ? 2 : 8;
  *length = 0;
  for (int i = 0; i < bytes; i++) *length = *length << 8 | p->head[2 + i];
  if (*length >> 63) return fail_protocol(c, "a frame length with its highest bit set");
  if (*length < (bytes == 2 ? 126 : 65536))
    return fail_protocol(c, "a frame length in more bytes than it needs");
  return GO_ON;
}

static void start_message(WsParser *p) {
  p->kind = p->opcode;
  p->utf8 = (Utf8){0};
  p->compressed = p->head[0] & RSV1;
  p->wire = 0;
}

/* How long the frame may be. Compressed data is limited as it is inflated; on the wire it
 * may be a little longer, where it does not compress. */
static size_t frame_limit(const WsParser *p) {
  if (!p->compressed) return p->max_message - p->message.len;
  size_t limit = p->max_message + p->max_message / 8 + 1024;
  return p->wire < limit ? limit - p->wire : 0;
}

/* The header is complete: checks its length, and begins or continues a message. */
static int start_payload(Call *c) {
  WsParser *p = c->p;
  uint64_t length = 0;
  if (read_length(c, &length) == FAILED) return FAILED;
  if (p->opcode == WS_TEXT || p->opcode == WS_BINARY) start_message(p);
  if (!is_control(p->opcode)) {
    if (length > frame_limit(p)) return too_large(c);
    if (p->compressed) p->wire += (size_t)length;
  }
  p->length = (size_t)length;
  p->got = 0;
  return GO_ON;
}

static int take_header(Call *c) {
  WsParser *p = c->p;
  while (p->head_len < p->head_need) {
    if (c->at == c->end) return NEED_MORE;
    p->head[p->head_len++] = (uint8_t)*c->at++;
    if (p->head_len == 1 && first_byte(c) == FAILED) return FAILED;
    if (p->head_len == 2 && second_byte(c) == FAILED) return FAILED;
    if (p->head_len == p->head_need && start_payload(c) == FAILED) return FAILED;
  }
  return GO_ON;
}

/* --- the payload ------------------------------------------------------------------ */

static int close_event(Call *c) {
  WsEvent *event = c->event;
  event->close_code = 1005;
  c->p->ended = true;
  if (event->len == 0) return GOT_EVENT;
  if (event->len == 1) return fail_protocol(c, "a close frame of one byte");
  int code = (uint8_t)event->data[0] << 8 | (uint8_t)event->data[1];
  if (!ws_close_code_valid(code))
    return fail_protocol(c, "a close code that may not be sent");
  event->data += 2;
  event->len -= 2;
  if (!utf8_valid(event->data, event->len))
    return fail_parse(c, CLOSE_NOT_UTF8, "a close reason that is not UTF-8");
  event->close_code = code;
  return GOT_EVENT;
}

static int control_payload(Call *c, char *bytes, size_t len) {
  WsParser *p = c->p;
  if (len < p->length && len) { /* in pieces */
    memcpy(p->control + p->got, bytes, len);
    bytes = p->control;
  }
  p->got += len;
  if (p->got < p->length) return NEED_MORE;
  p->head_len = 0;
  p->head_need = 2;
  *c->event = (WsEvent){.type = p->opcode, .data = bytes, .len = p->length};
  return p->opcode == WS_CLOSE ? close_event(c) : GOT_EVENT;
}

/* The last frame of a message has ended; the message is in the buffer. */
static int message_event(Call *c, char *data, size_t len) {
  WsParser *p = c->p;
  if (!utf8_complete(&p->utf8))
    return fail_parse(c, CLOSE_NOT_UTF8, "a text that ends within a character");
  *c->event = (WsEvent){.type = p->kind, .data = data, .len = len};
  p->kind = WS_CONTINUATION;
  return GOT_EVENT;
}

/* Inflates a piece of a compressed message into the message's buffer. */
static int inflate_payload(Call *c, const char *bytes, size_t len, bool last) {
  WsParser *p = c->p;
  size_t before = p->message.len;
  size_t most = p->max_message < p->allowed ? p->max_message : p->allowed;
  if (before > most) return no_memory(c);
  switch (deflate_read(p->deflate, bytes, len, last, most, &p->message)) {
  case DEFLATE_BROKEN:
    return fail_parse(c, CLOSE_NOT_UTF8, "a compressed message that cannot be inflated");
  case DEFLATE_TOO_LARGE:
    return most < p->max_message ? no_memory(c) : too_large(c);
  case DEFLATE_MEMORY:
    return no_memory(c);
  default:
    break;
  }
  buffer_text(&p->message); /* never NULL, even when empty */
  if (p->kind != WS_TEXT ||
      utf8_feed(&p->utf8, p->message.data + before, p->message.len - before))
    return GO_ON;
  return fail_parse(c, CLOSE_NOT_UTF8, "a text that is not UTF-8");
}

/* The message is in the buffer. */
static int gathered_event(Call *c) {
  WsParser *p = c->p;
  p->delivered = true;
  buffer_text(&p->message); /* never NULL, even when empty */
  return message_event(c, p->message.data, p->message.len);
}

static int compressed_payload(Call *c, char *bytes, size_t len) {
  WsParser *p = c->p;
  p->got += len;
  bool ends = p->got == p->length;
  if (inflate_payload(c, bytes, len, ends && p->fin) == FAILED) return FAILED;
  if (!ends) return NEED_MORE;
  p->head_len = 0;
  p->head_need = 2;
  return p->fin ? gathered_event(c) : GO_ON;
}

static int data_payload(Call *c, char *bytes, size_t len) {
  WsParser *p = c->p;
  if (p->kind == WS_TEXT && !utf8_feed(&p->utf8, bytes, len))
    return fail_parse(c, CLOSE_NOT_UTF8, "a text that is not UTF-8");
  p->got += len;
  bool ends = p->got == p->length;
  if (ends) {
    p->head_len = 0;
    p->head_need = 2;
  }
  if (ends && p->fin && len == p->length && p->opcode != WS_CONTINUATION)
    return message_event(c, bytes, len); /* the whole of it lies in the input */
  if (p->message.len + len > p->allowed || !buffer_can_take(&p->message, len))
    return no_memory(c);
  buffer_put(&p->message, bytes, len);
  if (!ends) return NEED_MORE;
  return p->fin ? gathered_event(c) : GO_ON;
}

static int take_payload(Call *c) {
  WsParser *p = c->p;
  size_t len = p->length - p->got, here = (size_t)(c->end - c->at);
  if (len > here) len = here;
  char *bytes = c->at;
  c->at += len;
  if (p->mask) ws_mask(bytes, len, p->mask, p->got);
  if (is_control(p->opcode)) return control_payload(c, bytes, len);
  if (p->compressed) return compressed_payload(c, bytes, len);
  return data_payload(c, bytes, len);
}

/* Drops the message returned before; a large one's memory is freed. */
static void release_message(WsParser *p) {
  p->delivered = false;
  buffer_clear(&p->message);
  if (p->message.cap > KEEP_MEMORY) buffer_free(&p->message);
}

int ws_parse(WsParser *p, char *data, size_t len, size_t *used, WsEvent *event,
             int *close_code, Error *err) {
  if (p->delivered) release_message(p);
  Call call = {p, data, data + len, event, close_code, err};
  int result = GO_ON;
  while (result == GO_ON && !p->ended) {
    result = take_header(&call);
    if (result == GO_ON) result = take_payload(&call);
  }
  if (result == GO_ON) result = NEED_MORE;
  *used += p->ended ? len : (size_t)(call.at - data);
  return result;
}
