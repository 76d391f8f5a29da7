/* What all Vms of a process share: the loop, the log, the output, the limits, and the
 * task that runs now. Embedded in the Runtime, which sets it up; loop thread only. Other
 * rooms read it; who writes a field later stands at it. */
#ifndef TIDELOCK_VM_HOST_H
#define TIDELOCK_VM_HOST_H

#include <lua.h>

#include "core/json.h"
#include "loop/loop.h"
#include "loop/output.h"

typedef struct Vm Vm;
typedef struct Host Host;
typedef struct Owner Owner;
typedef struct Task Task;
typedef struct Watchdog Watchdog;

/* A module written in C: `open` leaves the module's table on the stack, like luaopen_*.
 */
typedef struct LuaModule {
  const char *name; /* "tidelock.socket" */
  lua_CFunction open;
} LuaModule;

/* Calls from vm/ and resource/ to the runtime, which is above them. All on the loop's
 * thread. None raises; none frees the host, a script or a Vm. */
typedef struct HostHooks {
  /* In the loop, outside of any turn: output was written, or could not be. It may ask for
   * the end of the process. */
  void (*output_changed)(Host *host);
  /* In dispatch, when the last held event of a script has run: subscribers of stores were
   * passed over meanwhile, and are to be called when this turn is over. */
  void (*notify_skipped)(Host *host);
  /* Whether a load of the script `of` is under way; NULL: of any script. Changes nothing.
   */
  bool (*is_loading)(const Host *host, const Owner *of);
} HostHooks;

struct Host {
  const HostHooks *hooks;
  Loop *loop;
  Log *log;
  Output *output;
  uv_async_t *output_wake;  /* wakes the loop for hooks->output_changed; by hold.c */
  const LuaModule *modules; /* ends with a NULL name; borrowed */
  size_t memory_limit;      /* bytes each script may use */
  double cpu_limit;         /* seconds a turn may run */
  double staging_limit;     /* seconds of running that a load may take */
  Owner *owners;            /* the scripts, in the order they were added; by script/ */
  const char *first;        /* of them, by name; NULL: the one added first; borrowed */
  struct Resources *resources;
  Watchdog *watchdog;
  const char *stack_floor;  /* see cstack.h */
  Task *free_tasks;         /* records for reuse; by task_life.c */
  Task *current;            /* the task that runs now; NULL: none; by task.c */
  int blocked;              /* frames inside it that cannot be yielded; by task.c and
                               coroutine.c */
  int nested_task_starts;   /* handlers started inside one another, that run now; by
                               lua/server.c */
  bool stopping;            /* the process ends; by script/ */
  bool cancelling;          /* `stop` handlers have begun: no script is held back; by
                               script/ */
  unsigned late_errors;     /* errors after the time for scripts was over; the first is
                               reported; by task_error.c */
  bool late_errors_counted; /* their number stands: later ones do not change it; by
                               script/ */
};

#endif
