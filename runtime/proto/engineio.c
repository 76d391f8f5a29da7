/* Engine.IO v4: the packet's type byte, the handshake, the address. Pure. */
#include "proto/engineio.h"

#include <string.h>

/* What a timer can count in milliseconds, and the reference client as well. */
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

static int wrong(Error *err, const char *what) {
  return error_set(err, ERR_PROTOCOL, "the server's Engine.IO handshake %s", what);
}

/* The session id is quoted in addresses and logs: visible ASCII alone. */
static int read_sid(const JsonArena *arena, const cJSON *root, EioOpen *open,
                    Error *err) {
  const cJSON *item = cJSON_GetObjectItemCaseSensitive(root, "sid");
  if (!cJSON_IsString(item)) return wrong(err, "names no sid");
  size_t len;
  const char *sid = json_string(arena, item, false, &len);
  if (len == 0 || len >= sizeof open->sid)
    return wrong(err, "names a sid that is empty or too long");
  for (size_t i = 0; i < len; i++)
    if (sid[i] <= ' ' || sid[i] > '~')
      return wrong(err, "names a sid with characters that may not be in it");
  memcpy(open->sid, sid, len);
  open->sid[len] = '\0';
  return 0;
}

static int read_delay(const cJSON *root, const char *name, double *seconds, Error *err) {
  const cJSON *item = cJSON_GetObjectItemCaseSensitive(root, name);
  if (!cJSON_IsNumber(item) || !(item->valuedouble > 0) ||
      item->valuedouble > MAX_DELAY_MS) {
    wrong(err, "lacks a delay in milliseconds");
    error_detail(err, "%s", name);
    return (int)err->code;
  }
  *seconds = item->valuedouble / 1000;
  return 0;
}

/* maxPayload may be missing: servers before 4.4 (2021) do not send it. */
static int read_max_payload(const cJSON *root, EioOpen *open, Error *err) {
  const cJSON *item = cJSON_GetObjectItemCaseSensitive(root, "maxPayload");
  int64_t value = 0;
  open->max_payload = 0;
  if (!item) return 0;
  if (!json_integer(item, &value) || value <= 0)
    return wrong(err, "names a maxPayload that is no number of bytes");
  open->max_payload = (size_t)value;
  return 0;
}

int eio_parse_open(JsonArena *arena, const char *json, size_t len, EioOpen *open,
                   Error *err) {
  Error inner;
  const cJSON *root = json_parse(arena, json, len, &inner);
  if (!root) {
    wrong(err, "is not JSON");
    error_detail(err, "%s", inner.message);
    return (int)err->code;
  }
  if (!cJSON_IsObject(root)) return wrong(err, "is not an object");
  if (read_sid(arena, root, open, err)) return (int)err->code;
  if (read_delay(root, "pingInterval", &open->ping_interval, err)) return (int)err->code;
  if (read_delay(root, "pingTimeout", &open->ping_timeout, err)) return (int)err->code;
  return read_max_payload(root, open, err);
}

void eio_websocket_target(Buffer *out, const char *path, const char *query) {
  if (!path || !*path) path = "/socket.io/";
  if (*path != '/') buffer_putc(out, '/');
  buffer_puts(out, path);
  if (path[strlen(path) - 1] != '/') buffer_putc(out, '/'); /* without it: 404 */
  buffer_putc(out, '?');
  if (query && *query == '?') query++;
  if (query && *query) {
    buffer_puts(out, query);
    buffer_putc(out, '&');
  }
  buffer_puts(out, "EIO=4&transport=websocket");
}
