/* msgpack, pure: bytes into the tree that JSON is read into (core/json.h), and values
 * out. As notepack.io 2.2 has it, the one that socket.io-msgpack-parser 3 uses.
 *
 * Binary data becomes JSON_BYTES, in ext 0 (an ArrayBuffer) too; integers are exact to 64
 * bits, beyond them doubles; a date (fixext 8 of type 0, or the timestamp of the
 * specification, -1) becomes its ISO text, as it would in JSON; undefined (fixext 1 of
 * type 0) is null. Keys that are no strings, other ext types, strings that are not UTF-8
 * and bytes behind the value are refused. */
#ifndef TIDELOCK_PROTO_MSGPACK_H
#define TIDELOCK_PROTO_MSGPACK_H

#include "core/buffer.h"
#include "core/error.h"
#include "core/json.h"

/* Like json_parse: the root, borrowed from the arena until its next use, or NULL with
 * *err (DECODE with the byte offset, TOO_LARGE). Nests JSON_MAX_DEPTH deep at most. */
const cJSON *msgpack_parse(JsonArena *arena, const char *bytes, size_t len, Error *err);

/* Append one value, in the shortest form. */
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
