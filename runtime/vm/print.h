/* Standard output and error as scripts reach them: print, io.write, io.stdout, io.stderr.
 * None of them waits: the text is queued, and written by another thread, in order. Queued
 * text is charged to the script: while it is more than 1 MiB no new turn of the script
 * begins (hold.h), and a call that would make it more than 64 MiB raises BUFFER_FULL.
 * When standard output cannot be written any more the runtime ends with status 1. */
#ifndef TIDELOCK_VM_PRINT_H
#define TIDELOCK_VM_PRINT_H

#include <lua.h>

int f_print(lua_State *L);
int print_open_io(lua_State *L); /* pushes the io table */

#endif
