/* Frames from a hostile peer: whatever comes, cut however, the parser says the same; no
 * message is longer than allowed, no text is anything but UTF-8, every byte is taken. The
 * first byte chooses the role and whether compression was agreed to, the second the cuts.
 * Of compressed data that is wrong in two ways the cuts decide which one is named. */
#include <stdlib.h>
#include <string.h>

#include "proto/websocket.h"

enum { LIMIT = 3000 };

static void check_event(const WsEvent *e) {
  CHECK(e->data != NULL);
  if (e->type == WS_TEXT || e->type == WS_CLOSE) CHECK(utf8_valid(e->data, e->len));
  if (e->type == WS_CLOSE)
    CHECK(e->close_code == 1005 || ws_close_code_valid(e->close_code));
  CHECK(e->len <= (e->type >= WS_CLOSE ? 125 : LIMIT));
}

static void note(Buffer *log, int type, int code, const char *data, size_t len) {
  int head[] = {type, code, (int)len};
  buffer_put(log, head, sizeof head);
  buffer_put(log, data, len);
}

static void present(WsParser *p, const uint8_t *bytes, size_t len, bool compressed,
                    Buffer *log) {
  char *piece = xmalloc(len);
  if (len) memcpy(piece, bytes, len);
  size_t used = 0;
  WsEvent event;
  Error err;
  int code = 0, r;
  while ((r = ws_parse(p, piece + used, len - used, &used, &event, &code, &err)) > 0) {
    check_event(&event);
    note(log, event.type, event.close_code, event.data, event.len);
  }
  if (r < 0) {
    CHECK(code == 1002 || code == 1007 || code == 1009);
    if (compressed) note(log, -1, 0, NULL, 0);
    else note(log, -1, code, err.message, strlen(err.message));
  }
  CHECK(used == len);
  free(piece);
}

static Buffer run(uint8_t how, const uint8_t *bytes, size_t len, unsigned cut) {
  WsRole role = how & 1 ? WS_SERVER : WS_CLIENT;
  DeflateTerms terms = {.server_bits = 15, .client_bits = 9};
  terms.server_no_takeover = how & 4;
  Deflate *d = how & 2 ? deflate_new(&terms, role == WS_CLIENT, 0) : NULL;
  WsParser *p = ws_parser_new(role, LIMIT);
  ws_parser_inflate(p, d);
  Buffer log = {0};
  unsigned state = cut;
  for (size_t at = 0; at < len;) {
    size_t piece = cut ? 1 + (size_t)rand_r(&state) % cut : len;
    if (piece > len - at) piece = len - at;
    present(p, bytes + at, piece, d != NULL, &log);
    at += piece;
  }
  ws_parser_free(p);
  deflate_free(d);
  return log;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 2) return 0;
  Buffer whole = run(data[0], data + 2, size - 2, 0);
  Buffer cut = run(data[0], data + 2, size - 2, 1 + data[1]);
  CHECK(whole.len == cut.len);
  CHECK(whole.len == 0 || memcmp(whole.data, cut.data, whole.len) == 0);
  buffer_free(&whole);
  buffer_free(&cut);
  return 0;
}
