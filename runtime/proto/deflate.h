/* permessage-deflate (RFC 7692), pure: the offer of a client, the check of the answer,
 * and the two streams of a connection, on zlib. One owner and thread a connection; the
 * memory of a stream (inflating up to 44 KiB, deflating 256 KiB) is taken when the first
 * compressed message comes or goes. */
#ifndef TIDELOCK_PROTO_DEFLATE_H
#define TIDELOCK_PROTO_DEFLATE_H

#include "core/buffer.h"
#include "core/error.h"

/* What a client asks for. Zeroed: nothing. A window is 9 to 15 bits, 0: no limit asked.
 */
typedef struct DeflateOptions {
  bool enabled;
  bool client_no_takeover, server_no_takeover; /* each message by itself */
  int client_bits, server_bits;
  int level;        /* 1 to 9; 0: zlib's own choice */
  size_t threshold; /* shorter messages go out as they are */
} DeflateOptions;

/* What both ends agreed to. */
typedef struct DeflateTerms {
  bool agreed;
  bool client_no_takeover, server_no_takeover;
  int client_bits, server_bits; /* 8 to 15 */
} DeflateTerms;

/* Appends the value of Sec-WebSocket-Extensions. */
void deflate_put_offer(Buffer *out, const DeflateOptions *options);
/* Checks the value that the server answered (NULL: it agreed to none). Returns 0 with
 * *terms, or -1 with *wrong: static text that ends a sentence which starts with "the
 * server's answer". */
int deflate_judge(const DeflateOptions *offered, const char *value, size_t len,
                  DeflateTerms *terms, const char **wrong);

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
