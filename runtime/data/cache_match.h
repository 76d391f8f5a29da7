/* Patterns over strings: `*` stands for any bytes, also none; all else for itself. */
#ifndef TIDELOCK_DATA_CACHE_MATCH_H
#define TIDELOCK_DATA_CACHE_MATCH_H

#include <stdbool.h>
#include <stddef.h>

/* The bytes before the first `*`; all of them where there is none. */
size_t cache_match_literal(const char *pattern, size_t len);
/* Whether all of the text matches. Costs as many steps as both have bytes, about. */
bool cache_match(const char *pattern, size_t len, const char *text, size_t text_len);

#endif
