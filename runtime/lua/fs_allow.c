/* See fs_allow.h. */
#include "lua/fs_allow.h"

#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/luatext.h"
#include "data/beneath.h"
#include "data/file_error.h"
#include "resource/resources.h"
#include "vm/vm.h"

ScriptFolders *fs_folders(lua_State *L) {
  Vm *vm = vm_of(L);
  return folders_of(vm->host->resources->folders, vm->owner->name);
}

static int deny_all(lua_State *L, const char *what, bool writes, Error *err) {
  return error_set(err, ERR_DENIED,
                   "%s: no folder is allowed to this script: start tidelock with "
                   "--allow %s:files=DIR%s",
                   what, vm_of(L)->owner->name, writes ? ":write" : "");
}

const Folder *fs_folder(lua_State *L, lua_Integer number, const char *what, bool writes,
                        Error *err) {
  ScriptFolders *own = fs_folders(L);
  if (!own || number < 1 || (size_t)number > own->count) {
    deny_all(L, what, writes, err);
    return NULL;
  }
  const Folder *folder = &own->list[number - 1];
  if (folder->write || !writes) return folder;
  error_set(err, ERR_DENIED,
            "%s: the folder is allowed for reading alone: start tidelock with "
            "--allow %s:files=%.160s:write",
            what, vm_of(L)->owner->name, folder->dir);
  return NULL;
}

/* An absolute path names a folder that is not allowed, so that it can be shown how. */
static int deny_path(lua_State *L, const char *what, const char *path, bool writes,
                     Error *err) {
  char shown[FILE_SHOWN], folder[FILE_SHOWN];
  const char *slash = strrchr(path, '/');
  file_show(path, shown);
  if (*path != '/')
    return error_set(err, ERR_DENIED,
                     "%s: \"%s\" leads out of the allowed folder, or is too long: a path "
                     "is relative to it, and has no \"..\"",
                     what, shown);
  char *dir = xstrndup(path, slash == path ? 1 : (size_t)(slash - path));
  file_show(dir, folder);
  free(dir);
  return error_set(err, ERR_DENIED,
                   "%s: a path is relative to an allowed folder; to allow another one, "
                   "start tidelock with --allow %s:files=%s%s",
                   what, vm_of(L)->owner->name, folder, writes ? ":write" : "");
}

const char *fs_path(lua_State *L, int index, const char *what, bool writes, Error *err) {
  luaL_checktype(L, index, LUA_TSTRING);
  const char *path = lua_tostring(L, index);
  if (!luatext_whole(L, index))
    error_set(err, ERR_INVALID, "%s: a path holds a zero byte", what);
  else if (beneath_sound(path)) return path;
  else deny_path(L, what, path, writes, err);
  return NULL;
}
