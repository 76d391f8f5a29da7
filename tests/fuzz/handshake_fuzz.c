/* The answer to the opening handshake: never misread, whether it came in one piece or
 * two, and what is quoted of it is printable. The first byte says where it was cut. */
#include <stdlib.h>
#include <string.h>

#include "proto/websocket.h"

#define KEY "dGhlIHNhbXBsZSBub25jZQ=="

static void check_text(const char *text) {
  CHECK(utf8_valid(text, strlen(text)));
  for (; *text; text++) CHECK((uint8_t)*text >= ' ' && *text != 0x7F);
}

static void check_terms(const DeflateTerms *t, bool compress) {
  if (!t->agreed) return;
  CHECK(compress && t->server_bits >= 8 && t->server_bits <= 12);
  CHECK(t->client_bits >= 8 && t->client_bits <= 15);
}

static long answer(const uint8_t *bytes, size_t len, bool compress) {
  char *exact = xmalloc(len), *subprotocol;
  DeflateOptions deflate = {.enabled = compress, .server_bits = 12};
  WsRequest request = {.key = KEY, .subprotocols = "alpha, beta", .deflate = &deflate};
  WsAgreed agreed;
  if (len) memcpy(exact, bytes, len);
  Error err = {0};
  long r = ws_response(exact, len, &request, &agreed, &err);
  subprotocol = agreed.subprotocol;
  free(exact);
  CHECK(r >= -1 && (r < 0 || (size_t)r <= len));
  CHECK(!*subprotocol || !strcmp(subprotocol, "alpha") || !strcmp(subprotocol, "beta"));
  if (r > 0) check_terms(&agreed.deflate, compress);
  check_text(err.message);
  check_text(err.detail);
  CHECK((r < 0) == (err.code == ERR_HANDSHAKE || err.code == ERR_TOO_LARGE));
  return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 1) return 0;
  size_t len = size - 1, cut = len * data[0] / 256;
  bool compress = data[0] & 1;
  long first = answer(data + 1, cut, compress), whole = answer(data + 1, len, compress);
  CHECK(first == 0 || first == whole);
  return 0;
}
