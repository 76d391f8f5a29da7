/* Streams of events that are declared: the handle that a script holds. */
#ifndef TIDELOCK_LUA_HTTP_EVENT_SOURCE_H
#define TIDELOCK_LUA_HTTP_EVENT_SOURCE_H

#include <lua.h>

void event_source_class(lua_State *L);

/* declare(name, {url, fingerprint, last_id, max_event}, connector | nil) → handle */
int event_source_declare(lua_State *L);
/* adopt(handle, ask, stream | text, gap) → whether it was taken */
int event_source_take(lua_State *L);
/* note(handle, id) */
int event_source_keep(lua_State *L);
/* on_last(handle, fn): fn(event) is called behind the handlers, whatever off() removes */
int event_source_on_last(lua_State *L);
/* last_id(name) → string | nil */
int event_source_last_id(lua_State *L);

#endif
