/* Numbers as people write them in queries and headers: one rule for both clients. */
#ifndef TIDELOCK_LUA_NUMBER_H
#define TIDELOCK_LUA_NUMBER_H

#include <lua.h>
#include <stdbool.h>

/* Pushes the text of the number at `index`: 5 for 5.0, all digits of a large one. False,
 * and nothing pushed, where it is not finite. */
bool number_push_text(lua_State *L, int index);

#endif
