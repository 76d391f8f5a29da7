/* tidelock.fs.core: one operation on a file, waited for. stdlib/fs.lua checks the options
 * and says which of the script's folders is meant, by its number. */
#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bridge/luaerror.h"
#include "data/file_ops.h"
#include "lua/fs_allow.h"
#include "lua/fs_writer.h"
#include "lua/modules.h"
#include "lua/open_file.h"
#include "vm/task_wait.h"
#include "vm/watchdog.h"

typedef enum FsOp {
  FS_READ,
  FS_OPEN,
  FS_WRITE,
  FS_APPEND,
  FS_STAT,
  FS_LIST,
  FS_MAKE,
  FS_RENAME,
  FS_REMOVE
} FsOp;

/* Owned by the task that waits; given up, by its queue. */
typedef struct FsCall {
  FileJob job;
  Wait wait;
  Task *task;
  FsOp op;
  int folder; /* borrowed */
  char *path, *to;
  Buffer bytes; /* to be written, or what was read */
  size_t most;  /* bytes that may come */
  bool parents;
  FileInfo info;
  int fd; /* of a file that was opened; -1: none */
  Charge *charge;
  size_t held, kept; /* charged: for itself and its paths; for its bytes */
} FsCall;

static void free_call(FsCall *call) {
  charge_set(call->charge, &call->kept, 0);
  charge_let_go(call->charge, call->held);
  if (call->fd >= 0) close(call->fd);
  buffer_free(&call->bytes);
  free(call->path);
  free(call->to);
  free(call);
}

static void drop_call(FileJob *job) {
  free_call(CONTAINER_OF(job, FsCall, job));
}

static void cancel_call(Wait *wait) {
  file_give_up(&CONTAINER_OF(wait, FsCall, wait)->job);
}

/* No more comes than the script has room for now: what it held when it called may be
 * gone, or more by now. */
static void call_begins(FileJob *job) {
  FsCall *call = CONTAINER_OF(job, FsCall, job);
  size_t room = charge_room(call->charge);
  if (call->most > room) call->most = room;
}

static bool op_writes(FsOp op) {
  return op != FS_READ && op != FS_OPEN && op != FS_STAT && op != FS_LIST;
}

/* What was written is needed no more; a list is kept until the script has its table. A
 * text that was read is not charged: it is given to the script next, which is. */
static void call_ran(FileJob *job) {
  FsCall *call = CONTAINER_OF(job, FsCall, job);
  if (op_writes(call->op)) buffer_free(&call->bytes);
  charge_set(call->charge, &call->kept, call->op == FS_LIST ? call->bytes.len : 0);
}

/* On another thread. */
static void run_call(FileJob *job) {
  FsCall *c = CONTAINER_OF(job, FsCall, job);
  switch (c->op) {
  case FS_READ:
    file_read(c->folder, c->path, c->most, &c->bytes, &job->err);
    break;
  case FS_OPEN:
    c->fd = file_open_sized(c->folder, c->path, &c->info.size, &job->err);
    break;
  case FS_WRITE:
    file_write(c->folder, c->path, c->bytes.data, c->bytes.len, &job->err);
    break;
  case FS_APPEND:
    file_append(c->folder, c->path, c->bytes.data, c->bytes.len, &job->err);
    break;
  case FS_STAT:
    file_stat(c->folder, c->path, &c->info, &job->err);
    break;
  case FS_LIST:
    file_list(c->folder, c->path, c->most, &c->bytes, &job->err);
    break;
  case FS_MAKE:
    file_make_folder(c->folder, c->path, c->parents, &job->err);
    break;
  case FS_RENAME:
    file_rename(c->folder, c->path, c->to, &job->err);
    break;
  case FS_REMOVE:
    file_remove(c->folder, c->path, &job->err);
    break;
  }
}

/* --- the result ------------------------------------------------------------------- */

static const char *const type_names[] = {"file", "folder", "link", "other"};

static int push_info(lua_State *L, const FileInfo *info) {
  lua_createtable(L, 0, 3);
  lua_pushstring(L, type_names[info->type]);
  lua_setfield(L, -2, "type");
  lua_pushinteger(L, (lua_Integer)info->size);
  lua_setfield(L, -2, "size");
  lua_pushnumber(L, info->modified);
  lua_setfield(L, -2, "modified");
  return 1;
}

static int push_list(lua_State *L, const Buffer *list) {
  lua_newtable(L);
  lua_Integer count = 0;
  for (size_t at = 0; at < list->len; at += strlen(list->data + at) + 1) {
    lua_createtable(L, 0, 2);
    lua_pushstring(L, type_names[(int)list->data[at]]);
    lua_setfield(L, -2, "type");
    lua_pushstring(L, list->data + ++at);
    lua_setfield(L, -2, "name");
    lua_rawseti(L, -2, ++count);
    if (count % 1024 == 0) watchdog_poll(L);
  }
  return 1;
}

static int push_open(lua_State *L, FsCall *call) {
  open_file_push(L, &call->fd, call->info.size);
  lua_pushinteger(L, (lua_Integer)call->info.size);
  return 2;
}

static int push_outcome(lua_State *L, void *ctx) {
  FsCall *call = ctx;
  if (call->job.err.code) return luaerror_return(L, &call->job.err);
  if (call->op == FS_STAT) return push_info(L, &call->info);
  if (call->op == FS_LIST) return push_list(L, &call->bytes);
  if (call->op == FS_OPEN) return push_open(L, call);
  if (call->op == FS_READ)
    lua_pushlstring(L, call->bytes.len ? call->bytes.data : "", call->bytes.len);
  else lua_pushboolean(L, true);
  return 1;
}

static void on_done(FileJob *job) {
  FsCall *call = CONTAINER_OF(job, FsCall, job);
  task_wake(call->task, push_outcome, call);
  free_call(call);
}

/* --- the calls -------------------------------------------------------------------- */

/* `held`: for itself and its paths; `kept`: for bytes to be written. */
static FsCall *new_call(lua_State *L, Task *task, FsOp op, const Folder *folder,
                        size_t held, size_t kept) {
  need_memory(L, held + kept);
  FsCall *call = xcalloc(1, sizeof *call);
  *call = (FsCall){.job = {.begins = call_begins,
                           .run = run_call,
                           .ran = call_ran,
                           .done = on_done,
                           .drop = drop_call},
                   .wait.cancel = cancel_call,
                   .task = task,
                   .op = op,
                   .folder = folder->fd,
                   .most = SIZE_MAX,
                   .fd = -1,
                   .held = held,
                   .charge = vm_hold(L, held)};
  charge_set(call->charge, &call->kept, kept);
  return call;
}

static int start_call(lua_State *L, FsCall *call) {
  file_push(&fs_folders(L)->queue, vm_of(L)->host->loop, &call->job);
  return task_wait(L, call->task, &call->wait);
}

/* op(folder, path, ...), in parts: NULL where an error was pushed. */
static FsCall *begin_call(lua_State *L, FsOp op, size_t kept) {
  static const char *const names[] = {"fs.read",   "fs.read",   "fs.write",
                                      "fs.append", "fs.stat",   "fs.list",
                                      "fs.mkdir",  "fs.rename", "fs.remove"};
  Error err;
  const char *what = names[op];
  bool writes = op_writes(op);
  Task *task = task_waiter(L, what);
  const Folder *folder = fs_folder(L, luaL_checkinteger(L, 1), what, writes, &err);
  const char *path = folder ? fs_path(L, 2, what, writes, &err) : NULL;
  const char *to = path && op == FS_RENAME ? fs_path(L, 3, what, writes, &err) : path;
  if (!to) {
    luaerror_return(L, &err);
    return NULL;
  }
  size_t held = sizeof(FsCall) + strlen(path) + strlen(to);
  FsCall *call = new_call(L, task, op, folder, held, kept);
  call->path = xstrdup(path);
  call->to = op == FS_RENAME ? xstrdup(to) : NULL;
  return call;
}

static int do_plain(lua_State *L, FsOp op) {
  FsCall *call = begin_call(L, op, 0);
  return call ? start_call(L, call) : 2;
}

static int f_stat(lua_State *L) {
  return do_plain(L, FS_STAT);
}

/* open(folder, path) → the open file, its size | nil, err */
static int f_open(lua_State *L) {
  return do_plain(L, FS_OPEN);
}

static int f_list(lua_State *L) {
  return do_plain(L, FS_LIST);
}

static int f_rename(lua_State *L) {
  return do_plain(L, FS_RENAME);
}

static int f_remove(lua_State *L) {
  return do_plain(L, FS_REMOVE);
}

/* mkdir(folder, path, parents) */
static int f_mkdir(lua_State *L) {
  FsCall *call = begin_call(L, FS_MAKE, 0);
  if (!call) return 2;
  call->parents = lua_toboolean(L, 3);
  return start_call(L, call);
}

/* read(folder, path, most) */
static int f_read(lua_State *L) {
  size_t most = (size_t)luaL_checkinteger(L, 3);
  FsCall *call = begin_call(L, FS_READ, 0);
  if (!call) return 2;
  call->most = most;
  return start_call(L, call);
}

/* write(folder, path, text): the text is copied, as the thread must not see Lua's. */
static int do_write(lua_State *L, FsOp op) {
  size_t len;
  luaL_checktype(L, 3, LUA_TSTRING);
  const char *text = lua_tolstring(L, 3, &len);
  FsCall *call = begin_call(L, op, len);
  if (!call) return 2;
  buffer_put(&call->bytes, text, len);
  return start_call(L, call);
}

static int f_write(lua_State *L) {
  return do_write(L, FS_WRITE);
}

static int f_append(lua_State *L) {
  return do_write(L, FS_APPEND);
}

/* folders() → a list of {dir =, write =}, in the order in which they were allowed */
static int f_folders(lua_State *L) {
  ScriptFolders *own = fs_folders(L);
  lua_newtable(L);
  for (size_t i = 0; own && i < own->count; i++) {
    lua_createtable(L, 0, 2);
    lua_pushstring(L, own->list[i].dir);
    lua_setfield(L, -2, "dir");
    lua_pushboolean(L, own->list[i].write);
    lua_setfield(L, -2, "write");
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  return 1;
}

/* script_name() → the script's, as --allow takes it */
static int f_script_name(lua_State *L) {
  lua_pushstring(L, vm_of(L)->owner->name);
  return 1;
}

int luaopen_tidelock_fs_core(lua_State *L) {
  static const luaL_Reg functions[] = {{"read", f_read},
                                       {"open", f_open},
                                       {"write", f_write},
                                       {"append", f_append},
                                       {"stat", f_stat},
                                       {"list", f_list},
                                       {"mkdir", f_mkdir},
                                       {"rename", f_rename},
                                       {"remove", f_remove},
                                       {"folders", f_folders},
                                       {"script_name", f_script_name},
                                       {"writer", fs_writer_open},
                                       {"put", fs_writer_put},
                                       {"empty", fs_writer_empty},
                                       {"keep", fs_writer_keep},
                                       {"end_writer", fs_writer_end},
                                       {NULL, NULL}};
  open_file_class(L);
  fs_writer_class(L);
  luaL_newlib(L, functions);
  return 1;
}
