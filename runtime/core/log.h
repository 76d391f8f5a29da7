/* The levelled, structured log: one line a record, text or JSON, to standard error or a
 * file (in text, further lines of a message are indented). Made and opened by one thread;
 * log_record and log_write lock, and may be called by any. */
#ifndef TIDELOCK_CORE_LOG_H
#define TIDELOCK_CORE_LOG_H

#include <stdio.h>

#include "core/base.h"

typedef enum LogLevel { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR, LOG_OFF } LogLevel;
typedef enum LogFormat { LOG_TEXT, LOG_JSON } LogFormat;
typedef struct Log Log;

/* Returns new; borrows `out` unless log_open_file replaces it. */
Log *log_new(FILE *out, LogLevel level, LogFormat format);
void log_free(Log *log);
int log_open_file(Log *log, const char *path); /* 0, or errno; appends, mode 0600 */
/* Opens the file anew, after a rename for example: 0, or errno, and the old one stays
 * open. Does nothing without a file. */
int log_reopen(Log *log);
/* From now on records are kept, 256 KiB at most, until it is known where they go: to a
 * file with log_open_file; to where they went before with log_release, with log_free, and
 * when they are too many. */
void log_hold(Log *log);
void log_release(Log *log);
/* Takes text without waiting for its reader. */
typedef struct LogSink {
  void (*put)(void *ctx, const char *text, size_t len);
  size_t (*unread)(void *ctx); /* bytes that were put and wait */
  void *ctx;
} LogSink;
/* From now on the sink gets the text in place of `out`; records that are not read are
 * dropped when they are too many, and counted. NULL: `out` again. */
void log_use_sink(Log *log, const LogSink *sink);
void log_settle(
    Log *log); /* logs how many records were dropped since that was last logged */
bool log_enabled(const Log *log, LogLevel level);
bool log_level_parse(const char *name, LogLevel *level); /* "debug" ... "error", "off" */

/* One record, 64 KiB at most: longer ones are cut. A room that logs too much is cut off
 * for a while; then a record says how many were dropped (log_limit.h). `room` names the
 * source: a layer ("socket") or a script ("client"). `fields` is NULL or the text of
 * a JSON object, put beside the message: in JSON records under "fields". */
void log_record(Log *log, LogLevel level, const char *room, const char *message,
                const char *fields);
/* The same; zeros in the message are shown too. */
void log_bytes(Log *log, LogLevel level, const char *room, const char *message,
               size_t len, const char *fields);
void log_write(Log *log, LogLevel level, const char *room, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

#endif
