/* How much is left of the C stack of the loop's thread. Lua counts nested C calls within
 * a coroutine and into those it resumes (200 at most), but counts anew where the core
 * enters Lua another way: closing a coroutine, a task inside another's turn, a callback
 * on the main thread. Each such entry checks the stack, and leaves room for 200 calls. */
#ifndef TIDELOCK_VM_CSTACK_H
#define TIDELOCK_VM_CSTACK_H

#include "vm/host.h"

/* The address below which no such entry may begin, on the calling thread's stack. */
const char *cstack_floor(void);
extern const char cstack_overflow[]; /* "C stack overflow"; cstack_open keeps it in L */
void cstack_open(lua_State *L);      /* may raise */
bool cstack_is_low(const Host *host);
void cstack_check(lua_State *L); /* raises "C stack overflow" when it is */

#endif
