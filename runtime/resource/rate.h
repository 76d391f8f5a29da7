/* Named limiters (tidelock.rate) over a reload. What a limiter is stands in Lua, in
 * stdlib/rate.lua; here is what carries it from one generation to the next:
 *
 * - prepare: the old generation's RATE_SNAPSHOT returns plain data: due times, tokens,
 *   the arguments that wait. Nothing is done to the old one: the load may be given up.
 *   Where the old one raises, or is a limiter of another kind, nothing is handed over:
 *   what is pending runs there, at the swap.
 *
 * - join: the old generation's RATE_MOVED hears that its limiter is the new one's now,
 * and the new one's RATE_ADOPT gets the data.
 *
 * - rate_release: what the old generation's tasks hold (of a semaphore) goes to the new
 *   one's RATE_SETTLED as a number, one by one, and what is left when it ends.
 *
 * - rate_settle: what came of a run that was adopted goes to RATE_SETTLED of the older
 *   generations, where tasks may wait for it. */
#ifndef TIDELOCK_RESOURCE_RATE_H
#define TIDELOCK_RESOURCE_RATE_H

#include "resource/resource.h"

extern const ResourceKind rate_kind; /* no options */
/* declaration->functions */
enum { RATE_SNAPSHOT, RATE_MOVED, RATE_ADOPT, RATE_SETTLED, RATE_FUNCTIONS };

/* What it is: "debounce", "bucket". Once, when it has been declared; borrows. */
void rate_describe(Declaration *decl, const char *what);

/* Tells the generations before the outcome at `index`; false: it is no plain data. May
 * raise (memory). */
bool rate_settle(lua_State *L, Declaration *decl, int index);

/* At RATE_MOVED: the generation's tasks hold so many, which the new one counts. */
void rate_owe(const Declaration *decl, int64_t count);
/* One of them is given back. */
void rate_release(const Declaration *decl);

#endif
