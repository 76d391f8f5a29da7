/* on_progress of a request: a function of the script, called in a task of its own. */
#ifndef TIDELOCK_LUA_HTTP_PROGRESS_H
#define TIDELOCK_LUA_HTTP_PROGRESS_H

#include "net/http.h"
#include "vm/vm.h"

typedef struct ProgressCall ProgressCall;

/* Returns new: for the function at `index`; NULL when there is none. May raise. */
ProgressCall *progress_new(lua_State *L, int index);
void progress_free(ProgressCall *call);                        /* NULL is fine */
void progress_tell(void *call, uint64_t done, uint64_t total); /* an HttpProgress */

#endif
