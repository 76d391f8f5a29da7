/* HTTP long-polling as an engine's transport: its table, and what the upgrade needs. */
#ifndef TIDELOCK_SOCKET_ENGINE_POLLING_H
#define TIDELOCK_SOCKET_ENGINE_POLLING_H

#include "socket/engine_parts.h"

extern const EngineTransport engine_polling;
/* No more requests: the engine's `drained` is called when none is under way. */
void polling_drain(Polling *p);
/* It waits for nothing but the answer to a GET. */
bool polling_get_is_stuck(const Polling *p);
/* What waits to be sent goes to the engine's new transport. */
void polling_hand_over(Polling *p);

#endif
