/* What a Socket's packets hold, and how they are written and read by its parser. Pure. */
#ifndef TIDELOCK_SOCKET_SOCKET_PACKET_H
#define TIDELOCK_SOCKET_SOCKET_PACKET_H

#include "core/buffer.h"
#include "core/json.h"
#include "proto/socketio.h"

/* What an event or an ack holds: an array in JSON, whose placeholders stand for binary
 * attachments (proto/socketio.h). Borrowed. */
typedef struct SocketData {
  const char *json;
  size_t len;
  const SioBytes *bytes;
  int count; /* 0 mostly */
} SocketData;

/* Bytes on the wire. */
static inline size_t socket_data_total(const SocketData *data) {
  size_t total = data->len;
  for (int i = 0; i < data->count; i++) total += data->bytes[i].len;
  return total;
}

/* Bytes of a copy with its list of attachments, in one piece (socket_data_store). */
static inline size_t socket_data_room(const SocketData *data) {
  return (size_t)data->count * sizeof(SioBytes) + socket_data_total(data);
}

/* How a packet is written: of a namespace, as text or in msgpack. Borrowed. */
typedef struct PacketForm {
  const char *nsp;
  bool msgpack;
  Charge *charge; /* what is needed meanwhile; NULL: nobody's; borrowed */
} PacketForm;

/* What goes out of a packet: frames borrow from out and data; they are binary with
 * msgpack. */
int packet_encode(PacketForm form, SioType type, int64_t ack, const SocketData *data,
                  Buffer *out, SocketData *frames, Error *err);

/* A packet in msgpack, turned into text with placeholders; `to` is used again and again,
 * and holds what the packet borrows until then. Zeroed at first, but for the charge. */
typedef struct Unpacked {
  Charge *charge; /* what it takes is charged to it; NULL: to nobody; borrowed */
  size_t held;
  JsonArena *arena;
  Buffer text;
  SioBytes *bytes;
  int count, room;
} Unpacked;
int packet_unpack(const char *data, size_t len, Unpacked *to, SioPacket *packet,
                  Error *err);
void packet_done(
    Unpacked *to); /* the packet is not needed any more: frees what is large */
void packet_free(Unpacked *to); /* what it holds */

#endif
