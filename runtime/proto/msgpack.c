/* The reader of msgpack. Each value takes a byte of input at least and the tree comes
 * from the arena, which has a limit: counts and lengths beyond the input are refused
 * before any memory is taken for them. */
#include "proto/msgpack.h"

#include <math.h>
#include <stdio.h>
#include <time.h>

#include "core/jsonscan.h"
#include "core/utf8.h"

typedef struct Reader {
  JsonArena *arena;
  const uint8_t *start, *at, *end;
  int levels;       /* how many more may be opened */
  const char *what; /* when it failed; NULL: the arena is full */
} Reader;

enum { EXT_JS = 0, EXT_TIMESTAMP = -1 };

static bool fail_read(Reader *r, const char *what) {
  r->what = what;
  return false;
}

static bool fail_memory(Reader *r) {
  return fail_read(r, NULL);
}

static size_t bytes_left(const Reader *r) {
  return (size_t)(r->end - r->at);
}

/* The next `bytes` of the input as a number, high byte first. */
static bool take_uint(Reader *r, int bytes, uint64_t *value) {
  if (bytes_left(r) < (size_t)bytes) return fail_read(r, "the data ends too early");
  *value = 0;
  while (bytes-- > 0) *value = *value << 8 | *r->at++;
  return true;
}

static bool take_bytes(Reader *r, uint64_t len, const char **bytes) {
  if (bytes_left(r) < len) return fail_read(r, "the data ends too early");
  *bytes = (const char *)r->at;
  r->at += len;
  return true;
}

/* --- scalars ---------------------------------------------------------------------- */

#define EXACT ((int64_t)1 << 53)

static bool set_integer(cJSON *item, int64_t value) {
  item->type = cJSON_Number;
  item->valuedouble = (double)value;
  if (value > EXACT || value < -EXACT) json_set_int64(item, value);
  return true;
}

static bool read_unsigned(Reader *r, cJSON *item, int bytes) {
  uint64_t value;
  if (!take_uint(r, bytes, &value)) return false;
  if (value <= INT64_MAX) return set_integer(item, (int64_t)value);
  item->type = cJSON_Number;
  item->valuedouble = (double)value;
  return true;
}

static bool read_signed(Reader *r, cJSON *item, int bytes) {
  uint64_t value;
  if (!take_uint(r, bytes, &value)) return false;
  int unused = 64 - 8 * bytes;
  return set_integer(item, (int64_t)(value << unused) >> unused);
}

static bool read_float(Reader *r, cJSON *item, int bytes) {
  uint64_t bits;
  if (!take_uint(r, bytes, &bits)) return false;
  uint32_t few = (uint32_t)bits;
  float single;
  item->type = cJSON_Number;
  memcpy(&single, &few, sizeof single);
  if (bytes == 4) item->valuedouble = (double)single;
  else memcpy(&item->valuedouble, &bits, sizeof bits);
  return true;
}

static bool put_text(Reader *r, cJSON *item, int type, const char *bytes, size_t len) {
  item->type = type;
  item->valuestring = json_new_text(r->arena, bytes, len);
  return item->valuestring || fail_memory(r);
}

static bool read_binary(Reader *r, cJSON *item, uint64_t len) {
  const char *bytes;
  return take_bytes(r, len, &bytes) && put_text(r, item, JSON_BYTES, bytes, len);
}

static bool take_string(Reader *r, uint64_t len, char **text) {
  const char *bytes;
  if (!take_bytes(r, len, &bytes)) return false;
  if (!utf8_valid(bytes, len)) return fail_read(r, "a string that is not UTF-8");
  *text = json_new_text(r->arena, bytes, len);
  return *text || fail_memory(r);
}

static bool read_string(Reader *r, cJSON *item, uint64_t len) {
  item->type = cJSON_String;
  return take_string(r, len, &item->valuestring);
}

/* --- ext types -------------------------------------------------------------------- */

/* As JavaScript writes a date; one beyond its range is refused. */
static bool read_date(Reader *r, cJSON *item, int64_t seconds, int ms) {
  char text[64];
  struct tm tm;
  time_t when = (time_t)seconds;
  if (seconds < -8640000000000 || seconds > 8640000000000 || !gmtime_r(&when, &tm))
    return fail_read(r, "a date beyond what a date can be");
  int year = tm.tm_year + 1900;
  const char *format = year < 0 || year > 9999 ? "%+07d-%02d-%02dT%02d:%02d:%02d.%03dZ"
                                               : "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ";
  int len = snprintf(text, sizeof text, format, year, tm.tm_mon + 1, tm.tm_mday,
                     tm.tm_hour, tm.tm_min, tm.tm_sec, ms);
  return put_text(r, item, cJSON_String, text, (size_t)len);
}

/* Milliseconds, as notepack.io counts. */
static bool js_date(Reader *r, cJSON *item) {
  uint64_t value;
  if (!take_uint(r, 8, &value)) return false;
  int64_t ms = (int64_t)value, seconds = ms / 1000, rest = ms % 1000;
  if (rest < 0) seconds--, rest += 1000;
  return read_date(r, item, seconds, (int)rest);
}

/* The three forms of the specification's timestamp. */
static bool read_timestamp(Reader *r, cJSON *item, uint64_t len) {
  uint64_t nanoseconds = 0, seconds = 0;
  if (len != 4 && len != 8 && len != 12)
    return fail_read(r, "a timestamp of a wrong length");
  if (len == 12 && !take_uint(r, 4, &nanoseconds)) return false;
  if (!take_uint(r, len == 4 ? 4 : 8, &seconds)) return false;
  if (len == 8) nanoseconds = seconds >> 34, seconds &= ((uint64_t)1 << 34) - 1;
  if (nanoseconds >= 1000000000)
    return fail_read(r, "a timestamp of too many nanoseconds");
  return read_date(r, item, (int64_t)seconds, (int)(nanoseconds / 1000000));
}

/* `fixed`: the forms whose type gives the length. */
static bool read_ext(Reader *r, cJSON *item, uint64_t len, bool fixed) {
  uint64_t type;
  if (!take_uint(r, 1, &type)) return false;
  if ((int8_t)type == EXT_TIMESTAMP) return read_timestamp(r, item, len);
  if ((int8_t)type != EXT_JS) return fail_read(r, "an ext type that is not known");
  if (!fixed) return read_binary(r, item, len);
  if (len == 8) return js_date(r, item);
  item->type = cJSON_NULL;
  if (len == 1) return take_uint(r, 1, &type);
  return fail_read(r, "an ext type that is not known");
}

/* --- containers ------------------------------------------------------------------- */

static bool read_value(Reader *r, cJSON *item);

static bool read_key(Reader *r, cJSON *item) {
  uint64_t head, len;
  if (!take_uint(r, 1, &head)) return false;
  if ((head & 0xE0) == 0xA0) len = head & 0x1F;
  else if (head < 0xD9 || head > 0xDB) return fail_read(r, "a key that is no string");
  else if (!take_uint(r, 1 << (head - 0xD9), &len)) return false;
  return take_string(r, len, &item->string);
}

/* Each item takes a byte at least, each pair two. */
static bool read_items(Reader *r, cJSON *parent, uint64_t count, bool map) {
  cJSON **link = &parent->child;
  parent->type = map ? cJSON_Object : cJSON_Array;
  if (count > bytes_left(r) / (map ? 2 : 1))
    return fail_read(r, "the data ends too early");
  if (count > INT32_MAX) return fail_memory(r);
  if (r->levels == 0) return fail_read(r, "nested too deeply");
  r->levels--;
  parent->valueint = (int)count;
  for (; count > 0; count--) {
    cJSON *item = json_new_item(r->arena);
    if (!item) return fail_memory(r);
    *link = item;
    link = &item->next;
    if (map && !read_key(r, item)) return false;
    if (!read_value(r, item)) return false;
  }
  r->levels++;
  return true;
}

/* --- values ----------------------------------------------------------------------- */

static bool read_fixed(Reader *r, cJSON *item, uint8_t head) {
  if (head < 0x80) return set_integer(item, head);
  if (head < 0x90) return read_items(r, item, head & 0x0F, true);
  if (head < 0xA0) return read_items(r, item, head & 0x0F, false);
  if (head < 0xC0) return read_string(r, item, head & 0x1F);
  return set_integer(item, (int8_t)head);
}

/* The forms with a length of 1, 2 or 4 bytes behind the head. */
static bool read_sized(Reader *r, cJSON *item, uint8_t head) {
  uint8_t first = head >= 0xDE   ? 0xDE - 1
                  : head >= 0xDC ? 0xDC - 1
                  : head >= 0xD9 ? 0xD9
                  : head >= 0xC7 ? 0xC7
                                 : 0xC4;
  uint64_t len;
  if (!take_uint(r, 1 << (head - first), &len)) return false;
  if (first == 0xC4) return read_binary(r, item, len);
  if (first == 0xC7) return read_ext(r, item, len, false);
  if (first == 0xD9) return read_string(r, item, len);
  return read_items(r, item, len, head >= 0xDE);
}

static bool read_value(Reader *r, cJSON *item) {
  uint64_t byte;
  if (!take_uint(r, 1, &byte)) return false;
  uint8_t head = (uint8_t)byte;
  switch (head) {
  case 0xC0:
    item->type = cJSON_NULL;
    return true;
  case 0xC1:
    return fail_read(r, "a byte that starts no value");
  case 0xC2:
  case 0xC3:
    item->type = head == 0xC3 ? cJSON_True : cJSON_False;
    return true;
  case 0xCA:
  case 0xCB:
    return read_float(r, item, head == 0xCA ? 4 : 8);
  case 0xCC ... 0xCF:
    return read_unsigned(r, item, 1 << (head - 0xCC));
  case 0xD0 ... 0xD3:
    return read_signed(r, item, 1 << (head - 0xD0));
  case 0xD4 ... 0xD8:
    return read_ext(r, item, 1u << (head - 0xD4), true);
  case 0xC4 ... 0xC9:
  case 0xD9 ... 0xDF:
    return read_sized(r, item, head);
  default:
    return read_fixed(r, item, head);
  }
}

static const cJSON *set_error(const Reader *r, Error *err) {
  if (r->what)
    error_set(err, ERR_DECODE, "not msgpack at byte %zu: %s", (size_t)(r->at - r->start),
              r->what);
  else if (r->arena->out_of_memory)
    error_set(err, ERR_MEMORY, "no memory for msgpack of %zu bytes",
              (size_t)(r->end - r->start));
  else error_set(err, ERR_TOO_LARGE, "msgpack that takes too much memory");
  return NULL;
}

const cJSON *msgpack_parse(JsonArena *arena, const char *bytes, size_t len, Error *err) {
  const uint8_t *start = (const uint8_t *)bytes;
  Reader r = {arena, start, start, start + len, JSON_MAX_DEPTH, NULL};
  json_arena_reset(arena);
  cJSON *root = json_new_item(arena);
  if (!root || !read_value(&r, root)) return set_error(&r, err);
  if (r.at == r.end) return root;
  fail_read(&r, "bytes behind the value");
  return set_error(&r, err);
}
