/* Socket.IO packets as npm's socket.io-msgpack-parser writes them. Pure. */
#include "proto/socketio_msgpack.h"

#include <string.h>

#include "proto/msgpack.h"

static int set_error(Error *err, const char *what) {
  return error_set(err, ERR_PROTOCOL, "the server sent a Socket.IO packet %s", what);
}

/* --- in --------------------------------------------------------------------------- */

/* Of keys that come twice the last one counts. Null counts as missing. */
static const cJSON *find_field(const JsonArena *arena, const cJSON *map,
                               const char *name) {
  const cJSON *found = NULL;
  size_t len, name_len = strlen(name);
  for (const cJSON *item = map->child; item; item = item->next) {
    const char *key = json_string(arena, item, true, &len);
    if (len == name_len && memcmp(key, name, len) == 0) found = item;
  }
  return found && found->type != cJSON_NULL ? found : NULL;
}

static bool whole_number(const cJSON *item, int64_t most, int64_t *value) {
  return item && item->type == cJSON_Number && json_integer(item, value) && *value >= 0 &&
         *value <= most;
}

static int take_namespace(const JsonArena *arena, const cJSON *item, SioPacked *p,
                          Error *err) {
  if (!item || item->type != cJSON_String) return set_error(err, "without a namespace");
  p->nsp = json_string(arena, item, false, &p->nsp_len);
  if (p->nsp_len == 0 || *p->nsp != '/')
    return set_error(err, "with a namespace that is none");
  const char *query = memchr(p->nsp, '?', p->nsp_len);
  if (query) p->nsp_len = (size_t)(query - p->nsp);
  return 0;
}

/* An id is ignored where none may be. */
static int take_ack(const cJSON *item, SioPacked *p, Error *err) {
  bool may = p->type == SIO_ACK || p->type == SIO_EVENT;
  p->ack = SIO_NO_ACK;
  if (!may || !item || whole_number(item, INT64_MAX, &p->ack)) return 0;
  return set_error(err, "with an id that is none");
}

static int check_data(const SioPacked *p, Error *err) {
  int type = p->data ? p->data->type : cJSON_NULL;
  bool fits = false;
  switch (p->type) {
  case SIO_CONNECT:
    fits = type == cJSON_Object || type == cJSON_NULL;
    break;
  case SIO_DISCONNECT:
  case SIO_CONNECT_ERROR:
    fits = type == cJSON_Object || type == cJSON_String || type == cJSON_NULL;
    break;
  default:
    fits = type == cJSON_Array;
  }
  return fits ? 0 : set_error(err, "with a payload of the wrong kind");
}

int sio_unpack(JsonArena *arena, const char *bytes, size_t len, SioPacked *packet,
               Error *err) {
  int64_t type = 0;
  const cJSON *root = msgpack_parse(arena, bytes, len, err);
  *packet = (SioPacked){0};
  if (!root) return (int)err->code;
  if (root->type != cJSON_Object) return set_error(err, "that is no map");
  if (!whole_number(find_field(arena, root, "type"), SIO_CONNECT_ERROR, &type))
    return set_error(err, "of an unknown type");
  packet->type = (SioType)type;
  packet->data = find_field(arena, root, "data");
  if (take_namespace(arena, find_field(arena, root, "nsp"), packet, err) ||
      take_ack(find_field(arena, root, "id"), packet, err))
    return (int)err->code;
  return check_data(packet, err);
}

/* --- out -------------------------------------------------------------------------- */

static void put_key(Buffer *out, const char *name) {
  msgpack_put_string(out, name, strlen(name));
}

static int put_namespace(Buffer *out, const char *nsp) {
  Buffer name = {0};
  if (!nsp || *nsp != '/') buffer_putc(&name, '/');
  if (nsp) buffer_puts(&name, nsp);
  int code = msgpack_put_string(out, name.data, name.len);
  buffer_free(&name);
  return code;
}

int sio_pack(Buffer *out, SioType type, const char *nsp, int64_t ack, bool has_data) {
  CHECK(type <= SIO_CONNECT_ERROR);
  size_t before = out->len;
  msgpack_put_map(out, 2u + (ack >= 0) + has_data);
  put_key(out, "type");
  msgpack_put_integer(out, type);
  put_key(out, "nsp");
  int code = put_namespace(out, nsp);
  if (code) return out->len = before, code;
  if (ack >= 0) {
    put_key(out, "id");
    msgpack_put_integer(out, ack);
  }
  if (has_data) put_key(out, "data");
  return 0;
}
