/* See boot.h. */
#include "core/boot.h"

#include <ctype.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#ifndef CLOCK_BOOTTIME
#define CLOCK_BOOTTIME CLOCK_MONOTONIC
#endif

double boot_now(void) {
  struct timespec t;
  clock_gettime(CLOCK_BOOTTIME, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

void boot_id(char id[BOOT_ID]) {
  int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
  ssize_t got = fd < 0 ? 0 : read(fd, id, BOOT_ID - 1);
  if (fd >= 0) close(fd);
  size_t len = 0;
  while ((ssize_t)len < got && (isxdigit((unsigned char)id[len]) || id[len] == '-'))
    len++;
  id[len] = '\0';
}
