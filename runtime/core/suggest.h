/* Did you mean …? The known name nearest to an unknown one, by the number of letters
 * left out, put in, changed, or swapped with a neighbour. Plain memory; any thread. */
#ifndef TIDELOCK_CORE_SUGGEST_H
#define TIDELOCK_CORE_SUGGEST_H

#include <stddef.h>

enum { SUGGEST_LONGEST = 64 };

typedef struct Suggestion {
  const char *word; /* the unknown name; borrowed */
  size_t distance;  /* of the nearest name so far */
  char name[SUGGEST_LONGEST + 1];
  char text[SUGGEST_LONGEST + 32];
} Suggestion;

/* How many such changes turn one word into the other; words are cut at SUGGEST_LONGEST.
 */
size_t suggest_distance(const char *a, const char *b);

void suggest_begin(Suggestion *s, const char *word); /* borrows word */
/* Offers a known name; copies. Of two as near the first in the alphabet counts. */
void suggest_offer(Suggestion *s, const char *name);
/* Both at once, for a list that ends with NULL: see suggest_text. */
const char *suggest_among(Suggestion *s, const char *word, const char *const *names);
/* The nearest, or NULL where none is near: a third of its letters may differ. */
const char *suggest_name(const Suggestion *s);
/* ` (did you mean "name"?)`, or "" where none is near; lives as long as s. */
const char *suggest_text(Suggestion *s);

#endif
