/* JSON text: what is refused says why; what is taken holds only valid strings, and each
 * of its strings and numbers, written and read again, is what it was. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/json.h"
#include "core/jsonscan.h"
#include "core/utf8.h"

static void check_string(const char *text, size_t len) {
  CHECK(utf8_valid(text, len));
  Buffer out = {0};
  CHECK(json_put_string(&out, text, len) == 0);
  JsonArena *arena = json_arena_new(NULL);
  Error err;
  const cJSON *again = json_parse(arena, out.data, out.len, &err);
  CHECK(cJSON_IsString(again));
  size_t again_len;
  const char *again_text = json_string(arena, again, false, &again_len);
  CHECK(again_len == len && memcmp(again_text, text, len) == 0);
  json_arena_free(arena);
  buffer_free(&out);
}

static void check_number(const cJSON *item) {
  int64_t integer;
  if (json_integer(item, &integer)) CHECK((double)integer == item->valuedouble);
  Buffer out = {0};
  CHECK((json_put_number(&out, item->valuedouble) == 0) == !!isfinite(item->valuedouble));
  if (isfinite(item->valuedouble))
    CHECK(json_strtod(buffer_text(&out)) == item->valuedouble);
  buffer_free(&out);
}

static void check_tree(const JsonArena *arena, const cJSON *item, int depth) {
  size_t len;
  CHECK(depth <= JSON_MAX_DEPTH + 1);
  for (; item; item = item->next) {
    if (item->string) {
      const char *name = json_string(arena, item, true, &len);
      check_string(name, len);
    }
    if (cJSON_IsString(item)) {
      const char *text = json_string(arena, item, false, &len);
      check_string(text, len);
    }
    if (cJSON_IsNumber(item)) check_number(item);
    check_tree(arena, item->child, depth + 1);
  }
}

/* Compact text that is laid out over lines is still JSON. Spoils the arena's tree. */
static void check_layout(JsonArena *arena, const char *text, size_t len) {
  for (size_t i = 0; i < len; i++)
    if (strchr(" \t\r\n", text[i])) return;
  Buffer out = {0};
  Error err;
  buffer_puts(&out, "kept");
  buffer_put(&out, text, len);
  if (json_lay_out(&out, 4, 64 << 20)) {
    buffer_free(&out);
    return;
  }
  CHECK(memcmp(out.data, "kept", 4) == 0);
  CHECK(json_parse(arena, out.data + 4, out.len - 4, &err) != NULL);
  buffer_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char *text = xmalloc(size);
  if (size) memcpy(text, data, size);
  JsonArena *arena = json_arena_new(NULL);
  Error err = {0};
  const cJSON *root = json_parse(arena, text, size, &err);
  if (root) {
    check_tree(arena, root, 0);
    check_layout(arena, text, size);
  } else
    CHECK(err.code != ERR_NONE && *err.message &&
          utf8_valid(err.message, strlen(err.message)));
  json_arena_free(arena);
  free(text);
  return 0;
}
