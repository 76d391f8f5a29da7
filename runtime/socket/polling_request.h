/* The requests of the polling transport. For its files. */
#ifndef TIDELOCK_SOCKET_POLLING_REQUEST_H
#define TIDELOCK_SOCKET_POLLING_REQUEST_H

#include "socket/polling_parts.h"

/* The packets that wait: what they take of memory has changed; takes the first one out;
 * copies one to the end; moves as many as one body may have to the payload. */
void polling_recount(Polling *p);
void polling_drop_first(Polling *p);
Piece *polling_put(Polling *p, bool binary, bool alone, const char *data, size_t len);
void polling_gather(Polling *p, Buffer *payload, size_t most);

size_t polling_max_message(const Engine *e);
/* A GET or POST of this session; polling_request_free releases what it is made of. */
void polling_request_fill(const Polling *p, bool post, Request *request);
void polling_request_free(Request *request);
/* body: NULL for a GET. As http_start. */
HttpRequest *polling_request_start(Polling *p, const Buffer *body, double timeout,
                                   HttpDone *done, Error *err);
/* Whether the answer is one of Engine.IO; if not, this ends the engine or its attempt. */
bool polling_went_well(Polling *p, const HttpResponse *r, const Error *err);
void polling_fail(Polling *p, const char *reason, const Error *err);

#endif
