/* The disk of an outbox: queues changes of entries, makes a transaction of all that are
 * queued, answers those who wait, and reads. For outbox.c; loop thread. */
#ifndef TIDELOCK_DATA_OUTBOX_WRITE_H
#define TIDELOCK_DATA_OUTBOX_WRITE_H

#include "data/outbox_parts.h"

void outbox_write_init(Outbox *o);
void outbox_push(Outbox *o, OutboxOp *op); /* takes it */
void outbox_flush(Outbox *o);              /* what is queued is written now */
void outbox_flush_last(
    Outbox *o); /* the same, behind a job that is under way: it closes */
void outbox_cancel_writes(Outbox *o);   /* answers all with CANCELLED */
void outbox_free_unused(Outbox *o);     /* where it is closed and nothing is under way */
int outbox_load(Outbox *o, Error *err); /* calls hooks->found for each entry */
int outbox_read_column(Outbox *o, int64_t seq, bool request, Buffer *out, Error *err);

#endif
