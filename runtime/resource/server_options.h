/* Reads the options table of server.listen, and compares such options, as a ResourceKind
 * wants it: all but the first take ServerOptions. */
#ifndef TIDELOCK_RESOURCE_SERVER_OPTIONS_H
#define TIDELOCK_RESOURCE_SERVER_OPTIONS_H

#include <lua.h>

#include "core/buffer.h"
#include "server/door.h"

/* Returns new options read from the table at `t`, an absolute index; raises on what is
 * wrong. */
ServerOptions *server_options_read(lua_State *L, int t);
/* Lets in the origins at `t`, too: a string, or a list of them; raises on what is wrong.
 */
void server_options_let_in(lua_State *L, int t, ServerOptions *options);
bool server_options_same(const void *a, const void *b);
bool server_options_same_place(const void *a, const void *b); /* host and port */
bool server_options_same_port(const void *a, const void *b);  /* and it is not any */
void server_options_differ(const void *a, const void *b, Buffer *out);
int server_options_check(const void *options, Error *err);
void server_options_free(void *options);

#endif
