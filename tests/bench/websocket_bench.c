/* How fast frames are read and written on one core. Prints frames and bytes a second;
 * each figure is the best of five rounds, of 64 KiB chunks, as a socket gives them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "proto/websocket.h"

enum { CHUNK = 64 * 1024, TOTAL = 64 * 1024 * 1024, ROUNDS = 5 };

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Presents the stream over and over, carrying on where frames are cut. */
static size_t read_all(const Buffer *stream, char *chunk, double *seconds) {
  WsParser *p = ws_parser_new(WS_CLIENT, 0);
  size_t frames = 0;
  *seconds = 0;
  for (size_t at = 0; at < stream->len; at += CHUNK) {
    size_t len = stream->len - at < CHUNK ? stream->len - at : CHUNK, used = 0;
    memcpy(chunk, stream->data + at, len); /* as the socket would, and not counted */
    WsEvent event;
    Error err;
    int code;
    double start = now();
    while (ws_parse(p, chunk + used, len - used, &used, &event, &code, &err) > 0)
      frames++;
    *seconds += now() - start;
  }
  ws_parser_free(p);
  return frames;
}

static void report(const char *what, size_t frames, size_t bytes, double seconds) {
  printf("%-34s %10.0f frames/s %8.0f MB/s\n", what, (double)frames / seconds,
         (double)bytes / seconds / 1e6);
}

static void bench_read(const char *what, const char *payload, size_t len) {
  Buffer stream = {0};
  char *chunk = xmalloc(CHUNK);
  while (stream.len < TOTAL) ws_frame(&stream, true, WS_TEXT, NULL, payload, len);
  double best = 1e9, seconds;
  size_t frames = 0;
  for (int i = 0; i < ROUNDS; i++) {
    frames = read_all(&stream, chunk, &seconds);
    if (seconds < best) best = seconds;
  }
  report(what, frames, stream.len, best);
  free(chunk);
  buffer_free(&stream);
}

static void bench_write(const char *what, const char *payload, size_t len) {
  static const uint8_t mask[4] = {1, 2, 3, 4};
  Buffer out = {0};
  size_t frames = TOTAL / len, bytes = 0;
  double best = 1e9;
  for (int round = 0; round < ROUNDS; round++) {
    double start = now();
    for (size_t i = 0; i < frames; i++) {
      if (out.len > CHUNK) buffer_clear(&out);
      ws_frame(&out, true, WS_TEXT, mask, payload, len);
    }
    if (now() - start < best) best = now() - start;
  }
  bytes = frames * len;
  report(what, frames, bytes, best);
  buffer_free(&out);
}

/* A payload of repeated text, cut between its repetitions. */
static char *payload_of(const char *text, size_t *len) {
  size_t step = strlen(text), n = *len / step;
  char *payload = xmalloc(n * step);
  for (size_t i = 0; i < n; i++) memcpy(payload + i * step, text, step);
  *len = n * step;
  return payload;
}

int main(void) {
  static const struct {
    const char *name, *text;
    size_t len;
  } cases[] = {
      {"285 B, ASCII", "a", 285},
      {"285 B, half Greek", "\xce\xba\xe1\xbd\xb9 to", 285},
      {"285 B, Chinese", "\xe4\xb8\xad\xe6\x96\x87", 285},
      {"16 B, ASCII", "a", 16},
      {"16 KiB, ASCII", "a", 16 * 1024},
      {"1 MiB, ASCII", "a", 1024 * 1024},
  };
  for (size_t i = 0; i < COUNT_OF(cases); i++) {
    char what[64];
    size_t len = cases[i].len;
    char *payload = payload_of(cases[i].text, &len);
    snprintf(what, sizeof what, "read  %s", cases[i].name);
    bench_read(what, payload, len);
    snprintf(what, sizeof what, "write %s, masked", cases[i].name);
    bench_write(what, payload, len);
    free(payload);
  }
  return 0;
}
