/* See file_error.h. */
#include "data/file_error.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/utf8.h"

typedef struct Reason {
  int error;
  ErrorCode code;
  const char *words;
} Reason;

static const Reason reasons[] = {
    {ENOENT, ERR_NOT_FOUND, "there is nothing of that name"},
    {EXDEV, ERR_DENIED, "it leads out of the allowed folder"},
    {ELOOP, ERR_DENIED, "it leads through a link that is not followed"},
    {EISDIR, ERR_INVALID, "it is a folder"},
    {ENOTDIR, ERR_INVALID, "a part of it that should be a folder is none"},
    {ENAMETOOLONG, ERR_INVALID, "a name in it is too long for the system"},
    {EINVAL, ERR_INVALID,
     "it is the allowed folder itself, or lies within what is moved"},
    {ENXIO, ERR_INVALID, "it is no plain file (a pipe, a device or a socket)"},
    {EEXIST, ERR_BUSY, "there is something of that name already"},
    {ENOTEMPTY, ERR_BUSY, "the folder is not empty"},
    {EBUSY, ERR_BUSY, "another uses it"},
    {ETXTBSY, ERR_BUSY, "it is a program that runs"},
    {EMFILE, ERR_BUSY,
     "too many files are open: raise the limit (ulimit -n), or close some"},
    {ENFILE, ERR_BUSY, "too many files are open in the whole system"},
    {EFBIG, ERR_TOO_LARGE, "it is larger than the system allows"},
    {ENOSPC, ERR_IO, "the disk is full: make room, and try again"},
    {EDQUOT, ERR_IO, "the quota of the disk is used up: make room, and try again"},
    {EROFS, ERR_IO, "the file system is mounted for reading alone"},
    {EACCES, ERR_IO, "the user that tidelock runs as may not: change its rights (chmod)"},
    {EPERM, ERR_IO, "the user that tidelock runs as may not: change its rights (chmod)"},
};

static bool shows(const char *at, size_t len) {
  return len > 1 ? utf8_valid(at, len) : isprint((unsigned char)*at) && *at != '"';
}

/* Of the character that begins there, as far as its first byte says. */
static size_t char_len(const char *at) {
  unsigned char c = (unsigned char)*at;
  size_t len = c >= 0xF0 ? 4 : c >= 0xE0 ? 3 : c >= 0xC2 ? 2 : 1;
  return strnlen(at, len) == len ? len : 1;
}

/* C1 controls are characters of two bytes that do not show either. */
static bool is_control(const char *at, size_t len) {
  return len == 2 && (unsigned char)at[0] == 0xC2 && (unsigned char)at[1] < 0xA0;
}

const char *file_show(const char *path, char out[FILE_SHOWN]) {
  size_t used = 0;
  for (size_t len; *path; path += len) {
    len = char_len(path);
    if (used + 8 > FILE_SHOWN) {
      strcpy(out + used, "...");
      return out;
    }
    if (shows(path, len) && !is_control(path, len)) {
      memcpy(out + used, path, len);
      used += len;
    } else {
      len = 1;
      used += (size_t)sprintf(out + used, "\\x%02X", (unsigned char)*path);
    }
  }
  out[used] = '\0';
  return out;
}

int file_error(Error *err, const char *doing, const char *path, int error) {
  char shown[FILE_SHOWN];
  const Reason *found = NULL;
  for (size_t i = 0; i < COUNT_OF(reasons) && !found; i++)
    if (reasons[i].error == error) found = &reasons[i];
  error_set(err, found ? found->code : ERR_IO, "cannot %s \"%s\": %s", doing,
            file_show(path, shown), found ? found->words : strerror(error));
  error_detail(err, "%s", strerror(error));
  return (int)err->code;
}
