/* permessage-deflate (RFC 7692, section 7.1): the offer of a client, and the check of the
 * answer. Pure. */
#ifndef TIDELOCK_PROTO_DEFLATE_OFFER_H
#define TIDELOCK_PROTO_DEFLATE_OFFER_H

#include "core/buffer.h"

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

#endif
