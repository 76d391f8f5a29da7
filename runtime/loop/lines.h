/* Lines read from a descriptor that others may share: standard input, be it a terminal, a
 * pipe, a socket, a file or a device. The descriptor is borrowed: it is neither closed
 * nor made non-blocking. Loop thread only.
 *
 * A read begins only when lines_next finds no whole line: while nobody calls it the
 * writer at the other end is held back. */
#ifndef TIDELOCK_LOOP_LINES_H
#define TIDELOCK_LOOP_LINES_H

#include "core/buffer.h"
#include "loop/loop.h"

typedef struct Lines Lines;

enum { LINES_MAX = 1 << 20 }; /* bytes of a line, its end not counted */

typedef enum LinesResult {
  LINES_LINE,     /* one line: without \n or \r\n; borrowed until the next call */
  LINES_NONE,     /* no whole line yet; `ready` will be called, once */
  LINES_TOO_LONG, /* a line exceeded LINES_MAX and is skipped */
  LINES_END       /* no more, now and later; see lines_error */
} LinesResult;

/* Returns new; reads nothing yet. `ready` is called in dispatch. */
Lines *lines_new(Loop *loop, int fd, void (*ready)(void *ctx), void *ctx);
/* Another is called from now on, also for what is being read. */
void lines_hand_to(Lines *lines, void (*ready)(void *ctx), void *ctx);
void lines_free(Lines *lines); /* `ready` is not called any more; unread lines are lost */
LinesResult lines_next(Lines *lines, const char **line, size_t *len);
/* 0, or the errno that ended it. A closed descriptor is an end, not an error. */
int lines_error(const Lines *lines);

#endif
