/* A file that is open for reading, as a userdata: tidelock.fs opens it, tidelock.http
 * sends it. It is closed with its garbage, or its generation. */
#ifndef TIDELOCK_LUA_OPEN_FILE_H
#define TIDELOCK_LUA_OPEN_FILE_H

#include <lua.h>
#include <stdint.h>

typedef struct OpenFile {
  int fd;
  uint64_t size; /* when it was opened */
} OpenFile;

void open_file_class(lua_State *L);
/* Takes the descriptor, and sets it to -1, when nothing can fail any more. May raise. */
void open_file_push(lua_State *L, int *fd, uint64_t size);
const OpenFile *open_file_check(lua_State *L, int index); /* borrows; raises */

#endif
