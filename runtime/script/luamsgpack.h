/* Lua values to msgpack, for Socket.IO's msgpack parser. What comes in is a tree like any
 * other: luajson_push. */
#ifndef TIDELOCK_SCRIPT_LUAMSGPACK_H
#define TIDELOCK_SCRIPT_LUAMSGPACK_H

#include <lua.h>

#include "core/buffer.h"
#include "core/error.h"

/* Appends the value as msgpack: as luajson_encode, but integers and floats stay what they
 * are, NaN and infinity included, and binary data (script/binary.h) goes as such. */
int luamsgpack_encode(lua_State *L, int index, Buffer *out, Error *err);

#endif
