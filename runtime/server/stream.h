/* An answer that is sent in pieces, as the script makes them: chunked, or to HTTP/1.0 up
 * to the end of the connection. The functions are those of door.h. */
#ifndef TIDELOCK_SERVER_STREAM_H
#define TIDELOCK_SERVER_STREAM_H

#include "server/conn.h"

int stream_begin(Server *server, uint64_t id, int status, const char *const *headers,
                 bool *takes, Error *err);
int stream_write(Server *server, uint64_t id, const char *data, size_t len, bool *much,
                 Error *err);
void stream_finish(Server *server, uint64_t id, bool whole);

#endif
