/* Content codings undone (RFC 9110, 8.4): gzip and deflate, on zlib. Pure. Memory is
 * taken when the first byte comes; the result never grows beyond a limit. */
#ifndef TIDELOCK_PROTO_CODING_H
#define TIDELOCK_PROTO_CODING_H

#include "core/buffer.h"
#include "core/error.h"

typedef struct Coding Coding;

/* For the elements of a Content-Encoding, joined by commas. Returns new, or NULL when
 * there is nothing to undo: no coding, or an unknown one, whose body is passed on
 * as it is. */
Coding *coding_new(const char *value, size_t len);
void coding_free(Coding *c); /* NULL is fine */

/* Appends what a piece decodes to; `out` never grows beyond `limit` bytes. Returns 0,
 * ERR_DECODE, ERR_TOO_LARGE or ERR_MEMORY; nothing more is to be fed then. */
int coding_take(Coding *c, const char *data, size_t len, size_t limit, Buffer *out);
/* The body has ended. Returns 0, or ERR_DECODE when the stream is incomplete. */
int coding_end(const Coding *c);

#endif
