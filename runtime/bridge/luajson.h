/* What each lua_State keeps for JSON: the marks of arrays and objects, null, an arena and
 * a buffer.
 *
 * A table that was decoded from an array carries the mark json.array, so that an empty
 * one stays []; an empty object carries json.object. A mark is a metatable that scripts
 * see only as its name. json.null is a light userdata NULL. */
#ifndef TIDELOCK_BRIDGE_LUAJSON_H
#define TIDELOCK_BRIDGE_LUAJSON_H

#include <lua.h>

#include "core/json.h"

typedef enum JsonMark { JSON_UNMARKED, JSON_ARRAY, JSON_OBJECT } JsonMark;
JsonMark luajson_mark(lua_State *L, int index); /* of a table, or none; never raises */
void luajson_set_mark(lua_State *L, int index, JsonMark mark); /* may raise (memory) */

void luajson_push_null(lua_State *L);
bool luajson_is_null(lua_State *L, int index);

/* The state's own arena and its own cleared buffer, made when first used (that may raise)
 * and owned by it. Their contents are lost at the next use, by anyone. */
JsonArena *luajson_arena(lua_State *L);
Buffer *luajson_scratch(lua_State *L);

#endif
