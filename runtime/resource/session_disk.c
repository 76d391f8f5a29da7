/* The file of a session, as its loop thread sees it: one job at a time. A lock that
 * another process has is tried again every 50 ms, for 15 s. What cannot be written is
 * used from memory and written again each second, under the lock, so that nobody renews
 * with the token that is in the file. */
#include "resource/session_disk.h"

#include <stdlib.h>
#include <string.h>

#include "resource/resource.h"
#include "resource/session_state.h"

static const double lock_pause = 0.05, lock_limit = 15, put_pause = 1;

static void push_job(Session *s, SessionJob what);

bool session_kept(const Session *s) {
  return s->file.name != NULL;
}

/* "/home/me/.local/share/tidelock/default" → ".../tidelock/sessions" */
static char *sessions_folder(const char *data) {
  size_t len = strlen(data);
  while (len > 1 && data[len - 1] == '/') len--;
  while (len > 0 && data[len - 1] != '/') len--;
  return xasprintf("%.*ssessions", (int)len, data);
}

void session_place(Session *s) {
  const SessionOptions *o = session_options(s);
  const char *data = s->res->owner->host->resources->data;
  const char *origin = o->count ? o->origins[0] : s->origin;
  if (s->file.name || !o->remember || !data || !origin) return;
  s->file.name = session_file_name(s->res->name, o->account, origin);
  s->file.folder = sessions_folder(data);
  if (!s->file.name)
    session_log(s, LOG_ERROR, "its name and origin are too long: it is not kept", NULL);
}

/* --- on the thread ---------------------------------------------------------------- */

static void begin_work(Session *s, Error *err) {
  bool held = s->file.lock >= 0;
  if (session_file_lock(&s->file, err) != 0 || held) return;
  if (session_file_read(&s->file, &s->seen, &s->exposed, err) != 0) return;
  if (s->seen.number != s->job_number || !s->seen.access || s->seen.closed) return;
  s->seen.begun = true;
  if (session_file_write(&s->file, &s->seen, err) == 0)
    session_file_reserve(&s->file, err);
}

/* The number is that of the file as it is under the lock, and one more. */
static void put_work(Session *s, Error *err) {
  Error ignored = {0};
  if (session_file_lock(&s->file, err) != 0) return;
  session_file_read(&s->file, &s->seen, &s->exposed, &ignored);
  if (s->seen.number >= s->writing.number) s->writing.number = s->seen.number + 1;
  if (session_file_write(&s->file, &s->writing, err) == 0) session_file_unlock(&s->file);
}

static void run_job(FileJob *job) {
  Session *s = CONTAINER_OF(job, Session, job);
  session_record_free(&s->seen);
  s->exposed = false;
  if (s->what == JOB_READ) session_file_read(&s->file, &s->seen, &s->exposed, &job->err);
  else if (s->what == JOB_BEGIN) begin_work(s, &job->err);
  else put_work(s, &job->err);
}

/* --- what comes of it ------------------------------------------------------------- */

static void on_lock_timer(Timer *timer) {
  Session *s = CONTAINER_OF(timer, Session, lock_timer);
  push_job(s, s->what);
}

/* Whether it is tried again. */
static bool try_again(Session *s, Error *err) {
  if (err->code != ERR_BUSY) return false;
  if (loop_now(s->loop) < s->lock_due) {
    timer_start(s->loop, &s->lock_timer, lock_pause);
    return true;
  }
  error_set(err, ERR_TIMEOUT,
            "another process has held the session %s for %.0f s: it is not renewed",
            s->res->name, lock_limit);
  err->phase = "lock";
  return false;
}

static void on_put_timer(Timer *timer) {
  Session *s = CONTAINER_OF(timer, Session, put_timer);
  if (s->fresh.number && !s->job_runs) push_job(s, JOB_PUT);
}

/* Tokens in memory are as good until the process ends. */
static void put_later(Session *s, const Error *err) {
  if (!s->told_unwritten)
    session_log(s, LOG_ERROR,
                "its tokens are not on the disk: used from memory, written again each "
                "second",
                err);
  s->told_unwritten = true;
  if (!s->fresh_is_own) s->hooks->put(s);
  s->fresh_is_own = true;
  timer_start(s->loop, &s->put_timer, put_pause);
}

static void drop_fresh(Session *s) {
  session_record_free(&s->fresh);
  s->fresh_id++;
  s->fresh_is_own = s->told_unwritten = false;
}

static void on_written(Session *s, const Error *err) {
  int64_t number = s->writing.number;
  session_record_free(&s->writing);
  if (!s->fresh.number) return;
  if (number > s->fresh.number) s->fresh.number = number;
  if (s->writing_id != s->fresh_id) { /* it came while that was written */
    s->fresh.number = number + 1;
    push_job(s, JOB_PUT);
    return;
  }
  if (err->code) {
    put_later(s, err);
    return;
  }
  if (s->told_unwritten) session_log(s, LOG_INFO, "its tokens are on the disk", NULL);
  if (!s->fresh_is_own) s->hooks->put(s);
  else s->own.number = s->fresh.number;
  drop_fresh(s);
}

static void count_unsaved(const Session *s, int change) {
  atomic_size_t *unsaved = s->unsaved;
  if (unsaved && s->what == JOB_PUT) *unsaved += (size_t)change;
}

static void on_job(FileJob *job) {
  Session *s = CONTAINER_OF(job, Session, job);
  Error err = job->err;
  count_unsaved(s, -1);
  s->job_runs = false;
  SessionJob what = s->what;
  if (s->exposed)
    session_log(s, LOG_WARN, "others could read its file, which is closed to them now",
                NULL);
  if (!s->res) {
    session_unref(s);
    return;
  }
  if (what == JOB_PUT && err.code == ERR_BUSY) session_record_free(&s->writing);
  if (what != JOB_PUT && s->fresh.number) push_job(s, JOB_PUT); /* it has come since */
  else if (what == JOB_LOOK) s->hooks->looked(s);
  else if (what != JOB_READ && try_again(s, &err)) (void)0;
  else if (what == JOB_READ) s->hooks->read(s, &err);
  else if (what == JOB_BEGIN) s->hooks->begun(s, &err);
  else on_written(s, &err);
  session_unref(s);
}

static void drop_job(FileJob *job) {
  session_unref(CONTAINER_OF(job, Session, job));
}

static void push_job(Session *s, SessionJob what) {
  CHECK(!s->job_runs);
  timer_stop(s->loop, &s->lock_timer);
  s->what = what;
  s->job_runs = true;
  s->job_number = s->own.number;
  if (what == JOB_PUT) {
    session_record_copy(&s->writing, &s->fresh);
    s->writing_id = s->fresh_id;
  }
  session_ref(s);
  s->job = (FileJob){.run = run_job, .done = on_job, .drop = drop_job};
  count_unsaved(s, 1);
  file_push(&s->queue, s->loop, &s->job);
}

/* --- what is asked ---------------------------------------------------------------- */

static void on_begin(Event *event) {
  static const Error none;
  Session *s = CONTAINER_OF(event, Session, begin);
  s->begins = false;
  if (s->res) s->hooks->begun(s, &none);
  session_unref(s);
}

void session_disk_init(Session *s, const SessionHooks *hooks) {
  s->hooks = hooks;
  s->begin.run = on_begin;
  s->lock_timer.fire = on_lock_timer;
  s->put_timer.fire = on_put_timer;
}

void session_read_disk(Session *s) {
  push_job(s, JOB_READ);
}

bool session_look(Session *s) {
  bool can = session_kept(s) && !s->job_runs && !s->fresh.number;
  if (can) push_job(s, JOB_LOOK);
  return can;
}

void session_begin_disk(Session *s) {
  s->lock_due = loop_now(s->loop) + lock_limit;
  if (session_kept(s)) {
    if (!s->job_runs) push_job(s, JOB_BEGIN);
  } else if (!s->begins) {
    s->begins = true;
    session_ref(s);
    inbox_push(s->loop, &s->begin);
  }
}

void session_put(Session *s, SessionRecord *fresh) {
  drop_fresh(s);
  s->fresh = *fresh;
  *fresh = (SessionRecord){0};
  s->fresh.number = s->own.number + 1;
  s->fresh.boot_time = session_now(s);
  boot_id(s->fresh.boot);
  s->lock_due = loop_now(s->loop) + lock_limit;
  if (session_kept(s)) {
    if (!s->job_runs) push_job(s, JOB_PUT);
    return;
  }
  s->hooks->put(s);
  drop_fresh(s);
}

void session_stop_disk(Session *s) {
  timer_stop(s->loop, &s->lock_timer);
  timer_stop(s->loop, &s->put_timer);
}
