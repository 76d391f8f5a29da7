/* All of Socket.IO v5: packets as text, packets with binary attachments, and packets of
 * the msgpack parser. */
#ifndef TIDELOCK_PROTO_SOCKETIO_H
#define TIDELOCK_PROTO_SOCKETIO_H

#include "proto/socketio_binary.h"
#include "proto/socketio_msgpack.h"
#include "proto/socketio_text.h"

#endif
