/* How much of a body has passed: see HttpProgress. */
#ifndef TIDELOCK_NET_HTTP_PROGRESS_H
#define TIDELOCK_NET_HTTP_PROGRESS_H

#include "net/http_parts.h"

void http_progress_ask(HttpRequest *r, HttpProgress *tell, void *ctx);
/* So much of the request's body is out, of this hop. */
void http_progress_sent(HttpRequest *r, uint64_t done);
void http_progress_got(HttpRequest *r, size_t more); /* of the answer's body */
/* The answer is about to be delivered: what has not been told is told now. */
void http_progress_end(HttpRequest *r);
void http_progress_stop(HttpRequest *r);

#endif
