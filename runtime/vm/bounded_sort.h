/* table.sort that looks at the CPU limit. */
#ifndef TIDELOCK_VM_BOUNDED_SORT_H
#define TIDELOCK_VM_BOUNDED_SORT_H

#include <lua.h>

/* Sorts items 1 to n of the table at index 1 with the function at index 2, or nil.
 * Raises.
 */
void bounded_sort(lua_State *L, lua_Integer n);

#endif
