/* Socket.IO's binary packets: the input is cut at 0x1E; what begins with 'b' is a binary
 * message, the rest are texts. A packet that is whole has as many attachments as it says,
 * those that came; its payload, filled, names none but them. */
#include <stdlib.h>
#include <string.h>

#include "proto/socketio.h"

enum { LIMIT = 3000 };

static void check_bytes(const JsonArena *arena, const cJSON *item, const SioAssembly *a,
                        int count) {
  for (; item; item = item->next) {
    bool found = item->type != JSON_BYTES;
    size_t len = 0;
    const char *text = found ? NULL : json_string(arena, item, false, &len);
    for (int i = 0; i < count && !found; i++)
      found = sio_attachments(a)[i].len == len &&
              (len == 0 || memcmp(sio_attachments(a)[i].data, text, len) == 0);
    CHECK(found);
    check_bytes(arena, item->child, a, count);
  }
}

/* What is filled can be written and is then understood again. */
static void check_payload(const SioAssembly *a, const SioPacket *p) {
  JsonArena *arena = json_arena_new(NULL);
  Error err = {0};
  const cJSON *root = json_parse(arena, p->json, p->json_len, &err);
  if (root && sio_fill(arena, root, sio_attachments(a), p->attachments, &err) == 0)
    check_bytes(arena, root, a, p->attachments);
  else CHECK(err.code != ERR_NONE && *err.message);
  json_arena_free(arena);
}

static void check_again(const SioPacket *p) {
  Buffer out = {0};
  SioPacket again;
  Error err;
  if (memchr(p->nsp, '\0', p->nsp_len)) return;
  char *nsp = xstrndup(p->nsp, p->nsp_len);
  sio_encode_binary(&out, p->type == SIO_BINARY_EVENT ? SIO_EVENT : SIO_ACK, nsp, p->ack,
                    p->json, p->json_len, p->attachments);
  CHECK(sio_parse(out.data + 1, out.len - 1, &again, &err) == 0);
  CHECK(again.type == p->type && again.ack == p->ack);
  CHECK(again.attachments == p->attachments && again.json_len == p->json_len);
  sio_check_placeholders(p->json, p->json_len, p->attachments, &err);
  buffer_free(&out);
  free(nsp);
}

static void check_whole(const SioAssembly *a, const SioPacket *p) {
  size_t total = 0;
  CHECK(p->attachments >= 0 && p->attachments <= SIO_MAX_ATTACHMENTS);
  for (int i = 0; i < p->attachments; i++) {
    CHECK(sio_attachments(a)[i].data != NULL);
    total += sio_attachments(a)[i].len;
  }
  CHECK(p->attachments == 0 || total + p->json_len <= LIMIT);
  check_payload(a, p);
  if (p->attachments) check_again(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  SioAssembly *a = sio_assembly_new(LIMIT);
  const uint8_t *end = data + size;
  int result = 0;
  for (const uint8_t *at = data; at < end && result >= 0;) {
    const uint8_t *stop = memchr(at, 0x1E, (size_t)(end - at));
    size_t len = (size_t)((stop ? stop : end) - at);
    char *exact = xmalloc(len);
    SioPacket p;
    Error err = {0};
    memcpy(exact, at, len);
    result = len && *at == 'b' ? sio_take_binary(a, exact + 1, len - 1, &p, &err)
                               : sio_take_text(a, exact, len, &p, &err);
    if (result > 0) check_whole(a, &p);
    if (result < 0) CHECK(err.code == ERR_PROTOCOL || err.code == ERR_TOO_LARGE);
    free(exact);
    at = stop ? stop + 1 : end;
  }
  Error err;
  sio_assembly_end(a, &err);
  sio_assembly_free(a);
  return 0;
}
