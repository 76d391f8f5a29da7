#include "loop/descriptors.h"

#include <sys/resource.h>

bool files_spare(int fd) {
  struct rlimit limit;
  return getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY ||
         (rlim_t)fd + FILES_KEPT < limit.rlim_cur;
}
