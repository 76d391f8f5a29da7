/* What came off the wire, on its way from the poll to dispatch, in order. One allocation
 * each, with a copy of the payload. When too many bytes lie in the inbox, reading stops
 * until dispatch has caught up, so that the peer feels the backlog and memory stays
 * bounded. */
#include "socket/socket_incoming.h"

#include <stdlib.h>
#include <string.h>

#include "socket/manager.h"

/* What one takes of memory, not only what it says: tiny ones come in millions. */
static size_t cost_of(const Incoming *incoming) {
  return sizeof *incoming + incoming->size;
}

static const size_t backlog_high = 8u << 20, backlog_low = 4u << 20;

/* --- payloads --------------------------------------------------------------------- */

static char *append_bytes(char *at, const void *bytes, size_t len) {
  if (len) memcpy(at, bytes, len);
  return at + len;
}

SocketData socket_data_store(char *place, const SocketData *data) {
  SioBytes *list = (SioBytes *)place;
  char *at = place + (size_t)data->count * sizeof *list, *text = at;
  at = append_bytes(at, data->json, data->len);
  for (int i = 0; i < data->count; i++) {
    list[i] = (SioBytes){at, data->bytes[i].len};
    at = append_bytes(at, data->bytes[i].data, data->bytes[i].len);
  }
  return (SocketData){text, data->len, data->count ? list : NULL, data->count};
}

/* --- life ------------------------------------------------------------------------- */

void incoming_free(Incoming *incoming) {
  Loss loss;
  if (incoming->type == INCOMING_LOST) {
    memcpy(&loss, incoming->data, sizeof loss);
    free(loss.data);
  }
  charge_remove(incoming->socket->options.charge, cost_of(incoming));
  if (incoming->socket->freed) free(incoming); /* the net may be gone, too */
  else blocks_give(net_blocks(incoming->socket->net), incoming, cost_of(incoming));
}

void incoming_uncount(Socket *s, const Incoming *incoming) {
  s->backlog -= cost_of(incoming);
  if (!s->paused || s->backlog > backlog_low) return;
  s->paused = false;
  if (s->engine) manager_pause(s->manager, false);
}

static Incoming *new_incoming(Socket *s, IncomingType type, int64_t ack, size_t len) {
  Incoming *incoming = blocks_take(net_blocks(s->net), sizeof *incoming + len);
  incoming->event.run = s->deliver;
  incoming->socket = s;
  incoming->type = type;
  incoming->link = s->link;
  incoming->next = NULL;
  incoming->ack = ack;
  incoming->len = incoming->size = len;
  charge_add(s->options.charge, cost_of(incoming));
  return incoming;
}

static Incoming *incoming_new(Socket *s, IncomingType type, int64_t ack, const void *data,
                              size_t len) {
  Incoming *incoming = new_incoming(s, type, ack, len);
  if (len) memcpy(incoming->data, data, len);
  return incoming;
}

Incoming *incoming_new_data(Socket *s, IncomingType type, int64_t ack,
                            const SocketData *data) {
  Incoming *incoming = new_incoming(s, type, ack, socket_data_room(data));
  incoming->payload = socket_data_store(incoming->data, data);
  return incoming;
}

bool incoming_fits(const Socket *s, size_t size) {
  return !charge_is_over(s->options.charge, sizeof(Incoming) + size);
}

/* A script that holds as much as it may takes what there is before more is read. */
static bool is_behind(const Socket *s) {
  return s->backlog >= backlog_high || !incoming_fits(s, 0);
}

void incoming_send(Incoming *incoming) {
  Socket *s = incoming->socket;
  s->incoming_count++;
  s->backlog += cost_of(incoming);
  inbox_push(net_loop(s->net), &incoming->event);
  if (s->paused || !s->engine || !is_behind(s)) return;
  s->paused = true;
  if (!s->pause_logged)
    log_write(loop_log(net_loop(s->net)), LOG_WARN, "socket",
              "%zu bytes from %s wait to be handled: nothing more is read until they are",
              s->backlog, s->nsp);
  s->pause_logged = true;
  manager_pause(s->manager, true);
}

void incoming_push(Socket *s, IncomingType type, int64_t ack, const void *data,
                   size_t len) {
  incoming_send(incoming_new(s, type, ack, data, len));
}

/* As text, whatever the parser: whoever gets it looks for the event's name. */
void incoming_push_dropped(Socket *s, const char *data, size_t len, ErrorCode why) {
  Unpacked unpacked = {0};
  SioPacket packet;
  Buffer text = {0};
  Error ignored;
  bool packed =
      s->options.msgpack && packet_unpack(data, len, &unpacked, &packet, &ignored) == 0;
  if (packed)
    sio_encode(&text, packet.type, s->nsp, packet.ack, packet.json, packet.json_len);
  else buffer_put(&text, data, len);
  s->stats.dropped++;
  incoming_push(s, INCOMING_DROPPED, why, text.data, text.len);
  buffer_free(&text);
  packet_free(&unpacked);
}
