/* All resources of a process, and what they stand on. Embedded in the Runtime, which owns
 * what is in it; loop thread only. */
#ifndef TIDELOCK_RESOURCE_RESOURCES_H
#define TIDELOCK_RESOURCE_RESOURCES_H

#include <stdatomic.h>

#include "core/index.h"
#include "net/net.h"
#include "server/door.h"
#include "vm/vm.h"

typedef struct Resource Resource;
typedef struct Stores Stores;

typedef struct Resources {
  Host *host;
  Resource *first;
  Index pending; /* declarations attached to what does not exist yet, by kind and name */
  Timer pending_timer; /* when they are logged: pending.h */
  Net *net;
  Servers *servers;
  Stores *stores;
  Index connections;        /* the open ones, by number */
  uint64_t last_connection; /* its number: each has one of its own */
  const char *data;         /* folder of this profile; NULL: keep nothing; borrowed */
  bool check_only;          /* only declarations are looked at: nothing is kept */
  atomic_size_t *unsaved;   /* counts jobs that wait to be written to the disk */
} Resources;

static inline Resources *resources_of(const Vm *vm) {
  return vm->host->resources;
}

#endif
