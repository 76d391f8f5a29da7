/* JSON text out: our own printer, exact for integers to 2^63 and shortest round-trip for
 * doubles. Any thread. */
#ifndef TIDELOCK_CORE_JSONPUT_H
#define TIDELOCK_CORE_JSONPUT_H

#include "core/buffer.h"
#include "core/error.h"

/* Appends to out. A string that is not UTF-8 returns ERR_DECODE and leaves out as it was;
 * a number that is not finite likewise. */
int json_put_string(Buffer *out, const char *text, size_t len);
int json_put_number(Buffer *out, double value);
void json_put_integer(Buffer *out, int64_t value);

/* Indents the compact JSON text that `out` holds from `from` on: two spaces a level.
 * After TOO_LARGE (more than `most` bytes) and MEMORY `out` ends at `from`. */
int json_lay_out(Buffer *out, size_t from, size_t most);

#endif
