/* A WebSocket on a connection, since its upgrade. The functions are those of door.h. */
#ifndef TIDELOCK_SERVER_CHANNEL_H
#define TIDELOCK_SERVER_CHANNEL_H

#include "server/conn.h"

extern const ConnOps channel_ops;
int channel_send(Server *server, uint64_t id, bool binary, const char *data, size_t len,
                 Error *err);
void channel_hang_up(Server *server, uint64_t id, int code, const char *reason);

#endif
