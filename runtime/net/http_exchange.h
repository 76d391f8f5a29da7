/* One hop on a connection of ours: HTTP/1.1. r->hop_over is called at its end. */
#ifndef TIDELOCK_NET_HTTP_EXCHANGE_H
#define TIDELOCK_NET_HTTP_EXCHANGE_H

#include "net/http_parts.h"

void http_exchange_start(HttpRequest *r);
void http_exchange_stop(HttpRequest *r); /* harmless when there is none */

/* Reads on after http_stream_fed has stopped it. */
void http_exchange_resume(HttpRequest *r);

#endif
