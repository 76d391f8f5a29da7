/* One hop by curl's own HTTP: where HTTP/2 is asked for. r->hop_over is called at its
 * end. */
#ifndef TIDELOCK_NET_HTTP_CURL_H
#define TIDELOCK_NET_HTTP_CURL_H

#include "net/http_parts.h"

void http_curl_start(HttpRequest *r);
void http_curl_stop(HttpRequest *r); /* harmless when there is none */

#endif
