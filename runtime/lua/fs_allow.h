/* Which files the operator allows to the script that calls: the check before any binding
 * opens one. `what` is the function as the script calls it, for the error, which says
 * what option would allow it. */
#ifndef TIDELOCK_LUA_FS_ALLOW_H
#define TIDELOCK_LUA_FS_ALLOW_H

#include <lua.h>

#include "data/folders.h"

/* What is allowed to the script, and the queue for its work; NULL: nothing. Borrows. */
ScriptFolders *fs_folders(lua_State *L);

/* The script's folder of that number, from 1 on, to read or to write in. Borrows. NULL:
 * *err (DENIED). */
const Folder *fs_folder(lua_State *L, lua_Integer number, const char *what, bool writes,
                        Error *err);

/* The path at `index`, relative to a folder, which beneath_open takes. Borrows it from
 * the stack; raises for what is no string. NULL: *err (DENIED, INVALID). */
const char *fs_path(lua_State *L, int index, const char *what, bool writes, Error *err);

#endif
