/* msgpack out: each value in the shortest form that notepack.io 2.2 reads. Pure. */
#ifndef TIDELOCK_PROTO_MSGPACK_PUT_H
#define TIDELOCK_PROTO_MSGPACK_PUT_H

#include "core/buffer.h"
#include "core/error.h"
#include "core/jsontree.h"

/* Append one value. */
void msgpack_put_integer(Buffer *out, int64_t value);
/* ERR_DECODE, with nothing written, when it is not UTF-8; ERR_TOO_LARGE from 4 GiB. */
int msgpack_put_string(Buffer *out, const char *text, size_t len);
int msgpack_put_binary(Buffer *out, const char *bytes, size_t len); /* ERR_TOO_LARGE */
/* count items, or pairs of key and value, are to follow; less than 2^32. */
void msgpack_put_array(Buffer *out, size_t count);
void msgpack_put_map(Buffer *out, size_t count);
/* A tree, from msgpack_parse or json_parse. Numbers that are integers go as such. */
int msgpack_put_tree(Buffer *out, const JsonArena *arena, const cJSON *item);

#endif
