/* A script that there is not: which one of the same folder was probably meant. */
#ifndef TIDELOCK_SOURCES_NEARBY_H
#define TIDELOCK_SOURCES_NEARBY_H

/* Returns new: ` (did you mean "dir/bot.lua"?)`, or "". */
char *nearby_script(const char *path);

#endif
