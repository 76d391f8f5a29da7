/* Boxes: the userdata through which a script holds an object of the core's. `object` NULL
 * means closed: using it raises "closed NAME". All boxes of a state are linked, so that
 * they can be severed before the state is closed on another thread, where __gc then has
 * nothing to do. */
#ifndef TIDELOCK_BRIDGE_BOX_H
#define TIDELOCK_BRIDGE_BOX_H

#include <lauxlib.h>
#include <lua.h>

#include "core/base.h"

typedef struct Box Box;

typedef struct BoxKind {
  const char *name;          /* "socket": the metatable's key, and the name in errors */
  void (*release)(Box *box); /* called once, before object becomes NULL; may be NULL */
} BoxKind;

struct Box {
  Box *next, **at; /* in the list of its state; `at` NULL: severed */
  const BoxKind *kind;
  void *object;
  Box *next_same, **at_same; /* in the list of its object's boxes; NULL: not in one */
};

/* Makes the metatable of a kind in this state: __index with `methods` (or the C function
 * `index`, if not NULL, with the methods as its upvalue), __gc, __close, __tostring,
 * __metatable. Harmless when made already. */
void box_class(lua_State *L, const BoxKind *kind, const luaL_Reg *methods,
               lua_CFunction index);
Box *box_new(lua_State *L, const BoxKind *kind); /* pushes it, closed; may raise */
Box *box_to(lua_State *L, int index, const BoxKind *kind); /* raises on another type */
void *box_check(lua_State *L, int index,
                const BoxKind *kind); /* raises when closed too */
void box_release(Box *box);           /* harmless when closed */
/* Open a box for an object that lists its boxes; close all boxes of an object that ends.
 */
void box_refer(Box *box, void *object, Box **boxes);
void boxes_close(Box **boxes);

/* A userdata that owns an object while it is read from a script, so that a raise leaks
 * nothing. holder_push pushes it, empty; may raise. */
typedef struct Holder {
  void *object; /* owned while it is not NULL */
  void (*release)(void *object);
} Holder;
Holder *holder_push(lua_State *L, void (*release)(void *object));
void *holder_take(Holder *holder); /* the caller owns the object then */

void boxes_sever(lua_State *L); /* releases all boxes of the state */

#endif
