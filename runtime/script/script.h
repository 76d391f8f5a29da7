/* A script: a name, a path, and its generations. Loading for the first time and reloading
 * are one act (described in transaction.c). */
#ifndef TIDELOCK_SCRIPT_SCRIPT_H
#define TIDELOCK_SCRIPT_SCRIPT_H

#include "script/exit.h"
#include "script/generation.h"

#include "vm/task.h"

typedef struct Runtime Runtime;

/* Adds a script, which script_load is to load for the first time. Returns it (owned by
 * the runtime), or NULL: INVALID, BUSY (name taken). `name` NULL: after its file or
 * folder. args are copied. */
Script *script_new(Runtime *rt, const char *name, const char *path, char *const *args,
                   Error *err);
/* The same, and starts its first load. */
Script *script_add(Runtime *rt, const char *name, const char *path, char *const *args,
                   Error *err);
/* Gives a load under way up and runs the `stop` handler. */
void script_stop(Script *script);
void script_run_on_stop(Script *script, TaskDone *done); /* done gets the script */
void script_end(Script *script, int code);               /* of another: it ends itself */
void script_free(Script *script);
Script *script_of(lua_State *L);                /* borrows */
char *const *script_args(const Script *script); /* NULL-terminated; borrows */
Script *script_find(Runtime *rt, const char *name, size_t len);
bool script_has_work(const Script *script);

#endif
