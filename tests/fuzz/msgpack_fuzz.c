/* msgpack: what is refused says why; what is taken, written and read again, is the same
 * tree. Each input is also taken for a Socket.IO packet. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/jsonscan.h"
#include "core/utf8.h"
#include "proto/msgpack.h"
#include "proto/socketio.h"

static bool same_text(const JsonArena *a, const cJSON *x, const JsonArena *b,
                      const cJSON *y, bool key) {
  size_t x_len, y_len;
  const char *x_text = json_string(a, x, key, &x_len);
  const char *y_text = json_string(b, y, key, &y_len);
  return x_len == y_len && memcmp(x_text, y_text, x_len) == 0;
}

static void check_same(const JsonArena *a, const cJSON *x, const JsonArena *b,
                       const cJSON *y, int depth) {
  CHECK(depth <= JSON_MAX_DEPTH + 1);
  for (; x || y; x = x->next, y = y->next) {
    CHECK(x && y && x->type == y->type && !x->string == !y->string);
    if (x->string) CHECK(same_text(a, x, b, y, true));
    if (x->type == cJSON_String || x->type == JSON_BYTES)
      CHECK(same_text(a, x, b, y, false));
    if (x->type == JSON_INT64) CHECK(json_int64(x) == json_int64(y));
    if (x->type == cJSON_Number)
      CHECK(x->valuedouble == y->valuedouble ||
            (isnan(x->valuedouble) && isnan(y->valuedouble)));
    CHECK(x->valueint == y->valueint);
    check_same(a, x->child, b, y->child, depth + 1);
  }
}

static void check_again(const JsonArena *arena, const cJSON *root) {
  Buffer out = {0};
  JsonArena *other = json_arena_new(NULL);
  Error err;
  CHECK(msgpack_put_tree(&out, arena, root) == 0);
  const cJSON *again = msgpack_parse(other, out.data, out.len, &err);
  CHECK(again);
  check_same(arena, root, other, again, 0);
  json_arena_free(other);
  buffer_free(&out);
}

static void check_packet(JsonArena *arena, const char *bytes, size_t len) {
  SioPacked p;
  Error err = {0};
  if (sio_unpack(arena, bytes, len, &p, &err)) {
    CHECK(err.code != ERR_NONE && *err.message);
    return;
  }
  CHECK(p.type <= SIO_CONNECT_ERROR && p.nsp_len > 0 && *p.nsp == '/');
  CHECK(p.ack >= SIO_NO_ACK && (p.type != SIO_ACK || p.ack >= 0));
  CHECK(p.data || p.type == SIO_CONNECT || p.type == SIO_DISCONNECT);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char *bytes = xmalloc(size);
  if (size) memcpy(bytes, data, size);
  JsonArena *arena = json_arena_new(NULL);
  Error err = {0};
  const cJSON *root = msgpack_parse(arena, bytes, size, &err);
  if (root) check_again(arena, root);
  else CHECK(err.code != ERR_NONE && utf8_valid(err.message, strlen(err.message)));
  check_packet(arena, bytes, size);
  json_arena_free(arena);
  free(bytes);
  return 0;
}
