/* The two streams of permessage-deflate (RFC 7692, section 7.2).
 *
 * A message ends with an empty stored block whose last four bytes, 00 00 FF FF, are left
 * off on the wire. The writer flushes and cuts them; the reader feeds them, and then must
 * stand between two blocks, or the message was cut short. */
#include "proto/deflate.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { TAIL = 4, STEP = 1 << 30, LEAST_ROOM = 4096, WINDOW = 32768 };
enum { BETWEEN_BLOCKS = 128 }; /* of inflate's data_type */
static const char tail[TAIL + 1] = "\x00\x00\xff\xff";

struct Deflate {
  int in_bits, out_bits, level;
  bool in_forgets, out_forgets, in_ready, out_ready;
  z_stream in, out;
};

Deflate *deflate_new(const DeflateTerms *terms, bool client, int level) {
  Deflate *d = xcalloc(1, sizeof *d);
  d->out_bits = client ? terms->client_bits : terms->server_bits;
  d->in_bits = client ? terms->server_bits : terms->client_bits;
  d->out_forgets = client ? terms->client_no_takeover : terms->server_no_takeover;
  d->in_forgets = client ? terms->server_no_takeover : terms->client_no_takeover;
  d->level = level ? level : Z_DEFAULT_COMPRESSION;
  return d;
}

void deflate_free(Deflate *d) {
  if (!d) return;
  if (d->in_ready) inflateEnd(&d->in);
  if (d->out_ready) deflateEnd(&d->out);
  free(d);
}

/* --- writing ---------------------------------------------------------------------- */

bool deflate_can_write(const Deflate *d) {
  return d->out_bits >= 9;
}

/* Deflates as much as zlib's counters hold, flushed or not. */
static void write_step(z_stream *z, int flush, Buffer *out) {
  do {
    size_t room = deflateBound(z, z->avail_in) + 64;
    z->next_out = (Bytef *)buffer_reserve(out, room);
    z->avail_out = (uInt)room;
    int result = deflate(z, flush);
    CHECK(result == Z_OK || result == Z_BUF_ERROR);
    out->len += room - z->avail_out;
  } while (z->avail_out == 0);
}

void deflate_write(Deflate *d, const char *data, size_t len, Buffer *out) {
  z_stream *z = &d->out;
  if (!d->out_ready)
    CHECK(deflateInit2(z, d->level, Z_DEFLATED, -d->out_bits, 8, Z_DEFAULT_STRATEGY) ==
          Z_OK);
  d->out_ready = true;
  if (len == 0) { /* a second flush in a row would write nothing */
    buffer_putc(out, '\0');
    return;
  }
  for (size_t at = 0; at < len;) {
    size_t step = len - at < STEP ? len - at : STEP;
    z->next_in = (Bytef *)(data + at);
    z->avail_in = (uInt)step;
    at += step;
    write_step(z, at == len ? Z_SYNC_FLUSH : Z_NO_FLUSH, out);
  }
  CHECK(out->len >= TAIL && memcmp(out->data + out->len - TAIL, tail, TAIL) == 0);
  out->len -= TAIL;
  if (d->out_forgets) CHECK(deflateReset(z) == Z_OK);
}

/* --- reading ---------------------------------------------------------------------- */

/* More may follow a block that is marked as the last (7.2.3.4), and may refer to bytes
 * before it. */
static bool go_on(z_stream *z) {
  Bytef window[WINDOW];
  uInt len = 0;
  return inflateGetDictionary(z, window, &len) == Z_OK && inflateReset(z) == Z_OK &&
         inflateSetDictionary(z, window, len) == Z_OK;
}

static size_t room_for(size_t input, size_t left) {
  size_t room = input < LEAST_ROOM / 4 ? LEAST_ROOM : 4 * input;
  if (room > left)
    room = left + 1; /* one byte more than allowed shows that there is more */
  return room < STEP ? room : STEP;
}

/* Until all the input is taken. */
static DeflateResult read_step(z_stream *z, size_t limit, Buffer *out) {
  for (;;) {
    size_t room = room_for(z->avail_in, limit - out->len);
    if (!buffer_can_take(out, room)) return DEFLATE_MEMORY;
    z->next_out = (Bytef *)buffer_reserve(out, room);
    z->avail_out = (uInt)room;
    int result = inflate(z, Z_SYNC_FLUSH);
    size_t got = room - z->avail_out;
    if (got > limit - out->len) return DEFLATE_TOO_LARGE;
    out->len += got;
    if (result == Z_STREAM_END) {
      if (!go_on(z)) return DEFLATE_BROKEN;
      if (z->avail_in == 0) return DEFLATE_OK;
    } else if (result != Z_OK && result != Z_BUF_ERROR) return DEFLATE_BROKEN;
    else if (z->avail_out > 0) return DEFLATE_OK;
  }
}

static DeflateResult read_all(z_stream *z, const char *data, size_t len, size_t limit,
                              Buffer *out) {
  DeflateResult result = DEFLATE_OK;
  for (size_t at = 0; at < len && result == DEFLATE_OK;) {
    size_t step = len - at < STEP ? len - at : STEP;
    z->next_in = (Bytef *)(data + at);
    z->avail_in = (uInt)step;
    at += step;
    result = read_step(z, limit, out);
  }
  return result;
}

DeflateResult deflate_read(Deflate *d, const char *data, size_t len, bool last,
                           size_t limit, Buffer *out) {
  z_stream *z = &d->in;
  if (!d->in_ready) CHECK(inflateInit2(z, -(d->in_bits < 9 ? 9 : d->in_bits)) == Z_OK);
  d->in_ready = true;
  DeflateResult result = read_all(z, data, len, limit, out);
  if (result != DEFLATE_OK || !last) return result;
  result = read_all(z, tail, TAIL, limit, out);
  if (result == DEFLATE_OK && !(z->data_type & BETWEEN_BLOCKS)) return DEFLATE_BROKEN;
  if (result == DEFLATE_OK && d->in_forgets) CHECK(inflateReset(z) == Z_OK);
  return result;
}
