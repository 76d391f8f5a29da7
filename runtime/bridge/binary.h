/* Binary data that scripts send: socket.binary(s), an immutable userdata around a string.
 * `#`, tostring (the bytes), `==` (equal bytes) work on it. Binary data that is received
 * is a plain string. Runs on the loop's thread. */
#ifndef TIDELOCK_BRIDGE_BINARY_H
#define TIDELOCK_BRIDGE_BINARY_H

#include <lua.h>

#include "core/base.h"

/* Pushes binary data of the string at `index`. May raise (memory). */
void binary_push(lua_State *L, int index);

/* The bytes of the binary data at `index`, valid as long as it; NULL for other values.
 * Never raises. */
const char *binary_bytes(lua_State *L, int index, size_t *len);

#endif
