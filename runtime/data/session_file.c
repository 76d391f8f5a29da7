/* See session_file.h. */
#include "data/session_file.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/json.h"
#include "data/file_error.h"
#include "data/file_ops.h"

enum { FORMAT = 1, FILE_MODE = 0600, FOLDER_MODE = 0700 };
enum { LONGEST = 220, MOST_BYTES = 1 << 20, RESERVED = 192 << 10 };
/* So that all of it fits into the room that is kept, whatever has to be escaped. */
enum { LONGEST_TOKEN = 16 << 10, LONGEST_PAIR = 48 << 10 };
/* Above it a number and the next are the same double. */
static const int64_t highest_number = (int64_t)1 << 52;

/* --- records ---------------------------------------------------------------------- */

void secret_free(char *text) {
  if (text) explicit_bzero(text, strlen(text));
  free(text);
}

void secret_buffer_free(Buffer *buffer) {
  if (buffer->data) explicit_bzero(buffer->data, buffer->cap);
  buffer_free(buffer);
}

void session_record_free(SessionRecord *record) {
  secret_free(record->access);
  secret_free(record->refresh);
  secret_free(record->pair);
  free(record->closed);
  *record = (SessionRecord){0};
}

void session_record_copy(SessionRecord *out, const SessionRecord *record) {
  *out = *record;
  out->closed = xstrdup(record->closed);
  out->access = xstrdup(record->access);
  out->refresh = xstrdup(record->refresh);
  out->pair = xstrdup(record->pair);
}

static const cJSON *find_field(const cJSON *object, const char *name) {
  if (!object || object->type != cJSON_Object) return NULL;
  for (const cJSON *at = object->child; at; at = at->next)
    if (strcmp(at->string, name) == 0) return at;
  return NULL;
}

/* Returns new; NULL: absent, no text, empty, or not to be sent in a header. */
static char *copy_text(const cJSON *object, const char *name) {
  const cJSON *field = find_field(object, name);
  if (!field || field->type != cJSON_String || !*field->valuestring) return NULL;
  size_t len = CONTAINER_OF(field->valuestring, const JsonText, bytes)->len;
  if (strlen(field->valuestring) != len) return NULL;
  return xstrdup(field->valuestring);
}

static double number_of(const cJSON *object, const char *name, double standard) {
  const cJSON *field = find_field(object, name);
  return field && field->type == cJSON_Number ? field->valuedouble : standard;
}

/* `least`: no byte below it. */
static bool is_text_from(const char *text, unsigned char least) {
  for (const char *at = text; *at; at++)
    if ((unsigned char)*at < least || *at == 0x7f) return false;
  return true;
}

static bool fits_header(const char *text) {
  return is_text_from(text, '!');
}

/* Whether there is something that is no text: another one is not taken in its place. */
static bool is_broken(const cJSON *field) {
  if (!field || field->type == cJSON_NULL) return false;
  return field->type != cJSON_String ||
         CONTAINER_OF(field->valuestring, const JsonText, bytes)->len > 0;
}

static int read_refresh(SessionRecord *out, const cJSON *root, const char *kept,
                        Error *err) {
  out->refresh = copy_text(root, "refresh");
  bool fits = out->refresh ? strlen(out->refresh) <= LONGEST_TOKEN &&
                                 is_text_from(out->refresh, ' ')
                           : !is_broken(find_field(root, "refresh"));
  if (!fits)
    return error_set(err, ERR_INVALID,
                     "`refresh` of a pair of tokens is no text without control "
                     "characters, of %d bytes at most",
                     LONGEST_TOKEN);
  if (!out->refresh) out->refresh = xstrdup(kept);
  return 0;
}

/* Some servers give it as a text. */
static double read_seconds(const cJSON *root, const char *name) {
  const cJSON *field = find_field(root, name);
  double seconds = number_of(root, name, INFINITY);
  if (field && field->type == cJSON_String) {
    size_t len = strspn(field->valuestring, "0123456789");
    if (len > 0 && field->valuestring[len] == '\0') seconds = atof(field->valuestring);
  }
  return seconds;
}

/* One that is over as it comes says nothing: clocks differ, and 0 is what some servers
 * give for no end. Whether it holds is then seen where it is used. */
static double read_life(const SessionRecord *record, const cJSON *root) {
  double life = read_seconds(root, "expires_in");
  if (!isfinite(life)) life = read_seconds(root, "expires_at") - record->received;
  return life > 0 ? life : INFINITY;
}

static int read_tokens(SessionRecord *out, const cJSON *root, const char *kept,
                       Error *err) {
  out->access = copy_text(root, "access");
  if (!out->access || strlen(out->access) > LONGEST_TOKEN || !fits_header(out->access))
    return error_set(err, ERR_INVALID,
                     "a pair of tokens needs `access`, a text without blanks, of %d "
                     "bytes at most",
                     LONGEST_TOKEN);
  if (read_refresh(out, root, kept, err) != 0) return (int)err->code;
  out->life = read_life(out, root);
  return 0;
}

int session_record_read(SessionRecord *out, const char *json, size_t len,
                        const char *kept, Error *err) {
  JsonArena *arena = json_arena_new(NULL);
  const cJSON *root = json_parse(arena, json, len, err);
  *out = (SessionRecord){.received = clock_wall()};
  int code = root ? read_tokens(out, root, kept, err) : (int)err->code;
  if (code != 0) session_record_free(out);
  else if (len <= LONGEST_PAIR) out->pair = xstrndup(json, len);
  json_arena_wipe(arena);
  return code;
}

/* --- as text ---------------------------------------------------------------------- */

static void put_text(Buffer *out, const char *name, const char *text) {
  if (!text) return;
  buffer_printf(out, ",\"%s\":", name);
  if (json_put_string(out, text, strlen(text)) != 0) buffer_puts(out, "\"\"");
}

static void put_record(Buffer *out, const SessionRecord *r) {
  buffer_printf(out, "{\"format\":%d,\"number\":%lld,\"received\":", FORMAT,
                (long long)r->number);
  json_put_number(out, r->received);
  if (isfinite(r->life)) {
    buffer_puts(out, ",\"life\":");
    json_put_number(out, r->life);
  }
  if (r->boot[0]) {
    buffer_printf(out, ",\"boot\":\"%s\",\"boot_time\":", r->boot);
    json_put_number(out, r->boot_time);
  }
  if (r->begun) buffer_puts(out, ",\"refresh_begun\":true");
  put_text(out, "closed", r->closed);
  put_text(out, "access", r->access);
  put_text(out, "refresh", r->refresh);
  if (r->pair) buffer_printf(out, ",\"pair\":%s", r->pair);
  buffer_puts(out, "}\n");
}

/* The text of the member `pair`, which was written last. */
static char *find_pair(const char *text, size_t len) {
  static const char before[] = ",\"pair\":";
  const char *at = memmem(text, len, before, sizeof before - 1);
  if (!at) return NULL;
  at += sizeof before - 1;
  const char *end = memrchr(at, '}', len - (size_t)(at - text));
  return end && end > at ? xstrndup(at, (size_t)(end - at)) : NULL;
}

/* Ids alone: it is written again as it is. */
static void read_boot(SessionRecord *out, const cJSON *root) {
  char *id = copy_text(root, "boot");
  double at = number_of(root, "boot_time", INFINITY);
  size_t len = id ? strlen(id) : 0;
  if (len < BOOT_ID && len == strspn(id ? id : "", "0123456789abcdefABCDEF-") &&
      isfinite(at)) {
    memcpy(out->boot, id ? id : "", len + 1);
    out->boot_time = at;
  }
  free(id);
}

static bool read_record(SessionRecord *out, const cJSON *root) {
  int64_t number = 0;
  const cJSON *field = find_field(root, "number"), *begun;
  if (number_of(root, "format", 0) != FORMAT || !field || !json_integer(field, &number) ||
      number < 1 || number > highest_number)
    return false;
  begun = find_field(root, "refresh_begun");
  *out = (SessionRecord){.number = number,
                         .received = number_of(root, "received", 0),
                         .life = number_of(root, "life", INFINITY),
                         .begun = begun && begun->type == cJSON_True,
                         .closed = copy_text(root, "closed"),
                         .access = copy_text(root, "access"),
                         .refresh = copy_text(root, "refresh")};
  read_boot(out, root);
  return out->closed || (out->access && fits_header(out->access));
}

static int parse_record(SessionRecord *out, const Buffer *text, Error *err) {
  Error ignored;
  JsonArena *arena = json_arena_new(NULL);
  const cJSON *root = json_parse(arena, text->data, text->len, &ignored);
  bool good = root && read_record(out, root);
  json_arena_wipe(arena);
  if (good) {
    out->pair = find_pair(text->data, text->len);
    return 0;
  }
  session_record_free(out);
  return error_set(err, ERR_DECODE, "the file of the session is not one of Tidelock's");
}

/* --- the file --------------------------------------------------------------------- */

static bool put_safe(Buffer *out, const char *text) {
  for (; *text; text++) {
    bool plain = isalnum((unsigned char)*text) || strchr("._-", *text);
    if (plain) buffer_putc(out, *text);
    else buffer_printf(out, "%%%02X", (unsigned char)*text);
  }
  return out->len <= LONGEST;
}

char *session_file_name(const char *name, const char *account, const char *origin) {
  Buffer out = {0};
  bool fits = put_safe(&out, name);
  if (account) buffer_putc(&out, '~');
  if (account) fits = fits && put_safe(&out, account);
  buffer_putc(&out, '@');
  fits = fits && put_safe(&out, origin);
  buffer_puts(&out, ".json");
  if (fits) return buffer_take(&out, NULL);
  buffer_free(&out);
  return NULL;
}

/* BUSY is the lock's alone. */
static int fail_file(Error *err, const char *doing, const char *path, int error) {
  file_error(err, doing, path, error);
  if (err->code == ERR_BUSY) err->code = ERR_IO;
  return (int)err->code;
}

/* -1: *err. */
static int open_folder(const SessionFile *file, bool make, Error *err) {
  if (make && mkdir(file->folder, FOLDER_MODE) != 0 && errno != EEXIST) {
    fail_file(err, "make", file->folder, errno);
    return -1;
  }
  int fd = open(file->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) fail_file(err, "open", file->folder, errno);
  return fd;
}

static int try_lock(int folder, const SessionFile *file, Error *err) {
  char *name = xasprintf("%s.lock", file->name);
  int fd = openat(folder, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, FILE_MODE);
  if (fd < 0) fail_file(err, "open", name, errno);
  free(name);
  if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) == 0) return fd;
  if (errno == EWOULDBLOCK) error_set(err, ERR_BUSY, "another process has the session");
  else fail_file(err, "lock", file->name, errno);
  close(fd);
  return -1;
}

int session_file_lock(SessionFile *file, Error *err) {
  if (file->lock >= 0) return 0;
  int folder = open_folder(file, true, err);
  if (folder < 0) return (int)err->code;
  file->lock = try_lock(folder, file, err);
  close(folder);
  return file->lock >= 0 ? 0 : (int)err->code;
}

static void drop_room(SessionFile *file) {
  if (file->reserved) file_aside_drop(&file->room);
  file->reserved = false;
}

void session_file_unlock(SessionFile *file) {
  drop_room(file);
  if (file->lock >= 0) close(file->lock);
  file->lock = -1;
}

/* Others may neither read nor write it, nor have put it there. */
static int close_to_others(int folder, const SessionFile *file, bool *exposed,
                           Error *err) {
  struct stat st;
  uid_t own = geteuid();
  if (fstatat(folder, file->name, &st, AT_SYMLINK_NOFOLLOW) != 0) return 0;
  if (own != 0 && st.st_uid != own && st.st_uid != 0)
    return error_set(err, ERR_DENIED, "the file of the session is another user's");
  *exposed = S_ISREG(st.st_mode) && (st.st_mode & 077);
  if (*exposed) fchmodat(folder, file->name, FILE_MODE, 0);
  return 0;
}

static int read_file(int folder, const SessionFile *file, SessionRecord *out,
                     bool *exposed, Error *err) {
  Buffer text = {0};
  int code = close_to_others(folder, file, exposed, err);
  if (code == 0) code = file_read(folder, file->name, MOST_BYTES, &text, err);
  if (code == ERR_BUSY) code = (int)(err->code = ERR_IO);
  if (code == 0) code = parse_record(out, &text, err);
  else if (code == ERR_NOT_FOUND) code = 0;
  secret_buffer_free(&text);
  return code;
}

int session_file_read(const SessionFile *file, SessionRecord *out, bool *exposed,
                      Error *err) {
  *out = (SessionRecord){0};
  *exposed = false;
  err->code = ERR_NONE;
  int folder = open_folder(file, false, err);
  if (folder < 0) return err->code == ERR_NOT_FOUND ? 0 : (int)err->code;
  int code = read_file(folder, file, out, exposed, err);
  close(folder);
  return code;
}

static int open_aside(const SessionFile *file, FileAside *aside, Error *err) {
  int folder = open_folder(file, true, err);
  if (folder < 0) return (int)err->code;
  int failed = file_aside_open(aside, folder, file->name);
  if (failed) fail_file(err, "write", file->name, errno);
  close(folder);
  if (failed) return (int)err->code;
  if (fchmod(aside->fd, FILE_MODE) == 0) return 0;
  fail_file(err, "protect", file->name, errno);
  file_aside_drop(aside);
  return (int)err->code;
}

int session_file_reserve(SessionFile *file, Error *err) {
  drop_room(file);
  if (open_aside(file, &file->room, err) != 0) return (int)err->code;
  int error = posix_fallocate(file->room.fd, 0, RESERVED);
  file->reserved = error == 0 || error == EOPNOTSUPP || error == EINVAL;
  if (file->reserved) return 0;
  file_aside_drop(&file->room);
  return fail_file(err, "keep room for", file->name, error);
}

static int put_file(FileAside *aside, const Buffer *text) {
  if (file_put(aside->fd, text->data, text->len) == text->len &&
      ftruncate(aside->fd, (off_t)text->len) == 0)
    return file_aside_keep(aside);
  file_aside_drop(aside);
  return -1;
}

int session_file_write(SessionFile *file, const SessionRecord *record, Error *err) {
  err->code = ERR_NONE;
  if (!file->reserved && open_aside(file, &file->room, err) != 0) return (int)err->code;
  file->reserved = false;
  Buffer text = {0};
  put_record(&text, record);
  int failed = put_file(&file->room, &text), error = errno;
  secret_buffer_free(&text);
  return failed ? fail_file(err, "write", file->name, error) : 0;
}
