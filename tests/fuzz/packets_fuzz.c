/* Engine.IO and Socket.IO packets: what is borrowed lies within the text; what a packet
 * means is what it means when it is written again. */
#include <stdlib.h>
#include <string.h>

#include "core/utf8.h"
#include "proto/engineio.h"
#include "proto/socketio.h"

static void check_open(const char *json, size_t len) {
  JsonArena *arena = json_arena_new(NULL);
  EioOpen o;
  Error err;
  if (eio_parse_open(arena, json, len, &o, &err) == 0) {
    CHECK(*o.sid && strlen(o.sid) < sizeof o.sid);
    CHECK(o.ping_interval >= 0 && o.ping_timeout >= 0);
    CHECK(o.ping_interval + o.ping_timeout > 0);
    CHECK(o.ping_interval < 1e7 && o.ping_timeout < 1e7);
  } else CHECK(err.code == ERR_PROTOCOL && *err.message);
  json_arena_free(arena);
}

static bool same(const char *a, size_t a_len, const char *b, size_t b_len) {
  return a_len == b_len && (a_len == 0 || memcmp(a, b, a_len) == 0);
}

static void check_again(const SioPacket *p) {
  if (p->attachments || memchr(p->nsp, '\0', p->nsp_len)) return;
  char *nsp = xstrndup(p->nsp, p->nsp_len);
  Buffer out = {0};
  SioPacket again;
  Error err;
  sio_encode(&out, p->type, nsp, p->ack, p->json, p->json_len);
  CHECK(sio_parse(out.data + 1, out.len - 1, &again, &err) == 0);
  CHECK(again.type == p->type && again.ack == p->ack);
  CHECK(same(again.nsp, again.nsp_len, p->nsp, p->nsp_len));
  CHECK(same(again.json, again.json_len, p->json, p->json_len));
  buffer_free(&out);
  free(nsp);
}

static void check_name(const SioPacket *p) {
  const char *name;
  size_t len;
  if (!sio_event_name(p, &name, &len)) return;
  CHECK(name > p->json && name + len < p->json + p->json_len);
  CHECK(!memchr(name, '"', len) && !memchr(name, '\\', len));
  sio_reserved(name, len);
}

static void check_packet(const char *text, size_t len) {
  SioPacket p;
  Error err;
  if (sio_parse(text, len, &p, &err)) {
    CHECK(err.code == ERR_PROTOCOL && *err.message);
    return;
  }
  CHECK(p.nsp_len > 0 && p.nsp[0] == '/');
  CHECK(p.json + p.json_len == text + len);
  CHECK(p.ack >= SIO_NO_ACK && p.attachments >= 0);
  check_name(&p);
  check_again(&p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char *text = xmalloc(size);
  if (size) memcpy(text, data, size);
  EioPacket packet;
  Error err;
  if (eio_parse(text, size, &packet, &err) == 0) {
    CHECK(packet.data == text + 1 && packet.len == size - 1);
    if (packet.type == EIO_OPEN) check_open(packet.data, packet.len);
    if (packet.type == EIO_MESSAGE) check_packet(packet.data, packet.len);
  }
  free(text);
  return 0;
}
