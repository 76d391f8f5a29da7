/* The bytes of the WebSocket client, and entering it from outside. For its files. */
#ifndef TIDELOCK_NET_WSCLIENT_IO_H
#define TIDELOCK_NET_WSCLIENT_IO_H

#include "net/wsclient_parts.h"

/* Around each entry from outside (poll, timer, inbox, curl, the loop that is to wait). */
void ws_enter(WsClient *ws);
void ws_leave(WsClient *ws); /* ws may be gone after it */

void ws_start_io(WsClient *ws, curl_socket_t fd);
void ws_stop_io(WsClient *ws);
void ws_watch(WsClient *ws);      /* for what it waits now */
void ws_read_later(WsClient *ws); /* OpenSSL may hold some */
void ws_flush(WsClient *ws);
void ws_write_out(WsClient *ws); /* as ws_flush, but failure is left to the poll */
void ws_recount(WsClient *ws);   /* what waits to be written has changed */

#endif
