/* The functions of string that match patterns: each looks at the CPU limit. */
#ifndef TIDELOCK_VM_PATTERN_H
#define TIDELOCK_VM_PATTERN_H

#include <lua.h>

/* Puts them into the table on top of the stack, the string library; may raise. */
void pattern_open(lua_State *L);

#endif
