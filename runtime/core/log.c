/* The log. A record is built whole and written with one call, under a lock, so that
 * records of several threads do not mix. Control characters (a server's escape sequences,
 * for example) are shown as \xNN. Further lines of a message are indented, so that only
 * the first line of a record begins with a time. */
#include "core/log.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/buffer.h"
#include "core/clock.h"
#include "core/json.h"
#include "core/log_limit.h"
#include "core/utf8.h"

enum { MOST_BYTES = 64 << 10, MOST_UNREAD = 4 << 20, MOST_HELD = 256 << 10 };

struct Log {
  FILE *out;
  bool owned;
  char *path;   /* of the file that `out` is, or was until it could not be written; NULL:
                   none */
  LogSink sink; /* put NULL: there is none */
  bool holds;   /* records wait in `held` until it is known where they go */
  Buffer held;
  LogRoom *rooms;
  LogLevel level;
  LogFormat format;
  pthread_mutex_t lock;
};

static const char *const names[] = {"debug", "info", "warn", "error", "off"};
static const char *const labels[] = {"DEBUG", "INFO ", "WARN ", "ERROR"};

Log *log_new(FILE *out, LogLevel level, LogFormat format) {
  Log *log = xcalloc(1, sizeof *log);
  log->out = out;
  log->level = level;
  log->format = format;
  CHECK(pthread_mutex_init(&log->lock, NULL) == 0);
  return log;
}

static void release_out(Log *log) {
  if (log->owned) fclose(log->out);
  log->owned = false;
}

void log_free(Log *log) {
  if (!log) return;
  log_settle(log);
  log_release(log);
  release_out(log);
  buffer_free(&log->held);
  log_rooms_free(&log->rooms);
  free(log->path);
  pthread_mutex_destroy(&log->lock);
  free(log);
}

void log_use_sink(Log *log, const LogSink *sink) {
  pthread_mutex_lock(&log->lock);
  log->sink = sink ? *sink : (LogSink){0};
  pthread_mutex_unlock(&log->lock);
}

/* --- writing ---------------------------------------------------------------------- */

/* A log file that cannot be written is reported on standard error; a failure there cannot
 * be reported. */
static void write_line(Log *log, const Buffer *line) {
  if (!log->owned && log->sink.put) {
    log->sink.put(log->sink.ctx, line->data, line->len);
    return;
  }
  if (fwrite(line->data, 1, line->len, log->out) == line->len && fflush(log->out) == 0)
    return;
  if (!log->owned) return;
  Buffer report = {0};
  buffer_printf(&report, "tidelock: cannot write the log: %s: it goes on here\n",
                strerror(errno));
  buffer_put(&report, line->data, line->len);
  release_out(log);
  log->out = stderr;
  write_line(log, &report);
  buffer_free(&report);
}

/* Records that are more than what is held were meant to be seen: they go out. */
static void put_held(Log *log) {
  log->holds = false;
  if (log->held.len) write_line(log, &log->held);
  buffer_free(&log->held);
}

static void write_out(Log *log, const Buffer *line) {
  if (log->holds && log->held.len + line->len > MOST_HELD) put_held(log);
  if (log->holds) buffer_put(&log->held, line->data, line->len);
  else write_line(log, line);
}

void log_hold(Log *log) {
  pthread_mutex_lock(&log->lock);
  log->holds = true;
  pthread_mutex_unlock(&log->lock);
}

void log_release(Log *log) {
  pthread_mutex_lock(&log->lock);
  put_held(log);
  pthread_mutex_unlock(&log->lock);
}

/* --- files ------------------------------------------------------------------------ */

/* Does not wait for somebody to read a pipe: without a reader it is ENXIO. */
static int open_at_once(const char *path) {
  int fd =
      open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0600);
  if (fd >= 0) fcntl(fd, F_SETFL, O_APPEND);
  return fd;
}

int log_open_file(Log *log, const char *path) {
  int fd = open_at_once(path);
  FILE *out = fd < 0 ? NULL : fdopen(fd, "a");
  if (!out) {
    int error = errno;
    if (fd >= 0) close(fd);
    return error;
  }
  pthread_mutex_lock(&log->lock);
  release_out(log);
  log->out = out;
  log->owned = true;
  free(log->path);
  log->path = xstrdup(path);
  put_held(log);
  pthread_mutex_unlock(&log->lock);
  return 0;
}

int log_reopen(Log *log) {
  pthread_mutex_lock(&log->lock);
  char *path = log->path ? xstrdup(log->path) : NULL;
  pthread_mutex_unlock(&log->lock);
  int error = path ? log_open_file(log, path) : 0;
  free(path);
  return error;
}

bool log_enabled(const Log *log, LogLevel level) {
  return level >= log->level && level < LOG_OFF;
}

bool log_level_parse(const char *name, LogLevel *level) {
  for (size_t i = 0; i < COUNT_OF(names); i++)
    if (strcmp(names[i], name) == 0) return *level = (LogLevel)i, true;
  return false;
}

/* --- records ---------------------------------------------------------------------- */

static void put_time(Buffer *line) {
  int64_t now = clock_micros();
  time_t seconds = (time_t)(now / 1000000);
  struct tm parts;
  gmtime_r(&seconds, &parts);
  char text[32];
  strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
  buffer_printf(line, "%s.%03dZ", text, (int)(now / 1000 % 1000));
}

/* Text to be logged; it may hold zero bytes. Borrowed. */
typedef struct Shown {
  const char *text;
  size_t len;
} Shown;

static Shown shown_text(const char *text) {
  return (Shown){text, strlen(text)};
}

static void put_visible(Buffer *line, Shown what) {
  bool utf8 = utf8_valid(what.text, what.len);
  const char *end = what.text + what.len;
  for (const char *text = what.text; text < end; text++) {
    unsigned char c = (unsigned char)*text;
    bool c1 = utf8 && c == 0xC2 && (unsigned char)text[1] < 0xA0; /* U+0080 to U+009F */
    if (c == '\n') buffer_puts(line, "\n    ");
    else if ((c < 0x20 && c != '\t') || c == 0x7F || c1 || (c >= 0x80 && !utf8))
      buffer_printf(line, "\\x%02x", c1 ? (unsigned char)*++text : c);
    else buffer_putc(line, (char)c);
  }
}

static void put_text(Buffer *line, LogLevel level, const char *room, Shown message,
                     const char *fields) {
  put_time(line);
  buffer_printf(line, " %s ", labels[level]);
  put_visible(line, shown_text(room));
  buffer_puts(line, ": ");
  put_visible(line, message);
  if (fields) buffer_putc(line, ' ');
  if (fields) put_visible(line, shown_text(fields));
}

/* Bytes that are not UTF-8 are shown as \xNN there too. */
static void put_json_string(Buffer *line, Shown what) {
  if (json_put_string(line, what.text, what.len) == 0) return;
  Buffer visible = {0};
  put_visible(&visible, what);
  CHECK(json_put_string(line, visible.data, visible.len) == 0);
  buffer_free(&visible);
}

/* JSON allows DEL and C1 unescaped in strings; a terminal interprets them. */
static void escape_controls(Buffer *line, size_t start) {
  Buffer out = {0};
  for (size_t i = start; i < line->len; i++) {
    unsigned char c = (unsigned char)line->data[i];
    unsigned char next = i + 1 < line->len ? (unsigned char)line->data[i + 1] : 0;
    bool c1 = c == 0xC2 && next >= 0x80 && next < 0xA0;
    if (c == 0x7F || c1) buffer_printf(&out, "\\u%04x", c1 ? next : c);
    else buffer_putc(&out, (char)c);
    if (c1) i++;
  }
  line->len = start;
  buffer_put(line, out.data, out.len);
  buffer_free(&out);
}

static void put_json(Buffer *line, LogLevel level, const char *room, Shown message,
                     const char *fields) {
  size_t start = line->len;
  buffer_puts(line, "{\"time\":\"");
  put_time(line);
  buffer_printf(line, "\",\"level\":\"%s\",\"room\":", names[level]);
  put_json_string(line, shown_text(room));
  buffer_puts(line, ",\"message\":");
  put_json_string(line, message);
  if (fields) buffer_puts(line, ",\"fields\":");
  if (fields) buffer_puts(line, fields);
  buffer_putc(line, '}');
  escape_controls(line, start);
}

static void put_line(const Log *log, Buffer *line, LogLevel level, const char *room,
                     Shown message, const char *fields) {
  if (log->format == LOG_JSON) put_json(line, level, room, message, fields);
  else put_text(line, level, room, message, fields);
  buffer_putc(line, '\n');
}

/* --- limits ----------------------------------------------------------------------- */

static void put_dropped(Log *log, LogRoom *room) {
  if (!room->dropped) return;
  char *text = xasprintf("%lu records dropped: it logs too much, or nobody reads the log",
                         room->dropped);
  Buffer line = {0};
  put_line(log, &line, LOG_WARN, room->name, shown_text(text), NULL);
  room->dropped = 0;
  write_out(log, &line);
  buffer_free(&line);
  free(text);
}

/* Returns the text, or a copy in `cut` of its first `most` bytes. */
static Shown cut_text(Shown what, size_t most, Buffer *cut) {
  if (what.len <= most) return what;
  size_t end = most;
  while (end > most - 4 && ((unsigned char)what.text[end] & 0xC0) == 0x80) end--;
  buffer_clear(cut);
  buffer_put(cut, what.text, end);
  buffer_printf(cut, "... (%zu bytes more)", what.len - end);
  return (Shown){cut->data, cut->len};
}

/* Cuts the message until the record fits: escapes make it longer than its text. Fields
 * that are too long are left out. */
static void put_bounded(const Log *log, Buffer *line, LogLevel level, const char *room,
                        Shown message, const char *fields) {
  Buffer cut = {0};
  for (size_t most = MOST_BYTES;; most /= 2) {
    size_t len = fields ? strlen(fields) : 0;
    char *left_out =
        len <= most / 2 ? NULL : xasprintf("{\"not_shown\":\"%zu bytes\"}", len);
    buffer_clear(line);
    put_line(log, line, level, room, cut_text(message, most, &cut),
             left_out ? left_out : fields);
    free(left_out);
    if (line->len <= MOST_BYTES) break;
  }
  buffer_free(&cut);
}

void log_settle(Log *log) {
  pthread_mutex_lock(&log->lock);
  for (LogRoom *room = log->rooms; room; room = room->next) put_dropped(log, room);
  pthread_mutex_unlock(&log->lock);
}

static bool is_unread(const Log *log) {
  return !log->owned && log->sink.put && log->sink.unread(log->sink.ctx) > MOST_UNREAD;
}

static bool may_write(Log *log, LogRoom *room) {
  if (!log_room_allows(room, clock_monotonic())) return false;
  if (is_unread(log)) return room->dropped++, false;
  put_dropped(log, room);
  return true;
}

void log_record(Log *log, LogLevel level, const char *room, const char *message,
                const char *fields) {
  log_bytes(log, level, room, message, strlen(message), fields);
}

void log_bytes(Log *log, LogLevel level, const char *room, const char *message,
               size_t len, const char *fields) {
  if (!log_enabled(log, level)) return;
  pthread_mutex_lock(&log->lock);
  LogRoom *budget = log_room(&log->rooms, room);
  if (may_write(log, budget)) {
    Buffer line = {0};
    put_bounded(log, &line, level, room, (Shown){message, len}, fields);
    log_room_used(budget, line.len);
    write_out(log, &line);
    buffer_free(&line);
  }
  pthread_mutex_unlock(&log->lock);
}

void log_write(Log *log, LogLevel level, const char *room, const char *fmt, ...) {
  if (!log_enabled(log, level)) return;
  char *message;
  va_list args;
  va_start(args, fmt);
  int len = vasprintf(&message, fmt, args);
  va_end(args);
  CHECK(len >= 0);
  log_record(log, level, room, message, NULL);
  free(message);
}
