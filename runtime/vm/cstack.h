/* How much is left of the C stack of the loop's thread. Lua counts nested C calls within
 * a coroutine and into those it resumes (200 at most), but begins anew where the core
 * enters Lua another way: closing a coroutine, a task inside another's turn, a callback
 * on the main thread. Each such door asks here, and leaves room for 200 calls more. */
#ifndef TIDELOCK_VM_CSTACK_H
#define TIDELOCK_VM_CSTACK_H

#include "vm/host.h"

/* Where the stack of the calling thread may not be used any further by a new door. */
const char *cstack_floor(void);
extern const char cstack_overflow[]; /* "C stack overflow"; cstack_open keeps it in L */
void cstack_open(lua_State *L);      /* may raise */
bool cstack_is_low(const Host *host);
void cstack_check(lua_State *L); /* raises "C stack overflow" when it is */

#endif
