/* The system's time zones: see zone_file.h. A name comes from a script: it is checked, so
 * that it stays below the folder. */
#include "data/zone_file.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LONGEST_NAME = 64, MOST_BYTES = 256 << 10 };

static const char *const folders[] = {"/usr/share/zoneinfo", "/usr/lib/zoneinfo",
                                      "/usr/share/lib/zoneinfo", "/etc/zoneinfo"};

/* Letters, digits, "_", "+", "-" between slashes: so no "..", and no absolute path. */
static bool is_name(const char *name) {
  size_t len = strlen(name);
  if (len == 0 || len > LONGEST_NAME || name[len - 1] == '/') return false;
  for (const char *c = name; *c; c++) {
    bool part = isalnum((unsigned char)*c) || strchr("_+-", *c) != NULL;
    if (!part && (*c != '/' || c == name || c[-1] == '/')) return false;
  }
  return true;
}

static int set_unknown(const char *name, Error *err) {
  return error_set(err, ERR_NOT_FOUND,
                   "there is no time zone \"%.80s\": names are those of the IANA, like "
                   "Europe/Berlin",
                   name);
}

static bool is_folder(const char *path) {
  struct stat st;
  return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* NULL: the system has none. Borrows. */
static const char *find_folder(void) {
  const char *given = getenv("TZDIR");
  if (given && *given) return is_folder(given) ? given : NULL;
  for (size_t i = 0; i < COUNT_OF(folders); i++)
    if (is_folder(folders[i])) return folders[i];
  return NULL;
}

/* -1: errno. A pipe does not make it wait, and nothing but a file is read. */
static int open_plain(const char *path) {
  struct stat st;
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd < 0) return -1;
  if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) return fd;
  close(fd);
  errno = ENOENT;
  return -1;
}

static Zone *read_path(const char *path, const char *name, Error *err) {
  int fd = open_plain(path);
  if (fd < 0) {
    if (errno == ENOENT || errno == ENOTDIR || errno == ELOOP) set_unknown(name, err);
    else
      error_set(err, ERR_IO, "the time zone %.80s cannot be read: %s", name,
                strerror(errno));
    return NULL;
  }
  char *bytes = xmalloc(MOST_BYTES);
  ssize_t len = 0, got;
  while (len < MOST_BYTES &&
         (got = read(fd, bytes + len, (size_t)(MOST_BYTES - len))) > 0)
    len += got;
  close(fd);
  Zone *zone = zone_parse(bytes, (size_t)len, err);
  free(bytes);
  if (!zone && err->code == ERR_DECODE) set_unknown(name, err);
  else if (!zone)
    error_set(err, ERR_UNSUPPORTED, "the time zone %.80s counts leap seconds", name);
  return zone;
}

static Zone *read_named(const char *name, Error *err) {
  if (!is_name(name)) {
    set_unknown(name, err);
    return NULL;
  }
  const char *folder = find_folder();
  if (!folder) {
    error_set(err, ERR_NOT_FOUND,
              "this system has no time zones, so %.80s is not known: install its package "
              "tzdata",
              name);
    return NULL;
  }
  char *path = xasprintf("%s/%s", folder, name);
  Zone *zone = read_path(path, name, err);
  free(path);
  return zone;
}

/* As the C library finds it: TZ is a name, a path or a rule; without it a file says it.
 */
static Zone *read_local(Error *err) {
  static const char own[] = "/etc/localtime", utc[] = "UTC0";
  const char *tz = getenv("TZ");
  if (!tz && access(own, F_OK) == 0) return read_path(own, "local", err);
  if (!tz || !*tz) return zone_parse_rule(utc, strlen(utc), err);
  if (*tz == ':') tz++;
  if (*tz == '/') return read_path(tz, "local", err);
  Zone *zone = read_named(tz, err);
  Error why;
  return zone ? zone : zone_parse_rule(tz, strlen(tz), &why);
}

Zone *zone_file_read(const char *name, Error *err) {
  return strcmp(name, "local") == 0 ? read_local(err) : read_named(name, err);
}
