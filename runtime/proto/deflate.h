/* permessage-deflate (RFC 7692), pure: the two streams of a connection, on zlib. One
 * owner and thread a connection; the memory of a stream (inflating up to 44 KiB,
 * deflating 256 KiB) is taken when the first compressed message comes or goes. */
#ifndef TIDELOCK_PROTO_DEFLATE_H
#define TIDELOCK_PROTO_DEFLATE_H

#include "core/buffer.h"
#include "core/error.h"
#include "proto/deflate_offer.h"

/* The streams of one end of a connection. */
typedef struct Deflate Deflate;
Deflate *deflate_new(const DeflateTerms *terms, bool client, int level); /* returns new */
void deflate_free(Deflate *d); /* NULL is fine */

/* False: zlib cannot write the window agreed to (8 bits); messages go out uncompressed.
 */
bool deflate_can_write(const Deflate *d);
/* Appends the payload of a message in one frame with RSV1. */
void deflate_write(Deflate *d, const char *data, size_t len, Buffer *out);

/* Appends what a piece of a compressed message inflates to; `last`: the message ends with
 * it. `out` never grows beyond `limit`. After an error the connection has to end. */
typedef enum DeflateResult {
  DEFLATE_OK,
  DEFLATE_BROKEN,
  DEFLATE_TOO_LARGE,
  DEFLATE_MEMORY /* the system has no more */
} DeflateResult;
DeflateResult deflate_read(Deflate *d, const char *data, size_t len, bool last,
                           size_t limit, Buffer *out);

#endif
