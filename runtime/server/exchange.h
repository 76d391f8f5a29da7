/* HTTP on a connection: requests in, answers out. The functions are those of door.h. */
#ifndef TIDELOCK_SERVER_EXCHANGE_H
#define TIDELOCK_SERVER_EXCHANGE_H

#include "server/conn.h"

extern const ConnOps exchange_ops;
int exchange_respond(Server *server, uint64_t id, int status, const char *const *headers,
                     const char *body, size_t len, Error *err);
int exchange_accept(Server *server, uint64_t id, const char *subprotocol, Error *err);

#endif
