/* See file_ops.h. A file is looked at before it is opened, so that no device is, and once
 * more when it is open, as it may be another by then. */
#include "data/file_ops.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "data/beneath.h"
#include "data/file_aside.h"
#include "data/file_error.h"

enum { PIECE = 1 << 20, NEW_FOLDER = 0777, NEW_FILE = 0666 };

static int close_with(int fd, int error) {
  close(fd);
  errno = error;
  return -1;
}

/* Whether the open file is a plain one; else errno says what it is instead. */
static bool is_plain(int fd) {
  struct stat st;
  if (fstat(fd, &st) != 0) return false;
  errno = S_ISDIR(st.st_mode) ? EISDIR : S_ISLNK(st.st_mode) ? ELOOP : ENXIO;
  return S_ISREG(st.st_mode);
}

/* Nothing there yet is fine. */
static bool may_open(int folder, const char *path, int flags) {
  int fd = beneath_open(folder, path, O_PATH | (flags & O_NOFOLLOW), 0);
  if (fd < 0) return errno == ENOENT && (flags & O_CREAT);
  bool plain = is_plain(fd);
  int error = errno;
  close(fd);
  errno = error;
  return plain;
}

int file_open(int folder, const char *path, int flags, const char *doing, Error *err) {
  int fd = -1;
  if (may_open(folder, path, flags))
    fd = beneath_open(folder, path, flags | O_NONBLOCK | O_NOCTTY, NEW_FILE);
  if (fd >= 0 && !is_plain(fd)) fd = close_with(fd, errno);
  if (fd < 0) file_error(err, doing, path, errno);
  return fd;
}

/* --- reading ----------------------------------------------------------------------- */

static int set_too_large(const char *path, size_t most, Error *err) {
  char shown[FILE_SHOWN];
  return error_set(err, ERR_TOO_LARGE, "cannot read \"%s\": it has more than %zu bytes",
                   file_show(path, shown), most);
}

/* Room for a piece; 0: the system has no memory for it. */
static size_t reserve_piece(Buffer *out, size_t left) {
  size_t piece = left < PIECE ? left + 1 : PIECE;
  if (!buffer_can_grow(out, piece)) return 0;
  buffer_reserve(out, piece);
  return piece;
}

/* One byte more than allowed tells that there are more. */
static int read_all(int fd, const char *path, size_t most, Buffer *out, Error *err) {
  size_t begin = out->len;
  for (;;) {
    size_t piece = reserve_piece(out, most - (out->len - begin));
    if (piece == 0) return error_set(err, ERR_MEMORY, "no memory to read a file");
    ssize_t got = read(fd, out->data + out->len, piece);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return file_error(err, "read", path, errno);
    if (got == 0) return 0;
    out->len += (size_t)got;
    if (out->len - begin > most) return set_too_large(path, most, err);
  }
}

int file_read(int folder, const char *path, size_t most, Buffer *out, Error *err) {
  int fd = file_open(folder, path, O_RDONLY, "read", err);
  if (fd < 0) return (int)err->code;
  struct stat st;
  int rc = 0;
  if (fstat(fd, &st) == 0 && st.st_size > 0 && (uint64_t)st.st_size > most)
    rc = set_too_large(path, most, err);
  if (rc == 0) rc = read_all(fd, path, most, out, err);
  close(fd);
  return rc;
}

static FileType type_of(mode_t mode) {
  if (S_ISREG(mode)) return FILE_PLAIN;
  if (S_ISDIR(mode)) return FILE_FOLDER;
  return S_ISLNK(mode) ? FILE_LINK : FILE_OTHER;
}

int file_stat(int folder, const char *path, FileInfo *info, Error *err) {
  struct stat st;
  int fd = beneath_open(folder, path, O_PATH, 0);
  if (fd < 0) return file_error(err, "look at", path, errno);
  int error = fstat(fd, &st) == 0 ? 0 : errno;
  close(fd);
  if (error) return file_error(err, "look at", path, error);
  *info = (FileInfo){type_of(st.st_mode), (uint64_t)st.st_size,
                     (double)st.st_mtim.tv_sec + (double)st.st_mtim.tv_nsec / 1e9};
  return 0;
}

/* --- listing ----------------------------------------------------------------------- */

static FileType type_of_entry(int folder, const struct dirent *entry) {
  struct stat st;
  switch (entry->d_type) {
  case DT_REG:
    return FILE_PLAIN;
  case DT_DIR:
    return FILE_FOLDER;
  case DT_LNK:
    return FILE_LINK;
  case DT_UNKNOWN:
    if (fstatat(folder, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0)
      return type_of(st.st_mode);
  }
  return FILE_OTHER;
}

static int set_too_many(const char *path, size_t most, const char *what, Error *err) {
  char shown[FILE_SHOWN];
  return error_set(err, ERR_TOO_LARGE, "cannot list \"%s\": it has more than %zu %s",
                   file_show(path, shown), most, what);
}

static int list_entries(DIR *dir, const char *path, size_t most, Buffer *out,
                        Error *err) {
  size_t count = 0, begin = out->len;
  struct dirent *entry;
  for (errno = 0; (entry = readdir(dir)) != NULL; errno = 0) {
    const char *name = entry->d_name;
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0) continue;
    size_t len = strlen(name) + 1;
    if (++count > FILE_LIST_MOST) return set_too_many(path, FILE_LIST_MOST, "names", err);
    if (out->len - begin + 1 + len > most)
      return set_too_many(path, most, "bytes of names", err);
    if (!buffer_can_grow(out, 512))
      return error_set(err, ERR_MEMORY, "no memory to list a folder");
    buffer_putc(out, (char)type_of_entry(dirfd(dir), entry));
    buffer_put(out, name, len);
  }
  return errno ? file_error(err, "list", path, errno) : 0;
}

int file_list(int folder, const char *path, size_t most, Buffer *out, Error *err) {
  int fd = beneath_open(folder, path, O_RDONLY | O_DIRECTORY, 0);
  DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
  if (!dir) {
    file_error(err, "list", path, errno);
    if (fd >= 0) close(fd);
    return (int)err->code;
  }
  int rc = list_entries(dir, path, most, out, err);
  closedir(dir);
  return rc;
}

/* --- writing ----------------------------------------------------------------------- */

int file_write(int folder, const char *path, const void *bytes, size_t len, Error *err) {
  FileAside aside;
  if (file_aside_open(&aside, folder, path) != 0)
    return file_error(err, "write", path, errno);
  if (file_put(aside.fd, bytes, len) != len) {
    file_aside_drop(&aside);
    return file_error(err, "write", path, errno);
  }
  return file_aside_keep(&aside) == 0 ? 0 : file_error(err, "write", path, errno);
}

/* What was written before the disk was full is taken back. Where the file has any other
 * size than that makes, another process has appended meanwhile, and all of it stays. */
static void take_back(int fd, off_t before, size_t written) {
  struct stat st;
  int error = errno;
  if (written > 0 && fstat(fd, &st) == 0 && st.st_size == before + (off_t)written &&
      ftruncate(fd, before) != 0)
    error = errno;
  errno = error;
}

static int append_all(int fd, const void *bytes, size_t len) {
  struct stat st;
  if (fstat(fd, &st) != 0) return -1;
  size_t written = file_put(fd, bytes, len);
  if (written == len) return 0;
  take_back(fd, st.st_size, written);
  return -1;
}

int file_append(int folder, const char *path, const void *bytes, size_t len, Error *err) {
  const int flags = O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW;
  int fd = file_open(folder, path, flags, "append to", err);
  if (fd < 0) return (int)err->code;
  int error = append_all(fd, bytes, len) == 0 ? 0 : errno;
  if (close(fd) != 0 && !error) error = errno; /* network file systems tell it late */
  return error ? file_error(err, "append to", path, error) : 0;
}

/* --- names ------------------------------------------------------------------------- */

static int make_one(int folder, const char *path) {
  char last[BENEATH_NAME];
  int parent = beneath_parent(folder, path, last);
  if (parent < 0) return -1;
  int error = mkdirat(parent, last, NEW_FOLDER) == 0 ? 0 : errno;
  close(parent);
  errno = error;
  return error ? -1 : 0;
}

/* Is a folder: what is there already is no error. */
static bool is_folder(int folder, const char *path) {
  int fd = beneath_open(folder, path, O_PATH | O_DIRECTORY, 0);
  if (fd >= 0) close(fd);
  return fd >= 0;
}

static int make_all(int folder, const char *path) {
  char part[PATH_MAX];
  size_t len = strlen(path), at = strspn(path, "/");
  while (at < len) {
    at += strcspn(path + at, "/");
    memcpy(part, path, at);
    part[at] = '\0';
    at += strspn(path + at, "/");
    if (is_folder(folder, part)) continue;
    if (make_one(folder, part) == 0) continue;
    if (errno != EEXIST) return -1;
    if (is_folder(folder, part)) continue; /* another made it meanwhile */
    errno = at < len ? ENOTDIR : EEXIST;
    return -1;
  }
  return 0;
}

int file_make_folder(int folder, const char *path, bool parents, Error *err) {
  int rc = parents ? make_all(folder, path) : make_one(folder, path);
  return rc == 0 ? 0 : file_error(err, "make the folder", path, errno);
}

int file_rename(int folder, const char *from, const char *to, Error *err) {
  char old[BENEATH_NAME], new[BENEATH_NAME];
  int old_parent = beneath_parent(folder, from, old);
  if (old_parent < 0) return file_error(err, "rename", from, errno);
  int new_parent = beneath_parent(folder, to, new);
  int error = new_parent < 0 ? errno : 0;
  const char *at = error ? to : from;
  if (!error && renameat(old_parent, old, new_parent, new) != 0) error = errno;
  if (new_parent >= 0) close(new_parent);
  close(old_parent);
  if (error == EXDEV && at == from)
    return error_set(err, ERR_IO, "cannot rename: both names must be on one disk");
  return error ? file_error(err, "rename", at, error) : 0;
}

int file_remove(int folder, const char *path, Error *err) {
  char last[BENEATH_NAME];
  int parent = beneath_parent(folder, path, last);
  if (parent < 0) return file_error(err, "remove", path, errno);
  int error = unlinkat(parent, last, 0) == 0 ? 0 : errno;
  if (error == EISDIR || error == EPERM)
    error = unlinkat(parent, last, AT_REMOVEDIR) == 0 ? 0
            : error == EPERM                          ? error
                                                      : errno;
  close(parent);
  return error ? file_error(err, "remove", path, error) : 0;
}

int file_open_sized(int folder, const char *path, uint64_t *size, Error *err) {
  struct stat info;
  int fd = file_open(folder, path, O_RDONLY, "read", err);
  if (fd < 0) return -1;
  if (fstat(fd, &info) == 0) {
    *size = (uint64_t)info.st_size;
    return fd;
  }
  close(fd);
  error_set(err, ERR_IO, "the size of a file cannot be read");
  return -1;
}
