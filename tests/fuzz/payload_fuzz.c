/* Polling payloads: the parts lie within the payload and cover it, and come again when
 * they are put together. */
#include <stdlib.h>
#include <string.h>

#include "proto/engineio.h"

/* Appends what eio_next found as eio_put writes it; its separator stands between parts.
 */
static void put(Buffer *out, const EioPart *part, bool first) {
  Buffer one = {0};
  eio_put(&one, part->binary, part->data, part->len);
  CHECK(one.len <= eio_put_len(part->binary, part->len));
  if (!first) buffer_putc(out, 0x1e);
  buffer_put(out, one.data, one.len);
  buffer_free(&one);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char *text = xmalloc(size + 1), *rest = text;
  Buffer again = {0};
  size_t left = size;
  EioPart part;
  Error err = {0};
  int more, count = 0;
  if (size) memcpy(text, data, size);
  while ((more = eio_next(&rest, &left, &part, &err)) > 0) {
    CHECK(part.data >= text && part.data + part.len <= text + size);
    put(&again, &part, count++ == 0);
  }
  if (more < 0) CHECK(err.code == ERR_PROTOCOL && *err.message);
  else CHECK(again.len == size && (size == 0 || memcmp(again.data, data, size) == 0));
  buffer_free(&again);
  free(text);
  return 0;
}
