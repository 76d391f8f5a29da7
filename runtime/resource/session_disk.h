/* The file of a session, as the loop sees it: see session_disk.c. Loop thread. */
#ifndef TIDELOCK_RESOURCE_SESSION_DISK_H
#define TIDELOCK_RESOURCE_SESSION_DISK_H

#include "resource/session_parts.h"

void session_disk_init(Session *s, const SessionHooks *hooks);
void session_place(Session *s);      /* its file, when the origin is known */
bool session_kept(const Session *s); /* it has a file */

void session_read_disk(Session *s); /* no other work is under way; then hooks->read */
bool session_look(
    Session *s); /* reads it once more, then hooks->looked; false: not now */
void session_begin_disk(Session *s); /* locks, reads, marks; then hooks->begun */
void session_put(Session *s, SessionRecord *fresh); /* takes it; then hooks->put */
void session_stop_disk(Session *s);

#endif
