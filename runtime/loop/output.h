/* Standard output and standard error of the process, as writers. Where both are the same
 * file (2>&1, a terminal) they are one writer, so that what is printed and what is logged
 * are written in the order in which they came. Made by main; any thread. */
#ifndef TIDELOCK_LOOP_OUTPUT_H
#define TIDELOCK_LOOP_OUTPUT_H

#include "core/log.h"
#include "loop/writer.h"

typedef struct Output Output;

Output *output_new(void);      /* returns new */
void output_free(Output *o);   /* drops what is not written: see writer_wait */
Writer *output_out(Output *o); /* borrows */

/* Each script that prints has one, zeroed at first. */
typedef struct OutputAccount {
  WriterAccount out, err;
} OutputAccount;

/* Puts text for descriptor 1 or 2. Where the descriptor is a terminal, control characters
 * become "?". Loop thread only. */
void output_print(Output *o, int fd, OutputAccount *account, const char *text,
                  size_t len);
/* A line end on standard output, if what was printed there last does not end with one. */
void output_end_line(Output *o, OutputAccount *account);
static inline size_t output_queued(const OutputAccount *account) {
  return writer_queued(&account->out) + writer_queued(&account->err);
}
/* The listener is called, once, when fewer bytes of the account wait. */
void output_notify_fewer(Output *o, OutputAccount *account);
void output_forget(Output *o, const OutputAccount *account);
void output_listen(Output *o, void (*listener)(void *ctx), void *ctx);

/* Standard error, for the log. Borrows. */
LogSink output_log_sink(Output *o);

/* A line to standard error, past all text that waits, if it can be written at once: for
 * the messages of a process that ends. Any thread. */
void output_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Waits for all text to be written, `seconds` at most. True: none is left. */
bool output_wait(Output *o, double seconds);
size_t output_left(Output *o); /* bytes */

#endif
