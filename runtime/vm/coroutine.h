/* coroutine.* as scripts see it: a wait inside a script's own coroutine passes through to
 * the task. */
#ifndef TIDELOCK_VM_COROUTINE_H
#define TIDELOCK_VM_COROUTINE_H

#include <lua.h>

/* A coroutine that no script may resume or close: one of the core's, or one in which the
 * task that resumed it waits. New ones have the mark of the main thread, CO_CORE. */
enum { CO_CORE = 1, CO_WAITS = 2 };
void coroutine_mark(lua_State *co, int mark); /* 0: none */

int coroutine_open(lua_State *L); /* pushes the library's table */

#endif
