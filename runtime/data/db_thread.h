/* The thread of a database. For db.c alone. */
#ifndef TIDELOCK_DATA_DB_THREAD_H
#define TIDELOCK_DATA_DB_THREAD_H

#include "data/db_parts.h"

/* Does jobs until the database is closing and the queue is empty. */
void db_thread_main(void *db);
/* On the loop: puts finished jobs into the inbox, and a change of `trouble`. */
void db_deliver(Db *db);
/* Fills *err: the file was removed or replaced. Returns IO. */
int db_set_gone(const Db *db, Error *err);

#endif
