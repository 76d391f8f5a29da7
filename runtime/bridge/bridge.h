/* What bridge/ knows of the lua_State that it works in: the first member of its Vm. The
 * extra space of each coroutine holds the address of it, and in the bits that an address
 * leaves free a mark (vm/vm.h). */
#ifndef TIDELOCK_BRIDGE_BRIDGE_H
#define TIDELOCK_BRIDGE_BRIDGE_H

#include <lua.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct Bridge {
  struct Box *boxes;          /* all that the state has: see box.h */
  bool (*is_late)(void);      /* whether the turn that runs is over its limit */
  void (*poll)(lua_State *L); /* raises when it is */
} Bridge;

enum { BRIDGE_MARKS = 3 };

/* Makes the state one of ours: its turns are never late until that is set. Before it has
 * any coroutine. */
void bridge_open(Bridge *bridge, lua_State *L);

static inline Bridge *bridge_of(lua_State *L) {
  return (Bridge *)(*(uintptr_t *)lua_getextraspace(L) & ~(uintptr_t)BRIDGE_MARKS);
}

#endif
