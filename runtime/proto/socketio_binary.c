/* Socket.IO's binary packets: the messages put together again, and the placeholders that
 * stand for them in the JSON. Pure.
 *
 * Always, in an assembly: `bytes` holds the attachments that came, one behind the other,
 * `parts` how long each is, and where, once the packet is whole; `missing` is how many
 * are still to come, and while it is not 0 `text` holds the packet that they belong to.
 * Memory is taken with the first binary packet: most connections never see one. */
#include <stdlib.h>
#include <string.h>

#include "proto/socketio_binary.h"

#include "proto/socketio_text.h"

enum { MOST_BYTES = 64 << 20, KEEP_MEMORY = 64 << 10 };

struct SioAssembly {
  size_t max_bytes;
  int missing, count;
  Buffer text, bytes;
  SioBytes *parts; /* room for count + missing */
};

static int set_violation(Error *err, const char *what) {
  error_set(err, ERR_PROTOCOL, "the server sent %s", what);
  return -1;
}

/* --- putting together ------------------------------------------------------------- */

SioAssembly *sio_assembly_new(size_t max_bytes) {
  SioAssembly *a = xcalloc(1, sizeof *a);
  a->max_bytes = max_bytes ? max_bytes : MOST_BYTES;
  return a;
}

void sio_assembly_free(SioAssembly *a) {
  if (!a) return;
  buffer_free(&a->text);
  buffer_free(&a->bytes);
  free(a->parts);
  free(a);
}

/* Empties the buffer; a large one's memory is freed. */
static void clear_buffer(Buffer *b) {
  if (b->cap > KEEP_MEMORY) buffer_free(b);
  buffer_clear(b);
}

static int take_bytes(SioAssembly *a, Buffer *into, const char *bytes, size_t len,
                      Error *err) {
  if (len > a->max_bytes - a->text.len - a->bytes.len) {
    error_set(err, ERR_TOO_LARGE, "the server sent a binary packet that is too large");
    error_detail(err, "more than %zu bytes", a->max_bytes);
    return -1;
  }
  if (!buffer_can_take(into, len)) {
    error_set(err, ERR_MEMORY, "no memory for a binary packet of more than %zu bytes",
              into->len);
    return -1;
  }
  buffer_put(into, bytes, len);
  return 0;
}

int sio_take_text(SioAssembly *a, const char *text, size_t len, SioPacket *packet,
                  Error *err) {
  if (a->missing)
    return set_violation(err, "a Socket.IO text between the attachments of another");
  if (sio_parse(text, len, packet, err)) return -1;
  if (packet->attachments == 0) return 1;
  clear_buffer(&a->text);
  clear_buffer(&a->bytes);
  a->count = 0;
  if (take_bytes(a, &a->text, text, len, err)) return -1;
  a->missing = packet->attachments;
  a->parts = xrealloc(a->parts, (size_t)a->missing * sizeof *a->parts);
  return 0;
}

static int parse_whole(SioAssembly *a, SioPacket *packet, Error *err) {
  const char *data = buffer_text(&a->bytes); /* never NULL, even when empty */
  for (int i = 0; i < a->count; i++) {
    a->parts[i].data = data;
    data += a->parts[i].len;
  }
  return sio_parse(a->text.data, a->text.len, packet, err) ? -1 : 1;
}

int sio_take_binary(SioAssembly *a, const char *data, size_t len, SioPacket *packet,
                    Error *err) {
  if (!a->missing)
    return set_violation(err, "a binary message that belongs to no Socket.IO packet");
  if (take_bytes(a, &a->bytes, data, len, err)) return -1;
  a->parts[a->count++].len = len;
  return --a->missing ? 0 : parse_whole(a, packet, err);
}

const SioBytes *sio_attachments(const SioAssembly *a) {
  return a->parts;
}

size_t sio_assembly_held(const SioAssembly *a) {
  return a->text.cap + a->bytes.cap;
}

int sio_assembly_end(const SioAssembly *a, Error *err) {
  if (!a->missing) return 0;
  set_violation(err, "too few attachments for a Socket.IO packet");
  error_detail(err, "%d of %d are missing", a->missing, a->missing + a->count);
  return (int)err->code;
}

/* --- placeholders in -------------------------------------------------------------- */

typedef struct Filling {
  JsonArena *arena;
  const SioBytes *parts;
  int count;
  Error *err;
} Filling;

static bool has_name(const JsonArena *arena, const cJSON *item, const char *name,
                     size_t name_len) {
  size_t len;
  const char *text = json_string(arena, item, true, &len);
  return len == name_len && memcmp(text, name, len) == 0;
}

/* Of names that come twice the last one counts. */
static bool is_placeholder(const JsonArena *arena, const cJSON *object,
                           const cJSON **num) {
  bool found = false;
  *num = NULL;
  for (const cJSON *item = object->child; item; item = item->next) {
    if (has_name(arena, item, "_placeholder", 12)) found = item->type == cJSON_True;
    if (has_name(arena, item, "num", 3)) *num = item;
  }
  return found;
}

static int fill_one(Filling *f, cJSON *item, const cJSON *num) {
  int64_t n;
  if (!num || num->type != cJSON_Number || !json_integer(num, &n) || n < 0 ||
      n >= f->count)
    return set_violation(f->err, "a placeholder for an attachment that there is not");
  char *text = json_new_text(f->arena, f->parts[n].data, f->parts[n].len);
  if (!text)
    return error_set(f->err, ERR_TOO_LARGE, "attachments that take too much memory");
  item->type = JSON_BYTES;
  item->valuestring = text;
  item->child = NULL;
  return 0;
}

/* As deep as a JSON text may nest. */
static int fill_items(Filling *f, cJSON *item) {
  const cJSON *num;
  if (item->type == cJSON_Object && is_placeholder(f->arena, item, &num))
    return fill_one(f, item, num);
  if (item->type != cJSON_Object && item->type != cJSON_Array) return 0;
  for (cJSON *child = item->child; child; child = child->next) {
    int code = fill_items(f, child);
    if (code) return code;
  }
  return 0;
}

int sio_fill(JsonArena *arena, const cJSON *root, const SioBytes *attachments, int count,
             Error *err) {
  CHECK(count >= 0 && count <= SIO_MAX_ATTACHMENTS);
  Filling f = {.arena = arena, .parts = attachments, .count = count, .err = err};
  if (count == 0) return 0;
  return fill_items(&f, (cJSON *)root) ? (int)err->code : 0;
}

/* --- placeholders out ------------------------------------------------------------- */

#define MARK "\"_placeholder\":true"

void sio_put_placeholder(Buffer *out, int num) {
  buffer_printf(out, "{" MARK ",\"num\":%d}", num);
}

/* In compact JSON the mark behind a brace or comma is a key: within a string its quotes
 * would be escaped. */
static int count_marks(const char *json, size_t len) {
  const char *end = json + len, *at = json;
  int count = 0;
  while ((at = memmem(at, (size_t)(end - at), MARK, sizeof MARK - 1))) {
    count += at > json && (at[-1] == '{' || at[-1] == ',');
    at += sizeof MARK - 1;
  }
  return count;
}

int sio_check_placeholders(const char *json, size_t len, int count, Error *err) {
  if (count > SIO_MOST_SENT)
    return error_set(err, ERR_TOO_LARGE,
                     "more than %d attachments in one packet: the server would close the "
                     "connection",
                     SIO_MOST_SENT);
  if (count == 0 || count_marks(json, len) == count) return 0;
  return error_set(err, ERR_INVALID,
                   "an object with _placeholder = true cannot go out beside binary data: "
                   "the server would take it for some");
}
