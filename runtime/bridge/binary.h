/* Binary data as scripts send it: socket.binary(s), an immutable userdata around a
 * string.
 * `#`, tostring (the bytes), `==` (the same bytes) work on it. What comes in needs no
 * mark: it is a plain string. Runs on the loop's thread. */
#ifndef TIDELOCK_BRIDGE_BINARY_H
#define TIDELOCK_BRIDGE_BINARY_H

#include <lua.h>

#include "core/base.h"

/* Pushes one around the string at `index`. May raise (memory). */
void binary_push(lua_State *L, int index);

/* The bytes of the one at `index`, valid while it is; NULL when it is none. Never raises.
 */
const char *binary_bytes(lua_State *L, int index, size_t *len);

#endif
