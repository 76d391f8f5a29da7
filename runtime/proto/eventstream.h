/* Server-sent events (HTML Living Standard, 9.2.6 "Interpreting an event stream"), pure:
 * bytes in, events out. Lines end in LF, CR or CRLF, also where a piece is cut between
 * the two; a byte order mark at the beginning is skipped; bytes that are not UTF-8 become
 * U+FFFD. */
#ifndef TIDELOCK_PROTO_EVENTSTREAM_H
#define TIDELOCK_PROTO_EVENTSTREAM_H

#include "core/buffer.h"

/* The reader of one stream and of those that continue it after a reconnection: it keeps
 * the last event id. One owner, one thread. */
typedef struct EventStream EventStream;

/* What was dispatched; borrowed until the next call with this stream. */
typedef struct StreamEvent {
  const char *type; /* "message" where the stream names none */
  size_t type_len;
  const char *data; /* the lines, joined by LF */
  size_t data_len;
  const char *id; /* the last event id, this event's own or an earlier one; "": none */
  size_t id_len;
} StreamEvent;

typedef enum EventStreamResult {
  EVENTSTREAM_MORE,      /* all bytes were used and no event is complete */
  EVENTSTREAM_EVENT,     /* one event; go on with the bytes that were not used */
  EVENTSTREAM_TOO_LARGE, /* an event exceeds the limit; the connection has to end */
  EVENTSTREAM_MEMORY     /* the system has no more; the connection has to end */
} EventStreamResult;

/* Returns new. `limit`: bytes of one event, with the line that is being read. */
EventStream *eventstream_new(size_t limit);
void eventstream_free(EventStream *s); /* NULL is fine */

/* Sets the last event id, as one that an earlier process kept. False: it has a zero byte,
 * a CR or an LF, so that no stream can have sent it. */
bool eventstream_seed(EventStream *s, const char *id, size_t len);
/* The connection ended: an event that is not complete is discarded. */
void eventstream_restart(EventStream *s);

/* Reads until one event is complete or the bytes are used; *used says how many were. */
EventStreamResult eventstream_take(EventStream *s, const char *bytes, size_t len,
                                   size_t *used, StreamEvent *event);

/* For the header Last-Event-ID. Borrowed; *len 0: there is none. */
const char *eventstream_last_id(const EventStream *s, size_t *len);
/* The reconnection time that the server last named, in seconds, a day at most; negative:
 * it named none. */
double eventstream_retry(const EventStream *s);
size_t eventstream_held(const EventStream *s); /* bytes of memory */

#endif
