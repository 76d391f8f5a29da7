/* The jars of cookies of tidelock.http: what requests name, and what scripts see. */
#ifndef TIDELOCK_LUA_HTTP_COOKIES_H
#define TIDELOCK_LUA_HTTP_COOKIES_H

#include <lua.h>

#include "core/error.h"
#include "net/cookies.h"

/* The jar that the request at index 1 names: { jar = name, jar_kept = true }. NULL: none,
 * or *err. Borrows. */
Cookies *http_cookies_field(lua_State *L, Error *err);
/* cookies(name, kept) → a list of what the jar has */
int http_cookies_list(lua_State *L);
int http_cookies_clear(lua_State *L); /* clear(name, kept) */

#endif
