/* What a server-sent event of 282 bytes costs to read, from pieces of 64 KiB, of 1 KiB
 * and of one event each. Prints nanoseconds of processor time, the best of five rounds.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "proto/eventstream.h"

enum { EVENTS = 400000, ROUNDS = 5 };

/* As tests/bench/eventstream has it for eventsource-parser. */
static const char event[] =
    "id: 1048576\nevent: delta\n"
    "data: "
    "{\"id\":\"chatcmpl-8b0c6d1e52f74c559f0e\",\"object\":\"chat.completion.chunk\","
    "\"created\":1700000000,\"model\":\"example-4-large\",\"choices\":[{\"index\":0,"
    "\"delta\":{\"role\":\"assistant\",\"content\":\" the ships in port are safe\"},"
    "\"finish_reason\":null}]}\n\n";

static double cpu_time(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static long read_all(const char *stream, size_t len, size_t piece) {
  EventStream *s = eventstream_new(1 << 20);
  StreamEvent e;
  long seen = 0;
  for (size_t at = 0, used, end; at < len; at = end) {
    end = len - at < piece ? len : at + piece;
    for (size_t from = at; from < end; from += used)
      seen +=
          eventstream_take(s, stream + from, end - from, &used, &e) == EVENTSTREAM_EVENT;
  }
  eventstream_free(s);
  return seen;
}

int main(void) {
  static const size_t pieces[] = {64 * 1024, 1024, sizeof event - 1};
  Buffer stream = {0};
  for (int i = 0; i < EVENTS; i++) buffer_put(&stream, event, sizeof event - 1);
  for (size_t p = 0; p < sizeof pieces / sizeof *pieces; p++) {
    double best = 1e9;
    for (int round = 0; round < ROUNDS; round++) {
      double begin = cpu_time();
      CHECK(read_all(stream.data, stream.len, pieces[p]) == EVENTS);
      double took = cpu_time() - begin;
      if (took < best) best = took;
    }
    printf("  pieces of %6zu bytes: %.0f ns an event of %zu bytes\n", pieces[p],
           best / EVENTS * 1e9, sizeof event - 1);
  }
  buffer_free(&stream);
  return 0;
}
