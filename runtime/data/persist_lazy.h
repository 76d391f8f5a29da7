/* Branches that are read when code first uses them. persist_fetch of persist.h is here
 * too. Loop thread only. */
#ifndef TIDELOCK_DATA_PERSIST_LAZY_H
#define TIDELOCK_DATA_PERSIST_LAZY_H

#include "data/persist_parts.h"

void source_init(Source *source, Db *db, Rows *rows);
void source_settle(Source *source); /* reads all that is unread */

#endif
