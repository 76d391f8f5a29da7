/* See folders.h. */
#include "data/folders.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/name.h"

static const char kind[] = ":files=", writing[] = ":write";

typedef struct Grant {
  char *script, *dir; /* owned */
  bool write;
} Grant;

static void free_grant(Grant *grant) {
  free(grant->script);
  free(grant->dir);
}

static bool read_grant(Grant *grant, const char *text) {
  const char *colon = strchr(text, ':');
  *grant = (Grant){0};
  if (!colon || strncmp(colon, kind, strlen(kind)) != 0) return false;
  const char *dir = colon + strlen(kind);
  size_t len = strlen(dir), end = strlen(writing);
  grant->write = len >= end && strcmp(dir + len - end, writing) == 0;
  if (grant->write) len -= end;
  while (len > 1 && dir[len - 1] == '/') len--;
  grant->script = xstrndup(text, (size_t)(colon - text));
  grant->dir = xstrndup(dir, len);
  return len > 0 && name_valid(grant->script);
}

static ScriptFolders *get_script(Folders *folders, const char *name) {
  ScriptFolders **at = &folders->first;
  while (*at && strcmp((*at)->script, name) != 0) at = &(*at)->next;
  if (!*at) {
    *at = xcalloc(1, sizeof **at);
    (*at)->script = xstrdup(name);
  }
  return *at;
}

/* Takes the texts. */
static void add_folder(Folders *folders, Grant *grant, int fd) {
  ScriptFolders *own = get_script(folders, grant->script);
  own->list = xrealloc(own->list, (own->count + 1) * sizeof *own->list);
  own->list[own->count++] = (Folder){grant->dir, fd, grant->write};
  free(grant->script);
}

int folders_allow(Folders *folders, const char *text, Error *err) {
  Grant grant;
  if (!read_grant(&grant, text)) {
    free_grant(&grant);
    return error_set(err, ERR_INVALID,
                     "--allow takes NAME:files=DIR or NAME:files=DIR:write, not "
                     "\"%.200s\"",
                     text);
  }
  int fd = open(grant.dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (fd >= 0) {
    add_folder(folders, &grant, fd);
    return 0;
  }
  error_set(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO,
            "--allow %.60s:files=: cannot open the folder \"%.200s\": %s", grant.script,
            grant.dir, strerror(errno));
  free_grant(&grant);
  return (int)err->code;
}

ScriptFolders *folders_of(const Folders *folders, const char *script) {
  ScriptFolders *own = folders ? folders->first : NULL;
  while (own && strcmp(own->script, script) != 0) own = own->next;
  return own;
}

void folders_use(const Folders *folders, const char *script) {
  ScriptFolders *own = folders_of(folders, script);
  if (own) own->used = true;
}

const ScriptFolders *folders_unused(const Folders *folders) {
  const ScriptFolders *own = folders->first;
  while (own && own->used) own = own->next;
  return own;
}

bool folders_busy(const Folders *folders) {
  const ScriptFolders *own = folders ? folders->first : NULL;
  while (own && !own->queue.first) own = own->next;
  return own != NULL;
}

void folders_free(Folders *folders) {
  while (folders->first) {
    ScriptFolders *own = folders->first;
    folders->first = own->next;
    for (size_t i = 0; i < own->count; i++) {
      close(own->list[i].fd);
      free(own->list[i].dir);
    }
    free(own->list);
    free(own->script);
    free(own);
  }
}
