/* Keys of the initial state that a state lacks. One that was removed stays out; one that
 * is new in the initial state is put in, in nested objects too. Arrays are data: nothing
 * is put into them. Pure functions over values. */
#ifndef TIDELOCK_DATA_DEFAULTS_H
#define TIDELOCK_DATA_DEFAULTS_H

#include "core/value.h"

/* Which keys of `initial` the root lacks, as an object of the same shape with true for
 * each; returns new. Absent when the account is full. */
Value defaults_gone(ValueAccount *account, Value initial, Value root);
/* The same from `gone`, the result for `before`: only differences are looked at. */
Value defaults_gone_now(ValueAccount *account, Value initial, Value before, Value root,
                        Value gone);
/* Puts into *root the keys of `initial` that it lacks, but those that `gone` (may be
 * absent) names; keys without room in the account are left out. Whether any came in. */
bool defaults_fill(ValueAccount *account, Value *root, Value initial, Value gone);

#endif
