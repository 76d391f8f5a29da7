/* permessage-deflate's parameters: what is offered and what may be answered (RFC 7692,
 * section 7.1). An answer that does not match the offer exactly ends the
 * connection, as the RFC demands: the two ends would decode differently. */
#include <string.h>

#include "proto/deflate_offer.h"

enum { MOST_BITS = 15, LEAST_BITS = 8 };

static void put_bits(Buffer *out, const char *name, int bits) {
  buffer_printf(out, "; %s", name);
  if (bits) buffer_printf(out, "=%d", bits);
}

void deflate_put_offer(Buffer *out, const DeflateOptions *o) {
  buffer_puts(out, "permessage-deflate");
  if (o->server_no_takeover) buffer_puts(out, "; server_no_context_takeover");
  if (o->client_no_takeover) buffer_puts(out, "; client_no_context_takeover");
  if (o->server_bits) put_bits(out, "server_max_window_bits", o->server_bits);
  put_bits(out, "client_max_window_bits", o->client_bits);
}

/* --- the answer ------------------------------------------------------------------- */

typedef struct Answer {
  const char *at, *end;
  const DeflateOptions *offered;
  DeflateTerms *terms;
  bool server_takeover, client_takeover, server_bits,
      client_bits; /* the answer names it */
} Answer;

typedef struct Word {
  const char *at;
  size_t len;
} Word;

static void skip_space(Answer *a) {
  while (a->at < a->end && (*a->at == ' ' || *a->at == '\t')) a->at++;
}

static bool take_char(Answer *a, char c) {
  skip_space(a);
  if (a->at == a->end || *a->at != c) return false;
  a->at++;
  return true;
}

static bool in_word(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         (c && strchr("!#$%&'*+-.^_`|~", c));
}

static Word take_word(Answer *a) {
  skip_space(a);
  Word word = {a->at, 0};
  while (a->at < a->end && in_word(*a->at)) a->at++;
  word.len = (size_t)(a->at - word.at);
  return word;
}

static bool is_word(Word word, const char *text) {
  return word.len == strlen(text) && memcmp(word.at, text, word.len) == 0;
}

/* "=8" to "=15", quoted or not; 0: anything else. */
static int take_bits(Answer *a) {
  if (!take_char(a, '=')) return 0;
  bool quoted = take_char(a, '"');
  Word word = take_word(a);
  if (quoted && (a->at == a->end || *a->at++ != '"')) return 0;
  if (word.len == 1 && (word.at[0] == '8' || word.at[0] == '9')) return word.at[0] - '0';
  if (word.len == 2 && word.at[0] == '1' && word.at[1] >= '0' && word.at[1] <= '5')
    return 10 + word.at[1] - '0';
  return 0;
}

static bool is_first(bool *seen) {
  bool first = !*seen;
  *seen = true;
  return first;
}

/* A window may be smaller than the one offered, never larger. */
static bool take_window(Answer *a, bool *seen, int asked, int *bits) {
  *bits = take_bits(a);
  return is_first(seen) && *bits >= LEAST_BITS && (!asked || *bits <= asked);
}

static bool take_parameter(Answer *a) {
  DeflateTerms *t = a->terms;
  Word name = take_word(a);
  if (is_word(name, "server_no_context_takeover"))
    return t->server_no_takeover = true, is_first(&a->server_takeover);
  if (is_word(name, "client_no_context_takeover"))
    return t->client_no_takeover = true, is_first(&a->client_takeover);
  if (is_word(name, "server_max_window_bits"))
    return take_window(a, &a->server_bits, a->offered->server_bits, &t->server_bits);
  if (is_word(name, "client_max_window_bits"))
    return take_window(a, &a->client_bits, a->offered->client_bits, &t->client_bits);
  return false;
}

/* Whether the answer lacks a promise that the offer asks of the server. */
static bool is_withheld(const Answer *a) {
  return (a->offered->server_no_takeover && !a->server_takeover) ||
         (a->offered->server_bits && !a->server_bits);
}

int deflate_judge(const DeflateOptions *offered, const char *value, size_t len,
                  DeflateTerms *terms, const char **wrong) {
  *terms = (DeflateTerms){.client_bits = MOST_BITS, .server_bits = MOST_BITS};
  if (!value) return 0;
  Answer a = {value, value + len, offered, terms, false, false, false, false};
  *wrong = "names an extension that was not asked for";
  if (!offered || !offered->enabled || !is_word(take_word(&a), "permessage-deflate"))
    return -1;
  *wrong = "names a parameter of permessage-deflate that may not be there";
  while (take_char(&a, ';'))
    if (!take_parameter(&a)) return -1;
  *wrong = "names permessage-deflate and more than that";
  skip_space(&a);
  if (a.at != a.end) return -1;
  *wrong = "does not grant what was asked of permessage-deflate";
  if (is_withheld(&a)) return -1;
  /* The offer binds the client, whether or not the answer repeats it. */
  if (offered->client_no_takeover) terms->client_no_takeover = true;
  if (offered->client_bits && offered->client_bits < terms->client_bits)
    terms->client_bits = offered->client_bits;
  terms->agreed = true;
  return 0;
}
