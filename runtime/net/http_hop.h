/* What both ways of a hop have in common (http_exchange.c, http_curl.c): what it asks,
 * and what its answer's headers and body become. */
#ifndef TIDELOCK_NET_HTTP_HOP_H
#define TIDELOCK_NET_HTTP_HOP_H

#include "net/http_parts.h"

/* The owner is charged for so much more; returns ERR_MEMORY when that is too much. */
int http_charge_more(HttpRequest *r, size_t bytes);
/* What there is of it is about to be handed over, or to go. */
void http_end_charge(HttpRequest *r);

bool http_is_method(const HttpRequest *r, const char *method);
bool http_at_home(const HttpRequest *r); /* this hop is to the first origin */
/* How this hop's host is reached and trusted: the client's certificate stays at home.
 * Borrows from the request. */
Route http_hop_route(const HttpRequest *r);
/* Returns new: the headers for this hop, NULL-terminated; borrows each. */
const char **http_hop_headers(HttpRequest *r);
/* Ours, for a name that the script gives no header. Returns new; borrows `basic`. */
const char **http_standard_headers(const HttpRequest *r, const char *basic,
                                   const char *proxy);
bool http_sends_body(const HttpRequest *r);
/* answer.status, answer.head and answer.framing are there. Returns 0, or a code with
 * r->error filled. */
int http_take_head(HttpRequest *r);
/* Return 0, or a code with the error filled but for phase and sent. */
int http_take_body(HttpRequest *r, const char *piece, size_t len);
int http_end_body(HttpRequest *r);

#endif
