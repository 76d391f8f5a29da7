/* The body of a request: bytes that are held, with files between them, which are read as
 * they are sent. Reading a file waits for the disk: pieces are small. */
#ifndef TIDELOCK_NET_HTTP_BODY_H
#define TIDELOCK_NET_HTTP_BODY_H

#include "net/http_parts.h"

void http_body_copy(HttpRequest *r, const HttpOptions *options);
void http_body_free(HttpRequest *r); /* it has none then */
uint64_t http_body_len(const HttpRequest *r);
/* What stands at `at`, and how much of it: borrowed, or read to `scratch` (`room` bytes).
 * NULL: a file cannot be read; the error is filled. */
const char *http_body_at(HttpRequest *r, uint64_t at, char *scratch, size_t room,
                         size_t *len);

#endif
