/* Files that are written piece by piece, for the modules of stdlib that fetch what is
 * larger than memory (stdlib/http/download.lua). The box owns the writer; one task may
 * wait for it. What is not kept: see data/file_writer.h. */
#ifndef TIDELOCK_LUA_FS_WRITER_H
#define TIDELOCK_LUA_FS_WRITER_H

#include <lua.h>

void fs_writer_class(lua_State *L);
/* writer(folder, path, resume, place) → its size | nil, err; the writer is place.file
 * from the call on. Waits, as the next three do, which give its size, too. resume: goes
 * on behind what is there, which stays whatever happens. */
int fs_writer_open(lua_State *L);
int fs_writer_put(lua_State *L);   /* put(writer, text) → size | nil, err */
int fs_writer_empty(lua_State *L); /* empty(writer) → size | nil, err */
/* keep(writer, path | nil) → size | nil, err. path: with `resume`, its name from now on
 */
int fs_writer_keep(lua_State *L);
int fs_writer_end(lua_State *L); /* end_writer(writer): harmless when it is over */

#endif
