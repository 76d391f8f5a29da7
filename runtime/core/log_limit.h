/* How much may be logged: each room has a budget of records and bytes that fills up again
 * with time. A room that has used it up is cut off until there is enough for about a
 * second, so that dropped records are counted in one line a second. Owned by the log,
 * under its lock. */
#ifndef TIDELOCK_CORE_LOG_LIMIT_H
#define TIDELOCK_CORE_LOG_LIMIT_H

#include "core/base.h"

/* A thousand records at once may be a program that fails at its start; a hundred a second
 * for long are not read by anybody. */
enum {
  LOG_BURST = 1000,          /* records */
  LOG_RATE = 100,            /* records a second */
  LOG_BYTES_BURST = 4 << 20, /* bytes */
  LOG_BYTES_RATE = 256 << 10 /* bytes a second */
};

typedef struct LogRoom LogRoom;
struct LogRoom {
  LogRoom *next;
  char *name;
  double records, bytes, filled; /* filled: monotonic seconds */
  bool cut;
  unsigned long dropped; /* since they were last logged */
};

LogRoom *log_room(LogRoom **rooms, const char *name); /* finds or makes it; borrows */
void log_rooms_free(LogRoom **rooms);
/* Whether a record may be written now; if not it is counted. */
bool log_room_allows(LogRoom *room, double now);
void log_room_used(LogRoom *room, size_t bytes);

#endif
