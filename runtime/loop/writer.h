/* Writers: text for a descriptor that a reader may leave unread for as long as he likes
 * (a pipe, a terminal that is stopped). Putting text never waits: it goes into a queue in
 * memory, which a thread of the writer's own writes, in order. The descriptor is shared
 * with other processes and is never made non-blocking. Whoever puts text has an account,
 * which says how much of it still waits. Any thread. */
#ifndef TIDELOCK_LOOP_WRITER_H
#define TIDELOCK_LOOP_WRITER_H

#include "core/buffer.h"

typedef struct Writer Writer;

typedef struct WriterAccount {
  size_t queued; /* bytes that wait; read it by writer_queued */
  bool notify;   /* the listener is called once they are fewer */
} WriterAccount;

Writer *writer_new(int fd); /* returns new; the descriptor stays the caller's */
/* Ends the thread. What it has not written is dropped: see writer_wait. A thread
 * that does not end when asked stays, and the writer with it. */
void writer_free(Writer *w);

/* Copies the text. The account outlives the text, or is forgotten before it ends. */
void writer_put(Writer *w, WriterAccount *account, const char *text, size_t len);
void writer_forget(Writer *w, const WriterAccount *account);
static inline size_t writer_queued(const WriterAccount *account) {
  return __atomic_load_n(&account->queued, __ATOMIC_RELAXED);
}
/* The listener is called, once, when fewer bytes of the account wait. False: none wait.
 */
bool writer_notify_fewer(Writer *w, WriterAccount *account);

/* Waits for all text to be written, `seconds` at most. True: none is left. */
bool writer_wait(Writer *w, double seconds);
size_t writer_left(Writer *w); /* bytes that are not written yet */
/* 0, or errno of a write that failed: since then all text is dropped. */
int writer_error(Writer *w);

/* Called on the writer's thread, with nothing locked: fewer bytes wait, or a write
 * failed. NULL: no listener. When this returns, no earlier one is being called. */
void writer_listen(Writer *w, void (*listener)(void *ctx), void *ctx);

#endif
