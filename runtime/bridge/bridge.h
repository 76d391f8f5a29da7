/* The part of a Vm that bridge/ knows: its first member. The extra space of each
 * coroutine holds its address, and in the bits that an address leaves free a mark
 * (vm/coroutine.h). */
#ifndef TIDELOCK_BRIDGE_BRIDGE_H
#define TIDELOCK_BRIDGE_BRIDGE_H

#include <lua.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct Bridge {
  struct Box *boxes;          /* all boxes of the state: see box.h */
  bool (*is_late)(void);      /* whether the turn that runs is over its limit */
  void (*poll)(lua_State *L); /* raises when it is */
} Bridge;

enum { BRIDGE_MARKS = 3 };

/* Ties the state to its bridge, before it has any coroutine. Until is_late and poll are
 * set its turns are never late. */
void bridge_open(Bridge *bridge, lua_State *L);

static inline Bridge *bridge_of(lua_State *L) {
  return (Bridge *)(*(uintptr_t *)lua_getextraspace(L) & ~(uintptr_t)BRIDGE_MARKS);
}

#endif
