/* Socket.IO v5 packets, pure: text, and binary ones, which are a text with placeholders
 * and so many binary messages after it.
 *
 * A placeholder is each object in a binary packet whose _placeholder is true, as in the
 * reference parser; in a text packet such an object is like any other. So an ordinary
 * object of that form cannot be sent beside binaries: the peer would take it for a
 * placeholder. sio_check_placeholders refuses it. */
#ifndef TIDELOCK_PROTO_SOCKETIO_H
#define TIDELOCK_PROTO_SOCKETIO_H

#include "core/buffer.h"
#include "core/error.h"
#include "core/json.h"

typedef enum SioType {
  SIO_CONNECT = 0,
  SIO_DISCONNECT,
  SIO_EVENT,
  SIO_ACK,
  SIO_CONNECT_ERROR,
  SIO_BINARY_EVENT,
  SIO_BINARY_ACK
} SioType;

enum { SIO_NO_ACK = -1 };
enum { SIO_MAX_ATTACHMENTS = 1000 }; /* that are received */
enum { SIO_MOST_SENT = 10 }; /* attachments that are sent: a server closes at more */

typedef struct SioPacket {
  SioType type;
  int attachments;
  const char *nsp; /* borrowed, "/" when none is named; a query part is left off */
  size_t nsp_len;
  int64_t ack;      /* SIO_NO_ACK: none */
  const char *json; /* borrowed: the rest; may be empty */
  size_t json_len;
} SioPacket;

/* `text` is what follows the Engine.IO type byte. What the reference client accepts is
 * accepted: an ack without an id, ids where none may be, no payload. Checks the header,
 * and of the payload its first byte only ('[' for events and acks; '{' or nothing for
 * CONNECT; '{' or '"' for CONNECT_ERROR; these or nothing for DISCONNECT, which
 * python-socketio gives a reason). Returns 0 or ERR_PROTOCOL. */
int sio_parse(const char *text, size_t len, SioPacket *packet, Error *err);

/* The name of an event packet, without decoding the payload, when it is a plain string
 * without escapes: borrows into json. Returns false when the name has escapes or is not a
 * string: decode the whole then. */
bool sio_event_name(const SioPacket *packet, const char **name, size_t *name_len);

/* Appends a text packet, Engine.IO type byte '4' included. nsp may be NULL ("/"), json
 * NULL with len 0. */
void sio_encode(Buffer *out, SioType type, const char *nsp, int64_t ack, const char *json,
                size_t len);

/* --- binary packets --------------------------------------------------------------- */

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

/* Whether sio_fill would find an attachment for each placeholder: 0; also where the text
 * is not JSON. */
int sio_check_filling(const char *json, size_t len, int count, Error *err);

/* Appends the placeholder of an attachment. */
void sio_put_placeholder(Buffer *out, int num);
/* Whether compact JSON that we wrote can go out with `count` attachments: 0; ERR_INVALID
 * where an object looks like a placeholder; ERR_TOO_LARGE for more than SIO_MOST_SENT. */
int sio_check_placeholders(const char *json, size_t len, int count, Error *err);
/* Appends the header packet: SIO_EVENT or SIO_ACK become their binary kind. The
 * attachments follow as binary messages. count > 0. */
void sio_encode_binary(Buffer *out, SioType type, const char *nsp, int64_t ack,
                       const char *json, size_t len, int count);

/* --- packets of the msgpack parser ------------------------------------------------
 * One binary message each: a map of type, nsp, data and id, with binary data in its
 * place. The types are SIO_CONNECT to SIO_CONNECT_ERROR. */

typedef struct SioPacked {
  SioType type;
  const char *nsp; /* borrowed from the arena, as is data; a query part is left off */
  size_t nsp_len;
  int64_t ack;       /* SIO_NO_ACK: none */
  const cJSON *data; /* an array for events and acks; NULL: none */
} SioPacked;

/* Returns 0, or PROTOCOL (DECODE and TOO_LARGE for what is no msgpack) with *err. */
int sio_unpack(JsonArena *arena, const char *bytes, size_t len, SioPacked *packet,
               Error *err);
/* Appends a packet but for its data, which the caller appends next, as one value, when
 * has_data says so. No Engine.IO type byte: it goes as a binary message. ERR_DECODE for a
 * namespace that is not UTF-8, `out` is then as it was. */
int sio_pack(Buffer *out, SioType type, const char *nsp, int64_t ack, bool has_data);

/* connect, connect_error, disconnect, disconnecting, newListener, removeListener: a peer
 * that sends or is sent one of these closes the connection. */
bool sio_reserved(const char *name, size_t len);

#endif
