/* Codings: see coding.h. Several form a chain that begins with the one applied last; each
 * passes on what it decoded.
 *
 * gzip is a row of members (RFC 1952, 2.2); zeros behind the last are padding. "deflate"
 * is zlib's format, or by an old misunderstanding the bare deflate within it: the first
 * two bytes show which. */
#include "proto/coding.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <zlib.h>

enum { MOST_CODINGS = 5, STEP = 1 << 20, ROOM = 16 * 1024 };

typedef enum Kind { GZIP, DEFLATE } Kind;
typedef enum Phase {
  UNTOUCHED, /* nothing came; an empty body is fine */
  BEGINNING, /* of deflate: `first` is its first byte */
  INSIDE,
  BEHIND, /* a stream has ended: zeros may follow, or another member */
  PADDING /* zeros came */
} Phase;

struct Coding {
  Kind kind;
  Phase phase;
  unsigned char first;
  bool ready; /* z is */
  z_stream z;
  Coding *next; /* owned: takes what this one decoded; NULL: it is the last */
  Buffer middle;
  size_t handed; /* to next, in all */
};

/* --- which ------------------------------------------------------------------------ */

static bool is_word(const char *text, size_t len, const char *word) {
  return len == strlen(word) && strncasecmp(text, word, len) == 0;
}

static bool is_blank(char c) {
  return c == ' ' || c == '\t';
}

/* Puts a coding at the front of the chain. False: it is unknown. */
static bool add_coding(Coding **chain, const char *word, size_t len) {
  while (len && is_blank(*word)) word++, len--;
  while (len && is_blank(word[len - 1])) len--;
  if (len == 0 || is_word(word, len, "identity")) return true;
  bool gzip = is_word(word, len, "gzip") || is_word(word, len, "x-gzip");
  if (!gzip && !is_word(word, len, "deflate")) return false;
  Coding *c = xcalloc(1, sizeof *c);
  c->kind = gzip ? GZIP : DEFLATE;
  c->next = *chain;
  *chain = c;
  return true;
}

Coding *coding_new(const char *value, size_t len) {
  Coding *chain = NULL;
  bool known = true;
  for (int n = 0; known && len; n++) {
    const char *comma = memchr(value, ',', len);
    size_t word = comma ? (size_t)(comma - value) : len;
    known = n < MOST_CODINGS && add_coding(&chain, value, word);
    value += word + (comma != NULL);
    len -= word + (comma != NULL);
  }
  if (known) return chain;
  coding_free(chain);
  return NULL;
}

void coding_free(Coding *c) {
  while (c) {
    Coding *next = c->next;
    if (c->ready) inflateEnd(&c->z);
    buffer_free(&c->middle);
    free(c);
    c = next;
  }
}

/* --- decoding --------------------------------------------------------------------- */

static int begin_stream(Coding *c, int bits) {
  int result = c->ready ? inflateReset2(&c->z, bits) : inflateInit2(&c->z, bits);
  CHECK(result == Z_OK);
  c->ready = true;
  c->phase = INSIDE;
  return 0;
}

/* Feeds the bytes that decided the kind of the stream. */
static int begin_deflate(Coding *c, unsigned char second) {
  bool zlib = (c->first & 0x0f) == Z_DEFLATED && (c->first * 256 + second) % 31 == 0;
  unsigned char none;
  begin_stream(c, zlib ? 15 : -15);
  c->z.next_in = &c->first;
  c->z.avail_in = 1;
  c->z.next_out = &none;
  c->z.avail_out = 0;
  int result = inflate(&c->z, Z_NO_FLUSH);
  return result == Z_OK || result == Z_BUF_ERROR ? 0 : ERR_DECODE;
}

/* Inflates into `out`, or, where that is full, into a byte which shows that there is
 * more. */
static int inflate_some(z_stream *z, size_t limit, Buffer *out, int *result) {
  size_t room = limit - out->len < ROOM ? limit - out->len : ROOM;
  unsigned char spare;
  if (room && !buffer_can_take(out, room)) return ERR_MEMORY;
  z->next_out = room ? (Bytef *)buffer_reserve(out, room) : &spare;
  z->avail_out = room ? (uInt)room : 1;
  *result = inflate(z, Z_NO_FLUSH);
  if (!room) return z->avail_out ? 0 : ERR_TOO_LARGE;
  out->len += room - z->avail_out;
  return 0;
}

/* Runs until the input is used up, or the stream is whole. */
static int inflate_all(Coding *c, size_t limit, Buffer *out) {
  for (;;) {
    int result, code = inflate_some(&c->z, limit, out, &result);
    if (code) return code;
    if (result == Z_STREAM_END) {
      c->phase = BEHIND;
      return 0;
    }
    if (result != Z_OK && result != Z_BUF_ERROR) return ERR_DECODE;
    if (c->z.avail_in == 0 && c->z.avail_out > 0) return 0;
    if (result == Z_BUF_ERROR && c->z.avail_out > 0) return 0;
  }
}

/* Takes a byte that stands between streams. */
static int take_between(Coding *c, unsigned char byte, bool *taken) {
  *taken = true;
  if (c->kind == DEFLATE && c->phase == UNTOUCHED) {
    c->first = byte;
    c->phase = BEGINNING;
    return 0;
  }
  if (c->phase == UNTOUCHED || (c->phase == BEHIND && c->kind == GZIP && byte == 0x1f)) {
    *taken = false;
    return begin_stream(c, 15 + 16);
  }
  if (byte != 0) return ERR_DECODE;
  c->phase = PADDING;
  return 0;
}

static int take_step(Coding *c, const char *data, size_t len, size_t limit, Buffer *out) {
  size_t at = 0;
  int code = 0;
  while (!code && at < len) {
    bool taken = false;
    if (c->phase == BEGINNING) {
      code = begin_deflate(c, (unsigned char)data[at]);
    } else if (c->phase == INSIDE) {
      c->z.next_in = (Bytef *)data + at;
      c->z.avail_in = (uInt)(len - at);
      code = inflate_all(c, limit, out);
      at = len - c->z.avail_in;
    } else {
      code = take_between(c, (unsigned char)data[at], &taken);
      at += taken;
    }
  }
  return code;
}

static int take_one(Coding *c, const char *data, size_t len, size_t limit, Buffer *out) {
  int code = 0;
  for (size_t at = 0; !code && at < len; at += STEP)
    code = take_step(c, data + at, len - at < STEP ? len - at : STEP, limit, out);
  return code;
}

/* The bytes between two codings may exceed the limit of the result by little: otherwise a
 * body that decodes to nothing could be decoded for ever. */
static size_t most_handed(size_t limit) {
  size_t more = limit / 8 + ROOM;
  return limit < SIZE_MAX - more ? limit + more : SIZE_MAX;
}

int coding_take(Coding *c, const char *data, size_t len, size_t limit, Buffer *out) {
  if (!c->next) return take_one(c, data, len, limit, out);
  buffer_clear(&c->middle);
  int code = take_one(c, data, len, most_handed(limit) - c->handed, &c->middle);
  if (code) return code;
  c->handed += c->middle.len;
  return coding_take(c->next, c->middle.data, c->middle.len, limit, out);
}

int coding_end(const Coding *c) {
  for (; c; c = c->next)
    if (c->phase == BEGINNING || c->phase == INSIDE) return ERR_DECODE;
  return 0;
}
