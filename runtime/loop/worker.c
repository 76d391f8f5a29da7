/* See worker.h. */
#include "loop/worker.h"

#include "core/base.h"

bool worker_may_start(void) {
  enum { STACKS = 48 << 20 };
  return memory_has(STACKS);
}
