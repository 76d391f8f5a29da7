/* WebSocket as an engine's transport: its table, and what the upgrade needs of it. */
#ifndef TIDELOCK_SOCKET_ENGINE_WS_H
#define TIDELOCK_SOCKET_ENGINE_WS_H

#include "socket/engine_parts.h"

extern const EngineTransport engine_ws;
/* What comes over a WebSocket that is in use. */
extern const WsCallbacks engine_ws_callbacks;
/* Opens e->ws. Returns 0, or the code of *err. */
int engine_ws_open(Engine *e, const WsCallbacks *callbacks, Error *err);
/* Whether polling goes by another way: through an HTTP proxy that is asked for a tunnel
 * by WebSockets, and forwards the requests of polling (squid refuses tunnels to port 80).
 */
bool engine_ws_has_detour(const Engine *e);

#endif
