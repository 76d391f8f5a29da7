/* Declaring, as scripts do: checks of names, and what a name that is declared again
 * means. */
#ifndef TIDELOCK_RESOURCE_DECLARE_H
#define TIDELOCK_RESOURCE_DECLARE_H

#include "resource/resources.h"

/* The argument as a name for declare: raises where a zero byte would cut it off. */
const char *declared_name(lua_State *L, int arg);
/* Declares for the generation of L; takes options (also when it raises). A live script's
 * declaration takes effect at once: then *err may be set and NULL returned. */
Declaration *declare(lua_State *L, const ResourceKind *kind, const char *name,
                     void *options, Error *err);
/* The same with options that are functions: references, taken (also when it raises). */
Declaration *declare_with(lua_State *L, const ResourceKind *kind, const char *name,
                          void *options, const int *functions, int count, Error *err);
Declaration *declare_attached(lua_State *L, const ResourceKind *kind, const char *target);

#endif
