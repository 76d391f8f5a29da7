/* Error values as Lua sees them: a table with code, message, detail, severity,
 * recoverable, retry_after, cause, time, phase and sent, as far as they apply, and a
 * metatable under which tostring reads well. */
#ifndef TIDELOCK_BRIDGE_LUAERROR_H
#define TIDELOCK_BRIDGE_LUAERROR_H

#include <lua.h>

#include "core/error.h"

/* All of these may raise (memory). */
void luaerror_push(lua_State *L, const Error *err);
int luaerror_return(lua_State *L, const Error *err); /* pushes nil, err; returns 2 */
int luaerror_raise(lua_State *L, const Error *err);  /* raises the table */

/* Reads such a table, or a string (then SCRIPT), back. Other values give SCRIPT with a
 * message that names their type, and false. Never raises. A code of a script's own gives
 * SCRIPT, with the code in the message. */
bool luaerror_read(lua_State *L, int index, Error *out);

/* For tables made elsewhere: whether it is one, and making the one on top into one. */
bool luaerror_is(lua_State *L, int index); /* never raises */
/* The code of an error table; ERR_NONE for other values. Never raises. */
ErrorCode luaerror_code(lua_State *L, int index);
void luaerror_seal(lua_State *L);
double luaerror_time(void); /* wall-clock seconds, as the field `time` has them */

/* Pushes the text of whatever was raised: of a table `CODE: message`, where it has these
 * and no __tostring. Zeros are shown as \x00. May raise (__tostring, memory). */
void luaerror_show(lua_State *L, int index);

#endif
