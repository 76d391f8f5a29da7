/* Compares the options of a server, as a ResourceKind wants it: all take ServerOptions,
 * whose strings are owned. */
#ifndef TIDELOCK_RESOURCE_SERVER_OPTIONS_H
#define TIDELOCK_RESOURCE_SERVER_OPTIONS_H

#include "core/buffer.h"
#include "server/door.h"

bool server_options_same(const void *a, const void *b);
bool server_options_same_place(const void *a, const void *b); /* host and port */
bool server_options_same_port(const void *a, const void *b);  /* and it is not any */
void server_options_differ(const void *a, const void *b, Buffer *out);
int server_options_check(const void *options, Error *err);
void server_options_free(void *options);

#endif
