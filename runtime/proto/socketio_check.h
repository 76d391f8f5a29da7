/* Whether the payload of a binary packet can be read, without reading it: no memory is
 * taken, however large it is. Pure. */
#ifndef TIDELOCK_PROTO_SOCKETIO_CHECK_H
#define TIDELOCK_PROTO_SOCKETIO_CHECK_H

#include "core/error.h"

/* 0, also where the text is no JSON; PROTOCOL where a placeholder names none of `count`
 * attachments. */
int sio_check_filling(const char *json, size_t len, int count, Error *err);
/* 0; DECODE where it is no JSON. */
int sio_check_json(const char *json, size_t len, Error *err);

#endif
