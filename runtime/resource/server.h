/* A script's embedded server: the resource around a Server (server/door.h). Five
 * functions of its declaration hear of requests, of clients that went away, of WebSocket
 * messages and of their ends, and of streams that may go on; the rest is done by id. A
 * request whose task fails or is killed is answered with 500, so that no client waits for
 * what will not come. */
#ifndef TIDELOCK_RESOURCE_SERVER_H
#define TIDELOCK_RESOURCE_SERVER_H

#include "resource/resource.h"

extern const ResourceKind server_kind; /* options: ServerOptions; see server_options.h */

enum {                 /* declaration->functions */
       SERVER_REQUEST, /* (id, request) */
       SERVER_GONE,    /* (id) */
       SERVER_MESSAGE, /* (id, data, binary) */
       SERVER_CLOSED,  /* (id, code, reason) */
       SERVER_DRAINED, /* (id): an answer in pieces may be written on */
       SERVER_FUNCTIONS
};

Server *server_of(const Declaration *decl); /* NULL: not there yet, or closed; borrows */

/* A fake server: what goes wrong with the next connections: "refuse", "hang", "reset",
 * "cut" (after so many bytes to the client), "none". SIZE_MAX times: all that come.
 * Connections between two requests are closed. False: no such fault, or it is closed. */
bool server_fail(const Declaration *decl, const char *what, size_t times, size_t bytes);

#endif
