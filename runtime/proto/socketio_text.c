/* Socket.IO v5: the header of a packet, read and written. Pure.
 *   type[attachments-][/namespace[?query],][ack id][JSON] */
#include "proto/socketio_text.h"

#include <string.h>

typedef struct Cursor {
  const char *at, *end;
} Cursor;

static int set_error(Error *err, const char *what) {
  return error_set(err, ERR_PROTOCOL, "the server sent a Socket.IO packet %s", what);
}

static char peek_char(const Cursor *c) {
  return c->at < c->end ? *c->at : '\0';
}

static bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/* Takes digits; false when there are none, or the number is above the limit: then too all
 * digits are taken. */
static bool take_number(Cursor *c, int64_t limit, int64_t *value) {
  bool fits = is_digit(peek_char(c));
  for (*value = 0; is_digit(peek_char(c)); c->at++) {
    fits = fits && *value <= (limit - (*c->at - '0')) / 10;
    if (fits) *value = *value * 10 + (*c->at - '0');
  }
  return fits;
}

static bool is_binary(SioType type) {
  return type == SIO_BINARY_EVENT || type == SIO_BINARY_ACK;
}

static int take_type(Cursor *c, SioPacket *p, Error *err) {
  if (c->at == c->end) return set_error(err, "that is empty");
  if (*c->at < '0' || *c->at > '6') return set_error(err, "of an unknown type");
  p->type = (SioType)(*c->at++ - '0');
  if (!is_binary(p->type)) return 0;
  int64_t count = 0;
  if (!take_number(c, SIO_MAX_ATTACHMENTS, &count) || count == 0 || peek_char(c) != '-')
    return set_error(err, "with a wrong number of attachments");
  c->at++;
  p->attachments = (int)count;
  return 0;
}

static void take_namespace(Cursor *c, SioPacket *p) {
  p->nsp = "/";
  p->nsp_len = 1;
  if (peek_char(c) != '/') return;
  const char *comma = memchr(c->at, ',', (size_t)(c->end - c->at));
  const char *end = comma ? comma : c->end;
  const char *query = memchr(c->at, '?', (size_t)(end - c->at));
  p->nsp = c->at;
  p->nsp_len = (size_t)((query ? query : end) - c->at);
  c->at = comma ? comma + 1 : end;
}

/* An id is ignored where none may be, and so is one that no counter reaches. */
static void take_ack(Cursor *c, SioPacket *p) {
  bool may = p->type == SIO_EVENT || p->type == SIO_ACK || is_binary(p->type);
  int64_t id;
  bool fits = take_number(c, INT64_MAX, &id);
  p->ack = may && fits ? id : SIO_NO_ACK;
}

/* The payload's first byte, by type; there may be no payload. */
static int check_payload(const SioPacket *p, Error *err) {
  static const char *const first[] = {
      [SIO_CONNECT] = "{",   [SIO_DISCONNECT] = "{\"",    [SIO_EVENT] = "[",
      [SIO_ACK] = "[",       [SIO_CONNECT_ERROR] = "{\"", [SIO_BINARY_EVENT] = "[",
      [SIO_BINARY_ACK] = "["};
  if (p->json_len == 0) return 0;
  if (p->json[0] && strchr(first[p->type], p->json[0])) return 0;
  return set_error(err, "with a payload of the wrong kind");
}

int sio_parse(const char *text, size_t len, SioPacket *packet, Error *err) {
  Cursor c = {text, text + len};
  *packet = (SioPacket){0};
  if (take_type(&c, packet, err)) return (int)err->code;
  take_namespace(&c, packet);
  take_ack(&c, packet);
  packet->json = c.at;
  packet->json_len = (size_t)(c.end - c.at);
  return check_payload(packet, err);
}

static void skip_space(Cursor *c) {
  while (c->at < c->end && (*c->at == ' ' || (*c->at >= '\t' && *c->at <= '\r'))) c->at++;
}

bool sio_event_name(const SioPacket *packet, const char **name, size_t *name_len) {
  Cursor c = {packet->json, packet->json + packet->json_len};
  if (peek_char(&c) != '[') return false;
  c.at++;
  skip_space(&c);
  if (peek_char(&c) != '"') return false;
  const char *start = ++c.at;
  while (c.at < c.end && *c.at != '"' && *c.at != '\\' && (uint8_t)*c.at >= ' ') c.at++;
  if (peek_char(&c) != '"') return false;
  *name = start;
  *name_len = (size_t)(c.at++ - start);
  skip_space(&c);
  return peek_char(&c) == ',' || peek_char(&c) == ']';
}

static void put_rest(Buffer *out, const char *nsp, int64_t ack, const char *json,
                     size_t len) {
  if (nsp && *nsp && strcmp(nsp, "/") != 0) {
    if (*nsp != '/') buffer_putc(out, '/');
    buffer_puts(out, nsp);
    buffer_putc(out, ',');
  }
  if (ack >= 0) buffer_printf(out, "%lld", (long long)ack);
  buffer_put(out, json, len);
}

void sio_encode(Buffer *out, SioType type, const char *nsp, int64_t ack, const char *json,
                size_t len) {
  CHECK(!is_binary(type));
  buffer_putc(out, '4');
  buffer_putc(out, (char)('0' + type));
  put_rest(out, nsp, ack, json, len);
}

void sio_encode_binary(Buffer *out, SioType type, const char *nsp, int64_t ack,
                       const char *json, size_t len, int count) {
  CHECK((type == SIO_EVENT || type == SIO_ACK) && count > 0);
  SioType binary = type == SIO_EVENT ? SIO_BINARY_EVENT : SIO_BINARY_ACK;
  buffer_printf(out, "4%d%d-", (int)binary, count);
  put_rest(out, nsp, ack, json, len);
}

bool sio_reserved(const char *name, size_t len) {
  static const char *const names[] = {"connect",       "connect_error", "disconnect",
                                      "disconnecting", "newListener",   "removeListener"};
  if (len < 7 || len > 14) return false; /* the shortest and the longest */
  for (size_t i = 0; i < COUNT_OF(names); i++)
    if (strlen(names[i]) == len && memcmp(name, names[i], len) == 0) return true;
  return false;
}
