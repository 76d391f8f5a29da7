/* msgpack, pure: bytes into the tree that JSON is read into (core/jsontree.h), as
 * notepack.io 2.2 has it, the one that socket.io-msgpack-parser 3 uses.
 *
 * Binary data becomes JSON_BYTES, in ext 0 (an ArrayBuffer) too; integers are exact to 64
 * bits, beyond them doubles; a date (fixext 8 of type 0, or the timestamp of the
 * specification, -1) becomes its ISO text, as it would in JSON; undefined (fixext 1 of
 * type 0) is null. Keys that are no strings, other ext types, strings that are not UTF-8
 * and bytes behind the value are refused. */
#ifndef TIDELOCK_PROTO_MSGPACK_H
#define TIDELOCK_PROTO_MSGPACK_H

#include "core/error.h"
#include "core/jsontree.h"
#include "proto/msgpack_put.h"

/* Like json_parse: the root, borrowed from the arena until its next use, or NULL with
 * *err (DECODE with the byte offset, TOO_LARGE, MEMORY). Nests JSON_MAX_DEPTH deep at
 * most. */
const cJSON *msgpack_parse(JsonArena *arena, const char *bytes, size_t len, Error *err);

#endif
