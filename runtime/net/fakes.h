/* Fake servers of tests: connections to a host, whatever the port, lead to somebody in
 * this process, by a Unix socket with an abstract name, which is no file and no port. The
 * list is the Net's; the loop's thread. */
#ifndef TIDELOCK_NET_FAKES_H
#define TIDELOCK_NET_FAKES_H

#include "core/error.h"
#include "loop/loop.h"

typedef struct NetFake NetFake;

typedef struct FakeEvents {
  bool (*admits)(void *ctx);           /* whether the next connection is not refused */
  void (*accepted)(void *ctx, int fd); /* takes the server's end; from the poll */
} FakeEvents;

/* Returns new, to be closed by its opener; borrows the events. NULL with *err: BUSY (the
 * host is taken), UNSUPPORTED. */
NetFake *fakes_open(NetFake **list, Loop *loop, const char *host,
                    const FakeEvents *events, void *ctx, Error *err);
void fakes_close(NetFake *fake);

/* The one that the URL leads to; NULL: none does. Borrows. */
NetFake *fakes_of(NetFake *list, const char *url);
bool fakes_admit(const NetFake *fake);
const char *fakes_name(const NetFake *fake); /* of its socket, without the first byte */

#endif
