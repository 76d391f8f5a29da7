/* The types that outbox.c (entries and lanes) and outbox_write.c (the disk) share. */
#ifndef TIDELOCK_DATA_OUTBOX_PARTS_H
#define TIDELOCK_DATA_OUTBOX_PARTS_H

#include <stdatomic.h>

#include "core/index.h"
#include "data/outbox.h"

typedef enum LaneState { LANE_STOPPED, LANE_READY, LANE_BUSY, LANE_DELAYED } LaneState;

struct OutboxLane {
  IndexNode node; /* by name */
  Outbox *outbox;
  OutboxEntry *first, *last;
  OutboxLane *next_ready;
  LaneState state;
  Timer timer; /* runs while it is DELAYED */
  char name[];
};

typedef struct OutboxName {
  struct OutboxName *next;
  char text[];
} OutboxName;

typedef enum OpKind { OP_ENTER, OP_SET, OP_EDIT, OP_REMOVE } OpKind;

/* A change to be written, with all that it needs: the entry may be gone by then. */
typedef struct OutboxOp {
  struct OutboxOp *next;
  OpKind kind;
  int64_t seq, version;
  int state;
  double created, due; /* due: of an ENTER, on the loop's clock */
  char *id, *name, *lane;
  Buffer args, note, request;
  bool has_note, has_request;
  OutboxWrite *write;
  atomic_bool dropped; /* its ENTER is not to be written any more */
} OutboxOp;

/* What outbox_write.c tells outbox.c. */
typedef struct OutboxHooks {
  void (*durable)(Outbox *o, int64_t seq); /* the entry is on the disk */
  void (*failed)(Outbox *o, int64_t seq);  /* it is not, and will not be */
  /* It is on the disk: returns it, without its version, state and bytes. On the
   * database's thread, while the loop waits. */
  OutboxEntry *(*found)(Outbox *o, int64_t seq, const char *id, const char *name,
                        const char *lane);
} OutboxHooks;

struct Outbox {
  const OutboxHooks *hooks;
  Loop *loop;
  Db *db;
  char *script;
  OutboxOptions options;
  OutboxEntry **entries; /* by seq; in `base`, behind room of those that are gone */
  OutboxEntry **base;    /* owned */
  size_t count, room;    /* room: of base */
  Index lanes;
  OutboxLane *ready, **last_ready;
  size_t busy, delayed;
  OutboxName *names;
  int64_t last_seq;
  size_t held; /* bytes of args in memory */
  OutboxOp *ops, **last_op, *writing;
  struct OutboxJob *job; /* under way; NULL: none */
  int jobs; /* that have not come back: one, and one more where it is being closed */
  Event flush, tell;
  bool flushes, tells, closed;
  Timer retry, patience;
};

#endif
