/* See clean.h. The ranges of a character's second byte are those of RFC 3629, section 4,
 * but that U+0080 to U+009F are left out. */
#include "core/clean.h"

static bool begin_character(Cleaner *c, unsigned char byte) {
  *c = (Cleaner){.low = 0x80, .high = 0xBF};
  if (byte >= 0xC2 && byte <= 0xDF) c->left = 1;
  else if (byte >= 0xE0 && byte <= 0xEF) c->left = 2;
  else if (byte >= 0xF0 && byte <= 0xF4) c->left = 3;
  if (byte == 0xC2 || byte == 0xE0) c->low = 0xA0;
  else if (byte == 0xED) c->high = 0x9F;
  else if (byte == 0xF0) c->low = 0x90;
  else if (byte == 0xF4) c->high = 0x8F;
  return c->left > 0;
}

static bool go_on(Cleaner *c, unsigned char byte) {
  bool fits = byte >= c->low && byte <= c->high;
  c->left = fits ? c->left - 1 : 0;
  c->low = 0x80;
  c->high = 0xBF;
  return fits;
}

static bool is_plain(unsigned char byte) {
  return (byte >= 0x20 && byte < 0x7F) || byte == '\n' || byte == '\t';
}

/* Whether the byte is written unchanged. */
static bool is_clean(Cleaner *c, unsigned char byte) {
  if (byte < 0x80) {
    c->left = 0;
    return is_plain(byte);
  }
  if (c->left && byte < 0xC0) return go_on(c, byte);
  return begin_character(c, byte);
}

void clean_text(Cleaner *c, const char *text, size_t len, Buffer *out) {
  buffer_reserve(out, len + 1);
  for (size_t i = 0; i < len; i++) {
    unsigned char byte = (unsigned char)text[i];
    if (c->returned) buffer_putc(out, byte == '\n' ? '\r' : '?');
    c->returned = byte == '\r';
    if (c->returned) c->left = 0;
    else buffer_putc(out, is_clean(c, byte) ? (char)byte : '?');
  }
}
