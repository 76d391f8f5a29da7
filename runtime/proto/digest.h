/* Digests and keyed digests (FIPS 180-4, RFC 2104), by OpenSSL's libcrypto. Pure. SHA-1
 * is for protocols that ask for it, not for security. Owned by whoever made it; any
 * thread, one at a time. */
#ifndef TIDELOCK_PROTO_DIGEST_H
#define TIDELOCK_PROTO_DIGEST_H

#include "core/base.h"

enum { SHA1_LEN = 20, DIGEST_MOST = 64 };

typedef struct Digest Digest;

extern const char *const digest_names[]; /* "sha1", "sha256", ...; ends with NULL */

/* `which`: a place in digest_names. Return new, or NULL: the library refuses (it is out
 * of memory, or set up without this one). */
Digest *digest_new(int which);
Digest *digest_new_keyed(int which, const void *key, size_t len);
void digest_add(Digest *digest, const void *bytes, size_t len);
size_t digest_end(Digest *digest, uint8_t out[DIGEST_MOST]); /* returns its length */
void digest_free(Digest *digest);

/* SHA-1 of a text that lies whole in memory: of the WebSocket handshake. */
void sha1(const void *bytes, size_t len, uint8_t digest[SHA1_LEN]);

#endif
