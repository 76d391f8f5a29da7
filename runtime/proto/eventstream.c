/* Event streams: see eventstream.h. The names of the standard are kept: the data buffer,
 * the event type buffer and the last event id buffer are filled line by line; an empty
 * line dispatches. */
#include "proto/eventstream.h"

#include <stdlib.h>
#include <string.h>

#include "core/utf8.h"

enum { WINDOW = 256, MUCH = 64 * 1024, LONGEST_RETRY = 24 * 60 * 60 };

static const char BOM[] = "\xEF\xBB\xBF";
enum { BOM_LEN = 3 };

struct EventStream {
  size_t limit;
  Buffer line; /* the beginning of a line that is not complete */
  Buffer data, type, id;
  Buffer last_id;    /* of what was dispatched */
  Buffer mended[2];  /* type and data of an event that was no UTF-8 */
  unsigned char bom; /* bytes of it that were seen; BOM_LEN: the text has begun */
  bool has_data;     /* a data line came, be it empty */
  bool returned;     /* the last byte was a CR: an LF belongs to it */
  bool dispatched;   /* data and type are those of the event that was returned */
  bool out_of_memory;
  double retry;
};

EventStream *eventstream_new(size_t limit) {
  EventStream *s = xcalloc(1, sizeof *s);
  s->limit = limit;
  s->retry = -1;
  return s;
}

void eventstream_free(EventStream *s) {
  if (!s) return;
  Buffer *all[] = {&s->line,    &s->data,      &s->type,     &s->id,
                   &s->last_id, &s->mended[0], &s->mended[1]};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) buffer_free(all[i]);
  free(s);
}

size_t eventstream_held(const EventStream *s) {
  return sizeof *s + s->line.cap + s->data.cap + s->type.cap + s->id.cap +
         s->last_id.cap + s->mended[0].cap + s->mended[1].cap;
}

static void copy_buffer(Buffer *to, const Buffer *from) {
  buffer_clear(to);
  buffer_put(to, from->data, from->len);
}

bool eventstream_seed(EventStream *s, const char *id, size_t len) {
  if (memchr(id, '\0', len) || memchr(id, '\n', len) || memchr(id, '\r', len))
    return false;
  buffer_clear(&s->id);
  buffer_put(&s->id, id, len);
  copy_buffer(&s->last_id, &s->id);
  return true;
}

void eventstream_restart(EventStream *s) {
  buffer_clear(&s->line);
  buffer_clear(&s->data);
  buffer_clear(&s->type);
  copy_buffer(&s->id, &s->last_id);
  s->has_data = s->returned = s->dispatched = false;
  s->bom = 0;
}

const char *eventstream_last_id(const EventStream *s, size_t *len) {
  *len = s->last_id.len;
  return s->last_id.len ? s->last_id.data : "";
}

double eventstream_retry(const EventStream *s) {
  return s->retry;
}

/* --- fields ------------------------------------------------------------------------- */

static void append_bytes(EventStream *s, Buffer *b, const char *bytes, size_t len) {
  if (b->cap - b->len < len + 1 && !buffer_can_take(b, len + 1)) s->out_of_memory = true;
  else buffer_put(b, bytes, len);
}

static void set_bytes(EventStream *s, Buffer *b, const char *bytes, size_t len) {
  buffer_clear(b);
  append_bytes(s, b, bytes, len);
}

static void add_data(EventStream *s, const char *value, size_t len) {
  if (s->has_data) append_bytes(s, &s->data, "\n", 1);
  append_bytes(s, &s->data, value, len);
  s->has_data = true;
}

/* Milliseconds in ASCII digits and nothing else. */
static void set_retry(EventStream *s, const char *value, size_t len) {
  double ms = 0;
  for (size_t i = 0; i < len; i++) {
    if (value[i] < '0' || value[i] > '9') return;
    ms = ms * 10 + (value[i] - '0');
  }
  if (len) s->retry = ms / 1000 > LONGEST_RETRY ? LONGEST_RETRY : ms / 1000;
}

static bool is_field(const char *name, size_t len, const char *field) {
  return len == strlen(field) && memcmp(name, field, len) == 0;
}

/* A line that is not empty. One that begins with a colon has an empty name: a comment. */
static void take_field(EventStream *s, const char *line, size_t len) {
  const char *colon = memchr(line, ':', len);
  size_t name = colon ? (size_t)(colon - line) : len;
  const char *value = colon ? colon + 1 : line + len;
  size_t value_len = (size_t)(line + len - value);
  if (value_len && *value == ' ') value++, value_len--;
  if (is_field(line, name, "data")) add_data(s, value, value_len);
  else if (is_field(line, name, "event")) set_bytes(s, &s->type, value, value_len);
  else if (is_field(line, name, "retry")) set_retry(s, value, value_len);
  else if (is_field(line, name, "id") && !memchr(value, '\0', value_len))
    set_bytes(s, &s->id, value, value_len);
}

/* --- dispatching -------------------------------------------------------------------- */

static const char *mend_text(const Buffer *text, Buffer *mended, size_t *len) {
  const Buffer *shown = text;
  if (!utf8_valid(text->data, text->len)) {
    buffer_clear(mended);
    utf8_mend(text->data, text->len, mended);
    shown = mended;
  }
  *len = shown->len;
  return shown->len ? shown->data : "";
}

static void fill_event(EventStream *s, StreamEvent *event) {
  event->data = mend_text(&s->data, &s->mended[0], &event->data_len);
  event->type = mend_text(&s->type, &s->mended[1], &event->type_len);
  if (event->type_len == 0) event->type = "message", event->type_len = strlen("message");
  event->id = eventstream_last_id(s, &event->id_len);
}

/* An empty line. True: it dispatched an event; its buffers are emptied by begin_event. */
static bool end_event(EventStream *s, StreamEvent *event) {
  copy_buffer(&s->last_id, &s->id);
  if (s->has_data) fill_event(s, event);
  else buffer_clear(&s->type);
  return s->has_data;
}

/* The event that was returned has been used. Its memory is kept, unless it was large. */
static void begin_event(EventStream *s) {
  if (s->data.cap > MUCH) buffer_free(&s->data);
  if (s->mended[0].cap > MUCH) buffer_free(&s->mended[0]);
  buffer_clear(&s->data);
  buffer_clear(&s->type);
  s->has_data = s->dispatched = false;
}

/* --- lines -------------------------------------------------------------------------- */

/* Windows keep a search from reading far beyond the end of each of many short lines. */
static const char *find_line_end(const char *at, const char *end) {
  while (at < end) {
    size_t window = end - at < WINDOW ? (size_t)(end - at) : WINDOW;
    const char *lf = memchr(at, '\n', window);
    const char *cr = memchr(at, '\r', lf ? (size_t)(lf - at) : window);
    if (cr || lf) return cr ? cr : lf;
    at += window;
  }
  return NULL;
}

/* Skips a byte order mark at the beginning of the stream, also one that comes in pieces.
 * What only began like one is the beginning of the first line. */
static const char *skip_bom(EventStream *s, const char *at, const char *end) {
  while (s->bom < BOM_LEN && at < end && *at == BOM[s->bom]) at++, s->bom++;
  if (s->bom == BOM_LEN || at == end) return at;
  append_bytes(s, &s->line, BOM, s->bom);
  s->bom = BOM_LEN;
  return at;
}

/* Takes what is left of a line, up to `end`. True: an event was dispatched. */
static bool take_line(EventStream *s, const char *at, const char *end,
                      StreamEvent *event) {
  bool joined = s->line.len > 0;
  if (joined) append_bytes(s, &s->line, at, (size_t)(end - at));
  const char *line = joined ? s->line.data : at;
  size_t len = joined ? s->line.len : (size_t)(end - at);
  if (len == 0) return end_event(s, event);
  take_field(s, line, len);
  buffer_clear(&s->line);
  return false;
}

static bool is_too_large(const EventStream *s, size_t more) {
  return s->line.len + s->data.len + s->type.len + s->id.len + more > s->limit;
}

/* What is left of the bytes is the beginning of a line. */
static EventStreamResult keep_line(EventStream *s, const char *at, size_t len) {
  if (is_too_large(s, len)) return EVENTSTREAM_TOO_LARGE;
  append_bytes(s, &s->line, at, len);
  return s->out_of_memory ? EVENTSTREAM_MEMORY : EVENTSTREAM_MORE;
}

/* Takes one line, or what there is of it; returns where the next begins. */
static const char *take_next(EventStream *s, const char *at, const char *end,
                             StreamEvent *event, EventStreamResult *result) {
  const char *stop = find_line_end(at, end);
  size_t len = (size_t)((stop ? stop : end) - at);
  if (!stop || is_too_large(s, len)) {
    *result = keep_line(s, at, len);
    return at + len;
  }
  s->dispatched = take_line(s, at, stop, event);
  s->returned = *stop == '\r';
  if (s->dispatched) *result = EVENTSTREAM_EVENT;
  if (s->out_of_memory) *result = EVENTSTREAM_MEMORY;
  return stop + 1;
}

EventStreamResult eventstream_take(EventStream *s, const char *bytes, size_t len,
                                   size_t *used, StreamEvent *event) {
  const char *end = bytes + len, *at = bytes;
  EventStreamResult result = EVENTSTREAM_MORE;
  if (s->dispatched) begin_event(s);
  if (s->bom < BOM_LEN) at = skip_bom(s, at, end);
  while (at < end && result == EVENTSTREAM_MORE) {
    bool feed = s->returned && *at == '\n';
    s->returned = false;
    at = feed ? at + 1 : take_next(s, at, end, event, &result);
  }
  *used = (size_t)(at - bytes);
  return result;
}
