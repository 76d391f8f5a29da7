/* The frames and ends of the WebSocket client, for its opening. */
#ifndef TIDELOCK_NET_WSCLIENT_ENDS_H
#define TIDELOCK_NET_WSCLIENT_ENDS_H

#include "net/wsclient_parts.h"

extern const WsIoEvents ws_open_io; /* of a connection that is open: frames */

void ws_take_frames(WsClient *ws, char *data, size_t len);
void ws_end(WsClient *ws, int code, const char *reason, size_t len, const Error *err);
void ws_break(WsClient *ws, CURLcode result); /* as on_broken */
void ws_release(WsClient *ws);                /* as on_left */
void ws_on_timer(Timer *timer);               /* of the handshake, of closing */
void ws_opening_free(Opening *opening);

#endif
