/* Bodies that are read as they come (HttpOptions.stream). What is read waits in
 * response.body; when that is much, nothing more is read from the connection, so that the
 * peer has to wait. */
#ifndef TIDELOCK_NET_HTTP_STREAM_H
#define TIDELOCK_NET_HTTP_STREAM_H

#include "net/http_parts.h"

/* Where curl is to keep the time until the head is there: it could not be told then that
 * its time is without limit. */
void http_stream_await_head(HttpRequest *r);
/* The head of the final answer came. */
void http_stream_open(HttpRequest *r);
/* A piece of the body came. Returns whether more may be read now. */
bool http_stream_fed(HttpRequest *r);
void http_stream_end(HttpRequest *r); /* the hop is over; its error says how */
/* The request is not wanted any more. Returns whether it is freed later, by its event. */
bool http_stream_cancel(HttpRequest *r);

#endif
