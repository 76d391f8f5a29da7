/* JSON text in (RFC 8259, strict, into the tree of jsontree.h) and out (our own
 * printer, exact for integers to 2^63 and shortest round-trip for doubles). Any thread,
 * one arena a thread.
 *
 * \u0000 is kept, a lone surrogate becomes U+FFFD; invalid UTF-8, raw control characters,
 * numbers like 01 or 1., and text after the value are errors. */
#ifndef TIDELOCK_CORE_JSON_H
#define TIDELOCK_CORE_JSON_H

#include "core/buffer.h"
#include "core/error.h"
#include "core/jsontree.h"

/* Returns the root, borrowed from the arena and valid until the next json_parse with it,
 * or NULL with *err filled (DECODE, with the byte offset and an excerpt). The tree is to
 * be read only: its items have no `prev`. */
const cJSON *json_parse(JsonArena *arena, const char *text, size_t len, Error *err);

/* The same, for what we wrote ourselves: integers beyond 2^53 are kept as JSON_INT64. */
const cJSON *json_parse_exact(JsonArena *arena, const char *text, size_t len, Error *err);

/* Appends to out. A string that is not UTF-8 returns ERR_DECODE and leaves out as it was;
 * a number that is not finite likewise. */
int json_put_string(Buffer *out, const char *text, size_t len);
int json_put_number(Buffer *out, double value);
void json_put_integer(Buffer *out, int64_t value);

/* Indents the compact JSON text that `out` holds from `from` on: two spaces a level.
 * After TOO_LARGE (more than `most` bytes) and MEMORY `out` ends at `from`. */
int json_lay_out(Buffer *out, size_t from, size_t most);

#endif
