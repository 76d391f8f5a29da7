/* What events and acks hold, copied into one piece of memory: the list of attachments,
 * the text, the attachments. */
#include <string.h>

#include "socket/socket_parts.h"

size_t socket_data_total(const SocketData *data) {
  size_t total = data->len;
  for (int i = 0; i < data->count; i++) total += data->bytes[i].len;
  return total;
}

size_t socket_data_room(const SocketData *data) {
  return (size_t)data->count * sizeof(SioBytes) + socket_data_total(data);
}

static char *append(char *at, const void *bytes, size_t len) {
  if (len) memcpy(at, bytes, len);
  return at + len;
}

SocketData socket_data_store(char *place, const SocketData *data) {
  SioBytes *list = (SioBytes *)place;
  char *at = place + (size_t)data->count * sizeof *list, *text = at;
  at = append(at, data->json, data->len);
  for (int i = 0; i < data->count; i++) {
    list[i] = (SioBytes){at, data->bytes[i].len};
    at = append(at, data->bytes[i].data, data->bytes[i].len);
  }
  return (SocketData){text, data->len, data->count ? list : NULL, data->count};
}
