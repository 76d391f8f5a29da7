/* The codecs as a filter, for peer programs to compare with their own. Each line in is a
 * command with hexadecimal bytes, each line out its answer:
 *   decode HEX...   Socket.IO messages of one packet, text first, then attachments
 *   unpack HEX      one packet of the msgpack parser
 *     → TYPE NSP ACK VALUE: VALUE is JSON, but bytes are {"$bytes":"HEX"}; - stands for
 * none encode TYPE NSP ACK VALUE   → HEX... of the messages, text first pack TYPE NSP ACK
 * VALUE     → HEX, by the msgpack parser TYPE is 2 or 3; VALUE is JSON in hexadecimal,
 * {"$bytes":"HEX"} in it becomes bytes eio HEX         an Engine.IO packet → TYPE HEX An
 * error is answered "error CODE message". */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/engineio.h"
#include "proto/msgpack.h"
#include "proto/socketio.h"

enum { MOST_WORDS = 64 };

/* --- words ------------------------------------------------------------------------ */

static Buffer from_hex(const char *hex, size_t len) {
  Buffer out = {0};
  buffer_reserve(&out, len / 2 + 1);
  for (size_t i = 0; i + 1 < len; i += 2) {
    char two[3] = {hex[i], hex[i + 1], '\0'};
    buffer_putc(&out, (char)strtoul(two, NULL, 16));
  }
  return out;
}

static void put_hex(Buffer *out, const char *bytes, size_t len) {
  for (size_t i = 0; i < len; i++) buffer_printf(out, "%02x", (uint8_t)bytes[i]);
  if (len == 0) buffer_putc(out, '-');
}

static void put_error(Buffer *out, const Error *err) {
  buffer_clear(out);
  buffer_printf(out, "error %s %s", error_name(err->code), err->message);
}

/* --- values out ------------------------------------------------------------------- */

static void show(Buffer *out, const JsonArena *arena, const cJSON *item);

static void show_items(Buffer *out, const JsonArena *arena, const cJSON *parent) {
  bool map = parent->type == cJSON_Object;
  buffer_putc(out, map ? '{' : '[');
  for (const cJSON *item = parent->child; item; item = item->next) {
    size_t len;
    if (item != parent->child) buffer_putc(out, ',');
    if (map) {
      const char *name = json_string(arena, item, true, &len);
      CHECK(json_put_string(out, name, len) == 0);
      buffer_putc(out, ':');
    }
    show(out, arena, item);
  }
  buffer_putc(out, map ? '}' : ']');
}

static void show_bytes(Buffer *out, const char *bytes, size_t len) {
  buffer_puts(out, "{\"$bytes\":\"");
  for (size_t i = 0; i < len; i++) buffer_printf(out, "%02x", (uint8_t)bytes[i]);
  buffer_puts(out, "\"}");
}

static void show(Buffer *out, const JsonArena *arena, const cJSON *item) {
  size_t len;
  const char *text;
  switch (item->type) {
  case cJSON_Object:
  case cJSON_Array:
    show_items(out, arena, item);
    break;
  case cJSON_String:
    text = json_string(arena, item, false, &len);
    CHECK(json_put_string(out, text, len) == 0);
    break;
  case JSON_BYTES:
    text = json_string(arena, item, false, &len);
    show_bytes(out, text, len);
    break;
  case JSON_INT64:
    json_put_integer(out, json_int64(item));
    break;
  case cJSON_Number:
    if (json_put_number(out, item->valuedouble)) buffer_puts(out, "null");
    break;
  default:
    buffer_puts(out, item->type == cJSON_True    ? "true"
                     : item->type == cJSON_False ? "false"
                                                 : "null");
  }
}

static void show_packet(Buffer *out, int type, const char *nsp, size_t nsp_len,
                        int64_t ack, const JsonArena *arena, const cJSON *data) {
  if (type == SIO_BINARY_EVENT) type = SIO_EVENT;
  if (type == SIO_BINARY_ACK) type = SIO_ACK;
  buffer_printf(out, "%d ", type);
  buffer_put(out, nsp, nsp_len);
  buffer_printf(out, " %lld ", (long long)ack);
  if (data) show(out, arena, data);
  else buffer_putc(out, '-');
}

/* --- in --------------------------------------------------------------------------- */

/* The words are the messages: text, then attachments. */
static int take_all(SioAssembly *a, char **words, int count, SioPacket *p, Error *err) {
  int result = 0;
  for (int i = 0; i < count && result == 0; i++) {
    Buffer bytes = from_hex(words[i], strcmp(words[i], "-") ? strlen(words[i]) : 0);
    static char kept[1 << 20]; /* a text packet borrows from it */
    CHECK(bytes.len <= sizeof kept);
    memcpy(kept, bytes.data, bytes.len);
    result = i ? sio_take_binary(a, kept, bytes.len, p, err)
               : sio_take_text(a, kept, bytes.len, p, err);
    buffer_free(&bytes);
    if (result > 0 && i + 1 < count)
      return error_set(err, ERR_PROTOCOL, "whole too early"), -1;
  }
  if (result == 0) error_set(err, ERR_PROTOCOL, "not whole");
  return result > 0 ? 0 : -1;
}

static void decode(Buffer *out, char **words, int count) {
  SioAssembly *a = sio_assembly_new(0);
  JsonArena *arena = json_arena_new(NULL);
  const cJSON *root = NULL;
  SioPacket p;
  Error err;
  bool ok = take_all(a, words, count, &p, &err) == 0;
  if (ok && p.json_len) {
    root = json_parse(arena, p.json, p.json_len, &err);
    ok = root && sio_fill(arena, root, sio_attachments(a), p.attachments, &err) == 0;
  }
  if (ok) show_packet(out, (int)p.type, p.nsp, p.nsp_len, p.ack, arena, root);
  else put_error(out, &err);
  json_arena_free(arena);
  sio_assembly_free(a);
}

static void unpack(Buffer *out, char **words) {
  JsonArena *arena = json_arena_new(NULL);
  Buffer bytes = from_hex(words[0], strlen(words[0]));
  SioPacked p;
  Error err;
  if (sio_unpack(arena, bytes.data, bytes.len, &p, &err)) put_error(out, &err);
  else show_packet(out, (int)p.type, p.nsp, p.nsp_len, p.ack, arena, p.data);
  buffer_free(&bytes);
  json_arena_free(arena);
}

/* --- out -------------------------------------------------------------------------- */

typedef struct Given {
  JsonArena *arena;
  Buffer text, parts[SIO_MAX_ATTACHMENTS];
  int count;
} Given;

/* {"$bytes":"HEX"} becomes the bytes. */
static void revive(Given *g, cJSON *item) {
  size_t len;
  const char *hex;
  if (item->type == cJSON_Object && item->child && !item->child->next &&
      strcmp(item->child->string, "$bytes") == 0) {
    hex = json_string(g->arena, item->child, false, &len);
    Buffer bytes = from_hex(hex, len);
    item->type = JSON_BYTES;
    item->valuestring = json_new_text(g->arena, bytes.data, bytes.len);
    item->child = NULL;
    buffer_free(&bytes);
  }
  for (cJSON *child = item->child; child; child = child->next) revive(g, child);
}

static const cJSON *read_given(Given *g, const char *hex) {
  Error err;
  g->text = from_hex(hex, strlen(hex));
  const cJSON *root = json_parse(g->arena, g->text.data, g->text.len, &err);
  CHECK(root);
  revive(g, (cJSON *)root);
  return root;
}

static void put_json(Given *g, Buffer *json, const cJSON *item) {
  size_t len;
  const char *text;
  if (item->type == JSON_BYTES) {
    text = json_string(g->arena, item, false, &len);
    sio_put_placeholder(json, g->count);
    buffer_put(&g->parts[g->count++], text, len);
    return;
  }
  if (item->type != cJSON_Object && item->type != cJSON_Array) {
    show(json, g->arena, item);
    return;
  }
  bool map = item->type == cJSON_Object;
  buffer_putc(json, map ? '{' : '[');
  for (const cJSON *child = item->child; child; child = child->next) {
    if (child != item->child) buffer_putc(json, ',');
    if (map) {
      text = json_string(g->arena, child, true, &len);
      json_put_string(json, text, len);
      buffer_putc(json, ':');
    }
    put_json(g, json, child);
  }
  buffer_putc(json, map ? '}' : ']');
}

static void encode(Buffer *out, Given *g, char **words, const cJSON *root) {
  Buffer json = {0}, packet = {0};
  Error err;
  SioType type = (SioType)atoi(words[0]);
  put_json(g, &json, root);
  int64_t ack = atoll(words[2]);
  if (sio_check_placeholders(json.data, json.len, g->count, &err)) {
    put_error(out, &err);
  } else {
    if (g->count)
      sio_encode_binary(&packet, type, words[1], ack, json.data, json.len, g->count);
    else sio_encode(&packet, type, words[1], ack, json.data, json.len);
    put_hex(out, packet.data + 1, packet.len - 1); /* without Engine.IO's type byte */
    for (int i = 0; i < g->count; i++) {
      buffer_putc(out, ' ');
      put_hex(out, g->parts[i].data, g->parts[i].len);
    }
  }
  buffer_free(&json);
  buffer_free(&packet);
}

static void pack(Buffer *out, Given *g, char **words, const cJSON *root) {
  Buffer packet = {0};
  CHECK(sio_pack(&packet, (SioType)atoi(words[0]), words[1], atoll(words[2]), true) == 0);
  CHECK(msgpack_put_tree(&packet, g->arena, root) == 0);
  put_hex(out, packet.data, packet.len);
  buffer_free(&packet);
}

static void write_given(Buffer *out, bool packed, char **words) {
  Given *g = xcalloc(1, sizeof *g);
  g->arena = json_arena_new(NULL);
  const cJSON *root = read_given(g, words[3]);
  if (packed) pack(out, g, words, root);
  else encode(out, g, words, root);
  for (int i = 0; i < g->count; i++) buffer_free(&g->parts[i]);
  buffer_free(&g->text);
  json_arena_free(g->arena);
  free(g);
}

static void engine(Buffer *out, const char *hex) {
  Buffer bytes = from_hex(hex, strlen(hex));
  EioPacket p;
  Error err;
  if (eio_parse(bytes.data, bytes.len, &p, &err)) {
    put_error(out, &err);
  } else {
    buffer_printf(out, "%c ", (char)p.type);
    put_hex(out, p.data, p.len);
  }
  buffer_free(&bytes);
}

/* --- lines ------------------------------------------------------------------------ */

static void answer(Buffer *out, char *line) {
  char *words[MOST_WORDS], *at = NULL;
  int count = 0;
  for (char *w = strtok_r(line, " \n", &at); w && count < MOST_WORDS;
       w = strtok_r(NULL, " \n", &at))
    words[count++] = w;
  if (count >= 2 && !strcmp(words[0], "decode")) decode(out, words + 1, count - 1);
  else if (count == 2 && !strcmp(words[0], "unpack")) unpack(out, words + 1);
  else if (count == 2 && !strcmp(words[0], "eio")) engine(out, words[1]);
  else if (count == 5 && !strcmp(words[0], "encode")) write_given(out, false, words + 1);
  else if (count == 5 && !strcmp(words[0], "pack")) write_given(out, true, words + 1);
  else buffer_puts(out, "error INVALID what?");
}

int main(void) {
  char *line = NULL;
  size_t cap = 0;
  Buffer out = {0};
  while (getline(&line, &cap, stdin) > 0) {
    answer(&out, line);
    buffer_putc(&out, '\n');
    fwrite(out.data, 1, out.len, stdout);
    fflush(stdout);
    buffer_clear(&out);
  }
  free(line);
  buffer_free(&out);
  return 0;
}
