/* The initial state's keys that a state has not, or not any more. A key that was taken
 * out stays out; one that is new in the initial state comes in, in objects inside objects
 * too. Arrays are data: nothing is put into them. Pure functions over values. */
#ifndef TIDELOCK_DATA_DEFAULTS_H
#define TIDELOCK_DATA_DEFAULTS_H

#include "core/value.h"

/* Which keys of `initial` the root lacks, as an object of the same shape with true for
 * each; returns new. Absent when the account is full. */
Value defaults_gone(ValueAccount *account, Value initial, Value root);
/* The same where `gone` is what it was for `before`: looks at what differs alone. */
Value defaults_gone_now(ValueAccount *account, Value initial, Value before, Value root,
                        Value gone);
/* Puts into *root what it lacks of `initial`, but for what `gone` (or absent) names; what
 * the account has no room for is left out. Whether anything came in. */
bool defaults_fill(ValueAccount *account, Value *root, Value initial, Value gone);

#endif
