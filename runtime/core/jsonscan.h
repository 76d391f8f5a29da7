/* The pass over JSON text before cJSON sees it: what cJSON accepts wrongly is refused
 * here (numbers like 01, raw control characters, invalid UTF-8, broken \u escapes, too
 * deep nesting), and what it would lose is carried around it. Structure (commas, colons,
 * brackets that match) is left to cJSON. */
#ifndef TIDELOCK_CORE_JSONSCAN_H
#define TIDELOCK_CORE_JSONSCAN_H

#include "core/buffer.h"

/* A \u0000 becomes JSON_NUL_WIDTH bytes JSON_NUL, which no valid UTF-8 holds. */
enum { JSON_NUL = 0xFF, JSON_NUL_WIDTH = 6 };

typedef struct JsonScan {
  const char *text; /* borrowed */
  size_t len;
  Buffer *copy;     /* borrowed: empty, or the text with every rewriting, same length */
  bool nuls;        /* a \u0000 was rewritten */
  int open;         /* brackets that were opened and not closed, at the end */
  const char *what; /* when it failed: static text */
  size_t at;        /* and the byte where */
} JsonScan;

bool json_scan(JsonScan *s); /* false: see what and at */

/* The length of the run of bytes at `text` that need no look within a JSON string: no
 * control character, quote or backslash. *high is set if one is not ASCII. */
size_t json_plain_run(const char *text, size_t len, bool *high);

#endif
