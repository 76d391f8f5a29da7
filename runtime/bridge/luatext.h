/* Texts of scripts, which may hold zero bytes, and C strings, which end at one: a text is
 * taken whole or refused, and shown with each zero byte as \x00. Borrows the state's
 * strings; makes new ones only to raise. */
#ifndef TIDELOCK_BRIDGE_LUATEXT_H
#define TIDELOCK_BRIDGE_LUATEXT_H

#include <lua.h>
#include <stdbool.h>

enum { LUATEXT_SHOWN = 400 };

/* False for a string at `index` that holds a zero byte. */
bool luatext_whole(lua_State *L, int index);
/* Raises "WHAT: KEY holds a zero byte" unless it is whole; level as for luaL_where. */
void luatext_need_whole(lua_State *L, int level, int index, const char *what,
                        const char *key);
/* Whether the string at `index` is the word, to its end. */
bool luatext_is(lua_State *L, int index, const char *word);
/* Its index in the list, which ends with NULL; the list's length when it is not there. */
int luatext_among(lua_State *L, int index, const char *const *words);
/* The string or number at `index` for messages, cut to fit, with "..." where it was; "?"
 * for other values. What a message quotes of a script's goes through one of these two: a
 * name of 10 MB is no message. Both return out. */
const char *luatext_show(lua_State *L, int index, char out[LUATEXT_SHOWN]);
const char *luatext_cut(const char *text, char out[LUATEXT_SHOWN]);

#endif
