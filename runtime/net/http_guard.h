/* What a request asks of its breaker, and tells it (guard.h). */
#ifndef TIDELOCK_NET_HTTP_GUARD_H
#define TIDELOCK_NET_HTTP_GUARD_H

#include "net/http_parts.h"

/* Before the first hop. Returns 0, or ERR_UNAVAILABLE with *err filled. */
int http_guard_begin(HttpRequest *r, Error *err);
/* It is over, or cancelled: its answer and its error say how it went. */
void http_guard_end(HttpRequest *r);

#endif
