#include "data/db_place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base.h"
#include "data/db_aside.h"

/* --- the lock --------------------------------------------------------------------- */

static int set_holder(int fd, const char *folder, const char *advice, Error *err) {
  char pid[24] = "";
  ssize_t n = pread(fd, pid, sizeof pid - 1, 0);
  pid[n > 0 ? strspn(pid, "0123456789") : 0] = '\0';
  return error_set(err, ERR_BUSY,
                   "the data in %.140s is in use by another tidelock, process %s: %s",
                   folder, *pid ? pid : "unknown", advice);
}

static int write_pid(int fd) {
  char pid[24];
  int len = snprintf(pid, sizeof pid, "%ld\n", (long)getpid());
  return ftruncate(fd, 0) == 0 && pwrite(fd, pid, (size_t)len, 0) == len ? 0 : -1;
}

/* A lock file that is a link would have the pid written over its target. */
static int open_lock(const char *folder, Error *err) {
  char *path = xasprintf("%s/state.lock", folder);
  int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
  int why = errno;
  struct stat st;
  bool good = fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
  if (fd < 0 && why != ELOOP)
    error_set(err, ERR_IO, "cannot open %.200s: %s", path, strerror(why));
  else if (!good) error_set(err, ERR_IO, "%.200s is no file of its own: remove it", path);
  free(path);
  if (good) return fd;
  if (fd >= 0) close(fd);
  return -1;
}

/* On a full disk the pid is not written; the lock is taken all the same. */
int place_lock(const char *folder, const char *advice, Error *err) {
  int fd = open_lock(folder, err);
  if (fd < 0) return -1;
  bool mine = flock(fd, LOCK_EX | LOCK_NB) == 0;
  if (!mine) set_holder(fd, folder, advice, err);
  else if (write_pid(fd) != 0) errno = 0;
  if (mine && aside_finish(folder, err) == 0) return fd;
  close(fd);
  return -1;
}

/* --- the file --------------------------------------------------------------------- */

int place_check_file(const char *path, Error *err) {
  struct stat st;
  if (stat(path, &st) != 0 || S_ISREG(st.st_mode)) return 0;
  return error_set(err, ERR_IO, "%.200s is no file: move it away", path);
}

void place_make_file(const char *path) {
  int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return;
  if (fchmod(fd, 0600) != 0)
    errno = 0; /* another owner's file that we may write: it is used */
  close(fd);
}

FileId file_id(const char *path) {
  struct stat st;
  if (stat(path, &st) != 0) return (FileId){0};
  return (FileId){.device = st.st_dev, .inode = st.st_ino, .known = true};
}

bool file_id_gone(const FileId *id, const char *path) {
  FileId now = file_id(path);
  if (!id->known) return false;
  return !now.known || now.inode != id->inode || now.device != id->device;
}
