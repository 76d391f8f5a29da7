/* How a Socket's packets are written, by its parser: text with attachments behind it, or
 * one binary message in msgpack (npm's socket.io-msgpack-parser). Whichever it is, within
 * a Socket what events and acks hold is JSON with placeholders and a list of attachments;
 * msgpack is turned into that and back here, so that nothing else knows of it. */
#include "socket/socket_packet.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "proto/msgpack.h"

/* --- out -------------------------------------------------------------------------- */

/* The tree of the JSON with the attachments in their places, behind the packet's head. */
static int put_data(Buffer *out, const SocketData *data, Charge *charge, Error *err) {
  JsonArena *arena = json_arena_new(charge);
  const cJSON *root = json_parse_exact(arena, data->json, data->len, err);
  int code = root ? 0 : (int)err->code;
  if (root && data->count) code = sio_fill(arena, root, data->bytes, data->count, err);
  if (!code) code = msgpack_put_tree(out, arena, root);
  if (code && root && err->code == ERR_NONE)
    error_set(err, (ErrorCode)code, "%s", error_meaning((ErrorCode)code));
  json_arena_free(arena);
  return code;
}

static int put_packed(Buffer *out, PacketForm form, SioType type, int64_t ack,
                      const SocketData *data, Error *err) {
  *err = (Error){0};
  int code = sio_pack(out, type, form.nsp, ack, data->len > 0);
  if (code) return error_set(err, (ErrorCode)code, "the namespace is not UTF-8");
  return data->len ? put_data(out, data, form.charge, err) : 0;
}

int packet_encode(PacketForm form, SioType type, int64_t ack, const SocketData *data,
                  Buffer *out, SocketData *frames, Error *err) {
  bool attached = data->count > 0 && !form.msgpack;
  buffer_reserve(out, data->len + 64);
  int code = form.msgpack ? put_packed(out, form, type, ack, data, err) : 0;
  if (attached)
    sio_encode_binary(out, type, form.nsp, ack, data->json, data->len, data->count);
  else if (!form.msgpack) sio_encode(out, type, form.nsp, ack, data->json, data->len);
  *frames = (SocketData){.json = out->data, .len = out->len};
  if (attached) frames->bytes = data->bytes, frames->count = data->count;
  return code;
}

/* --- in --------------------------------------------------------------------------- */

typedef struct Writer {
  const JsonArena *arena;
  Unpacked *to;
  Error *err;
} Writer;

static int write_item(Writer *w, const cJSON *item);

static int write_bytes(Writer *w, const cJSON *item) {
  if (w->to->count == SIO_MAX_ATTACHMENTS)
    return error_set(w->err, ERR_TOO_LARGE, "a packet with more than %d attachments",
                     SIO_MAX_ATTACHMENTS);
  if (w->to->count == w->to->room) {
    w->to->room = w->to->room ? w->to->room * 2 : 8;
    w->to->bytes = xrealloc(w->to->bytes, (size_t)w->to->room * sizeof *w->to->bytes);
  }
  SioBytes *bytes = &w->to->bytes[w->to->count];
  bytes->data = json_string(w->arena, item, false, &bytes->len);
  sio_put_placeholder(&w->to->text, w->to->count++);
  return 0;
}

static void write_number(Writer *w, const cJSON *item) {
  int64_t integer;
  if (item->type & JSON_INT64) json_put_integer(&w->to->text, json_int64(item));
  else if (json_integer(item, &integer)) json_put_integer(&w->to->text, integer);
  else if (!isfinite(item->valuedouble)) buffer_puts(&w->to->text, "null");
  else json_put_number(&w->to->text, item->valuedouble);
}

static int write_string(Writer *w, const cJSON *item, bool key) {
  size_t len;
  const char *text = json_string(w->arena, item, key, &len);
  return json_put_string(&w->to->text, text, len);
}

static int write_container(Writer *w, const cJSON *item) {
  bool object = cJSON_IsObject(item);
  int code = 0;
  buffer_putc(&w->to->text, object ? '{' : '[');
  for (const cJSON *child = item->child; child && !code; child = child->next) {
    if (child != item->child) buffer_putc(&w->to->text, ',');
    if (object) code = write_string(w, child, true);
    if (object) buffer_putc(&w->to->text, ':');
    if (!code) code = write_item(w, child);
  }
  buffer_putc(&w->to->text, object ? '}' : ']');
  return code;
}

static int write_item(Writer *w, const cJSON *item) {
  if (cJSON_IsArray(item) || cJSON_IsObject(item)) return write_container(w, item);
  if (cJSON_IsString(item)) return write_string(w, item, false);
  if (cJSON_IsRaw(item)) return write_bytes(w, item);
  if (cJSON_IsNumber(item) || item->type & JSON_INT64) write_number(w, item);
  else
    buffer_puts(&w->to->text, cJSON_IsTrue(item)    ? "true"
                              : cJSON_IsFalse(item) ? "false"
                                                    : "null");
  return 0;
}

int packet_unpack(const char *data, size_t len, Unpacked *to, SioPacket *packet,
                  Error *err) {
  SioPacked packed;
  if (!to->arena) to->arena = json_arena_new(to->charge);
  buffer_clear(&to->text);
  to->count = 0;
  int code = sio_unpack(to->arena, data, len, &packed, err);
  Writer w = {to->arena, to, err};
  if (!code && charge_is_over(to->charge, len))
    code = error_set(err, ERR_MEMORY, "no memory for a packet of %zu bytes", len);
  if (!code && packed.data) code = write_item(&w, packed.data);
  charge_set(to->charge, &to->held, to->text.cap);
  if (code) return code;
  *packet = (SioPacket){.type = packed.type,
                        .attachments = to->count,
                        .nsp = packed.nsp,
                        .nsp_len = packed.nsp_len,
                        .ack = packed.ack,
                        .json = to->text.data,
                        .json_len = to->text.len};
  return 0;
}

void packet_done(Unpacked *to) {
  enum { KEEP = 64 << 10 };
  if (to->arena) json_arena_reset(to->arena);
  if (to->text.cap > KEEP) buffer_free(&to->text);
  charge_set(to->charge, &to->held, to->text.cap);
}

void packet_free(Unpacked *to) {
  if (to->arena) json_arena_free(to->arena);
  buffer_free(&to->text);
  charge_set(to->charge, &to->held, 0);
  free(to->bytes);
  *to = (Unpacked){0};
}
