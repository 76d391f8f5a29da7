/* See event_reader.h. What there is of the body stays with the request until all of its
 * events are read, so that the server has to wait. */
#include "net/event_reader.h"

#include <stdlib.h>

struct EventReader {
  EventStream *stream;
  HttpRequest *http; /* NULL: none is open, or `text` is */
  Buffer text;       /* a body that is there as a whole */
  size_t at;         /* how much of what there is of the body is read */
  size_t limit;
  Charge *charge; /* a reference; NULL: nobody's */
  size_t held;    /* charged */
  Error err;
};

EventReader *event_reader_new(size_t limit, Charge *charge) {
  EventReader *r = xcalloc(1, sizeof *r);
  r->stream = eventstream_new(limit);
  r->limit = limit;
  r->charge = charge_ref(charge);
  return r;
}

static void charge_held(EventReader *r) {
  size_t held = sizeof *r + eventstream_held(r->stream) + r->text.cap;
  if (held != r->held) charge_set(r->charge, &r->held, held);
}

void event_reader_close(EventReader *r) {
  if (r->http) http_cancel(r->http);
  r->http = NULL;
  r->at = 0;
  buffer_free(&r->text);
  eventstream_restart(r->stream);
  if (r->charge) charge_held(r);
}

void event_reader_free(EventReader *r) {
  if (!r) return;
  event_reader_close(r);
  if (r->charge) charge_set(r->charge, &r->held, 0);
  charge_unref(r->charge);
  eventstream_free(r->stream);
  free(r);
}

void event_reader_open(EventReader *r, HttpRequest *http, void (*more)(void *ctx),
                       void *ctx) {
  event_reader_close(r);
  r->http = http;
  http_on_more(http, more, ctx);
}

void event_reader_open_text(EventReader *r, const char *text, size_t len) {
  event_reader_close(r);
  buffer_put(&r->text, text, len);
}

static EventRead fail_reading(EventReader *r, ErrorCode code, const char *words) {
  if (code == ERR_TOO_LARGE)
    error_set(&r->err, code, "an event exceeds %zu bytes (max_event)", r->limit);
  else error_set(&r->err, code, "%s", words);
  r->err.sent = SENT_YES;
  event_reader_close(r);
  return EVENTS_FAILED;
}

static EventRead end_reading(EventReader *r) {
  event_reader_close(r);
  return EVENTS_END;
}

static EventRead break_off(EventReader *r) {
  r->err = *http_failure(r->http);
  event_reader_close(r);
  return EVENTS_FAILED;
}

/* What there is of the body: it may have grown since. EVENTS_EVENT: there is something.
 */
static EventRead peek_body(EventReader *r, const char **bytes, size_t *len) {
  *bytes = r->text.data;
  *len = r->text.len;
  if (!r->http) return r->at < r->text.len ? EVENTS_EVENT : end_reading(r);
  switch (http_peek(r->http, bytes, len)) {
  case HTTP_LATER:
    return EVENTS_LATER;
  case HTTP_PIECE:
    return EVENTS_EVENT;
  case HTTP_END:
    return end_reading(r);
  case HTTP_FAILED:
    break;
  }
  return break_off(r);
}

/* All that there is is read. EVENTS_LATER: without an event. */
static EventRead drop_piece(EventReader *r, EventStreamResult result) {
  if (r->http) http_taken(r->http);
  if (r->http) r->at = 0;
  if (r->charge) charge_held(r);
  bool full = result == EVENTSTREAM_MEMORY || (r->charge && charge_is_over(r->charge, 0));
  if (full) return fail_reading(r, ERR_MEMORY, "there is no memory for an event");
  return EVENTS_LATER;
}

EventRead event_reader_next(EventReader *r, StreamEvent *event) {
  for (;;) {
    const char *bytes;
    size_t len, used;
    EventRead got = peek_body(r, &bytes, &len);
    if (got != EVENTS_EVENT) return got;
    EventStreamResult result =
        eventstream_take(r->stream, bytes + r->at, len - r->at, &used, event);
    r->at += used;
    if (result == EVENTSTREAM_EVENT) return EVENTS_EVENT;
    if (result == EVENTSTREAM_TOO_LARGE) return fail_reading(r, ERR_TOO_LARGE, NULL);
    if (drop_piece(r, result) != EVENTS_LATER) return EVENTS_FAILED;
  }
}

const Error *event_reader_failure(const EventReader *r) {
  return &r->err;
}

EventStream *event_reader_stream(EventReader *r) {
  return r->stream;
}
