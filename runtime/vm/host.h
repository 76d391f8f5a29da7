/* What all Vms of a process share: the loop, the log, the output, the limits, and the
 * task that runs now. Embedded in the Runtime; loop thread only. */
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

/* Calls from the host to the runtime above it. */
typedef struct HostHooks {
  void (*printed)(Host *host); /* some output was written, or could not be */
  void (*gone_on)(Host *host); /* a script that was held back has gone on */
  bool (*is_loading)(const Host *host, const Owner *of); /* `of` NULL: any script */
} HostHooks;

struct Host {
  const HostHooks *hooks;
  Loop *loop;
  Log *log;
  Output *output;
  uv_async_t *printed;      /* wakes the loop for hooks->printed */
  const LuaModule *modules; /* ends with a NULL name; borrowed */
  size_t memory_limit;      /* bytes each script may use */
  double cpu_limit;         /* seconds a turn may run */
  double staging_limit;     /* seconds of running that a load may take */
  Owner *owners;            /* the scripts, in the order they were added */
  const char *first;        /* of them, by name; NULL: the one added first; borrowed */
  struct Resources *resources;
  Watchdog *watchdog;
  const char *stack_floor;  /* see cstack.h */
  Task *free_tasks;         /* records for reuse */
  Task *current;            /* the task that runs now; NULL: none */
  int blocked;              /* frames inside it that cannot be yielded */
  int nested_task_starts;   /* handlers started inside one another, that run now */
  bool stopping;            /* the process ends */
  bool cancelling;          /* `stop` handlers have begun: no script is held back */
  unsigned late_errors;     /* errors after the time for scripts was over; the first is
                               reported */
  bool late_errors_counted; /* their number stands: later ones do not change it */
};

#endif
