/* Large events, while the tasks of their handlers read them: until they have, the
 * connection holds the events behind them back, so that handlers begin in the order in
 * which events came.
 *
 * Each firing of a large event has an entry in the flight of the handlers, which owns it.
 * The texts that handlers read know its number, and look for it when they are over: a
 * task may end without having begun to read. */
#ifndef TIDELOCK_RESOURCE_CONNECTION_LARGE_H
#define TIDELOCK_RESOURCE_CONNECTION_LARGE_H

#include "resource/connection_parts.h"

/* Returns the number of a new firing, never 0. f: NULL: nobody waits for it. */
uint64_t large_begin(Connection *c, InFlight *f);
/* One more handler reads it; a serial one, which may begin much later, is not waited for.
 */
void large_expect(InFlight *f, uint64_t number);
/* One of these handlers has read it, or will not; true: it was the last. */
bool large_is_read(InFlight *f, uint64_t number);
/* Whether events wait for a reading. */
bool large_waits(const InFlight *f);
void large_free(InFlight *f); /* nobody reads any more */

#endif
