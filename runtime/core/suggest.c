/* See suggest.h: the optimal string alignment distance, three rows of its table at a
 * time. */
#include "core/suggest.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "core/base.h"

static size_t smaller_of(size_t a, size_t b) {
  return a < b ? a : b;
}

static char to_lower(char c) {
  return (char)tolower((unsigned char)c);
}

static size_t compared_length(const char *word) {
  return strnlen(word, SUGGEST_LONGEST);
}

/* Fills a row from the two before it; i counts letters of a from 1. */
static void fill_row(size_t *row, const size_t *last, const size_t *before, const char *a,
                     size_t i, const char *b, size_t len) {
  row[0] = i;
  for (size_t j = 1; j <= len; j++) {
    char x = to_lower(a[i - 1]), y = to_lower(b[j - 1]);
    row[j] = smaller_of(smaller_of(last[j], row[j - 1]) + 1, last[j - 1] + (x != y));
    if (i > 1 && j > 1 && x == to_lower(b[j - 2]) && y == to_lower(a[i - 2]))
      row[j] = smaller_of(row[j], before[j - 2] + 1);
  }
}

size_t suggest_distance(const char *a, const char *b) {
  size_t rows[3][SUGGEST_LONGEST + 1];
  size_t m = compared_length(a), n = compared_length(b);
  for (size_t j = 0; j <= n; j++) rows[0][j] = j;
  for (size_t i = 1; i <= m; i++)
    fill_row(rows[i % 3], rows[(i + 2) % 3], rows[(i + 1) % 3], a, i, b, n);
  return rows[m % 3][n];
}

void suggest_begin(Suggestion *s, const char *word) {
  *s = (Suggestion){.word = word, .distance = SIZE_MAX};
}

void suggest_offer(Suggestion *s, const char *name) {
  size_t distance = suggest_distance(s->word, name);
  size_t longer = compared_length(s->word) > compared_length(name)
                      ? compared_length(s->word)
                      : compared_length(name);
  if (distance * 3 > longer + 1 || distance > s->distance) return;
  if (distance == s->distance && strcmp(name, s->name) >= 0) return;
  if (strlen(name) > SUGGEST_LONGEST) return;
  s->distance = distance;
  snprintf(s->name, sizeof s->name, "%s", name);
}

const char *suggest_name(const Suggestion *s) {
  return s->name[0] ? s->name : NULL;
}

const char *suggest_text(Suggestion *s) {
  if (s->name[0]) snprintf(s->text, sizeof s->text, " (did you mean \"%s\"?)", s->name);
  return s->text;
}

const char *suggest_among(Suggestion *s, const char *word, const char *const *names) {
  suggest_begin(s, word);
  for (; *names; names++) suggest_offer(s, *names);
  return suggest_text(s);
}
