/* Reads the options table of server.listen. */
#ifndef TIDELOCK_LUA_SERVER_FIELDS_H
#define TIDELOCK_LUA_SERVER_FIELDS_H

#include <lua.h>

#include "server/door.h"

/* Returns new options read from the table at `t`, an absolute index, to be freed with
 * server_options_free; raises on what is wrong. */
ServerOptions *server_options_read(lua_State *L, int t);
/* Lets in the origins at `t`, too: a string, or a list of them; raises on what is wrong.
 */
void server_options_let_in(lua_State *L, int t, ServerOptions *options);

#endif
