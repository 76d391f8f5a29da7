/* Lines read from a descriptor that others may share: standard input, be it a terminal, a
 * pipe, a socket, a file or a device. The descriptor is borrowed: it is neither closed
 * nor made non-blocking. Loop thread only.
 *
 * Nothing is read but when lines_next finds no whole line: who does not ask does not
 * read, so that a writer feels the backlog. */
#ifndef TIDELOCK_LOOP_LINES_H
#define TIDELOCK_LOOP_LINES_H

#include "core/buffer.h"
#include "loop/loop.h"

typedef struct Lines Lines;

enum { LINES_MAX = 1 << 20 }; /* bytes of a line, its end not counted */

typedef enum LinesResult {
  LINES_LINE,     /* one line: without \n or \r\n; borrowed until the next call */
  LINES_NONE,     /* not yet; `ready` will be called, once */
  LINES_TOO_LONG, /* a line exceeded LINES_MAX and is passed over */
  LINES_END       /* no more, now and later; see lines_error */
} LinesResult;

/* Returns new; reads nothing yet. `ready` is called in dispatch. */
Lines *lines_new(Loop *loop, int fd, void (*ready)(void *ctx), void *ctx);
void lines_free(Lines *lines); /* `ready` will not be called; what is unread is lost */
LinesResult lines_next(Lines *lines, const char **line, size_t *len);
/* 0, or the errno that ended it. A descriptor that is closed is an end, not an error. */
int lines_error(const Lines *lines);

#endif
