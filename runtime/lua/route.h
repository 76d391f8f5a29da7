/* The options of a route (net/route.h) as scripts give them. */
#ifndef TIDELOCK_LUA_ROUTE_H
#define TIDELOCK_LUA_ROUTE_H

#include <lua.h>

#include "net/route.h"

/* The names, for lists of known options. */
#define ROUTE_OPTIONS                                                                    \
  "proxy", "ca", "cert", "key", "key_password", "pin", "ciphers", "insecure"

/* Reads them from the table at `index`; the strings are borrowed from it. Raises on a
 * wrong type, and on a zero byte, in the words of `what`. */
Route route_read(lua_State *L, int index, const char *what);

#endif
