/* See file_aside.h. Where the file system can, the file has no name at all while it is
 * written (O_TMPFILE): then nothing is left of it, whatever happens. */
#include "data/file_aside.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NEW_MODE = 0666, RIGHTS = 0777, MOST_WRITE = 1 << 20 };

size_t file_put(int fd, const void *bytes, size_t len) {
  const char *from = bytes;
  size_t written = 0;
  while (written < len) {
    size_t left = len - written;
    ssize_t put = write(fd, from + written, left < MOST_WRITE ? left : MOST_WRITE);
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) break;
    written += (size_t)put;
  }
  return written;
}

static int refuse_type(mode_t mode) {
  errno = S_ISDIR(mode) ? EISDIR : S_ISLNK(mode) ? ELOOP : ENXIO;
  return -1;
}

/* A name that nobody guesses, so that none of them is taken by chance. */
static void name_aside(FileAside *aside) {
  uint64_t number = 0;
  if (getrandom(&number, sizeof number, 0) < 0) number = (uint64_t)getpid();
  snprintf(aside->own, sizeof aside->own, ".tidelock-%016llx",
           (unsigned long long)number);
}

static int open_named(FileAside *aside) {
  name_aside(aside);
  int fd = openat(aside->parent, aside->own,
                  O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, NEW_MODE);
  if (fd < 0) aside->own[0] = '\0';
  return fd;
}

static int open_nameless(FileAside *aside) {
  return openat(aside->parent, ".", O_WRONLY | O_TMPFILE | O_CLOEXEC, NEW_MODE);
}

/* Without /proc a file cannot be given a name later. */
static int open_new(FileAside *aside) {
  bool may = access("/proc/self/fd", X_OK) == 0;
  aside->fd = may ? open_nameless(aside) : -1;
  bool unknown = aside->fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR ||
                                   errno == EINVAL || errno == ENOENT);
  if (!may || unknown) aside->fd = open_named(aside);
  return aside->fd < 0 ? -1 : 0;
}

/* Some file systems have no rights of files to set (vfat, network shares): there the new
 * file has those that all have. */
static int set_rights(int fd, mode_t mode) {
  if (fchmod(fd, mode & RIGHTS) == 0) return 0;
  return errno == EPERM || errno == EOPNOTSUPP || errno == ENOSYS ? 0 : -1;
}

/* The file that is there now, whose rights the new one gets. */
static int follow_old(FileAside *aside) {
  struct stat st;
  if (fstatat(aside->parent, aside->name, &st, AT_SYMLINK_NOFOLLOW) != 0)
    return errno == ENOENT ? 0 : -1;
  if (!S_ISREG(st.st_mode)) return refuse_type(st.st_mode);
  if (faccessat(aside->parent, aside->name, W_OK, 0) != 0) return -1;
  return set_rights(aside->fd, st.st_mode);
}

/* "a/" is the name of a folder. */
static int refuse_folder(FileAside *aside) {
  errno = EISDIR;
  file_aside_drop(aside);
  return -1;
}

int file_aside_open(FileAside *aside, int folder, const char *path) {
  *aside = (FileAside){.fd = -1};
  aside->parent = beneath_parent(folder, path, aside->name);
  if (aside->parent < 0) return -1;
  if (strchr(aside->name, '/')) return refuse_folder(aside);
  if (open_new(aside) == 0 && follow_old(aside) == 0) return 0;
  file_aside_drop(aside);
  return -1;
}

void file_sync_names(int parent) {
  int fd = openat(parent, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  fsync(fd);
  close(fd);
}

/* Gives a file without a name one of its own, by which it can be renamed. */
static int give_name(FileAside *aside) {
  char self[64];
  if (aside->own[0]) return 0;
  snprintf(self, sizeof self, "/proc/self/fd/%d", aside->fd);
  name_aside(aside);
  if (linkat(AT_FDCWD, self, aside->parent, aside->own, AT_SYMLINK_FOLLOW) == 0) return 0;
  aside->own[0] = '\0';
  return -1;
}

int file_aside_keep(FileAside *aside) {
  if (fsync(aside->fd) == 0 && give_name(aside) == 0 &&
      renameat(aside->parent, aside->own, aside->parent, aside->name) == 0) {
    aside->own[0] = '\0';
    file_sync_names(aside->parent);
    file_aside_drop(aside);
    return 0;
  }
  file_aside_drop(aside);
  return -1;
}

void file_aside_drop(FileAside *aside) {
  int error = errno;
  if (aside->own[0]) unlinkat(aside->parent, aside->own, 0);
  if (aside->fd >= 0) close(aside->fd);
  if (aside->parent >= 0) close(aside->parent);
  *aside = (FileAside){.fd = -1, .parent = -1};
  errno = error;
}
