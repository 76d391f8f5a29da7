/* Event streams: cut in two at any byte they give the same events, which are UTF-8 and
 * within the limit. The first byte says where the stream is cut. */
#include <stdlib.h>
#include <string.h>

#include "core/utf8.h"
#include "proto/eventstream.h"

enum { LIMIT = 300 };

static void check_event(const StreamEvent *e) {
  CHECK(utf8_valid(e->type, e->type_len) && utf8_valid(e->data, e->data_len));
  CHECK(e->type_len > 0 && e->data_len + e->id_len <= 3 * LIMIT);
  CHECK(!memchr(e->id, '\n', e->id_len) && !memchr(e->id, '\0', e->id_len));
}

static void keep_event(const StreamEvent *e, Buffer *out) {
  buffer_printf(out, "%zu %zu %zu ", e->type_len, e->data_len, e->id_len);
  buffer_put(out, e->type, e->type_len);
  buffer_put(out, e->data, e->data_len);
  buffer_put(out, e->id, e->id_len);
}

/* Returns false when the stream has to end. */
static bool feed(EventStream *s, const uint8_t *bytes, size_t len, Buffer *out) {
  char *exact = xmalloc(len ? len : 1);
  if (len) memcpy(exact, bytes, len);
  EventStreamResult result = EVENTSTREAM_EVENT;
  StreamEvent e;
  for (size_t at = 0, used; result == EVENTSTREAM_EVENT; at += used) {
    result = eventstream_take(s, exact + at, len - at, &used, &e);
    CHECK(used <= len - at);
    CHECK(result != EVENTSTREAM_MORE || at + used == len);
    if (result == EVENTSTREAM_EVENT) check_event(&e), keep_event(&e, out);
  }
  free(exact);
  CHECK(eventstream_held(s) < 10000);
  return result == EVENTSTREAM_MORE;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 1) return 0;
  size_t len = size - 1, cut = len * data[0] / 256;
  Buffer whole = {0}, pieces = {0};
  EventStream *one = eventstream_new(LIMIT), *two = eventstream_new(LIMIT);
  bool good = feed(one, data + 1, len, &whole);
  bool same =
      feed(two, data + 1, cut, &pieces) && feed(two, data + 1 + cut, len - cut, &pieces);
  CHECK(good == same && whole.len == pieces.len);
  CHECK(whole.len == 0 || memcmp(whole.data, pieces.data, whole.len) == 0);
  CHECK(eventstream_retry(one) == eventstream_retry(two) || !good);
  buffer_free(&whole);
  buffer_free(&pieces);
  eventstream_free(one);
  eventstream_free(two);
  return 0;
}
