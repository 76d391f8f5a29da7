/* Open files as userdata: see open_file.h. */
#include "lua/open_file.h"

#include <stdlib.h>
#include <unistd.h>

#include "bridge/box.h"

static void close_file(Box *box) {
  OpenFile *file = box->object;
  close(file->fd);
  free(file);
}

static const BoxKind file_box = {"open file", close_file};

void open_file_class(lua_State *L) {
  static const luaL_Reg none[] = {{NULL, NULL}};
  box_class(L, &file_box, none, NULL);
}

void open_file_push(lua_State *L, int *fd, uint64_t size) {
  Box *box = box_new(L, &file_box);
  OpenFile *file = xcalloc(1, sizeof *file);
  *file = (OpenFile){*fd, size};
  *fd = -1;
  box->object = file;
}

const OpenFile *open_file_check(lua_State *L, int index) {
  return box_check(L, index, &file_box);
}
