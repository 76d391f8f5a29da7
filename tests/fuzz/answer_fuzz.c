/* An answer of HTTP/1.1 with its coding: however it is cut, the same is read, within the
 * limits, and what is kept of its head is lines of "Name: value". The first byte says
 * where it is cut, the second whether HEAD was asked. */
#include <stdlib.h>
#include <string.h>

#include "proto/coding.h"
#include "proto/http1_client.h"

enum { LIMIT = 100000 };

typedef struct Read {
  Http1Answer answer;
  Coding *coding;
  Buffer body, decoded;
  Http1Got got;
  int code;
  size_t taken;
} Read;

static void begin_coding(Read *r) {
  size_t len;
  const char *value = http1_head_value(&r->answer.head, "Content-Encoding", 0, &len);
  if (value) r->coding = coding_new(value, len);
}

static void take(Read *r, const uint8_t *bytes, size_t size) {
  char *exact = xmalloc(size ? size : 1);
  size_t at = 0, used, len;
  const char *piece;
  if (size) memcpy(exact, bytes, size);
  do {
    r->got = http1_answer_take(&r->answer, exact + at, size - at, &used, &piece, &len);
    CHECK(used <= size - at);
    at += used;
    if (r->got == HTTP1_GOT_HEAD) begin_coding(r);
    if (r->got == HTTP1_GOT_BODY) buffer_put(&r->body, piece, len);
    if (r->got == HTTP1_GOT_BODY && r->coding && !r->code)
      r->code = coding_take(r->coding, piece, len, LIMIT, &r->decoded);
  } while (r->got == HTTP1_GOT_HEAD || r->got == HTTP1_GOT_BODY);
  r->taken += at;
  free(exact);
}

static void check_lines(Buffer *lines) {
  const char *text = buffer_text(lines);
  CHECK(strlen(text) == lines->len && lines->len <= HTTP1_MAX_HEAD);
  while (*text) {
    size_t len = strcspn(text, "\n"), name = strcspn(text, ":");
    CHECK(text[len] == '\n' && name > 0 && name < len && !memchr(text, '\r', len));
    CHECK(strcspn(text, " \t") > name);
    text += len + 1;
  }
}

static void read_cut(Read *r, const uint8_t *bytes, size_t size, size_t cut, bool head) {
  *r = (Read){0};
  http1_answer_begin(&r->answer, head);
  take(r, bytes, cut);
  if (r->got == HTTP1_GOT_MORE) take(r, bytes + cut, size - cut);
  check_lines(&r->answer.head.lines);
  CHECK(r->decoded.len <= LIMIT);
  CHECK((r->got == HTTP1_GOT_WRONG) == (r->answer.code != ERR_NONE));
}

static void read_free(Read *r) {
  http1_answer_free(&r->answer);
  coding_free(r->coding);
  buffer_free(&r->body);
  buffer_free(&r->decoded);
}

static void agree(const Buffer *a, const Buffer *b) {
  CHECK(a->len == b->len && (a->len == 0 || memcmp(a->data, b->data, a->len) == 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  Read whole, cut;
  if (size < 2) return 0;
  size_t len = size - 2;
  read_cut(&whole, data + 2, len, 0, data[1] & 1);
  read_cut(&cut, data + 2, len, len * data[0] / 256, data[1] & 1);
  CHECK(whole.got == cut.got && whole.answer.code == cut.answer.code);
  CHECK(whole.code == cut.code);
  if (whole.got != HTTP1_GOT_WRONG) {
    CHECK(whole.taken == cut.taken);
    CHECK(http1_answer_ended(&whole.answer) == http1_answer_ended(&cut.answer));
    agree(&whole.answer.head.lines, &cut.answer.head.lines);
    agree(&whole.body, &cut.body);
    if (!whole.code) agree(&whole.decoded, &cut.decoded);
  }
  read_free(&whole);
  read_free(&cut);
  return 0;
}
