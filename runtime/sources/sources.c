/* Reading a script's sources. Links are followed, but a file must be a regular one; names
 * that start with a dot are left out; sizes and counts are bounded. */
#include "sources/sources.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/hash.h"
#include "sources/nearby.h"

enum { MAX_NEIGHBOURS = 500, MAX_NEIGHBOUR = 1 << 20 };
enum { MAX_FILES = 2000, MAX_FILE = 8 << 20, MAX_DEPTH = 16, CHUNK = 16384 };

static uint64_t hash_file(uint64_t hash, const SourceFile *file) {
  hash = hash_bytes(hash, file->path, strlen(file->path));
  return hash_bytes(hash, file->text, file->len);
}

static char *read_file(const char *path, size_t *len, Error *err) {
  FILE *file = fopen(path, "rb");
  if (!file) {
    error_set(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "cannot read %s: %s", path,
              strerror(errno));
    return NULL;
  }
  Buffer text = {0};
  size_t got;
  while ((got = fread(buffer_reserve(&text, CHUNK), 1, CHUNK, file)) > 0) {
    text.len += got;
    if (text.len > MAX_FILE) break;
  }
  bool failed = ferror(file);
  fclose(file);
  if (failed || text.len > MAX_FILE) {
    error_set(err, failed ? ERR_IO : ERR_TOO_LARGE, "cannot read %s: %s", path,
              failed ? "the system gave an error" : "larger than 8 MiB");
    buffer_free(&text);
    return NULL;
  }
  return buffer_take(&text, len);
}

static int add_file(Sources *s, const char *path, const char *module, Error *err) {
  if (s->count == MAX_FILES)
    return error_set(err, ERR_TOO_LARGE, "more than %d files in one script, at %s",
                     MAX_FILES, path);
  size_t len;
  char *text = read_file(path, &len, err);
  if (!text) return (int)err->code;
  s->files = xrealloc(s->files, (s->count + 1) * sizeof *s->files);
  s->files[s->count++] = (SourceFile){xstrdup(module), xstrdup(path), text, len};
  return 0;
}

static bool is_lua(const char *name) {
  size_t len = strlen(name);
  return len > 4 && strcmp(name + len - 4, ".lua") == 0;
}

/* A folder that is read, within those in which it lies. */
typedef struct Folder {
  const struct Folder *outer; /* NULL: of the script's folder, or of lib/ */
  const char *path;
  dev_t device;
  ino_t inode;
  int depth;
} Folder;

static bool is_folder(const Folder *folder, const struct stat *st) {
  return folder->device == st->st_dev && folder->inode == st->st_ino;
}

/* A link that leads to a folder in which it lies has nothing new, and no end. */
static bool leads_up(const Folder *folder, const struct stat *st) {
  for (; folder; folder = folder->outer) {
    if (is_folder(folder, st)) return true;
    if (!folder->outer) return watch_points_lie_below(folder->path, st);
  }
  return false;
}

static int read_dir(Sources *s, const char *dir, const char *prefix, const Folder *outer,
                    Error *err);

static int read_entry(Sources *s, const Folder *folder, const char *name,
                      const char *prefix, Error *err) {
  int rc = 0;
  char *path = xasprintf("%s/%s", folder->path, name);
  struct stat st;
  bool link = lstat(path, &st) == 0 && S_ISLNK(st.st_mode);
  if (link) watch_points_follow(&s->points, path);
  if (stat(path, &st) != 0) goto out; /* gone again, or a dangling link */
  if (link && S_ISDIR(st.st_mode) && leads_up(folder, &st)) goto out;
  if (S_ISDIR(st.st_mode)) {
    char *deeper = xasprintf("%s%s.", prefix, name);
    rc = read_dir(s, path, deeper, folder, err);
    free(deeper);
  } else if (S_ISREG(st.st_mode) && is_lua(name)) {
    char *module = xasprintf("%s%.*s", prefix, (int)strlen(name) - 4, name);
    rc = add_file(s, path, strcmp(module, "main") == 0 ? "" : module, err);
    free(module);
  }
out:
  free(path);
  return rc;
}

static int is_visible(const struct dirent *entry) {
  return entry->d_name[0] != '.';
}

static int read_dir(Sources *s, const char *dir, const char *prefix, const Folder *outer,
                    Error *err) {
  struct stat st = {0};
  stat(dir, &st);
  Folder folder = {outer, dir, st.st_dev, st.st_ino, outer ? outer->depth + 1 : 0};
  if (folder.depth > MAX_DEPTH)
    return error_set(err, ERR_TOO_LARGE, "folders nested too deeply: %s", dir);
  struct dirent **entries;
  int count = scandir(dir, &entries, is_visible, alphasort);
  if (count < 0)
    return error_set(err, ERR_IO, "cannot read %s: %s", dir, strerror(errno));
  watch_points_add(&s->points, dir, NULL);
  int rc = 0;
  for (int i = 0; i < count; i++) {
    if (rc == 0) rc = read_entry(s, &folder, entries[i]->d_name, prefix, err);
    free(entries[i]);
  }
  free(entries);
  return rc;
}

/* Returns new: the folder that holds path. */
static char *parent_of(const char *path) {
  size_t len = strlen(path);
  while (len > 1 && path[len - 1] == '/') len--;
  size_t end = len;
  while (len > 0 && path[len - 1] != '/') len--;
  if (end - len <= 2 && strspn(path + len, ".") >= end - len)
    return xasprintf("%.*s/..", (int)end, path); /* "." and ".." */
  if (len == 0) return xstrdup(".");
  return xstrndup(path, len > 1 ? len - 1 : 1);
}

static int read_lib(Sources *s, const char *path, Error *err) {
  char *parent = parent_of(path);
  char *lib = strcmp(parent, ".") == 0 ? xstrdup("lib") : xasprintf("%s/lib", parent);
  struct stat st;
  int rc = 0;
  watch_points_follow(&s->points, lib);
  if (stat(lib, &st) == 0 && S_ISDIR(st.st_mode)) rc = read_dir(s, lib, "", NULL, err);
  free(lib);
  free(parent);
  return rc;
}

/* Cuts the folder before the last part of it that is called tests, which it holds then.
 */
static void cut_tests(char *folder) {
  char *last = NULL;
  for (char *at = folder; (at = strstr(at, "tests")); at++)
    if ((at == folder || at[-1] == '/') && (at[5] == '/' || at[5] == '\0')) last = at;
  if (last == folder) strcpy(folder, ".");
  else if (last) last[last - folder > 1 ? -1 : 0] = '\0';
}

static bool is_script(const char *folder) {
  char *main_file = xasprintf("%s/main.lua", folder);
  struct stat st;
  bool found = stat(main_file, &st) == 0 && S_ISREG(st.st_mode);
  free(main_file);
  return found;
}

/* Tests of a folder's script lie in it, or in its tests/ and below, and can require its
 * modules. Returns new: the folder whose test `path` is, or NULL. */
static char *tested_folder(const char *path) {
  size_t len = strlen(path);
  if (len < 9 || strcmp(path + len - 9, "_test.lua") != 0) return NULL;
  char *folder = parent_of(path);
  if (!is_script(folder)) cut_tests(folder);
  if (is_script(folder)) return folder;
  free(folder);
  return NULL;
}

/* The test is the script itself; what it tests is there to be required. */
static int read_test(Sources *s, const char *path, const char *folder, Error *err) {
  int rc = add_file(s, path, "", err);
  size_t own = s->count;
  if (rc == 0) rc = read_dir(s, folder, "", NULL, err);
  for (size_t i = own; i < s->count; i++) {
    if (s->files[i].module[0] != '\0') continue;
    free(s->files[i].module);
    s->files[i].module = xstrdup("main");
  }
  return rc ? rc : read_lib(s, folder, err);
}

/* What NAME_test.lua tests, where that is one file: NAME.lua beside it can be required.
 */
static int read_tested(Sources *s, const char *path, Error *err) {
  size_t len = strlen(path), tail = strlen("_test.lua");
  if (len <= tail || strcmp(path + len - tail, "_test.lua") != 0) return 0;
  char *file = xasprintf("%.*s.lua", (int)(len - tail), path);
  const char *slash = strrchr(file, '/'), *name = slash ? slash + 1 : file;
  char *module = xstrndup(name, strlen(name) - 4);
  struct stat st;
  int rc = 0;
  if (*module && stat(file, &st) == 0 && S_ISREG(st.st_mode))
    rc = add_file(s, file, module, err);
  free(module);
  free(file);
  return rc;
}

/* The modules beside a script that is one file; what cannot be read, or is too much, is
 * not there: nobody may want it. */
static void read_neighbours(Sources *s, const char *path) {
  Error ignored;
  struct dirent **entries;
  char *dir = parent_of(path);
  int count = scandir(dir, &entries, is_visible, alphasort);
  watch_points_add(&s->points, dir, POINT_SOURCES);
  for (int i = 0; i < count; i++) {
    const char *name = entries[i]->d_name;
    char *file = strcmp(dir, ".") == 0 && strncmp(path, "./", 2) != 0
                     ? xstrdup(name)
                     : xasprintf("%s/%s", strcmp(dir, "/") == 0 ? "" : dir, name);
    char *module = xstrndup(name, strlen(name) - (is_lua(name) ? 4 : 0));
    struct stat st;
    if (is_lua(name) && s->count < MAX_NEIGHBOURS && strcmp(file, path) != 0 &&
        stat(file, &st) == 0 && S_ISREG(st.st_mode) && st.st_size <= MAX_NEIGHBOUR)
      add_file(s, file, module, &ignored);
    free(module);
    free(file);
    free(entries[i]);
  }
  if (count >= 0) free(entries);
  free(dir);
}

static int read_one_file(Sources *s, const char *path, Error *err) {
  int rc = add_file(s, path, "", err);
  if (rc == 0) rc = read_tested(s, path, err);
  if (rc == 0) read_neighbours(s, path);
  return rc;
}

static int refuse_path(const char *path, int error, Error *err) {
  char *meant = nearby_script(path);
  error_set(err, error == ENOENT ? ERR_NOT_FOUND : ERR_IO, "no script at %s: %s%s", path,
            strerror(error), meant);
  free(meant);
  return (int)err->code;
}

static int read_script(Sources *s, const char *path, Error *err) {
  struct stat st;
  if (stat(path, &st) != 0) return refuse_path(path, errno, err);
  char *folder = S_ISREG(st.st_mode) ? tested_folder(path) : NULL;
  if (folder) {
    int rc = read_test(s, path, folder, err);
    free(folder);
    return rc;
  }
  if (S_ISREG(st.st_mode)) return read_one_file(s, path, err);
  if (!S_ISDIR(st.st_mode))
    return error_set(err, ERR_IO, "%s is neither a file nor a folder", path);
  int rc = read_dir(s, path, "", NULL, err);
  if (rc == 0 && !sources_find(s, ""))
    rc = error_set(err, ERR_NOT_FOUND, "no main.lua in the folder %s", path);
  return rc;
}

Sources *sources_read(const char *path, Error *err) {
  Sources *s = xcalloc(1, sizeof *s);
  char *clean = xstrdup(path);
  for (size_t n = strlen(clean); n > 1 && clean[n - 1] == '/'; n--) clean[n - 1] = '\0';
  watch_points_follow(&s->points, clean);
  int rc = read_script(s, clean, err);
  if (rc == 0) rc = read_lib(s, clean, err);
  free(clean);
  if (rc != 0) {
    sources_free(s);
    return NULL;
  }
  s->hash = HASH_START;
  for (size_t i = 0; i < s->count; i++) s->hash = hash_file(s->hash, &s->files[i]);
  return s;
}

bool sources_gone(const char *path) {
  struct stat st;
  if (stat(path, &st) != 0) return errno == ENOENT || errno == ENOTDIR;
  if (!S_ISDIR(st.st_mode)) return false;
  char *main_file = xasprintf("%s/main.lua", path);
  bool gone = stat(main_file, &st) != 0 && errno == ENOENT;
  free(main_file);
  return gone;
}

Sources *sources_retain(Sources *s) {
  s->others++;
  return s;
}

void sources_free(Sources *s) {
  if (!s || s->others-- > 0) return;
  for (size_t i = 0; i < s->count; i++) {
    free(s->files[i].module);
    free(s->files[i].path);
    free(s->files[i].text);
  }
  watch_points_free(&s->points);
  uses_free(&s->uses);
  free(s->files);
  free(s);
}

/* The script's own files stand before those of lib: the first match is the nearer one. A
 * module may also be a folder with init.lua. */
const SourceFile *sources_find(const Sources *s, const char *module) {
  for (size_t i = 0; i < s->count; i++)
    if (strcmp(s->files[i].module, module) == 0) return &s->files[i];
  size_t len = strlen(module);
  for (size_t i = 0; len && i < s->count; i++)
    if (strncmp(s->files[i].module, module, len) == 0 &&
        strcmp(s->files[i].module + len, ".init") == 0)
      return &s->files[i];
  return NULL;
}

bool sources_is_self(const Sources *s, const char *module) {
  const SourceFile *self = sources_find(s, "");
  const char *slash = self ? strrchr(self->path, '/') : NULL;
  const char *name = slash ? slash + 1 : self ? self->path : "";
  size_t len = strlen(module);
  return len > 0 && strncmp(name, module, len) == 0 &&
         (name[len] == '\0' || strcmp(name + len, ".lua") == 0);
}

const SourceFile *sources_use(Sources *s, const char *module) {
  uses_add(&s->uses, module);
  return sources_find(s, module);
}

uint64_t sources_hash_of(const Sources *s, const Uses *uses) {
  if (uses->all) return s->hash;
  uint64_t hash = HASH_START;
  for (size_t i = 0; i < uses->count; i++) {
    const SourceFile *file = sources_find(s, uses->modules[i]);
    hash = file ? hash_file(hash, file) : hash_bytes(hash, "", 0);
  }
  return hash;
}

/* --- the text of a file ----------------------------------------------------------- */

const char *source_code(const SourceFile *file, size_t *len) {
  const char *at = file->text, *end = at + file->len;
  if (file->len >= 3 && memcmp(at, "\xEF\xBB\xBF", 3) == 0) at += 3;
  if (at < end && *at == '#') {
    const char *stop = memchr(at, '\n', (size_t)(end - at));
    at = stop ? stop : end;
  }
  *len = (size_t)(end - at);
  return at;
}

/* `at` is behind the "--" of a comment. Returns where the comment ends. */
static const char *skip_comment(const char *at, const char *end) {
  const char *open = at, *stop = memchr(at, '\n', (size_t)(end - at));
  if (at < end && *at == '[') {
    for (open = at + 1; open < end && *open == '=';) open++;
    if (open < end && *open == '[') {
      size_t level = (size_t)(open - at) - 1;
      for (at = open + 1; at < end; at++)
        if (*at == ']' && (size_t)(end - at) >= level + 2 && at[level + 1] == ']' &&
            strspn(at + 1, "=") == level)
          return at + level + 2;
      return end;
    }
  }
  return stop ? stop : end;
}

bool source_is_empty(const SourceFile *file) {
  size_t len;
  const char *at = source_code(file, &len), *end = at + len;
  while (at < end) {
    if (strchr(" \t\r\n\f\v;", *at)) at++; /* a zero too */
    else if (end - at >= 2 && at[0] == '-' && at[1] == '-')
      at = skip_comment(at + 2, end);
    else return false;
  }
  return true;
}

/* --- excerpts --------------------------------------------------------------------- */

static void excerpt_line(Buffer *out, const char *start, size_t len, int number,
                         bool mark) {
  if (len > 160) len = 160;
  buffer_printf(out, "%s %4d | ", mark ? ">" : " ", number);
  for (size_t i = 0; i < len; i++)
    buffer_put(out, start[i] ? start + i : "\\x00", start[i] ? 1 : 4);
  buffer_puts(out, "\n");
}

static int last_line(const char *at, const char *end) {
  int lines = 0;
  for (; at < end; lines++) {
    const char *stop = memchr(at, '\n', (size_t)(end - at));
    at = stop ? stop + 1 : end;
  }
  return lines;
}

void sources_excerpt(const Sources *s, const char *path, int line, Buffer *out) {
  for (size_t i = 0; i < s->count; i++) {
    if (strcmp(s->files[i].path, path) != 0) continue;
    const char *at = s->files[i].text, *end = at + s->files[i].len;
    int last = last_line(at, end); /* where <eof> is meant */
    if (line > last) line = last;
    for (int number = 1; at < end && number <= line + 1; number++) {
      const char *stop = memchr(at, '\n', (size_t)(end - at));
      if (!stop) stop = end;
      if (number >= line - 2)
        excerpt_line(out, at, (size_t)(stop - at), number, number == line);
      at = stop + 1;
    }
    return;
  }
}
