/* The names of HTTP statuses. Pure. */
#ifndef TIDELOCK_PROTO_HTTP1_REASON_H
#define TIDELOCK_PROTO_HTTP1_REASON_H

#include "core/base.h"

const char *http1_reason(int status); /* "Not Found"; "Unknown" for what has no name */

#endif
