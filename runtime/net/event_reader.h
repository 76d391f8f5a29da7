/* Events out of the bodies of responses: one reader for a stream and those that continue
 * it after a reconnection. It reads no further than it is asked to, so that the server
 * has to wait. One owner; loop thread only. */
#ifndef TIDELOCK_NET_EVENT_READER_H
#define TIDELOCK_NET_EVENT_READER_H

#include "net/http.h"
#include "proto/eventstream.h"

typedef struct EventReader EventReader;

typedef enum EventRead {
  EVENTS_LATER,  /* `more` is called when there is more */
  EVENTS_EVENT,  /* one event */
  EVENTS_END,    /* the body has ended, or none is open */
  EVENTS_FAILED, /* it broke off: event_reader_failure says why */
} EventRead;

/* Returns new. `limit`: bytes of an event; `charge`: for what is kept of one. */
EventReader *event_reader_new(size_t limit, Charge *charge);
void event_reader_free(EventReader *r); /* NULL is fine */

/* Begins with a body; closes the one before. Takes the request, whose head is there. */
void event_reader_open(EventReader *r, HttpRequest *http, void (*more)(void *ctx),
                       void *ctx);
/* The same with a body that is there as a whole; copies it. */
void event_reader_open_text(EventReader *r, const char *text, size_t len);
void event_reader_close(EventReader *r); /* the last id is kept */

/* The event is borrowed until the next call with this reader. */
EventRead event_reader_next(EventReader *r, StreamEvent *event);
const Error *event_reader_failure(const EventReader *r); /* borrows */
EventStream *event_reader_stream(EventReader *r);        /* for its last id; borrows */

#endif
