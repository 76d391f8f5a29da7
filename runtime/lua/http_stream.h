/* Responses whose body is read as it comes: the userdata by which a script holds one. */
#ifndef TIDELOCK_LUA_HTTP_STREAM_H
#define TIDELOCK_LUA_HTTP_STREAM_H

#include <lua.h>

#include "lua/http_progress.h"
#include "net/http.h"

void http_stream_class(lua_State *L);
/* Pushes a box for a request whose head is there; takes it, and sets it to NULL, when
 * nothing can fail any more; takes `progress`, which is told of its body. May raise. */
void http_stream_push(lua_State *L, HttpRequest **request, ProgressCall *progress);

/* Takes the request out of the box at `index`, which is closed then. NULL: it is closed.
 * Raises on another value, and while a task reads it. */
HttpRequest *http_stream_take(lua_State *L, int index);

/* read(stream) → string | nil at the end | nil, err. Waits. */
int http_stream_read(lua_State *L);
/* close(stream): harmless when it is closed */
int http_stream_close(lua_State *L);

#endif
