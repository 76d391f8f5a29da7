/* Standard output and error as scripts reach them: print, io.write, io.stdout, io.stderr.
 * Output is written at once and blocking; the descriptors are shared with other processes
 * and are never made non-blocking. When standard output is closed the runtime ends with
 * status 1: nobody reads any more. */
#ifndef TIDELOCK_SCRIPT_PRINT_H
#define TIDELOCK_SCRIPT_PRINT_H

#include <lua.h>

int f_print(lua_State *L);
int print_open_io(lua_State *L); /* pushes the io table */

#endif
