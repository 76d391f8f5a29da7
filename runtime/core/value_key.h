/* Canonical keys: a value as bytes, so that equal values have equal bytes. The order of
 * an object's keys does not count, 1 is 1.0, an empty object is the empty list; null in
 * an object means absent.
 *
 * The bytes of a list begin with those of each list that is its beginning: {"a", 1, true}
 * with {"a", 1} and with {"a"}. Those of a string are KEY_STRING, then the string.
 *
 *   list    L item...         within another value: [ item... ]
 *   string  S bytes           within another value: s length bytes
 *   object  { (length bytes item)... }, by key
 *   others  n f t, i and the integer, d and the double; numbers in 8 bytes
 *
 * They are kept on disk: another encoding needs another version of the database. */
#ifndef TIDELOCK_CORE_VALUE_KEY_H
#define TIDELOCK_CORE_VALUE_KEY_H

#include "core/value.h"

enum { KEY_MOST = 64 << 10 }; /* bytes of a key */
#define KEY_LIST 'L'
#define KEY_STRING 'S'

/* Appends the value as a key. INVALID: null, or NaN, with the path to it; TOO_LARGE. What
 * was appended then is to be cut off. */
int value_key_put(Buffer *out, Value v, Error *err);
/* Returns new: the value of a key; absent where the bytes are none, or memory is full. */
Value value_key_read(ValueAccount *account, const char *bytes, size_t len);

/* --- parts of it, for those who have the values in another form --------------------- */

enum { KEY_NUMBER = 9, KEY_LENGTH = 5 }; /* the most bytes of a number, of `s length` */

/* Write at p, and return the end. Not for NaN. */
char *key_put_number(char *p, Value number);
char *key_put_length(char *p, uint32_t len); /* of a string in another value */
static inline char *key_put_bool(char *p, bool b) {
  *p = b ? 't' : 'f';
  return p + 1;
}

#endif
