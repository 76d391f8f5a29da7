/* Subscriptions of one declaration to its store: selectors, the values that they returned
 * last, and handlers. */
#ifndef TIDELOCK_RESOURCE_SUBSCRIBE_H
#define TIDELOCK_RESOURCE_SUBSCRIBE_H

#include "core/value.h"
#include "resource/resource.h"

typedef struct Subscription Subscription;
typedef struct Subscriptions {
  Subscription *first, **last; /* last NULL: there are none yet */
  Subscription *fresh;   /* the first that has no baseline yet; NULL: all have one */
  Subscription *removed; /* while they are notified: what is to be unlinked then */
  int depth;             /* of notifying: while > 0 nothing is unlinked */
} Subscriptions;

/* Takes nothing from the stack; indexes are of L: selector (0: the whole state), handler,
 * equals (0: none). Pushes the handle, with :off(). May raise. */
Subscription *subscription_new(lua_State *L, Subscriptions *list, const char *store,
                               int selector, int handler, int equals);
/* The handler runs with the first baseline too, with nil for what was before. */
void subscription_set_immediate(Subscription *s, bool immediate);

/* Calls each selector, and the handlers of those whose value has changed. */
void subscriptions_notify(Vm *vm, Subscriptions *list, Value root);
/* For those that have none yet: what the selector gives now is what was seen last. */
void subscriptions_baseline(Vm *vm, Subscriptions *list, Value root);
void subscriptions_free(Vm *vm, Subscriptions *list);

#endif
