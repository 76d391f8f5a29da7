/* Bytes from hexadecimal digits, and trees as text: JSON, but bytes as <hex>, 64-bit
 * integers with an i behind. */
#ifndef TIDELOCK_TESTS_MSGPACK_ENV_H
#define TIDELOCK_TESTS_MSGPACK_ENV_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/jsonput.h"
#include "core/jsonscan.h"
#include "proto/msgpack.h"

static inline Buffer bytes_of(const char *hex) {
  Buffer out = {0};
  unsigned byte;
  int n;
  for (; sscanf(hex, "%2x%n", &byte, &n) == 1; hex += n) buffer_putc(&out, (char)byte);
  return out;
}

static inline void show_tree(Buffer *out, const JsonArena *arena, const cJSON *item) {
  size_t len;
  const char *text;
  const char *const brackets = item->type == cJSON_Object ? "{}" : "[]";
  switch (item->type) {
  case cJSON_Object:
  case cJSON_Array:
    buffer_putc(out, brackets[0]);
    for (const cJSON *child = item->child; child; child = child->next) {
      if (child != item->child) buffer_putc(out, ',');
      if (child->string) {
        text = json_string(arena, child, true, &len);
        json_put_string(out, text, len);
        buffer_putc(out, ':');
      }
      show_tree(out, arena, child);
    }
    buffer_putc(out, brackets[1]);
    break;
  case cJSON_String:
    text = json_string(arena, item, false, &len);
    json_put_string(out, text, len);
    break;
  case JSON_BYTES:
    text = json_string(arena, item, false, &len);
    buffer_putc(out, '<');
    for (size_t i = 0; i < len; i++) buffer_printf(out, "%02x", (uint8_t)text[i]);
    buffer_putc(out, '>');
    break;
  case JSON_INT64:
    buffer_printf(out, "%lldi", (long long)json_int64(item));
    break;
  case cJSON_Number:
    if (json_put_number(out, item->valuedouble)) buffer_puts(out, "odd");
    break;
  default:
    buffer_puts(out, item->type == cJSON_True    ? "true"
                     : item->type == cJSON_False ? "false"
                                                 : "null");
  }
}

#endif
