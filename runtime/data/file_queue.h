/* Work on files, for one script: done on one of libuv's threads, one after the other in
 * the order in which it came, so that the loop never waits for a disk. Loop thread, but
 * for `run`. */
#ifndef TIDELOCK_DATA_FILE_QUEUE_H
#define TIDELOCK_DATA_FILE_QUEUE_H

#include "core/error.h"
#include "loop/loop.h"

typedef struct FileJob FileJob;

/* Zeroed: empty. It outlives its jobs. */
typedef struct FileQueue {
  FileJob *first, **last; /* the first may run */
} FileQueue;

/* Embed it; it is the queue's until `done` or `drop` is called, one of them once. */
struct FileJob {
  void (*begins)(FileJob *job); /* right before run, on the loop's; NULL: nothing to do */
  void (*run)(FileJob *job);    /* on another thread; fills err */
  void (*ran)(FileJob *job);    /* right after run, on the loop's; NULL: nothing to do */
  void (*done)(FileJob *job);   /* in dispatch */
  void (*drop)(FileJob *job);   /* instead, after file_give_up: releases it */
  Error err;
  /* The queue's: */
  Event event;
  uv_work_t work;
  Loop *loop;
  FileQueue *queue;
  FileJob *next;
  enum { FILE_WAITS, FILE_RUNS, FILE_ENDED } state;
  bool given_up;
};

void file_push(FileQueue *queue, Loop *loop, FileJob *job);
/* Nobody wants the result any more. A job that waits is never run; one that runs is run
 * to its end. */
void file_give_up(FileJob *job);

#endif
