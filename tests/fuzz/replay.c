/* Runs a fuzz target over the files and folders given, without libFuzzer: what was once
 * found stays mended. `replay NAME PATH...` prints one line. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/buffer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int run_file(const char *path) {
  FILE *file = fopen(path, "rb");
  if (!file) return 0;
  Buffer in = {0};
  size_t got;
  do {
    got = fread(buffer_reserve(&in, 4096), 1, 4096, file);
    in.len += got;
  } while (got > 0);
  fclose(file);
  printf("# %s\n", path); /* the last one named is the one that failed */
  fflush(stdout);
  LLVMFuzzerTestOneInput((const uint8_t *)in.data, in.len);
  buffer_free(&in);
  return 1;
}

static int run(const char *path) {
  struct stat st;
  int count = 0;
  if (stat(path, &st) != 0) return 0;
  if (!S_ISDIR(st.st_mode)) return run_file(path);
  DIR *folder = opendir(path);
  for (struct dirent *e = folder ? readdir(folder) : NULL; e; e = readdir(folder)) {
    char *inner = xasprintf("%s/%s", path, e->d_name);
    if (e->d_name[0] != '.') count += run(inner);
    free(inner);
  }
  if (folder) closedir(folder);
  return count;
}

int main(int argc, char **argv) {
  int count = 0;
  for (int i = 2; i < argc; i++) count += run(argv[i]);
  if (argc < 3 || count == 0) return printf("not ok %s: no input\n", argv[argc > 1]), 1;
  printf("ok %s: %d inputs\n", argv[1], count);
  return 0;
}
