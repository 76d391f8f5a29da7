/* SHA-1 (FIPS 180-4), for the WebSocket handshake alone: it is not for security. Pure. */
#ifndef TIDELOCK_PROTO_SHA1_H
#define TIDELOCK_PROTO_SHA1_H

#include "core/base.h"

enum { SHA1_LEN = 20 };
void sha1(const void *bytes, size_t len, uint8_t digest[SHA1_LEN]);

#endif
