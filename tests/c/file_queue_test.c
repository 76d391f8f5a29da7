/* The queue of work on files: in order, off the loop's thread, and given up at any time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "data/file_queue.h"

typedef struct Work {
  FileJob job;
  char name;
} Work;

static Loop *loop;
static FileQueue queue;
static char ran[32], ended[32];
static uv_thread_t loop_thread;
static _Atomic int off_loop;
static uv_sem_t gate; /* the work "g" waits at it */
static Work *given_up;

static void add(char *list, char c) {
  list[strlen(list)] = c;
}

static void run_work(FileJob *job) {
  Work *work = CONTAINER_OF(job, Work, job);
  uv_thread_t self = uv_thread_self();
  if (!uv_thread_equal(&self, &loop_thread)) off_loop++;
  if (work->name == 'g') uv_sem_wait(&gate);
  add(ran, work->name);
}

static void work_done(FileJob *job) {
  add(ended, CONTAINER_OF(job, Work, job)->name);
  if (strlen(ended) == 3) loop_stop(loop);
}

static void work_dropped(FileJob *job) {
  add(ended, (char)(CONTAINER_OF(job, Work, job)->name - 32)); /* upper case */
  if (strlen(ended) == 3) loop_stop(loop);
}

static Work make_work(char name) {
  return (Work){.job = {.run = run_work, .done = work_done, .drop = work_dropped},
                .name = name};
}

static void add_on_loop(FileJob *job, char before) {
  uv_thread_t self = uv_thread_self();
  assert_true(uv_thread_equal(&self, &loop_thread));
  add(ran, before);
  add(ran, CONTAINER_OF(job, Work, job)->name);
}

static void work_begins(FileJob *job) {
  add_on_loop(job, '<');
}

static void work_ran(FileJob *job) {
  add_on_loop(job, '>');
}

static int begin(void **state) {
  (void)state;
  loop = loop_new(log_new(stderr, LOG_OFF, LOG_TEXT));
  queue = (FileQueue){0};
  memset(ran, 0, sizeof ran);
  memset(ended, 0, sizeof ended);
  loop_thread = uv_thread_self();
  off_loop = 0;
  given_up = NULL;
  return uv_sem_init(&gate, 0);
}

static int end(void **state) {
  (void)state;
  Log *log = loop_log(loop);
  loop_finish(loop);
  loop_free(loop);
  log_free(log);
  uv_sem_destroy(&gate);
  return 0;
}

static void in_order(void **state) {
  (void)state;
  Work a = make_work('a'), b = make_work('b'), c = make_work('c');
  file_push(&queue, loop, &a.job);
  file_push(&queue, loop, &b.job);
  file_push(&queue, loop, &c.job);
  loop_run(loop, NULL, NULL);
  assert_string_equal(ran, "abc");
  assert_string_equal(ended, "abc");
  assert_int_equal(off_loop, 3);
  assert_null(queue.first);
}

/* What is told before and after the run is told in its turn, and only of what is run. */
static void its_turn_is_told(void **state) {
  (void)state;
  Work works[] = {make_work('a'), make_work('b'), make_work('c')};
  for (size_t i = 0; i < COUNT_OF(works); i++) {
    works[i].job.begins = work_begins;
    works[i].job.ran = work_ran;
    file_push(&queue, loop, &works[i].job);
  }
  assert_int_equal(ran[0], '<');
  file_give_up(&works[1].job);
  loop_run(loop, NULL, NULL);
  assert_string_equal(ran, "<aa>a<cc>c");
  assert_string_equal(ended, "Bac");
}

static void on_open_gate(Timer *timer) {
  (void)timer;
  file_give_up(&given_up->job);
  uv_sem_post(&gate);
}

/* One that waits is never run; the others go on. */
static void one_that_waits_is_given_up(void **state) {
  (void)state;
  Work g = make_work('g'), b = make_work('b'), c = make_work('c');
  Timer timer = {.fire = on_open_gate};
  file_push(&queue, loop, &g.job);
  file_push(&queue, loop, &b.job);
  file_push(&queue, loop, &c.job);
  given_up = &c;
  timer_start(loop, &timer, 0);
  file_give_up(&b.job);
  assert_string_equal(ended, "B");
  given_up = &c;
  loop_run(loop, NULL, NULL);
  loop_finish(loop);
  assert_string_equal(ran, "g");
  assert_string_equal(ended, "BCg");
}

/* One that runs goes on to its end, and is dropped then. */
static void one_that_runs_is_given_up(void **state) {
  (void)state;
  Work g = make_work('g'), b = make_work('b'), c = make_work('c');
  Timer timer = {.fire = on_open_gate};
  file_push(&queue, loop, &g.job);
  file_push(&queue, loop, &b.job);
  file_push(&queue, loop, &c.job);
  given_up = &g;
  timer_start(loop, &timer, 0);
  loop_run(loop, NULL, NULL);
  loop_finish(loop);
  assert_string_equal(ran, "gbc");
  assert_string_equal(ended, "Gbc");
}

#define queue_test(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void) {
  const struct CMUnitTest tests[] = {
      queue_test(in_order), queue_test(one_that_waits_is_given_up),
      queue_test(one_that_runs_is_given_up), queue_test(its_turn_is_told)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
