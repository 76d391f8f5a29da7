/* What may stand in a request, and what of it may follow a redirect elsewhere. Pure. */
#ifndef TIDELOCK_NET_HTTP_HEADERS_H
#define TIDELOCK_NET_HTTP_HEADERS_H

#include "core/buffer.h"
#include "core/error.h"

/* A token of RFC 9110: methods and header names. */
bool http_token(const char *text, size_t len);

/* Checks a header given as "Name: value". Returns 0, or ERR_INVALID with *err filled (the
 * value, which may be a secret, is not shown). */
int http_check_header(const char *header, Error *err);

/* Whether the header is of this name. */
bool http_header_is(const char *header, const char *name);

/* Whether its name says that it proves who asks: never sent to another origin. */
bool http_header_secret(const char *header);

/* Whether it describes a body: not sent once a redirect has dropped the body. */
bool http_header_of_body(const char *header);

/* Copies the value of the first header of that name from lines "Name: value\n"; false
 * when there is none, or it is longer than fits. */
bool http_find_header(const Buffer *lines, const char *name, char *out, size_t room);

/* Appends the values of the Cookie headers of a NULL-terminated list (NULL: none), joined
 * as one (RFC 6265, 5.4). */
void http_join_cookies(Buffer *out, const char *const *headers);

struct curl_slist; /* curl's */
/* Appends a checked header in the form curl wants. */
struct curl_slist *http_header_add(struct curl_slist *list, const char *header);

#endif
