/* Functions of the string and table libraries that may run for ever inside C, where no
 * hook sees them: made anew so that they look at the CPU limit. They do what Lua's own
 * do; those of table know drafts too. */
#ifndef TIDELOCK_VM_BOUNDED_H
#define TIDELOCK_VM_BOUNDED_H

#include <lua.h>

void bounded_open(lua_State *L); /* replaces them in the libraries; may raise */

#endif
