/* A session, for the files of its family: opaque elsewhere. session.h says what it is. */
#ifndef TIDELOCK_RESOURCE_SESSION_PARTS_H
#define TIDELOCK_RESOURCE_SESSION_PARTS_H

#include "data/file_queue.h"
#include "data/session_file.h"
#include "resource/resources.h"
#include "resource/session_options.h"
#include "vm/task_wait.h"

typedef enum SessionStatus {
  SESSION_RESTORING,
  SESSION_OPEN,
  SESSION_CLOSED
} SessionStatus;

/* What it does with its file, on another thread. */
typedef enum SessionJob { JOB_READ, JOB_LOOK, JOB_BEGIN, JOB_PUT } SessionJob;

typedef struct Session Session;
typedef struct SessionCall SessionCall;

/* Owned by the task that waits. */
typedef struct SessionWait {
  struct SessionWait *next, **at;
  Wait wait;
  Task *task;
  TaskPush *push;   /* the answer; its context is this */
  Session *session; /* a reference */
  int ask;          /* a SessionAsk */
  int64_t serial;
} SessionWait;

typedef struct SessionWaits {
  SessionWait *first;
} SessionWaits;

/* Counted: its resource holds one reference, each job and each task another. */
/* What session_disk.c calls when its work is done. */
typedef struct SessionHooks {
  void (*read)(Session *s, const Error *err);  /* it is in `seen` */
  void (*looked)(Session *s);                  /* the same, while it is open */
  void (*begun)(Session *s, const Error *err); /* locked, read into `seen`, marked */
  void (*put)(Session *s); /* `fresh` is on the disk, or cannot be: it is to be used */
} SessionHooks;

struct Session {
  Resource *res; /* NULL: closed */
  Loop *loop;
  Wakes *wakes; /* the clock of ages */
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

  atomic_size_t *unsaved; /* the runtime's count; NULL: none */
  const SessionHooks *hooks;
  FileQueue queue;
  FileJob job;
  SessionJob what;
  bool job_runs;
  SessionFile file;
  SessionRecord seen;    /* by the job, in the file */
  bool exposed;          /* others could read it */
  SessionRecord writing; /* the job's copy of `fresh` */
  int64_t job_number;    /* the job's copy of own.number */
  SessionRecord fresh;   /* to be put there; number 0: nothing is */
  uint64_t fresh_id, writing_id;
  bool fresh_is_own; /* it is used already, as it could not be written */
  bool told_unwritten;

  SessionListener *listeners;
  SessionWaits waits, waking;
  Event finish, change, begin;
  bool finishes, changes, begins;
};

static inline const SessionOptions *session_options(const Session *s) {
  return s->res->options;
}

#endif
