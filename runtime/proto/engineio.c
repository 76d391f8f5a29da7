/* Engine.IO v4: the packet's type byte, the handshake, the address. Pure. */
#include "proto/engineio.h"

#include <stdio.h>
#include <string.h>

#include "core/base64.h"

/* The most milliseconds that a timer counts, here and in the reference client. */
#define MAX_DELAY_MS 2147483647.0

int eio_parse(const char *text, size_t len, EioPacket *packet, Error *err) {
  if (len == 0) return error_set(err, ERR_PROTOCOL, "the server sent an empty packet");
  if (text[0] < EIO_OPEN || text[0] > EIO_NOOP) {
    error_set(err, ERR_PROTOCOL,
              "the server sent an Engine.IO packet of an unknown type");
    error_detail(err, "first byte 0x%02x", (uint8_t)text[0]);
    return (int)err->code;
  }
  *packet = (EioPacket){(EioType)text[0], text + 1, len - 1};
  return 0;
}

static int set_error(Error *err, const char *what) {
  return error_set(err, ERR_PROTOCOL, "the server's Engine.IO handshake %s", what);
}

/* As encodeURIComponent does. */
static void put_escaped(char *out, const char *text, size_t len) {
  for (size_t i = 0; i < len; i++) {
    unsigned char c = (unsigned char)text[i];
    bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
                 (c >= 'a' && c <= 'z') || (c && strchr("-_.!~*'()", c));
    if (plain) *out++ = (char)c;
    else out += snprintf(out, 4, "%%%02X", c);
  }
  *out = '\0';
}

/* Any text that is not too long; some servers number their sessions. */
static int read_sid(const JsonArena *arena, const cJSON *root, EioOpen *open,
                    Error *err) {
  const cJSON *item = cJSON_GetObjectItemCaseSensitive(root, "sid");
  char number[32];
  int64_t integer;
  size_t len;
  if (cJSON_IsNumber(item) && json_integer(item, &integer)) {
    len = (size_t)snprintf(number, sizeof number, "%lld", (long long)integer);
    put_escaped(open->sid, number, len);
    return 0;
  }
  if (!cJSON_IsString(item)) return set_error(err, "names no sid");
  const char *sid = json_string(arena, item, false, &len);
  if (len == 0 || len > EIO_MAX_SID)
    return set_error(err, "names a sid that is empty or too long");
  put_escaped(open->sid, sid, len);
  return 0;
}

static int read_delay(const cJSON *root, const char *name, double *seconds, Error *err) {
  const cJSON *item = cJSON_GetObjectItemCaseSensitive(root, name);
  if (!cJSON_IsNumber(item) || !(item->valuedouble >= 0) ||
      item->valuedouble > MAX_DELAY_MS) {
    set_error(err, "lacks a delay in milliseconds");
    error_detail(err, "%s", name);
    return (int)err->code;
  }
  *seconds = item->valuedouble / 1000;
  return 0;
}

static int read_delays(const cJSON *root, EioOpen *open, Error *err) {
  if (read_delay(root, "pingInterval", &open->ping_interval, err) ||
      read_delay(root, "pingTimeout", &open->ping_timeout, err))
    return (int)err->code;
  if (open->ping_interval + open->ping_timeout > 0) return 0;
  return set_error(err, "lacks a delay in milliseconds that is not 0");
}

/* Servers before 4.4 (2021) do not send it; some send null or 0 for no limit. */
static size_t read_max_payload(const cJSON *root) {
  const cJSON *item = cJSON_GetObjectItemCaseSensitive(root, "maxPayload");
  bool limits =
      cJSON_IsNumber(item) && item->valuedouble >= 1 && item->valuedouble < 1e15;
  return limits ? (size_t)item->valuedouble : 0;
}

/* `upgrades` is a list of names; anything else in it is ignored. */
static bool has_upgrade(const cJSON *root, const char *transport) {
  const cJSON *item = cJSON_GetObjectItemCaseSensitive(root, "upgrades");
  for (item = cJSON_IsArray(item) ? item->child : NULL; item; item = item->next)
    if (cJSON_IsString(item) && strcmp(item->valuestring, transport) == 0) return true;
  return false;
}

int eio_parse_open(JsonArena *arena, const char *json, size_t len, EioOpen *open,
                   Error *err) {
  Error inner;
  const cJSON *root = json_parse(arena, json, len, &inner);
  if (!root) {
    set_error(err, "is not JSON");
    error_detail(err, "%s", inner.message);
    return (int)err->code;
  }
  if (!cJSON_IsObject(root)) return set_error(err, "is not an object");
  if (read_sid(arena, root, open, err)) return (int)err->code;
  if (read_delays(root, open, err)) return (int)err->code;
  open->websocket = has_upgrade(root, "websocket");
  open->max_payload = read_max_payload(root);
  return 0;
}

static bool has_words(const char *body, size_t len, const char *words) {
  return len && memmem(body, len, words, strlen(words)) != NULL;
}

bool eio_is_older(const char *body, size_t len) {
  size_t digits = 0;
  while (digits < len && body[digits] >= '0' && body[digits] <= '9') digits++;
  bool counted = digits && len > digits + 3 && memcmp(body + digits, ":0{", 3) == 0;
  return counted || has_words(body, len, "Unsupported protocol version") ||
         has_words(body, len,
                   "unsupported version of the Socket.IO or Engine.IO protocol");
}

int eio_older(Error *err) {
  return error_set(err, ERR_UNSUPPORTED,
                   "the server speaks Engine.IO protocol 3 (socket.io 2.x, or a server "
                   "of its time); this client speaks protocol 4 (socket.io 3 and later)");
}

const char *eio_transport_name(EioTransports transport) {
  return transport == EIO_POLLING ? "polling" : "websocket";
}

void eio_target(Buffer *out, const char *path, bool slash, const char *query,
                EioTransports transport, const char *sid) {
  if (!path || !*path) path = "/socket.io/";
  if (*path != '/') buffer_putc(out, '/');
  buffer_puts(out, path);
  if (slash && path[strlen(path) - 1] != '/') buffer_putc(out, '/'); /* without: 404 */
  buffer_putc(out, '?');
  if (query && *query == '?') query++;
  if (query && *query) {
    buffer_puts(out, query);
    buffer_putc(out, '&');
  }
  buffer_printf(out, "EIO=4&transport=%s", eio_transport_name(transport));
  if (sid) buffer_printf(out, "&sid=%s", sid);
}

/* --- polling payloads ------------------------------------------------------------- */

enum { SEPARATOR = 0x1e };

static int read_binary(EioPart *part, char *text, size_t len, Error *err) {
  long size = base64_decode(text, len, text);
  if (size < 0) {
    error_set(err, ERR_PROTOCOL, "the server sent a binary packet that is no base64");
    return -1;
  }
  *part = (EioPart){true, text, (size_t)size};
  return 1;
}

int eio_next(char **rest, size_t *len, EioPart *part, Error *err) {
  if (!*rest) return 0;
  char *at = *rest, *stop = memchr(at, SEPARATOR, *len);
  size_t size = stop ? (size_t)(stop - at) : *len;
  *len -= size + (stop != NULL);
  *rest = stop ? stop + 1 : NULL;
  if (size && *at == 'b') return read_binary(part, at + 1, size - 1, err);
  *part = (EioPart){false, at, size};
  return 1;
}

size_t eio_put_len(bool binary, size_t len) {
  return 1 + (binary ? 1 + BASE64_LEN(len) : len);
}

void eio_put(Buffer *payload, bool binary, const char *data, size_t len) {
  if (payload->len) buffer_putc(payload, SEPARATOR);
  if (!binary) {
    buffer_put(payload, data, len);
    return;
  }
  buffer_putc(payload, 'b');
  buffer_reserve(payload, BASE64_LEN(len) + 1);
  base64_encode(data, len, payload->data + payload->len);
  payload->len += BASE64_LEN(len);
}
