/* Large events, while the tasks of their handlers read them: until they have, the
 * connection holds the events behind them back, so that handlers begin in the order in
 * which events came.
 *
 * Each of these tasks has a reader, which the task's end gives up: it is waited for until
 * the text is read, and at the latest until the task has ended. A task may end without
 * having begun to read (it was cancelled, killed or turned away while it was held back),
 * and the text may outlive it: a text knows its reader's number, and looks for it. */
#ifndef TIDELOCK_RESOURCE_CONNECTION_LARGE_H
#define TIDELOCK_RESOURCE_CONNECTION_LARGE_H

#include "resource/connection_parts.h"

/* Returns new, to be given to large_end. A serial handler, which may begin much later, is
 * not waited for. */
LargeReader *large_begin(Connection *c, InFlight *f, bool serial);
/* Its number; 0: nobody waits for it. */
uint64_t large_number(const LargeReader *reader);
/* The reader of this number has read it, or will not; true: nobody else is waited for. */
bool large_is_read(InFlight *f, uint64_t number);
/* Its task has ended. Frees the reader; returns the flight that it was of. */
InFlight *large_end(LargeReader *reader);
/* Whether events wait for a reading. */
bool large_waits(const InFlight *f);

#endif
