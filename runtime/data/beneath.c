/* See beneath.h. */
#include "data/beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { TRIES = 64 };

/* The next part of the path, its length; 0: there is none. */
static size_t next_part(const char **path) {
  *path += strspn(*path, "/");
  return strcspn(*path, "/");
}

bool beneath_sound(const char *path) {
  if (*path == '/' || strlen(path) >= PATH_MAX) return false;
  for (size_t len; (len = next_part(&path)) > 0; path += len)
    if (len == 2 && memcmp(path, "..", 2) == 0) return false;
  return true;
}

/* --- part by part ------------------------------------------------------------------ */

static int close_with(int fd, int error) {
  close(fd);
  errno = error;
  return -1;
}

/* Where O_PATH is asked for a link is opened itself: it is not wanted. */
static int refuse_link(int fd) {
  struct stat st;
  if (fd < 0) return -1;
  if (fstat(fd, &st) == 0 && S_ISLNK(st.st_mode)) return close_with(fd, ELOOP);
  return fd;
}

/* A slash behind the name: it is a folder's. */
static int open_last(int at, const char *name, bool slash, int flags, mode_t mode) {
  errno = EISDIR;
  if (slash && (flags & O_CREAT)) return -1;
  if (slash) flags |= O_DIRECTORY;
  return openat(at, name, flags | O_NOFOLLOW | O_CLOEXEC, mode);
}

int beneath_walk(int folder, const char *path, int flags, mode_t mode) {
  const int inner = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  int at = openat(folder, ".", inner);
  for (size_t len = next_part(&path); at >= 0; path += len, len = next_part(&path)) {
    char part[BENEATH_NAME] = ".";
    const char *rest = path + len;
    bool last = next_part(&rest) == 0;
    if (len >= sizeof part) return close_with(at, ENAMETOOLONG);
    if (len) memcpy(part, path, len), part[len] = '\0';
    int fd = last ? open_last(at, part, path[len] == '/', flags, mode)
                  : openat(at, part, inner);
    int error = errno;
    close(at);
    errno = error;
    if (last) return refuse_link(fd);
    at = fd;
  }
  return -1;
}

/* --- by the kernel ----------------------------------------------------------------- */

static bool is_old(int error) { /* the kernel, or a sandbox that does not know it */
  return error == ENOSYS || error == EPERM || error == E2BIG;
}

int beneath_open(int folder, const char *path, int flags, mode_t mode) {
  struct open_how how = {.flags = (uint64_t)(flags | O_CLOEXEC),
                         .mode =
                             flags & (O_CREAT | (O_TMPFILE & ~O_DIRECTORY)) ? mode : 0,
                         .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};
  if (!*path) path = ".";
  for (int i = 0; i < TRIES; i++) { /* EAGAIN: something was renamed meanwhile */
    long fd = syscall(SYS_openat2, folder, path, &how, sizeof how);
    if (fd >= 0) return (int)fd;
    if (is_old(errno)) return beneath_walk(folder, path, flags, mode);
    if (errno != EAGAIN && errno != EINTR) return -1;
  }
  return -1;
}

int beneath_parent(int folder, const char *path, char last[BENEATH_NAME]) {
  size_t end = strlen(path);
  while (end && path[end - 1] == '/') end--;
  size_t start = end;
  while (start && path[start - 1] != '/') start--;
  size_t len = end - start;
  errno = len > NAME_MAX ? ENAMETOOLONG : EINVAL;
  if (len == 0 || len > NAME_MAX || (len == 1 && path[start] == '.')) return -1;
  snprintf(last, BENEATH_NAME, "%.*s%s", (int)len, path + start, path[end] ? "/" : "");
  char parent[PATH_MAX];
  memcpy(parent, path, start);
  parent[start] = '\0';
  return beneath_open(folder, parent, O_PATH | O_DIRECTORY, 0);
}
