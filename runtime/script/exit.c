/* See exit.h. */
#include "script/exit.h"

#include <string.h>

#include "script/parts.h"
#include "script/test_clock.h"
#include "vm/watchdog.h"

void runtime_end_in_time(Runtime *rt) {
  watchdog_end_at(rt->host.watchdog, ending_scripts_due(rt->ending));
}

static void stop_in_time(Runtime *rt) {
  ending_ask(rt->ending);
  runtime_end_in_time(rt);
  timer_start_at(rt->host.loop, &rt->stop_timer, ending_scripts_due(rt->ending));
}

/* The event is pushed: a task may be running now. */
static Event *begin_exit(Runtime *rt, int code) {
  rt->host.stopping = true;
  test_clock_close(rt); /* the end lives by the system's clock */
  rt->exit_code = code;
  atomic_store(&rt->ending->status, code);
  stop_in_time(rt);
  return &rt->stop;
}

static bool is_stopping(Runtime *rt, int code) {
  if (!rt->host.stopping) return false;
  if (rt->exit_code == 0) rt->exit_code = code;
  atomic_store(&rt->ending->status, rt->exit_code);
  return true;
}

void runtime_exit(Runtime *rt, int code) {
  if (!is_stopping(rt, code)) inbox_push(rt->host.loop, begin_exit(rt, code));
}

/* Before all events that wait: they may be very many. */
void runtime_interrupt(Runtime *rt, int status) {
  if (!is_stopping(rt, status)) inbox_push_front(rt->host.loop, begin_exit(rt, status));
}

/* Nobody reads any more. */
void runtime_output_failed(Runtime *rt) {
  int error = writer_error(output_out(rt->host.output));
  if (!error || rt->output_failed) return;
  rt->output_failed = true;
  log_write(rt->host.log, LOG_ERROR, "tidelock", "cannot write to standard output: %s",
            strerror(error));
  runtime_exit(rt, 1);
}

void runtime_stay(Runtime *rt, double seconds) {
  double until = loop_real_now() + seconds;
  if (!timer_active(&rt->stay) || rt->stay.due < until)
    timer_start_at(rt->host.loop, &rt->stay, until);
}

void runtime_reserve(Runtime *rt, bool reported) {
  if (!memory_is_short()) return;
  if (!reported && !rt->low_memory_logged) {
    log_write(rt->host.log, LOG_ERROR, "tidelock",
              "no memory left: what was laid aside for this has been used");
    rt->low_memory_logged = true;
  }
  memory_reserve();
}
