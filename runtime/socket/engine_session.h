/* The session of an Engine: what transports hand to it. For the files of Engine. */
#ifndef TIDELOCK_SOCKET_ENGINE_SESSION_H
#define TIDELOCK_SOCKET_ENGINE_SESSION_H

#include "socket/engine_parts.h"

/* What came. Each may end the engine. */
void engine_take_packet(Engine *e, const char *data, size_t len);
void engine_take_bytes(Engine *e, const char *data, size_t len); /* a binary message */
void engine_take_frame(Engine *e, bool binary, const char *data,
                       size_t len);                             /* of a plain WebSocket */
void engine_take_pong(Engine *e, const char *data, size_t len); /* the same */
void engine_take_fence(Engine *e, uint32_t number);             /* it was passed */
void engine_take_unsent(Engine *e, bool binary, const char *data, size_t len);
void engine_become_open(Engine *e, const char *subprotocol); /* a plain WebSocket is */

/* The ends. */
void engine_lose(Engine *e, const EngineLoss *loss);
void engine_end(Engine *e, const char *reason, const Error *err);
void engine_violated(Engine *e, const char *what);
void engine_is_older(Engine *e); /* the server speaks an older protocol */
/* Nothing is sent any more, since it is lost soon. The callbacks come later. */
bool engine_is_given_up(Engine *e);
bool engine_may_write(void *ctx); /* `may_write` of its WebSocket */
void engine_stop_timers(Engine *e);

/* What a request is made of. Returns new: the URL; the options' headers, one more (or
 * NULL) and the cookies. */
char *engine_target(const Engine *e, EioTransports transport);
char **engine_headers(const Engine *e, const char *more);
void engine_headers_free(char **headers);

/* Takes the Set-Cookie lines of an answer. */
void engine_take_cookies(const Engine *e, const char *lines, size_t len);
/* Seconds that opening the session may take. */
double engine_connect_timeout(const Engine *e);
/* What is left of it since the engine began; a twentieth at least. */
double engine_time_left(const Engine *e);

#endif
