/* HTTP on a connection: requests in, answers out. The functions are those of door.h. */
#ifndef TIDELOCK_SERVER_EXCHANGE_H
#define TIDELOCK_SERVER_EXCHANGE_H

#include "server/conn.h"

extern const ConnOps exchange_ops;

/* For stream.c, which answers too. */

/* The connection whose request waits for its answer; NULL with *err: CLOSED. */
Conn *exchange_find(Server *server, uint64_t id, Error *err);
/* 0, or INVALID: the status is none of an answer, or a header is malformed or ours. */
int exchange_check_head(int status, const char *const *headers, Error *err);
/* Puts the head of an answer into `out`. framing: the header, with its line end, that
 * says where the body ends, or "". */
void exchange_put_head(Conn *conn, int status, const char *const *headers,
                       const char *framing);
/* The whole answer is in `out`: the next request is read, or the connection ends. */
void exchange_finish(Conn *conn);

int exchange_respond(Server *server, uint64_t id, int status, const char *const *headers,
                     const char *body, size_t len, Error *err);
int exchange_accept(Server *server, uint64_t id, const char *subprotocol, Error *err);

#endif
