/* See log_limit.h. */
#include "core/log_limit.h"

#include <stdlib.h>
#include <string.h>

LogRoom *log_room(LogRoom **rooms, const char *name) {
  for (LogRoom *room = *rooms; room; room = room->next)
    if (strcmp(room->name, name) == 0) return room;
  LogRoom *room = xcalloc(1, sizeof *room);
  *room = (LogRoom){.next = *rooms,
                    .name = xstrdup(name),
                    .records = LOG_BURST,
                    .bytes = LOG_BYTES_BURST};
  *rooms = room;
  return room;
}

void log_rooms_free(LogRoom **rooms) {
  while (*rooms) {
    LogRoom *room = *rooms;
    *rooms = room->next;
    free(room->name);
    free(room);
  }
}

static double fill_bucket(double now, double rate, double seconds, double most) {
  double sum = now + rate * seconds;
  return sum < most ? sum : most;
}

/* A room that was cut off goes on when its budget lasts for about a second. */
bool log_room_allows(LogRoom *room, double now) {
  double seconds = now - room->filled;
  room->filled = now;
  room->records = fill_bucket(room->records, LOG_RATE, seconds, LOG_BURST);
  room->bytes = fill_bucket(room->bytes, LOG_BYTES_RATE, seconds, LOG_BYTES_BURST);
  if (room->cut) room->cut = room->records < LOG_RATE || room->bytes < LOG_BYTES_RATE;
  else room->cut = room->records < 1 || room->bytes < 1;
  if (room->cut) room->dropped++;
  return !room->cut;
}

void log_room_used(LogRoom *room, size_t bytes) {
  room->records -= 1;
  room->bytes -= (double)bytes;
}
