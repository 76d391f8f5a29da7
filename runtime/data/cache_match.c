/* See cache_match.h. What stands between two stars is taken at its first place: a later
 * one leaves less for what follows. memmem finds it in linear time. */
#include "data/cache_match.h"

#include <string.h>

size_t cache_match_literal(const char *pattern, size_t len) {
  const char *star = len ? memchr(pattern, '*', len) : NULL;
  return star ? (size_t)(star - pattern) : len;
}

static bool ends_with(const char *text, size_t len, const char *end, size_t end_len) {
  return end_len <= len && memcmp(text + len - end_len, end, end_len) == 0;
}

/* The pattern from a star on. */
static bool match_rest(const char *pattern, size_t len, const char *text,
                       size_t text_len) {
  while (len && *pattern == '*') {
    size_t part = cache_match_literal(pattern + 1, len - 1);
    if (part == len - 1) return ends_with(text, text_len, pattern + 1, part);
    const char *at = part ? memmem(text, text_len, pattern + 1, part) : text;
    if (!at) return false;
    text_len -= (size_t)(at - text) + part;
    text = at + part;
    pattern += part + 1, len -= part + 1;
  }
  return text_len == 0;
}

bool cache_match(const char *pattern, size_t len, const char *text, size_t text_len) {
  size_t literal = cache_match_literal(pattern, len);
  if (literal > text_len || memcmp(pattern, text, literal) != 0) return false;
  return match_rest(pattern + literal, len - literal, text + literal, text_len - literal);
}
