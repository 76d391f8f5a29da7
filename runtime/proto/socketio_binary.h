/* Socket.IO's binary packets: a text with placeholders, and as many binary messages after
 * it.
 *
 * A placeholder is each object in a binary packet whose _placeholder is true, as in the
 * reference parser; in a text packet such an object is like any other. So an ordinary
 * object of that form cannot be sent beside binaries: the peer would take it for a
 * placeholder. sio_check_placeholders refuses it. Pure. */
#ifndef TIDELOCK_PROTO_SOCKETIO_BINARY_H
#define TIDELOCK_PROTO_SOCKETIO_BINARY_H

#include "core/buffer.h"
#include "core/error.h"
#include "core/json.h"
#include "proto/socketio_types.h"

typedef struct SioBytes {
  const char *data; /* borrowed */
  size_t len;
} SioBytes;

/* Puts packets together again. It owns the text and the attachments of the packet that is
 * under way, max_bytes together at most (0: 64 MiB). After a violation the connection is
 * to be closed. */
typedef struct SioAssembly SioAssembly;
SioAssembly *sio_assembly_new(size_t max_bytes); /* returns new */
void sio_assembly_free(SioAssembly *a);

/* The next text (what follows the type byte), the next binary message. Return 1 when the
 * packet is whole, 0 while attachments are missing, -1 with *err (PROTOCOL, TOO_LARGE).
 * The packet borrows from the text, or, if it has attachments, from the assembly until
 * its next call. */
int sio_take_text(SioAssembly *a, const char *text, size_t len, SioPacket *packet,
                  Error *err);
int sio_take_binary(SioAssembly *a, const char *data, size_t len, SioPacket *packet,
                    Error *err);
/* Of the packet that is whole: packet->attachments of them, borrowed as it is. */
const SioBytes *sio_attachments(const SioAssembly *a);
/* At the connection's end: 0, or ERR_PROTOCOL when a packet is not whole. */
size_t sio_assembly_held(const SioAssembly *a); /* memory of what it gathers */
int sio_assembly_end(const SioAssembly *a, Error *err);

/* Turns the placeholders of a binary packet's payload into JSON_BYTES, copied into the
 * arena that holds the tree. An attachment may be named twice, or not at all. 0,
 * PROTOCOL, TOO_LARGE.
 */
int sio_fill(JsonArena *arena, const cJSON *root, const SioBytes *attachments, int count,
             Error *err);

/* Appends the placeholder of an attachment. */
void sio_put_placeholder(Buffer *out, int num);
/* Whether compact JSON that we wrote can go out with `count` attachments: 0; ERR_INVALID
 * where an object looks like a placeholder; ERR_TOO_LARGE for more than SIO_MOST_SENT. */
int sio_check_placeholders(const char *json, size_t len, int count, Error *err);

#endif
