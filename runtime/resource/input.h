/* Standard input as a resource, "stdin", that one script owns: lines that were not yet
 * delivered live on in it over a reload. */
#ifndef TIDELOCK_RESOURCE_INPUT_H
#define TIDELOCK_RESOURCE_INPUT_H

#include "resource/resource.h"

/* The events in the declaration's handlers. A line goes to both kinds of handlers; the
 * next one is read when all serial ones have ended. */
#define INPUT_SERIAL "line"
#define INPUT_LOOSE "line (not serial)"
#define INPUT_END "end"

/* The declaration of L's Vm, made when it is first asked for; NULL with *err: BUSY. */
Declaration *input_declare(lua_State *L, Error *err);
/* A handler was added: it may be the one that lines wait for. */
void input_handler_added(Declaration *decl);

#endif
