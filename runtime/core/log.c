/* The log. A record is put together whole and written with one call, under a lock, so
 * that records of several threads do not mix. What a terminal would obey (escape
 * sequences that came from a server, say) is shown as \xNN; a message of several lines
 * goes on indented, so that no line but a record's first begins with a time. */
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
#include "core/utf8.h"

struct Log {
  FILE *out;
  bool owned;
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
  release_out(log);
  pthread_mutex_destroy(&log->lock);
  free(log);
}

int log_open_file(Log *log, const char *path) {
  int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
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
  pthread_mutex_unlock(&log->lock);
  return 0;
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

static void put_visible(Buffer *line, const char *text) {
  bool utf8 = utf8_valid(text, strlen(text));
  for (; *text; text++) {
    unsigned char c = (unsigned char)*text;
    bool c1 = utf8 && c == 0xC2 && (unsigned char)text[1] < 0xA0; /* U+0080 to U+009F */
    if (c == '\n') buffer_puts(line, "\n    ");
    else if ((c < 0x20 && c != '\t') || c == 0x7F || c1 || (c >= 0x80 && !utf8))
      buffer_printf(line, "\\x%02x", c1 ? (unsigned char)*++text : c);
    else buffer_putc(line, (char)c);
  }
}

static void put_text(Buffer *line, LogLevel level, const char *room, const char *message,
                     const char *fields) {
  put_time(line);
  buffer_printf(line, " %s ", labels[level]);
  put_visible(line, room);
  buffer_puts(line, ": ");
  put_visible(line, message);
  if (fields) buffer_putc(line, ' ');
  if (fields) put_visible(line, fields);
}

/* Bytes that are not UTF-8 are shown as \xNN there too. */
static void put_json_string(Buffer *line, const char *text) {
  if (json_put_string(line, text, strlen(text)) == 0) return;
  Buffer visible = {0};
  put_visible(&visible, text);
  CHECK(json_put_string(line, visible.data, visible.len) == 0);
  buffer_free(&visible);
}

static void put_json(Buffer *line, LogLevel level, const char *room, const char *message,
                     const char *fields) {
  buffer_puts(line, "{\"time\":\"");
  put_time(line);
  buffer_printf(line, "\",\"level\":\"%s\",\"room\":", names[level]);
  put_json_string(line, room);
  buffer_puts(line, ",\"message\":");
  put_json_string(line, message);
  if (fields) buffer_puts(line, ",\"fields\":");
  if (fields) buffer_puts(line, fields);
  buffer_putc(line, '}');
}

/* Standard error that cannot be written has nobody to tell; a file has it. */
static bool write_line(Log *log, const Buffer *line) {
  return fwrite(line->data, 1, line->len, log->out) == line->len && fflush(log->out) == 0;
}

void log_record(Log *log, LogLevel level, const char *room, const char *message,
                const char *fields) {
  if (!log_enabled(log, level)) return;
  Buffer line = {0};
  if (log->format == LOG_JSON) put_json(&line, level, room, message, fields);
  else put_text(&line, level, room, message, fields);
  buffer_putc(&line, '\n');
  pthread_mutex_lock(&log->lock);
  if (!write_line(log, &line) && log->owned) {
    fprintf(stderr, "tidelock: cannot write the log: %s: it goes on here\n",
            strerror(errno));
    release_out(log);
    log->out = stderr;
    write_line(log, &line);
  }
  pthread_mutex_unlock(&log->lock);
  buffer_free(&line);
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
