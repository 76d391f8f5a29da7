/* The writer of msgpack: each value in the shortest form that the reader of notepack.io
 * understands. */
#include "core/utf8.h"
#include "proto/msgpack_put.h"

static void put_uint(Buffer *out, int head, uint64_t value, int bytes) {
  char text[9] = {(char)head};
  for (int i = 0; i < bytes; i++) text[1 + i] = (char)(value >> 8 * (bytes - 1 - i));
  buffer_put(out, text, 1 + (size_t)bytes);
}

static void put_nil(Buffer *out) {
  buffer_putc(out, (char)0xC0);
}

static void put_bool(Buffer *out, bool value) {
  buffer_putc(out, (char)(value ? 0xC3 : 0xC2));
}

static void put_negative(Buffer *out, int64_t value) {
  if (value >= -32) buffer_putc(out, (char)value);
  else if (value >= INT8_MIN) put_uint(out, 0xD0, (uint64_t)value, 1);
  else if (value >= INT16_MIN) put_uint(out, 0xD1, (uint64_t)value, 2);
  else if (value >= INT32_MIN) put_uint(out, 0xD2, (uint64_t)value, 4);
  else put_uint(out, 0xD3, (uint64_t)value, 8);
}

void msgpack_put_integer(Buffer *out, int64_t value) {
  if (value < 0) put_negative(out, value);
  else if (value < 0x80) buffer_putc(out, (char)value);
  else if (value <= UINT8_MAX) put_uint(out, 0xCC, (uint64_t)value, 1);
  else if (value <= UINT16_MAX) put_uint(out, 0xCD, (uint64_t)value, 2);
  else if (value <= UINT32_MAX) put_uint(out, 0xCE, (uint64_t)value, 4);
  else put_uint(out, 0xCF, (uint64_t)value, 8);
}

static void put_number(Buffer *out, double value) { /* a float 64, whatever it is */
  uint64_t bits;
  memcpy(&bits, &value, sizeof bits);
  put_uint(out, 0xCB, bits, 8);
}

int msgpack_put_string(Buffer *out, const char *text, size_t len) {
  if (len > UINT32_MAX) return ERR_TOO_LARGE;
  if (!utf8_valid(text, len)) return ERR_DECODE;
  if (len < 32) buffer_putc(out, (char)(0xA0 | len));
  else if (len <= UINT8_MAX) put_uint(out, 0xD9, len, 1);
  else if (len <= UINT16_MAX) put_uint(out, 0xDA, len, 2);
  else put_uint(out, 0xDB, len, 4);
  buffer_put(out, text, len);
  return 0;
}

int msgpack_put_binary(Buffer *out, const char *bytes, size_t len) {
  if (len > UINT32_MAX) return ERR_TOO_LARGE;
  if (len <= UINT8_MAX) put_uint(out, 0xC4, len, 1);
  else if (len <= UINT16_MAX) put_uint(out, 0xC5, len, 2);
  else put_uint(out, 0xC6, len, 4);
  buffer_put(out, bytes, len);
  return 0;
}

void msgpack_put_array(Buffer *out, size_t count) {
  if (count < 16) buffer_putc(out, (char)(0x90 | count));
  else if (count <= UINT16_MAX) put_uint(out, 0xDC, count, 2);
  else put_uint(out, 0xDD, count, 4);
}

void msgpack_put_map(Buffer *out, size_t count) {
  if (count < 16) buffer_putc(out, (char)(0x80 | count));
  else if (count <= UINT16_MAX) put_uint(out, 0xDE, count, 2);
  else put_uint(out, 0xDF, count, 4);
}

/* --- trees ------------------------------------------------------------------------ */

static int put_text(Buffer *out, const JsonArena *arena, const cJSON *item, bool key) {
  size_t len;
  const char *text = json_string(arena, item, key, &len);
  if (!key && item->type == JSON_BYTES) return msgpack_put_binary(out, text, len);
  return msgpack_put_string(out, text, len);
}

static int put_items(Buffer *out, const JsonArena *arena, const cJSON *parent) {
  bool map = parent->type == cJSON_Object;
  if (map) msgpack_put_map(out, (size_t)json_count(parent));
  else msgpack_put_array(out, (size_t)json_count(parent));
  for (const cJSON *item = parent->child; item; item = item->next) {
    int code = map ? put_text(out, arena, item, true) : 0;
    if (code == 0) code = msgpack_put_tree(out, arena, item);
    if (code) return code;
  }
  return 0;
}

int msgpack_put_tree(Buffer *out, const JsonArena *arena, const cJSON *item) {
  int64_t integer;
  switch (item->type) {
  case cJSON_Object:
  case cJSON_Array:
    return put_items(out, arena, item);
  case cJSON_String:
  case JSON_BYTES:
    return put_text(out, arena, item, false);
  case JSON_INT64:
    msgpack_put_integer(out, json_int64(item));
    return 0;
  case cJSON_Number:
    if (json_integer(item, &integer)) msgpack_put_integer(out, integer);
    else put_number(out, item->valuedouble);
    return 0;
  case cJSON_True:
  case cJSON_False:
    put_bool(out, item->type == cJSON_True);
    return 0;
  default:
    put_nil(out);
    return 0;
  }
}
