/* The boot clock: it counts the time that the machine sleeps, and nobody sets it. A
 * reading says something to another process of the same boot, so what is kept on disk has
 * the boot's id beside it. Any thread. */
#ifndef TIDELOCK_CORE_BOOT_H
#define TIDELOCK_CORE_BOOT_H

#include "core/base.h"

enum { BOOT_ID = 40 };

double boot_now(void);          /* seconds; without such a clock the monotonic one */
void boot_id(char id[BOOT_ID]); /* another after each start of the machine; "": unknown */

#endif
