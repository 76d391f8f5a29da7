/* See fs_writer.h. */
#include "lua/fs_writer.h"

#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/box.h"
#include "bridge/luaerror.h"
#include "data/file_writer.h"
#include "lua/fs_allow.h"
#include "vm/task_wait.h"

typedef struct Writing {
  Wait wait;
  FileWriter *file; /* NULL: it is over */
  Task *task;       /* waits; NULL: none does */
} Writing;

static const char what[] = "writing a file";

static void end_file(Writing *w) {
  if (w->file) file_writer_close(w->file);
  w->file = NULL;
}

static int push_ended(lua_State *L, void *ctx) {
  (void)ctx;
  Error err = {0};
  error_set(&err, ERR_ABORTED, "the file was closed while it was written");
  return luaerror_return(L, &err);
}

static void release_writing(Box *box) {
  Writing *w = box->object;
  if (w->task) task_wake_later(w->task, push_ended, NULL);
  end_file(w);
  free(w);
}

static const BoxKind writer_box = {"file being written", release_writing};

void fs_writer_class(lua_State *L) {
  static const luaL_Reg none[] = {{NULL, NULL}};
  box_class(L, &writer_box, none, NULL);
}

static void cancel_writing(Wait *wait) {
  Writing *w = CONTAINER_OF(wait, Writing, wait);
  w->task = NULL;
  end_file(w);
}

typedef struct Result {
  const Writing *writing;
  const Error *err;
} Result;

static int push_result(lua_State *L, void *ctx) {
  const Result *result = ctx;
  if (result->err) return luaerror_return(L, result->err);
  lua_pushinteger(L, (lua_Integer)file_writer_size(result->writing->file));
  return 1;
}

static void on_done(void *ctx, const Error *err) {
  Writing *w = ctx;
  Task *task = w->task;
  Result result = {w, err};
  w->task = NULL;
  if (task) task_wake(task, push_result, &result);
}

static int await_done(lua_State *L, Task *task, Writing *w) {
  w->task = task;
  return task_wait(L, task, &w->wait);
}

/* The box is made before the task waits: it owns what is opened. */
int fs_writer_open(lua_State *L) {
  Error err;
  Task *task = task_waiter(L, "http.download");
  const Folder *folder =
      fs_folder(L, luaL_checkinteger(L, 1), "http.download", true, &err);
  const char *path = folder ? fs_path(L, 2, "http.download", true, &err) : NULL;
  if (!path) return luaerror_return(L, &err);
  FilePlace place = {&fs_folders(L)->queue, vm_of(L)->host->loop, vm_of(L)->owner->charge,
                     folder->fd};
  bool resumes = lua_toboolean(L, 3);
  need_memory(L, sizeof(Writing));
  Box *box = box_new(L, &writer_box);
  Writing *w = xcalloc(1, sizeof *w);
  w->wait.cancel = cancel_writing;
  box->object = w;
  lua_setfield(L, 4, "file");
  w->file =
      file_writer_open(&place, path, resumes ? FILE_CONTINUE : FILE_REPLACE, on_done, w);
  return await_done(L, task, w);
}

/* The writer at 1, which nobody waits for. NULL: an error is pushed. */
static Writing *begin(lua_State *L, Task **task) {
  Writing *w = box_to(L, 1, &writer_box)->object;
  *task = task_waiter(L, what);
  if (w && w->task) luaL_error(L, "another task writes this file");
  if (w && w->file) return w;
  push_ended(L, NULL);
  return NULL;
}

int fs_writer_put(lua_State *L) {
  size_t len;
  Task *task;
  const char *text = luaL_checklstring(L, 2, &len);
  Writing *w = begin(L, &task);
  if (!w) return 2;
  need_memory(L, len);
  file_writer_put(w->file, text, len, on_done);
  return await_done(L, task, w);
}

int fs_writer_empty(lua_State *L) {
  Task *task;
  Writing *w = begin(L, &task);
  if (!w) return 2;
  file_writer_clear(w->file, on_done);
  return await_done(L, task, w);
}

int fs_writer_keep(lua_State *L) {
  Error err;
  Task *task;
  const char *as = NULL;
  Writing *w = begin(L, &task);
  if (!w) return 2;
  if (!lua_isnoneornil(L, 2) && !(as = fs_path(L, 2, "http.download", true, &err)))
    return luaerror_return(L, &err);
  file_writer_keep(w->file, as, on_done);
  return await_done(L, task, w);
}

int fs_writer_end(lua_State *L) {
  box_release(box_to(L, 1, &writer_box));
  return 0;
}
