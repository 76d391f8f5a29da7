/* See file_queue.h. */
#include "data/file_queue.h"

#include "loop/worker.h"

static void start_first(FileQueue *queue);

static void on_event(Event *event) {
  FileJob *job = CONTAINER_OF(event, FileJob, event);
  if (job->given_up) job->drop(job);
  else job->done(job);
}

static void on_work(uv_work_t *work) {
  FileJob *job = work->data;
  job->run(job);
}

/* The first is over. */
static void finish_first(FileQueue *queue) {
  FileJob *job = queue->first;
  queue->first = job->next;
  job->state = FILE_ENDED;
  inbox_push(job->loop, &job->event);
}

static void on_worked(uv_work_t *work, int status) {
  (void)status;
  FileJob *job = work->data;
  FileQueue *queue = job->queue;
  if (job->ran) job->ran(job);
  finish_first(queue);
  start_first(queue);
}

static void start_first(FileQueue *queue) {
  while (queue->first) {
    FileJob *job = queue->first;
    job->state = FILE_RUNS;
    job->work.data = job;
    if (worker_may_start()) {
      if (job->begins) job->begins(job);
      CHECK(uv_queue_work(loop_uv(job->loop), &job->work, on_work, on_worked) == 0);
      return;
    }
    error_set(&job->err, ERR_MEMORY, "the system has no memory for work on files");
    finish_first(queue);
  }
}

void file_push(FileQueue *queue, Loop *loop, FileJob *job) {
  bool idle = queue->first == NULL;
  job->event.run = on_event;
  job->loop = loop;
  job->queue = queue;
  job->next = NULL;
  job->state = FILE_WAITS;
  job->given_up = false;
  job->err.code = ERR_NONE;
  if (idle) queue->last = &queue->first;
  *queue->last = job;
  queue->last = &job->next;
  if (idle) start_first(queue);
}

static void unlink_job(FileJob *job) {
  FileQueue *queue = job->queue;
  FileJob **at = &queue->first;
  while (*at != job) at = &(*at)->next;
  *at = job->next;
  if (!job->next) queue->last = at;
}

void file_give_up(FileJob *job) {
  job->given_up = true;
  if (job->state != FILE_WAITS) return;
  unlink_job(job);
  job->drop(job);
}
