/* A session, for the files of its family: opaque elsewhere. session.h says what it is. */
#ifndef TIDELOCK_RESOURCE_SESSION_PARTS_H
#define TIDELOCK_RESOURCE_SESSION_PARTS_H

#include "data/file_queue.h"
#include "data/session_file.h"
#include "resource/resource.h"
#include "resource/session.h"

typedef enum SessionStatus {
  SESSION_RESTORING,
  SESSION_OPEN,
  SESSION_CLOSED
} SessionStatus;

/* What it does with its file, on another thread. */
typedef enum SessionJob { JOB_READ, JOB_BEGIN, JOB_PUT } SessionJob;

typedef struct SessionWait SessionWait;
typedef struct SessionCall SessionCall;

typedef struct SessionWaits {
  SessionWait *first;
} SessionWaits;

/* Counted: its resource holds one reference, each job and each task another. */
struct Session {
  Resource *res; /* NULL: closed */
  Loop *loop;
  int refs;
  SessionStatus status;
  const char *reason; /* why it is closed: static text */
  double since;       /* wall-clock seconds */
  SessionRecord own;  /* the tokens; zeroed while it is not open, but for `number` */
  double got;         /* session_now when they came */
  bool doubt;         /* its age is not known: renew before it is used */
  int64_t serial;     /* rises with each pair of this process */
  unsigned fence;     /* rises with login and logout: what began before does not count */
  char *origin;       /* of the login; owned; NULL: not known */
  char *login_origin; /* where the login that runs asked first; owned */

  bool refreshing, asking; /* asking: the script's function runs */
  unsigned refresh_fence;
  bool was_begun;  /* a process that ended had begun to renew this pair */
  double again_at; /* after a refresh that failed: none before that */
  double pause;
  Error failure;     /* of the last one; ERR_NONE: it succeeded */
  Task *task;        /* that runs `refresh`; borrowed */
  SessionCall *call; /* the same; NULL: none runs */
  Timer ask_timer, lock_timer, put_timer;
  double lock_due;

  FileQueue queue;
  FileJob job;
  SessionJob what;
  bool job_runs;
  SessionFile file;
  SessionRecord seen;    /* by the job, in the file */
  SessionRecord writing; /* the job's copy of `fresh` */
  int64_t job_number;    /* the job's copy of own.number */
  SessionRecord fresh;   /* to be put there; number 0: nothing is */
  uint64_t fresh_id, writing_id;
  bool fresh_is_own; /* it is used already, as it could not be written */
  bool told_unwritten;

  SessionWaits waits, waking;
  Event finish, change, begin;
  bool finishes, changes, begins;
};

static inline const SessionOptions *session_options(const Session *s) {
  return s->res->options;
}

double session_now(const Session *s); /* seconds, those that the machine slept included */
void session_ref(Session *s);
void session_unref(Session *s);
void session_log(const Session *s, LogLevel level, const char *text, const Error *err);

/* Takes the record: these are the tokens from now on. */
void session_adopt(Session *s, SessionRecord *record);
void session_close_for(Session *s, const char *reason);
const char *
session_reason(const char *closed); /* static: of a file's, which may be any */
bool session_is_due(const Session *s);
void session_finish(Session *s); /* whoever waits goes on */
void session_tell(Session *s);   /* its state is another */

/* --- session_disk.c --- */
bool session_kept(const Session *s); /* it has a file */
void session_place(Session *s);      /* its file, when the origin is known */
void session_restore(Session *s);
void session_begin_disk(Session *s); /* locks, reads, marks; then session_on_begun */
void session_put(Session *s, SessionRecord *fresh); /* takes it; then session_on_put */
void session_stop_disk(Session *s);

/* --- session_refresh.c --- */
void session_refresh(Session *s);
void session_on_begun(Session *s, const Error *err);
void session_on_put(Session *s);
void session_stop_refresh(Session *s);

#endif
