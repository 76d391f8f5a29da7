/* JSON text in (RFC 8259, strict), into the tree of jsontree.h; text out is jsonput.h.
 * Any thread, one arena a thread.
 *
 * \u0000 is kept, a lone surrogate becomes U+FFFD; invalid UTF-8, raw control characters,
 * numbers like 01 or 1., and text after the value are errors. */
#ifndef TIDELOCK_CORE_JSON_H
#define TIDELOCK_CORE_JSON_H

#include "core/error.h"
#include "core/jsonput.h"
#include "core/jsontree.h"

/* Returns the root, borrowed from the arena and valid until the next json_parse with it,
 * or NULL with *err filled (DECODE, with the byte offset and an excerpt). The tree is to
 * be read only: its items have no `prev`. */
const cJSON *json_parse(JsonArena *arena, const char *text, size_t len, Error *err);

/* The same, for what we wrote ourselves: integers beyond 2^53 are kept as JSON_INT64. */
const cJSON *json_parse_exact(JsonArena *arena, const char *text, size_t len, Error *err);

#endif
