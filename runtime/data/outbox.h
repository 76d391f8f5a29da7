/* The outbox of one script: what it has to tell servers, entry by entry, kept in the
 * profile's database until it is done. Loop thread only; knows no Lua and no network.
 *
 * - An entry is durable when its OutboxWrite is answered without an error: the writes are
 *   synced, ahead of what stores have to write. All that is changed within a turn, or
 *   while a write is under way, is one transaction.
 * - An entry that cannot be written (disk full, read-only, no answer for 5 s) is taken
 * out again and its OutboxWrite gets the error. Other changes of an entry count at once,
 * and are written again until that works.
 * - Entries of one lane stand in the order in which they were entered; only the first one
 *   of a lane is ever offered (outbox_next).
 * - The bytes of an entry (args, request, note) mean nothing here. Those that are on the
 *   disk are not kept in memory beyond some MiB. */
#ifndef TIDELOCK_DATA_OUTBOX_H
#define TIDELOCK_DATA_OUTBOX_H

#include "core/buffer.h"
#include "core/charge.h"
#include "data/db.h"

/* Numbers of the file's format. */
typedef enum OutboxState {
  OUTBOX_WAITING,
  OUTBOX_SENDING, /* it is being sent, or may have been when the process ended */
  OUTBOX_UNKNOWN, /* sent, and no answer is known */
  OUTBOX_HELD,    /* somebody has to decide */
  OUTBOX_DEAD     /* refused for good */
} OutboxState;

enum { OUTBOX_ID = 37, OUTBOX_MOST = 250000, OUTBOX_ARGS = 1 << 20 };

typedef struct Outbox Outbox;
typedef struct OutboxLane OutboxLane;

/* To be read; changed by the functions below alone. */
typedef struct OutboxEntry OutboxEntry;
struct OutboxEntry {
  OutboxEntry *next, *prev; /* in its lane, by seq */
  int64_t seq, version;
  double created;   /* wall-clock seconds */
  const char *name; /* of the mutation; the outbox's */
  OutboxLane *lane;
  char id[OUTBOX_ID];
  char state;                 /* an OutboxState */
  bool durable, requested;    /* requested: a request of it is stored */
  Buffer args, note, request; /* empty: on the disk alone, or none (note) */
  size_t charged;
};

/* Embed it. done runs in dispatch, once; err NULL: it is durable. */
typedef struct OutboxWrite OutboxWrite;
struct OutboxWrite {
  OutboxWrite *next;
  void (*done)(OutboxWrite *write, const Error *err);
};

typedef struct OutboxOptions {
  const char *script;       /* copied */
  Charge *charge;           /* what it holds is charged to it; may be NULL */
  void (*ready)(void *ctx); /* outbox_next may have something; in dispatch */
  void *ctx;
  double patience; /* seconds for a write; 0: 5 */
} OutboxOptions;

/* Reads what is stored, waiting for the disk. db NULL: all of it is in memory alone.
 * Returns new; NULL: *err. What was being sent when the process ended is UNKNOWN. */
Outbox *outbox_open(Loop *loop, Db *db, const OutboxOptions *options, Error *err);
/* Hands what is not written yet to the database, and frees it; run the loop on. Writes
 * that wait are answered with CANCELLED. */
void outbox_close(Outbox *o);

typedef struct OutboxNew {
  const char *id, *name, *lane; /* copied */
  int64_t version;
  double created;
  Buffer args; /* taken, also when it fails */
} OutboxNew;
/* The new entry, last in its lane, or NULL: TOO_LARGE, BUFFER_FULL. `write` may be NULL.
 */
OutboxEntry *outbox_enter(Outbox *o, OutboxNew *fresh, OutboxWrite *write, Error *err);
/* Changes the state, and takes the note (empty: none) and the request, unless they are
 * NULL. With a `write` its caller waits: where it fails the state counts all the same. */
void outbox_set(Outbox *o, OutboxEntry *entry, OutboxState state, Buffer *note,
                Buffer *request, OutboxWrite *write);
/* Other args (taken) of this version; what was to be sent is forgotten. */
void outbox_edit(Outbox *o, OutboxEntry *entry, Buffer *args, int64_t version,
                 OutboxWrite *write);
/* It is done: frees the entry. */
void outbox_remove(Outbox *o, OutboxEntry *entry);

OutboxEntry *outbox_find(const Outbox *o, int64_t seq); /* NULL: none */
OutboxEntry *outbox_find_id(const Outbox *o, const char *id);
OutboxEntry *outbox_after(const Outbox *o, int64_t seq); /* by seq; NULL: no more */
size_t outbox_count(const Outbox *o);
const char *outbox_lane(const OutboxEntry *entry); /* its name; borrows */
/* Appends the args, or the request; IO where they cannot be read. */
int outbox_args(Outbox *o, const OutboxEntry *entry, Buffer *out, Error *err);
int outbox_request(Outbox *o, const OutboxEntry *entry, Buffer *out, Error *err);

/* The first entry of a lane that is ready; the lane is busy from then on, until one of
 * the next three. NULL: none is ready. */
OutboxEntry *outbox_next(Outbox *o);
void outbox_offer(Outbox *o, OutboxLane *lane);                 /* it is ready */
void outbox_delay(Outbox *o, OutboxLane *lane, double seconds); /* ready after that */
void outbox_stop(Outbox *o, OutboxLane *lane);                  /* until it is offered */
void outbox_offer_all(Outbox *o);    /* all that are not busy */
void outbox_wake(Outbox *o);         /* `ready` is called, whether something is or not */
bool outbox_active(const Outbox *o); /* a lane is busy, ready or delayed; or it writes */

#endif
